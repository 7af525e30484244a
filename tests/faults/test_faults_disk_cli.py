"""Faults 22 and 24 at the command line: on a full disk every way out stays open; on a read-only one it is said plainly."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from builders import make_run
from test_faults_disk import fill
from trials import SUPERVISOR, Trial, making, tiny, wait_until

from sirtui import supervise
from sirtui.cli import main, starting, waiting
from sirtui.cli.looking import named
from sirtui.core import files
from sirtui.core.layout import StoreFolder
from sirtui.core.plan import plan
from sirtui.core.run import Manifest, Stage, Status
from sirtui.store import Store
from sirtui.supervise import resume

Sirtui = Callable[..., tuple[str, str]]
LEFT = 4 << 20


@pytest.fixture
def root(small_disk: Path) -> Path:
    """Where the store lies."""
    return small_disk / "store"


@pytest.fixture
def sirtui(root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Sirtui:
    """Run a command on the store; what it printed on stdout and stderr. Supervisors it launches have fake stages."""
    monkeypatch.setattr(supervise, "resume", partial(resume, command=SUPERVISOR))

    def run(*arguments: str, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        found = main(["--store", str(root), *arguments])
        told = capsys.readouterr()
        assert found == code, told.err
        return told.out, told.err

    return run


@pytest.fixture
def make(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Trial]]:
    """Make runs whose supervisors keep the index."""
    monkeypatch.setenv("SIRTUI_INDEX", "1")
    with making(StoreFolder(root), monkeypatch) as make:
        yield make


def finished(root: Path, ident: str, size: int = LEFT) -> Path:
    """A finished run; where its training left work in progress, of 4 MB."""
    run = make_run(root, ident)
    for stage in plan(run.spec):
        files.write_record(run.folder.stage(stage).manifest, Manifest(stage.id, 1, 1.0, 0, 0, {}, {}, ()))
    left = run.folder.stage(Stage.parse("it01/train")).partial
    files.write(left / "optimizer.pt", bytes(size))
    run.supervisor(Status.FINISHED, ended=1_800_000_060.0)
    return left


def test_fault_22_every_way_out_of_a_full_disk(root: Path, make: Callable[..., Trial], sirtui: Sirtui) -> None:
    """With no byte left a run that waits is shown, stopped and resumed; pruning makes the room by which it goes on."""
    left = finished(root, "aaaa")
    trial = make()
    trial.launch("it01/train=gate it01/sample=full")
    trial.process("it01/train")
    fill(root.parent, 0)
    (trial.attempt("it01/train").path / "open").touch()
    wait_until(lambda: trial.record.status == Status.WAITING)
    out, err = sirtui("status")
    assert trial.run.name in out
    assert err.endswith("; what follows may be old\n")
    sirtui("stop", "--wait", trial.run.name)
    assert not trial.supervised
    assert trial.living == []
    sirtui("resume", "--accept", trial.run.name)
    wait_until(lambda: trial.record.status == Status.WAITING)
    out, _ = sirtui("prune", "--all", "--yes")
    assert out.endswith("4.2 MB freed\n")
    assert not left.exists()
    assert trial.ended().status == Status.FINISHED


def test_fault_22_no_index_and_no_room_for_one(
    root: Path, make: Callable[..., Trial], sirtui: Sirtui, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run is found by its folder, however it is called; that there is none is not said."""
    monkeypatch.delenv("SIRTUI_INDEX")
    make_run(root, "aaaa", created=0.5)
    trial = make()
    trial.launch("it01/train=hang")
    trial.process("it01/train")
    fill(root.parent, 0)
    out, err = sirtui("status")
    assert out == ""
    assert "note: not in the index yet: tiny-000000, gsm-aaaa\n" in err
    assert named(Store(root), "tiny-000000", "000000", "tiny", "tiny-", "latest") == [trial.run]
    assert "no run is called 'other'" in sirtui("stop", "other", code=2)[1]
    sirtui("stop", "--wait", "latest")
    assert not trial.supervised


def test_fault_22_an_index_older_than_the_run(root: Path, sirtui: Sirtui) -> None:
    """The newest run is the newest folder, and one that the index has never seen is pruned; what was known is shown."""
    old = finished(root, "aaaa")
    index = Store(root)
    index.catch_up()
    new = finished(root, "bbbb", 1 << 20)
    fill(root.parent, 0)
    out, err = sirtui("status")
    assert "gsm-aaaa" in out
    assert "note: not in the index yet: gsm-bbbb\n" in err
    assert sirtui("show", "gsm-aaaa")[0].startswith("gsm-aaaa")
    sirtui("prune", "bbbb", "--yes")
    assert (old.exists(), new.exists()) == (True, False)
    assert "gsm-bbbb" in sirtui("status")[0]
    index.close()


def test_fault_22_an_index_that_nobody_has_open(root: Path, sirtui: Sirtui) -> None:
    """There is no room for the memory its readers share: it is read as it lies."""
    finished(root, "aaaa")
    index = Store(root)
    index.catch_up()
    index.close()
    fill(root.parent, 0)
    out, err = sirtui("status")
    assert "gsm-aaaa  finished" in out
    assert err.endswith("; what follows may be old\n")
    assert sirtui("prune", "latest", "--yes")[0].endswith("4.2 MB freed\n")


@pytest.mark.parametrize(("status", "code"), [(Status.FINISHED, 0), (Status.FAILED, 1), (Status.PAUSED, 3)])
def test_fault_22_waiting_for_a_run_that_the_index_cannot_be_told_of(
    root: Path, capsys: pytest.CaptureFixture[str], status: Status, code: int
) -> None:
    """It ends with the run, by the run's own word."""
    run = make_run(root, "aaaa").supervisor(status, "it is over", "Look at it.")
    fill(root.parent, 0)
    out = StringIO()
    assert waiting.wait(Store(root), run.name, out) == code
    assert out.getvalue() == ("" if code == 0 else f"gsm-aaaa: {status}: it is over\n  Look at it.\n")
    assert capsys.readouterr().err.count("note: ") == 1


def test_fault_22_started_with_the_last_room(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever starts runs learns their names, though the disk is full before the index could be told."""
    monkeypatch.setattr(starting, "launch_supervisor", lambda _run: fill(root.parent, 0))
    (run,) = starting.start_all(Store(root), [tiny()], root / "tiny.toml")
    assert run.record.exists()
    assert capsys.readouterr().err.endswith("; what follows may be old\n")


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """The disk cannot be written."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    yield
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


def test_fault_24_commands_on_a_read_only_store(root: Path, sirtui: Sirtui) -> None:
    """What reads works; what writes says in a sentence which file could not be."""
    left = finished(root, "aaaa")
    sirtui("status")
    with read_only(root.parent):
        assert "gsm-aaaa" in sirtui("status")[0]
        lock = StoreFolder(root).run("gsm-aaaa").supervisor_lock
        assert sirtui("prune", "--all", "--yes", code=1)[1] == f"sirtui: {lock}: Read-only file system\n"
    assert left.exists()
