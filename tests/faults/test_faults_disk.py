"""Fault 22: a disk that is full, while a stage works and while the supervisor has something to say."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from toying import EXPERIMENT, TOY
from trials import Trial, making, wait_until

from sirtui.cli.planned import check_room
from sirtui.core.errors import SirtuiError
from sirtui.core.layout import StoreFolder
from sirtui.core.run import Status
from sirtui.core.spec import load

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


def test_fault_22_an_index_on_the_same_disk(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor that cannot bring the index up to date, nor say so in its log, goes on all the same."""
    monkeypatch.setenv("SIRTUI_INDEX", "1")
    with making(StoreFolder(small_disk / "store"), monkeypatch) as make:
        trial = make()
        trial.launch("it01/train=gate")
        trial.process("it01/train")
        filler = fill(small_disk, 0)
        (trial.attempt("it01/train").path / "open").touch()
        wait_until(lambda: trial.record.status == Status.WAITING)
        assert trial.supervised
        filler.unlink()
        assert trial.ended().status == Status.FINISHED


def test_fault_22_refused_below_what_the_checkpoints_take(small_disk: Path, tmp_path: Path) -> None:
    """A run is not begun where there is no room for its checkpoints, unless that is asked for."""
    shutil.copy(TOY, tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(bytes(3 << 20))
    (tmp_path / "toy.toml").write_text(EXPERIMENT)
    specs = [load(tmp_path / "toy.toml")]
    with pytest.raises(SirtuiError, match=r"the checkpoints alone take 9\.4 MB, 8\.\d MB are free"):
        check_room(specs, small_disk / "store")
    check_room(specs, tmp_path / "store")
