"""Faults 1 to 4 and 14: the screen killed, its terminal closed, signals, a storm of Ctrl-C, two screens at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from terminal import Terminal
from trials import Trial, tiny, wait_until

from sirtui.core.layout import StoreFolder
from sirtui.core.plan import plan
from sirtui.core.process import alive
from sirtui.core.run import Status

Make = Callable[..., Trial]
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def screen(store: StoreFolder) -> Terminal:
    """`sirtui` on a store, in a terminal of its own."""
    return Terminal(program=("-m", "sirtui.cli", "--store", str(store.path)), columns=120, lines=40)


def held_at_work(make_trial: Make) -> Trial:
    """A run whose first stage works until its gate is opened."""
    trial = make_trial()
    trial.launch("it01/train=gate")
    wait_until(lambda: trial.lines("starts.txt"))
    return trial


def open_gate(trial: Trial) -> None:
    """Let the first stage end."""
    (trial.attempt("it01/train").path / "open").touch()


def assert_each_once(trial: Trial) -> None:
    """Nothing was lost, and nothing done twice."""
    assert trial.ended().status is Status.FINISHED
    assert sorted(trial.lines("finished.txt")) == sorted(stage.id for stage in plan(tiny()))
    assert trial.lines("doubles.txt") == []
    assert len(trial.lines("starts.txt")) == len(plan(tiny()))


def test_fault_01_sigkill_of_the_screen(make_trial: Make, store: StoreFolder) -> None:
    """Supervisor and stage live on; the next screen shows them at work, with nothing lost or doubled."""
    trial = held_at_work(make_trial)
    with screen(store) as terminal:
        terminal.until("tiny-000000")
        os.kill(terminal.child.pid, signal.SIGKILL)
        assert terminal.ended() == -signal.SIGKILL
    worker = trial.process("it01/train")
    assert trial.supervised
    assert alive(worker)
    with screen(store) as terminal:
        terminal.until("tiny-000000")
        terminal.press("5")
        terminal.until("it01/train")
        terminal.until("running")
        assert alive(worker)
        open_gate(trial)
        terminal.until("finished")
        terminal.press("q")
        assert terminal.ended() == 0
        assert terminal.is_restored()
    assert_each_once(trial)


@pytest.mark.parametrize("control", [True, False])
def test_fault_02_the_terminal_is_closed(control: bool) -> None:
    """A terminal that hangs up ends the screen, also where no signal tells of it."""
    with Terminal("--every", "0.1", control=control) as terminal:
        terminal.until("pass1")
        terminal.hang_up()
        terminal.ended()


@pytest.mark.slow
def test_fault_02_a_job_outlives_the_terminal(make_trial: Make, store: StoreFolder) -> None:
    """What the screen showed goes on when its terminal is closed."""
    trial = held_at_work(make_trial)
    with screen(store) as terminal:
        terminal.until("tiny-000000")
        terminal.hang_up()
        terminal.ended()
    open_gate(trial)
    assert_each_once(trial)


@pytest.mark.parametrize("page", ["1", pytest.param("5", marks=pytest.mark.slow)])
@pytest.mark.parametrize("number", SIGNALS)
def test_fault_03_signals_restore_the_terminal(number: signal.Signals, page: str) -> None:
    """A signal ends the screen, and the terminal is as it was."""
    with Terminal("--every", "0.2") as terminal:
        terminal.until("pass1")
        terminal.press(page)
        terminal.listen(0.2)
        terminal.child.send_signal(number)
        assert terminal.ended() == 128 + number
        assert terminal.is_restored()


def test_fault_04_a_storm_of_ctrl_c() -> None:
    """Ctrl-C leaves like q, however often it is pressed."""
    with Terminal() as terminal:
        terminal.until("pass1")
        terminal.press("\x03" * 20)
        assert terminal.ended() == 0
        assert terminal.is_restored()


@pytest.mark.slow
def test_fault_14_two_screens(make_trial: Make, store: StoreFolder) -> None:
    """Both show what happens, whichever takes it in; when one is killed, the other goes on."""
    trial = held_at_work(make_trial)
    with screen(store) as first, screen(store) as second:
        for terminal in (first, second):
            terminal.until("tiny-000000")
            terminal.press("5")
            terminal.until("it01/train")
        os.kill(first.child.pid, signal.SIGKILL)
        first.ended()
        open_gate(trial)
        second.until("finished")
        with screen(store) as third:
            third.until("tiny-000000")
            third.press("5")
            third.until("finished")
            for terminal in (second, third):
                terminal.press("q")
                assert terminal.ended() == 0
    assert_each_once(trial)
