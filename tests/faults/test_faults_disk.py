"""Fault 22: a disk that is full, while a stage works and while the supervisor has something to say."""

from collections.abc import Callable
from pathlib import Path

import pytest
from trials import Trial, making, wait_until

from sirtui.core.layout import StoreFolder
from sirtui.core.run import Status

Make = Callable[..., Trial]


def fill(disk: Path, leave: int) -> Path:
    """A file of someone else's that leaves so many bytes."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    with filler.open("r+b") as file:
        file.truncate(filler.stat().st_size - leave)
    return filler


@pytest.mark.parametrize("left", [256 * 1024, 0])
def test_fault_22_a_full_disk_pauses_the_run(small_disk: Path, monkeypatch: pytest.MonkeyPatch, left: int) -> None:
    """A stage without room ends, the run waits and says so, and goes on by itself when there is room; also with none at all."""
    with making(StoreFolder(small_disk / "store"), monkeypatch) as make:
        trial = make()
        trial.launch("it01/train=gate it01/sample=full")
        trial.process("it01/train")
        filler = fill(small_disk, left)
        (trial.attempt("it01/train").path / "open").touch()
        wait_until(lambda: trial.record.status == Status.WAITING)
        assert trial.record.reason.startswith("waits for room on the disk: ")
        assert trial.supervised
        filler.unlink()
        assert trial.ended().status == Status.FINISHED
        assert trial.attempts("it01/sample") == ([1, 2] if left else trial.attempts("it01/sample"))
        assert trial.living == []


def test_fault_22_the_end_is_told_on_a_full_disk(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard and a supervisor tell their ends with room of their own."""
    with making(StoreFolder(small_disk / "store"), monkeypatch) as make:
        trial = make()
        trial.launch("it01/train=hang")
        state = trial.state("it01/train")
        fill(small_disk, 0)
        trial.kill(state.payload)
        assert (trial.ended().status, trial.record.reason) == (Status.FAILED, "it01/train: killed by signal 9 (SIGKILL)")
        assert trial.exit("it01/train").code == -9
