"""What is different before a run goes on: told once, until someone accepts it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace
from stages_made import NOW, a_run, a_spec, make

from sirtui.core import files
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.run import Origin, RunRecord, Stage
from sirtui.core.spec import Spec, Topup
from sirtui.supervise import facts
from sirtui.supervise.changes import Acceptance, Accepted, Change, accept, changes, notes
from sirtui.supervise.sharing import Sharing

TRAIN = Stage.parse("it01/train")


def begun(store: StoreFolder, **settings: object) -> RunFolder:
    """A run that has trained M_1."""
    run, spec = a_run(store, "aaaa", **settings)
    assert Sharing(store, run, spec).claim(TRAIN)
    make(store, run, "it01/train")
    return run


def rewrite(run: RunFolder, spec: Spec | None = None, **more: object) -> None:
    """Let run.json say something else."""
    record = files.read_record(run.record, RunRecord)
    files.write_record(run.record, replace(record, spec=spec or record.spec, **more))


def test_nothing_changed(store: StoreFolder) -> None:
    """A run that has not begun, and one that has: no differences."""
    assert changes(a_run(store, "bbbb")[0]) == ()
    run = begun(store)
    rewrite(run, origin=Origin(versions=dict(facts.versions())))
    assert changes(run) == ()


def test_the_experiment(store: StoreFolder) -> None:
    """Dotted keys with both values; a topup is no difference."""
    run = begun(store, train={"sft": {"learning_rate": 0.1}})
    other = a_spec(sampling={"n": 40}, evaluation={"repeats": 0, "ood": ["nano-algebra"]}, train={"sft": {"max_steps": 3}})
    rewrite(run, replace(other, topups=(Topup(2),)))
    assert set(changes(run)) == {
        Change("sampling.n", "50", "40"),
        Change("evaluation.ood", "null", '["nano-algebra"]'),
        Change("train.sft.learning_rate", "0.1", "none"),
        Change("train.sft.max_steps", "none", "3"),
    }


def test_the_newest_attempt_counts(store: StoreFolder) -> None:
    """What was accepted and worked with since is the state of things."""
    run = begun(store)
    rewrite(run, a_spec(sampling={"n": 40}))
    make(store, run, "it01/sample", at=NOW + 10)
    assert changes(run) == ()
    rewrite(run, a_spec())
    assert changes(run) == (Change("sampling.n", "40", "50"),)


def test_versions(store: StoreFolder) -> None:
    """Of what decides results, against those that the run was started with; a package that is gone is told too."""
    run = begun(store)
    now = facts.versions()
    told = {**now, "msgspec": "0", "sirtui": "0.0.1", "vllm": "0.1"}
    rewrite(run, origin=Origin(versions=told))
    gone = [] if "vllm" in now else [Change("version of vllm", "0.1", "none")]
    assert list(changes(run)) == [Change("version of sirtui", "0.0.1", now["sirtui"]), *gone]


def test_files(store: StoreFolder, tmp_path: Path) -> None:
    """A recipe of one's own and a data file that are not what the stages have read; a mere touch of a recipe is nothing."""
    recipe, data = tmp_path / "task.py", tmp_path / "data.jsonl"
    recipe.write_text("A = 1")
    data.write_text("1")
    os.utime(data, (NOW, NOW))
    run = begun(store, task=str(recipe), data=str(data))
    os.utime(recipe, (NOW, NOW))
    assert changes(run) == ()
    recipe.write_text("A = 2")
    data.write_text("12")
    one, other = changes(run)
    assert {one.key, other.key} == {str(recipe), str(data)}
    assert one.before != one.now
    recipe.unlink()
    assert next(each.now for each in changes(run) if each.key == str(recipe)) == "missing"


def test_accepted(store: StoreFolder) -> None:
    """It is on record with its time, and not told again; another value is."""
    run = begun(store)
    rewrite(run, a_spec(sampling={"n": 40}))
    found = changes(run)
    accept(run, found, now=lambda: NOW)
    assert files.read_record(run.path / "control" / "accepted.json", Accepted) == Accepted((Acceptance(NOW, found),))
    assert changes(run) == ()
    rewrite(run, a_spec(sampling={"n": 30}))
    assert changes(run) == (Change("sampling.n", "50", "30"),)
    accept(run, changes(run), now=lambda: NOW + 1)
    assert changes(run) == ()
    rewrite(run, a_spec())
    assert changes(run) == ()


def test_accepted_versions(store: StoreFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """From then on these are what others are compared with, the first ones included."""
    run = begun(store)
    rewrite(run, origin=Origin(versions={"torch": "2.8"}))
    for before, now in (("2.8", "2.9"), ("2.9", "2.10"), ("2.10", "2.8")):
        monkeypatch.setattr(facts, "versions", lambda now=now: {"torch": now})
        assert changes(run) == (Change("version of torch", before, now),)
        accept(run, changes(run))
        assert changes(run) == ()


def test_accepting_nothing(store: StoreFolder) -> None:
    """Leaves no record."""
    run = begun(store)
    accept(run, ())
    assert not (run.path / "control" / "accepted.json").exists()


def test_a_file_that_changed_while_it_worked(store: StoreFolder, tmp_path: Path) -> None:
    """What the last stage has read counts, not what the first did."""
    recipe = tmp_path / "task.py"
    recipe.write_text("A = 1")
    run = begun(store, task=str(recipe))
    recipe.write_text("A = 2")
    assert changes(run)
    Sharing(store, run, files.read_record(run.record, RunRecord).spec).claim(Stage.parse("it01/sample"))
    assert changes(run) == ()


@pytest.mark.parametrize(("changed", "told"), [(NOW - 1, 0), (NOW + 1, 1)])
def test_the_experiment_file(store: StoreFolder, tmp_path: Path, changed: float, told: int) -> None:
    """It may be another by now: a note, since the run keeps what it was started with."""
    file = tmp_path / "tiny.toml"
    file.write_text("")
    os.utime(file, (changed, changed))
    run = begun(store)
    rewrite(run, origin=Origin(file=str(file)))
    assert len(notes(run)) == told
    assert all(note.startswith(str(file)) for note in notes(run))
    file.unlink()
    assert notes(run) == ()
    assert changes(run) == ()
