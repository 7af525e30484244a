"""Which checkpoints may go, and that nothing else does, whenever it is interrupted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from builders import a_verdict, held
from msgspec.structs import replace
from stages_made import NOW, a_run, a_spec, make

from sirtui.core import files
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.plan import plan
from sirtui.core.run import Kind, Manifest, RunRecord, Stage
from sirtui.core.spec import Spec, Topup
from sirtui.core.verdict import Keep
from sirtui.supervise import retention
from sirtui.supervise.retention import Pruned, needs_pruned, prunable, prune, retain, set_aside, staying
from sirtui.supervise.sharing import Sharing

FOUR = {"iterations": 4, "evaluation": {"repeats": 1}}


def judge(run: RunFolder, t: int, keep: int | None) -> None:
    """Let the verdict on M_t recommend this checkpoint."""
    best = None if keep is None else Keep(keep, 0.5, 0.1, None, None, "the highest")
    files.write_record(run.verdict(t), a_verdict(t, "progress", keep=best))
    files.write_record(run.stage(Stage(t, Kind.VERDICT)).manifest, Manifest(f"it{t:02}/verdict", 1, NOW, 0, 0, {}, {}, ()))


def a_finished_run(store: StoreFolder, ident: str = "aaaa", keep: int | None = 2, **changes: object) -> tuple[RunFolder, Spec]:
    """Four iterations, all done, M_2 recommended."""
    run, spec = a_run(store, ident, **{**FOUR, **changes})
    for stage in plan(spec):
        if stage.kind is Kind.VERDICT:
            judge(run, stage.t, keep if stage.t > 1 else None)
        else:
            make(store, run, stage.id, f"M_{stage.t} of {ident}")
    return run, spec


def undo(run: RunFolder, *stages: str) -> None:
    """Let these stages not be done yet."""
    for stage in stages:
        run.stage(Stage.parse(stage)).manifest.unlink()


def going(run: RunFolder, spec: Spec) -> list[int]:
    """The iterations whose checkpoints may go."""
    return [each.t for each in prunable(run, spec) if each.is_checkpoint]


def test_the_recommended_and_the_last_stay(store: StoreFolder) -> None:
    """Of a finished run all other checkpoints go, and it is said why these stay."""
    run, spec = a_finished_run(store)
    assert going(run, spec) == [1, 3]
    assert staying(run, spec) == {2: "recommended by the verdict on it04", 4: "the last one"}


def test_nothing_goes_before_a_recommendation(store: StoreFolder) -> None:
    """Without a verdict that says which to keep, all stay."""
    run, spec = a_finished_run(store, keep=None)
    assert going(run, spec) == []
    assert set(staying(run, spec).values()) == {"no verdict has recommended one to keep yet"}


def test_of_several_looks_the_last_counts(store: StoreFolder) -> None:
    """The newest verdict is that on the last iteration, after its last topup."""
    run, _ = a_finished_run(store)
    spec = a_spec(**FOUR, topups=[{"t": 4}])
    for stage in set(plan(spec)) - set(plan(a_spec(**FOUR))):
        files.write_record(run.stage(stage).manifest, Manifest(stage.id, 1, NOW, 0, 0, {}, {}, ()))
    files.write_record(run.verdict(4, 2), a_verdict(4, "progress", look=2, keep=Keep(3, 0.5, 0.1, None, None, "")))
    assert going(run, spec) == [1, 2]


@pytest.mark.parametrize(
    ("missing", "stays"),
    [
        (["it03/train", "it03/sample", "it04/train", "it04/sample"], {1: None, 2: "the last one"}),
        (["it04/train", "it04/sample"], {1: None, 3: "the last one"}),
        (["it01/repeat-2/sample"], {1: "recommended by the verdict on it04", 4: "the last one"}),
        (["it02/sample"], {1: None, 2: "it02/sample needs it", 4: "the last one"}),
        (["it02/repeat-2/sample"], {1: None, 2: "it02/repeat-2/sample needs it", 4: "the last one"}),
        (["it03/train"], {1: None, 2: "it03/train needs it", 4: "the last one"}),
        (["it03/judge", "it03/measure"], {1: None, 4: "the last one"}),
    ],
)
def test_what_a_planned_stage_loads_stays(store: StoreFolder, missing: list[str], stays: dict[int, str | None]) -> None:
    """The checkpoint that a stage still to come trains from, or samples, beside the recommended M_1 and the last."""
    run, spec = a_finished_run(store, keep=1, topups=[{"t": 2}])
    undo(run, *missing)
    assert staying(run, spec) == {t: why or "recommended by the verdict on it04" for t, why in stays.items()}


def test_training_from_the_base_model_needs_no_checkpoint(store: StoreFolder) -> None:
    """With `init = "base"` only sampling loads what was trained."""
    run, spec = a_finished_run(store, init="base")
    undo(run, "it04/train", "it04/sample")
    assert going(run, spec) == [1]
    assert staying(run, spec)[3] == "the last one"


def test_a_topup_needs_what_it_samples(store: StoreFolder) -> None:
    """Both M_t and M_1."""
    run, spec = a_finished_run(store)
    assert going(run, replace(spec, topups=(Topup(3),))) == []


def test_a_stage_at_work_keeps_its_checkpoint(store: StoreFolder) -> None:
    """Also one that has its manifest and has not ended yet."""
    run, spec = a_finished_run(store)
    with held(run.stage(Stage.parse("it03/sample")).lock):
        assert going(run, spec) == [1]


def test_another_run_that_starts_from_it(store: StoreFolder) -> None:
    """A checkpoint that another run of the store has as its base model stays."""
    run, spec = a_finished_run(store)
    a_run(store, "bbbb", base_model=str(run.checkpoint(3).resolve()))
    assert going(run, spec) == [1]
    assert staying(run, spec)[3] == "tiny-bbbb starts from it"


def test_pruning(store: StoreFolder) -> None:
    """The files go, that they did is on record, manifests and all else stay; a second time there is nothing."""
    run, spec = a_finished_run(store)
    which = prunable(run, spec)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file() and "checkpoint" not in path.parts}
    assert prune(run, which, now=lambda: NOW) == 2 * len("M_1 of aaaa")
    assert [t for t in range(1, 5) if run.checkpoint(t).exists()] == [2, 4]
    record = files.read_record(run.stage(Stage(1, Kind.TRAIN)).pruned, Pruned)
    assert record == Pruned(NOW, len("M_1 of aaaa"), "neither recommended nor the last, and nothing needs it")
    assert all(path.read_bytes() == content for path, content in before.items())
    assert prunable(run, spec) == ()
    assert set(staying(run, spec)) == {2, 4}


def test_a_recommendation_of_what_is_gone(store: StoreFolder) -> None:
    """A later verdict may prefer a checkpoint that was pruned before: then what an earlier one recommended stays."""
    run, spec = a_finished_run(store)
    prune(run, prunable(run, spec))
    judge(run, 4, 1)
    assert staying(run, spec) == {2: "recommended by the verdict on it03", 4: "the last one"}
    judge(run, 2, 1)
    judge(run, 3, 1)
    assert going(run, spec) == []


def test_retention_ends_no_run(store: StoreFolder) -> None:
    """What cannot be deleted now may be after the next verdict."""
    run, spec = a_finished_run(store, resources={"retain": "keep+last"})
    run.stage(Stage(1, Kind.TRAIN)).pruned.mkdir()
    assert retain(run, spec) == 0
    run.record.write_text("{")
    assert retain(run, spec) == 0


def test_interrupted(store: StoreFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between word and deed, the next pruning ends it; what is half gone is not taken for a checkpoint."""
    run, spec = a_finished_run(store)
    which = prunable(run, spec)

    def interrupt(_path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", interrupt)
        with pytest.raises(KeyboardInterrupt):
            prune(run, which)
    left = [each for each in prunable(run, spec) if each.is_checkpoint]
    assert {each.reason for each in left} == {"its deletion was begun"}
    assert needs_pruned(run, spec, [Stage(1, Kind.SAMPLE, 3)])
    prune(run, left)
    assert prunable(run, spec) == ()


def test_what_is_needed_since_is_not_deleted(store: StoreFolder) -> None:
    """A topup that was planned between the list and the deletion keeps its checkpoints."""
    run, spec = a_finished_run(store)
    which = prunable(run, spec)
    record = files.read_record(run.record, RunRecord)
    files.write_record(run.record, replace(record, spec=replace(spec, topups=(Topup(3),))))
    assert prune(run, which) == 0
    assert all(run.checkpoint(t).exists() for t in range(1, 5))


def test_a_run_at_work(store: StoreFolder) -> None:
    """It may be pruned of what it does not need, also by its own supervisor."""
    run, spec = a_finished_run(store)
    undo(run, "it04/train", "it04/sample")
    with held(run.supervisor_lock):
        assert prune(run, prunable(run, spec)) > 0
    assert [t for t in range(1, 4) if run.checkpoint(t).exists()] == [2, 3]


def test_retention(store: StoreFolder) -> None:
    """As the experiment says: all stay by default, else as pruning would, but for leftovers."""
    run, spec = a_finished_run(store)
    assert retain(run, spec) == 0
    files.write(run.stage(Stage.parse("it02/train")).partial / "step-1", b"x")
    resources = replace(spec.resources, retain="keep+last")
    assert retain(run, replace(spec, resources=resources)) == 22
    assert going(run, spec) == []
    assert len(prunable(run, spec)) == 1


def test_hard_links_free_nothing(store: StoreFolder) -> None:
    """A checkpoint that another run has too is no gain until the last one goes; the other run keeps it."""
    run, spec = a_finished_run(store)
    Sharing(store, run, spec).publish(Stage(1, Kind.TRAIN))
    other, of_other = a_run(store, "bbbb")
    assert Sharing(store, other, of_other).link(Stage(1, Kind.TRAIN))
    first, _ = prunable(run, spec)
    assert (first.bytes, "11 more are shared" in first.reason.replace("0 kB", "11")) == (0, True)
    assert prune(run, [first]) == 0
    assert (other.checkpoint(1) / "model.safetensors").read_text() == "M_1 of aaaa"


def test_a_pruned_checkpoint_is_not_linked(store: StoreFolder) -> None:
    """Nobody takes over what is gone."""
    run, spec = a_finished_run(store)
    Sharing(store, run, spec).publish(Stage(1, Kind.TRAIN))
    prune(run, prunable(run, spec))
    assert Sharing(store, *a_run(store, "bbbb")).link(Stage(1, Kind.TRAIN)) == ""


def test_leftovers(store: StoreFolder) -> None:
    """What attempts have left behind: of finished stages, of dead attempts, of other settings."""
    run, spec = a_finished_run(store, keep=None)
    undo(run, "it04/train", "it04/sample")
    done, undone = run.stage(Stage.parse("it03/train")), run.stage(Stage.parse("it04/train"))
    for folder in (done, undone):
        for name in ("partial", "partial.old-1", "attempt-1/scratch", "attempt-1/out", ".linked-7"):
            files.write(folder.path / name / "x", b"1234")
    expected = {done.path / "partial", done.path / ".linked-7"}
    for folder in (done, undone):
        expected |= {folder.path / name for name in ("partial.old-1", "attempt-1/scratch", "attempt-1/out")}
    found = prunable(run, spec)
    assert {each.path for each in found} == expected
    with held(undone.lock):
        assert {each.t for each in prunable(run, spec)} == {3}
    assert prune(run, found) == 4 * len(expected)
    assert (undone.partial / "x").exists()
    assert done.attempt(1).log.exists()


def test_damaged_indexes(store: StoreFolder) -> None:
    """Copies that were set aside can go; the index itself stays."""
    for name in ("sirtui.db", "sirtui.db.broken-1", "sirtui.db.broken-2"):
        files.write(store.path / name, b"123")
    which = set_aside(store)
    assert [(each.path.name, each.bytes) for each in which] == [("sirtui.db.broken-1", 3), ("sirtui.db.broken-2", 3)]
    assert retention.delete(which) == 6
    assert os.listdir(store.path) == ["sirtui.db"]


def test_a_checkpoint_elsewhere(store: StoreFolder, tmp_path: Path) -> None:
    """One that was moved to another disk and is but a link here is left alone."""
    run, spec = a_finished_run(store)
    run.checkpoint(1).rename(tmp_path / "moved")
    run.checkpoint(1).symlink_to(tmp_path / "moved")
    assert going(run, spec) == [3]


def test_who_needs_what_is_gone(store: StoreFolder) -> None:
    """It is said which stage needs which checkpoint, and since when that is gone."""
    run, spec = a_finished_run(store)
    prune(run, prunable(run, spec), now=lambda: 1_800_000_000)
    later = replace(spec, topups=(Topup(3),))
    stages = [stage for stage in plan(later) if not run.stage(stage).manifest.exists()]
    assert needs_pruned(run, later, stages) == "it03/repeat-2/sample needs the checkpoint of it03, which was pruned on 2027-01-15"
    assert needs_pruned(run, spec, [Stage(4, Kind.SAMPLE), Stage(3, Kind.JUDGE), Stage(1, Kind.TRAIN)]) == ""
    assert needs_pruned(run, spec, [Stage(2, Kind.TRAIN)]).startswith("it02/train needs the checkpoint of it01")
