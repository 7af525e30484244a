"""Looking at the machine: one look at a time, not too often, and never in anyone's way."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from jobs_play import machine
from test_tui_feed import eventually

from sirtui.core.errors import StoreError
from sirtui.core.layout import StoreFolder
from sirtui.tui import looking
from sirtui.tui.looking import Looker, Seen, look_at_machine

FOLDER = StoreFolder(Path("/nowhere"))


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """The clock of the looker."""
    clock = Clock()
    monkeypatch.setattr(looking, "time", clock)
    return clock


def test_not_too_often(clock):
    """Asked all the time, it looks every two seconds."""
    seen = []
    looker = Looker(lambda folder: machine(), FOLDER, seen.append)
    for moment in (0.0, 0.1, 1.9, 2.0, 2.1, 4.0):
        clock.now = 100 + moment
        looker.look()
        eventually(
            lambda wanted={0.0: 1, 0.1: 1, 1.9: 1, 2.0: 2, 2.1: 2, 4.0: 3}[moment]: len(seen) == wanted and not looker._at_work
        )
    assert seen == [Seen(machine())] * 3


def test_a_look_that_does_not_come_back(clock):
    """It is told once, no second look is begun beside it, and when it does come back all is well."""
    seen, begun, go_on = [], [], threading.Event()

    def stalled(folder):
        begun.append(folder)
        go_on.wait(10)
        return machine()

    looker = Looker(stalled, FOLDER, seen.append)
    for moment in (0, 2, 4.9, 5, 7, 60):
        clock.now = 100.0 + moment
        looker.look()
    assert [each.problem for each in seen] == ["the GPUs have not answered for 5 seconds: does `nvidia-smi` still answer?"]
    assert begun == [FOLDER]
    go_on.set()
    eventually(lambda: seen[-1] == Seen(machine()) and not looker._at_work)
    looker.look()
    eventually(lambda: len(begun) == 2)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StoreError("no queue", "Make one."), "no queue. Make one."),
        (OSError(5, "Input/output error"), "the GPUs cannot be looked at: [Errno 5] Input/output error"),
        (ImportError(), "the GPUs cannot be looked at: ImportError"),
        (ValueError("\x1b[31mred\nblue"), "the GPUs cannot be looked at: red blue"),
    ],
)
def test_whatever_goes_wrong_is_a_sentence(error, told):
    """No exception leaves the thread."""
    seen = []

    def broken(folder):
        raise error

    Looker(broken, FOLDER, seen.append).look()
    eventually(lambda: seen)
    assert seen == [Seen(problem=told)]


def test_nobody_to_tell(clock):
    """Where the screen was left meanwhile, nothing happens."""
    told = []

    def gone(seen):
        told.append(seen)
        raise RuntimeError("no app")

    looker = Looker(lambda folder: machine(), FOLDER, gone)
    looker.look()
    eventually(lambda: told and not looker._at_work)


def test_this_machine(tmp_path):
    """The real look at the machine this test is on: its name, and its GPUs or why there are none; the store is not made."""
    seen = look_at_machine(StoreFolder(tmp_path / "store"))
    assert seen.host
    assert seen.gpus or seen.problem
    assert not (tmp_path / "store").exists()
