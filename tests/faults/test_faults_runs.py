"""A run that is not what it was: its configuration changed, or its folder gone."""

from __future__ import annotations

import io
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from builders import a_verdict
from msgspec.structs import replace
from stages_made import a_run, make
from trials import Trial, wait_until

from sirtui import supervise
from sirtui.cli import main
from sirtui.core import files
from sirtui.core.layout import StoreFolder
from sirtui.core.plan import plan
from sirtui.core.process import alive
from sirtui.core.run import Kind, Manifest, RunRecord, Stage, Status
from sirtui.core.verdict import Keep
from sirtui.store import Store
from sirtui.supervise.changes import Accepted
from sirtui.supervise.retention import Pruned, prunable, prune
from sirtui.supervise.sharing import Sharing

Make = Callable[..., Trial]
TRAIN = Stage.parse("it01/train")


class Terminal(io.StringIO):
    """Someone who types this."""

    def isatty(self) -> bool:
        """Someone is there."""
        return True


@pytest.fixture
def changed(make_trial: Make, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """A run that failed, and whose configuration was changed since; resuming it uses fake stages."""
    trial = make_trial()
    trial.launch("it01/sample=crash")
    trial.ended()
    record = files.read_record(trial.run.record, RunRecord)
    spec = replace(record.spec, sampling=replace(record.spec.sampling, n=40))
    files.write_record(trial.run.record, replace(record, spec=spec))
    monkeypatch.setattr(supervise, "resume", lambda run, *, force, anew: trial.resume(force=force))
    return trial


def resume(trial: Trial, *options: str) -> int:
    """As someone types it."""
    return main(["--store", str(trial.run.path.parent.parent), "resume", trial.run.name, *options])


def test_fault_28_changed_configuration(
    changed: Trial, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The difference is shown. With nobody to ask, and after a no, nothing starts; a yes goes on, and is on record."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert resume(changed) == 2
    told = capsys.readouterr().err
    assert "sampling.n: 50 -> 40" in told
    assert "--accept" in told
    monkeypatch.setattr(sys, "stdin", Terminal("\n"))
    assert resume(changed) == 1
    assert "Go on with these? [y/N]" in capsys.readouterr().err
    assert changed.attempts("it01/sample") == [1]
    assert not (changed.run.path / "control" / "accepted.json").exists()
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert resume(changed) == 0
    assert changed.ended().status is Status.FINISHED
    record = files.read_record(changed.run.path / "control" / "accepted.json", Accepted)
    assert [(each.key, each.before, each.now) for each in record.entries[0].changes] == [("sampling.n", "50", "40")]
    assert abs(record.entries[0].at - time.time()) < 60


def test_fault_28_accepted_beforehand(
    changed: Trial, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--accept` shows the difference, and goes on without a question."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert resume(changed, "--accept") == 0
    assert "sampling.n: 50 -> 40" in capsys.readouterr().err
    assert changed.ended().status is Status.FINISHED
    assert changed.attempts("it01/train") == [1]
    assert changed.attempts("it01/sample") == [1, 2]


def test_fault_28_nothing_changed(make_trial: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Then nobody is asked."""
    trial = make_trial()
    trial.launch("it01/sample=crash")
    trial.ended()
    monkeypatch.setattr(supervise, "resume", lambda run, *, force, anew: trial.resume(force=force))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert resume(trial) == 0
    assert capsys.readouterr().err == ""
    assert trial.ended().status is Status.FINISHED


def known(store: StoreFolder) -> set[str]:
    """The runs that the index holds."""
    index = Store(store.path)
    try:
        index.catch_up(patience=5)
        return {row.name for row in index.runs()}
    finally:
        index.close()


def test_fault_29_run_removed(store: StoreFolder, make_trial: Make) -> None:
    """A run removed at work: it ends and does not come back, the index forgets it, and what others linked of it stays."""
    trial = make_trial()
    spec = files.read_record(trial.run.record, RunRecord).spec
    make(store, trial.run, TRAIN.id, "the one and only M_1")
    Sharing(store, trial.run, spec).publish(TRAIN)
    other = Sharing(store, *a_run(store, "bbbb", seed=spec.seed, iterations=1))
    assert other.link(TRAIN) == f"{trial.run.name}/it01/train"
    trial.launch("it01/sample=hang")
    trial.process("it01/sample")
    assert known(store) == {trial.run.name, "tiny-bbbb"}
    supervisor = trial.record.process
    shutil.rmtree(trial.run.path, ignore_errors=True)
    wait_until(lambda: not alive(supervisor) and not trial.living)
    assert not trial.run.path.exists()
    assert known(store) == {"tiny-bbbb"}
    assert (store.run("tiny-bbbb").checkpoint(1) / "model.safetensors").read_text() == "the one and only M_1"


def test_fault_29_pointers_to_a_removed_run(store: StoreFolder) -> None:
    """Who comes later links from another run that has the result; when that is gone too, so is the pointer."""
    first, spec = a_run(store, "aaaa")
    make(store, first, TRAIN.id)
    Sharing(store, first, spec).publish(TRAIN)
    assert Sharing(store, *a_run(store, "bbbb")).link(TRAIN)
    shutil.rmtree(first.path)
    assert Sharing(store, *a_run(store, "cccc")).link(TRAIN) == "tiny-aaaa/it01/train"
    shutil.rmtree(store.run("tiny-bbbb").path)
    shutil.rmtree(store.run("tiny-cccc").path)
    last = Sharing(store, *a_run(store, "dddd"))
    assert last.link(TRAIN) == ""
    assert list(store.shared.iterdir()) == []
    assert last.claim(TRAIN)


def test_fault_29_a_file_in_its_place(store: StoreFolder, tmp_path: Path) -> None:
    """A run's name that someone gave to something else is no run to link from."""
    first, spec = a_run(store, "aaaa")
    make(store, first, TRAIN.id)
    Sharing(store, first, spec).publish(TRAIN)
    first.path.rename(tmp_path / "elsewhere")
    first.path.symlink_to(tmp_path / "elsewhere")
    assert Sharing(store, *a_run(store, "bbbb")).link(TRAIN) == ""


def fill(path: Path) -> None:
    """Write until there is no room for another byte."""
    with suppress(OSError), path.open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)


def test_fault_22_pruning_a_full_disk(small_disk: Path) -> None:
    """Where there is no room for another byte, pruning makes some, and what it did is on record."""
    store = StoreFolder(small_disk / "store")
    run, spec = a_run(store, "aaaa", iterations=3)
    for stage in plan(spec):
        if stage.kind is Kind.TRAIN:
            make(store, run, stage.id, "x" * 500_000)
        else:
            files.write_record(run.stage(stage).manifest, Manifest(stage.id, 1, 1.0, 0, 0, {}, {}, ()))
    keep = Keep(2, 0.5, 0.1, None, None, "the highest")
    files.write_record(run.verdict(3), a_verdict(3, "progress", keep=keep))
    (run.checkpoint(1) / "config.json").write_text("{}")
    fill(small_disk / "filler")
    with pytest.raises(OSError, match="No space"):
        files.write(small_disk / "more", b"x")
    assert prune(run, prunable(run, spec)) == 500_000
    assert not run.checkpoint(1).exists()
    assert files.read_record(run.stage(TRAIN).pruned, Pruned).bytes == 500_002
