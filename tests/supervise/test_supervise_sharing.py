"""Equal stages are made once: linked where they are finished, waited for where they are being made."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from stages_made import NOW, a_run, make

from sirtui.core import files
from sirtui.core.events import decode
from sirtui.core.layout import StoreFolder
from sirtui.core.run import ExitRecord, Manifest, Stage
from sirtui.store import Store
from sirtui.supervise import facts, linking
from sirtui.supervise.sharing import Pointer, Sharing

TRAIN, SAMPLE, JUDGE, MEASURE = (Stage.parse(f"it01/{kind}") for kind in ("train", "sample", "judge", "measure"))
IN_TURN = (TRAIN, SAMPLE, JUDGE, MEASURE)


def of(store: StoreFolder, ident: str, **changes: object) -> Sharing:
    """A run that has not begun, and what it shares."""
    run, spec = a_run(store, ident, **changes)
    return Sharing(store, run, spec, now=lambda: NOW + 1000)


def made(store: StoreFolder, ident: str, *stages: Stage, **changes: object) -> Sharing:
    """A run that has finished these stages, for others to find."""
    sharing = of(store, ident, **changes)
    for stage in stages:
        make(store, store.run(f"tiny-{ident}"), stage.id)
        sharing.publish(stage)
    return sharing


def at(store: StoreFolder, ident: str, stage: Stage = TRAIN) -> Path:
    """A stage's folder."""
    return store.run(f"tiny-{ident}").stage(stage).path


def test_methods_share_the_first_iteration(store: StoreFolder) -> None:
    """All of M_1 is linked by a run of another method: the same inodes, one after the other, and nothing of M_2."""
    made(store, "aaaa", *IN_TURN, Stage.parse("it02/train"))
    other = of(store, "bbbb", method="dpo")
    assert [other.link(stage) for stage in IN_TURN] == [f"tiny-aaaa/{stage.id}" for stage in IN_TURN]
    assert other.link(Stage.parse("it02/train")) == ""
    for name in ("train/checkpoint/model.safetensors", "train/selected.jsonl", "measure/measure.jsonl"):
        here, there = (store.run(run).path / "it01" / name for run in ("tiny-aaaa", "tiny-bbbb"))
        assert here.samefile(there)


def test_a_linked_stage_says_where_it_is_from(store: StoreFolder) -> None:
    """Its manifest names the origin, its attempt is over, and no time of the origin's is counted."""
    first = make(store, a_run(store, "aaaa")[0], TRAIN.id)
    Sharing(store, *_again(store, "aaaa")).publish(TRAIN)
    of(store, "bbbb").link(TRAIN)
    folder = store.run("tiny-bbbb").stage(TRAIN)
    manifest = files.read_record(folder.manifest, Manifest)
    assert (manifest.origin, manifest.attempt, manifest.seconds, manifest.cpu_seconds) == ("tiny-aaaa/it01/train", 0, 0.0, 0.0)
    assert (manifest.digest(), manifest.key, manifest.settings) == (first.digest(), first.key, first.settings)
    assert files.read_record(folder.attempt(1).exit, ExitRecord) == ExitRecord(0, NOW + 1000)
    assert sorted(os.listdir(folder.path)) == ["attempt-1", "checkpoint", "manifest.json", "selected.jsonl"]
    original = store.run("tiny-aaaa").stage(TRAIN).attempt(1).log.read_text()
    assert folder.attempt(1).log.read_text() == f"made by tiny-aaaa/it01/train, and linked here; its log:\n{original}"


def _again(store: StoreFolder, ident: str):
    run = store.run(f"tiny-{ident}")
    return run, files.read_record(run.stage(TRAIN).attempt(1).job, linking.JobRecord).spec


def test_a_linked_measure_shows_its_measures(store: StoreFolder) -> None:
    """The index takes measures and curves from the linked stage's own journal, and takes it for finished, in no time."""
    made(store, "aaaa", *IN_TURN)
    other = of(store, "bbbb", method="dpo")
    assert all(map(other.link, IN_TURN))
    index = Store(store.path, lambda: NOW + 1010)
    index.catch_up(patience=5)
    view = index.run("tiny-bbbb")
    assert [(row.id, row.status, row.attempt, row.seconds, row.started, row.ended) for row in view.stages if row.attempt] == [
        (stage.id, "finished", 1, 0.0, NOW + 1000, NOW + 1000) for stage in IN_TURN
    ]
    assert [row.origin for row in view.stages if row.attempt] == [f"tiny-aaaa/{stage.id}" for stage in IN_TURN]
    assert view.iterations[0].cells["pass@1.sampled"].value == 0.25
    assert index.curve("tiny-bbbb", 1, "loss") == ((1, 0.5),)
    index.close()


def test_an_attempt_of_ones_own_stays(store: StoreFolder) -> None:
    """A stage that failed here and was made elsewhere since is linked as a further attempt; progress of its own goes."""
    made(store, "aaaa", TRAIN)
    other = of(store, "bbbb")
    folder = store.run("tiny-bbbb").stage(TRAIN)
    files.write_record(folder.attempt(1).exit, ExitRecord(1, NOW, "out of memory"))
    files.write(folder.partial / "step-10", b"x")
    files.write(folder.checkpoint / "half.bin", b"x")
    assert other.link(TRAIN)
    assert folder.attempts() == [1, 2]
    assert files.read_record(folder.attempt(1).exit, ExitRecord).reason == "out of memory"
    assert not folder.partial.exists()
    assert os.listdir(folder.checkpoint) == ["model.safetensors"]


def test_a_chain_of_links(store: StoreFolder) -> None:
    """Where the first run is gone, one that has linked its result serves the next, and the origin stays on record."""
    made(store, "aaaa", TRAIN)
    of(store, "bbbb").link(TRAIN)
    shutil.rmtree(store.run("tiny-aaaa").path)
    third = of(store, "cccc")
    assert third.link(TRAIN) == "tiny-aaaa/it01/train"
    assert at(store, "cccc").joinpath("selected.jsonl").samefile(at(store, "bbbb") / "selected.jsonl")
    events = (at(store, "cccc") / "attempt-1" / "events.jsonl").read_bytes().splitlines()
    assert [type(decode(line)).__name__ for line in events] == ["Started", "Scalars", "Finished"]
    pointers = [files.read_record(path, Pointer) for path in store.shared.glob("*.json")]
    assert pointers == [Pointer("it01/train", ("tiny-bbbb", "tiny-cccc"))]


def damaged(path: Path) -> None:
    """Another content of the same length."""
    os.chmod(path, 0o600)
    path.write_bytes(path.read_bytes()[::-1])


DAMAGE = {
    "run removed": lambda stage: shutil.rmtree(stage.parent.parent),
    "manifest removed": lambda stage: (stage / "manifest.json").unlink(),
    "file shorter": lambda stage: os.truncate(stage / "selected.jsonl", 1),
    "file changed": lambda stage: damaged(stage / "selected.jsonl"),
    "file removed": lambda stage: (stage / "checkpoint" / "model.safetensors").unlink(),
    "file a link": lambda stage: ((stage / "selected.jsonl").unlink(), (stage / "selected.jsonl").symlink_to("manifest.json")),
    "checkpoint pruned": lambda stage: (stage / "pruned.json").write_text("{}"),
    "another owner": lambda stage: os.chown(stage.parent.parent, 12345, -1),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_what_is_not_whole_is_not_linked(store: StoreFolder, how: str) -> None:
    """Then nothing is left in the stage's folder, and the pointer that led there is gone."""
    if how == "another owner" and os.geteuid():
        pytest.skip("only root can give files away")
    made(store, "aaaa", TRAIN)
    DAMAGE[how](at(store, "aaaa"))
    other = of(store, "bbbb")
    assert other.link(TRAIN) == ""
    assert not at(store, "bbbb").exists()
    assert not list(store.shared.glob("*.json"))
    assert other.claim(TRAIN)


def test_a_large_file_that_was_cut(store: StoreFolder) -> None:
    """Large files are not read again, but their size is compared."""
    run, spec = a_run(store, "aaaa")
    make(store, run, TRAIN.id, "x" * 1_100_000)
    Sharing(store, run, spec).publish(TRAIN)
    os.truncate(run.checkpoint(1) / "model.safetensors", 1_050_000)
    assert of(store, "bbbb").link(TRAIN) == ""


def test_a_pointer_to_another_result(store: StoreFolder) -> None:
    """What a pointer says is checked: the manifest there must have the key."""
    made(store, "aaaa", TRAIN, seed=1)
    other = of(store, "bbbb")
    files.write_record(store.shared / f"{other.key(TRAIN)}.json", Pointer(TRAIN.id, ("tiny-aaaa",)))
    assert other.link(TRAIN) == ""


@pytest.mark.parametrize("name", ["../../elsewhere", "", ".hidden", "tiny-aaaa/../tiny-aaaa"])
def test_a_pointer_names_runs_only(store: StoreFolder, name: str) -> None:
    """What is no run's name is no place."""
    sharing = made(store, "aaaa", TRAIN)
    files.write_record(store.shared / f"{sharing.key(TRAIN)}.json", Pointer(TRAIN.id, (name,)))
    assert of(store, "bbbb").link(TRAIN) == ""


def test_another_key_is_another_result(store: StoreFolder) -> None:
    """A run of another seed shares nothing, and neither does one that says so."""
    made(store, "aaaa", TRAIN)
    assert of(store, "bbbb", seed=1).link(TRAIN) == ""
    assert of(store, "cccc", resources={"share": False}).link(TRAIN) == ""
    assert of(store, "dddd", resources={"share": False}).claim(TRAIN)
    made(store, "eeee", TRAIN, seed=2, resources={"share": False})
    assert of(store, "ffff", seed=2).link(TRAIN) == ""


def test_no_key_before_the_inputs_are_there(store: StoreFolder) -> None:
    """And none for a verdict; the key of a training does not depend on the run."""
    one, other = of(store, "aaaa"), of(store, "bbbb", method="dpo")
    assert one.key(SAMPLE) == ""
    assert one.key(TRAIN) == other.key(TRAIN) != ""
    assert made(store, "cccc", *IN_TURN).key(Stage.parse("it01/verdict")) == ""


def test_a_copy_where_there_are_no_hard_links(store: StoreFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another file system, or one without links: the same content, in files of its own."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    made(store, "aaaa", TRAIN)
    monkeypatch.setattr(os, "link", refuse)
    assert of(store, "bbbb").link(TRAIN)
    here, there = (at(store, run) / "checkpoint" / "model.safetensors" for run in ("aaaa", "bbbb"))
    assert not here.samefile(there)
    assert here.read_bytes() == there.read_bytes()


def test_a_disk_that_is_full_while_linking(store: StoreFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half is left, and the run makes the stage itself rather than wait for a link that will not come."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    made(store, "aaaa", TRAIN)
    other = of(store, "bbbb")
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", refuse)
        assert other.link(TRAIN) == ""
    assert os.listdir(at(store, "bbbb")) == []
    assert other.claim(TRAIN)


def test_killed_while_linking(store: StoreFolder) -> None:
    """What a killed linking left is taken away by the next one."""
    made(store, "aaaa", TRAIN)
    other = of(store, "bbbb")
    files.write(at(store, "bbbb") / ".linked-123" / "checkpoint" / "model.safetensors", b"half")
    assert other.link(TRAIN)
    assert not list(at(store, "bbbb").glob(".linked-*"))


def test_a_finished_or_living_stage_is_left_alone(store: StoreFolder) -> None:
    """Nothing is linked over a result, or under a process."""
    made(store, "aaaa", TRAIN)
    other = of(store, "bbbb")
    held = files.try_lock(store.run("tiny-bbbb").stage(TRAIN).lock)
    assert held is not None
    assert other.link(TRAIN) == ""
    os.close(held)
    assert other.link(TRAIN)
    assert other.link(TRAIN) == ""


def test_one_makes_and_the_other_waits(store: StoreFolder) -> None:
    """While one run makes a result another cannot claim it, and knows who does; then it links."""
    one, other = of(store, "aaaa"), of(store, "bbbb", method="dpo")
    assert one.claim(TRAIN)
    assert one.claim(TRAIN)
    assert not other.claim(TRAIN)
    assert other.maker(TRAIN) == "tiny-aaaa"
    make(store, store.run("tiny-aaaa"), TRAIN.id)
    one.publish(TRAIN)
    one.release(TRAIN)
    assert not other.claim(TRAIN)
    assert other.maker(TRAIN) == ""
    assert other.link(TRAIN) == "tiny-aaaa/it01/train"
    assert not list(store.shared.glob("*.lock"))


def test_given_up(store: StoreFolder) -> None:
    """Where the maker fails, the other makes it."""
    one, other = of(store, "aaaa"), of(store, "bbbb")
    assert one.claim(TRAIN)
    one.release(TRAIN)
    assert other.claim(TRAIN)
    assert one.maker(TRAIN) == "tiny-bbbb"
    other.release(TRAIN)


def test_a_lock_that_was_just_given_back(store: StoreFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opened its file before it was removed holds nothing: a third one may have a new file by now."""
    one, other, third = (of(store, ident) for ident in ("aaaa", "bbbb", "cccc"))
    one.claim(TRAIN)
    try_lock = files.try_lock

    def late(path: Path) -> int | None:
        opened = os.open(path, os.O_RDWR)
        one.release(TRAIN)
        monkeypatch.setattr(files, "try_lock", try_lock)
        assert third.claim(TRAIN)
        lock = try_lock(Path(f"/proc/self/fd/{opened}"))
        os.close(opened)
        return lock

    monkeypatch.setattr(files, "try_lock", late)
    assert not other.claim(TRAIN)
    assert one.maker(TRAIN) == "tiny-cccc"
    third.release(TRAIN)


CLAIM = """
import sys, time
from pathlib import Path
from sirtui.core import files
from sirtui.core.layout import StoreFolder
from sirtui.core.run import RunRecord, Stage
from sirtui.supervise.sharing import Sharing
store = StoreFolder(Path(sys.argv[1]))
run = store.run("tiny-aaaa")
assert Sharing(store, run, files.read_record(run.record, RunRecord).spec).claim(Stage.parse("it01/train"))
print("claimed", flush=True)
time.sleep(60)
"""


def test_a_maker_that_is_killed(store: StoreFolder) -> None:
    """Its claim dies with it."""
    of(store, "aaaa")
    other = of(store, "bbbb")
    with subprocess.Popen([sys.executable, "-c", CLAIM, str(store.path)], stdout=subprocess.PIPE, text=True) as maker:
        assert maker.stdout is not None
        assert maker.stdout.readline() == "claimed\n"
        assert not other.claim(TRAIN)
        assert other.maker(TRAIN) == "tiny-aaaa"
        maker.send_signal(signal.SIGKILL)
        maker.wait()
    assert other.claim(TRAIN)


def test_a_claim_that_a_guard_holds_too(store: StoreFolder) -> None:
    """The lock can be handed on: it lasts until both have let go."""
    one, other = of(store, "aaaa"), of(store, "bbbb")
    assert one.descriptor(TRAIN) is None
    one.claim(TRAIN)
    held = one.descriptor(TRAIN)
    assert held is not None
    guard = os.dup(held)
    os.close(held)
    assert not other.claim(TRAIN)
    os.close(guard)
    assert other.claim(TRAIN)


def test_a_recipe_of_ones_own(store: StoreFolder, tmp_path: Path) -> None:
    """Its content counts, and that of the files beside it that it names, wherever they are named; a mere touch does not."""
    recipe, helper, table = (tmp_path / name for name in ("mine.py", "helper.py", "problems.jsonl"))
    recipe.write_text("import helper\n")
    helper.write_text("open('problems.jsonl')\n")
    table.write_text("{}")
    (tmp_path / "unrelated.csv").write_text("1")
    sharing = of(store, "aaaa", task=str(recipe))
    keys = [sharing.key(TRAIN)]
    (tmp_path / "unrelated.csv").write_text("2")
    os.utime(recipe, (1, 1))
    assert sharing.key(TRAIN) == keys[0]
    for path in (recipe, helper, table):
        path.write_text(path.read_text() + " ")
        keys.append(sharing.key(TRAIN))
    assert len(set(keys)) == 4


def test_data_and_a_model_in_a_folder(store: StoreFolder, tmp_path: Path) -> None:
    """Their names, sizes and times count."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    data = tmp_path / "data.jsonl"
    data.write_text("1")
    sharing = of(store, "aaaa", base_model=str(model), data=str(data))
    keys = [sharing.key(TRAIN)]
    data.write_text("12")
    keys.append(sharing.key(TRAIN))
    os.utime(model / "config.json", (1, 1))
    keys.append(sharing.key(TRAIN))
    (model / "more.bin").write_text("x")
    keys.append(sharing.key(TRAIN))
    data.unlink()
    keys.append(sharing.key(TRAIN))
    assert len(set(keys)) == 5


def test_versions_go_in(store: StoreFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of a library is another result; so is a GPU, for what loads the model."""
    sharing = made(store, "aaaa", *IN_TURN)
    train, judge = sharing.key(TRAIN), sharing.key(JUDGE)
    with monkeypatch.context() as patch:
        patch.setattr(facts, "_GPUS", (store.path,))
        patch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        assert sharing.key(TRAIN) != train
        assert sharing.key(JUDGE) == judge
    monkeypatch.setattr(facts, "versions", lambda: {"torch": "0"})
    assert sharing.key(TRAIN) != train


def test_a_model_in_a_package(store: StoreFolder) -> None:
    """It counts by the package's version, also where the package is not called like its module."""
    assert facts.about(a_run(store, "aaaa", base_model="package:msgspec/x")[1], TRAIN)["packages"] == {
        "msgspec": facts._version("msgspec")
    }
    assert facts._version_of_module("sqlite_utils") == facts._version("sqlite-utils") != ""
    assert facts._version_of_module("_pytest") == facts._version("pytest") != ""
