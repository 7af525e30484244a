"""Stopping and resuming."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from trials import Trial, wait_until

from sirtui.core.errors import SirtuiError, UsageError
from sirtui.core.process import signal_safely
from sirtui.core.run import Stage, Status
from sirtui.supervise import request_stop, stop

Make = Callable[..., Trial]


def test_stop(make_trial: Make) -> None:
    """A stage ends on request and says so; the run is stopped, and resumed it goes on where it was."""
    trial = make_trial()
    trial.launch("it01/sample=hang")
    trial.process("it01/sample")
    stop(trial.run)
    assert trial.record.status == Status.STOPPED
    assert (trial.exit("it01/sample").code, trial.exit("it01/sample").reason) == (130, "stopped")
    assert trial.living == []
    trial.resume()
    assert trial.ended().status == Status.FINISHED
    assert trial.attempts("it01/train") == [1]


@pytest.mark.parametrize("fault", ["deaf", "child"])
def test_stop_the_unwilling(make_trial: Make, fault: str) -> None:
    """What ignores SIGTERM, or hides in another session, is killed after its grace."""
    trial = make_trial()
    trial.launch(f"it01/train={fault}", grace_s=0.1)
    trial.process("it01/train")
    stop(trial.run)
    assert trial.living == []
    assert trial.exit("it01/train").reason == "stopped"
    assert trial.record.status == Status.STOPPED


def test_request_is_seen_soon(make_trial: Make) -> None:
    """The control file alone is enough."""
    trial = make_trial()
    trial.launch("it01/train=hang")
    trial.process("it01/train")
    request_stop(trial.run)
    wait_until(lambda: not trial.supervised, 2)
    assert trial.record.status == Status.STOPPED


@pytest.mark.parametrize("signum", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_signal_is_a_request(make_trial: Make, signum: int) -> None:
    """A supervisor that is asked to end ends its run in order."""
    trial = make_trial()
    trial.launch("it01/train=hang")
    trial.process("it01/train")
    signal_safely(trial.record.process, signum)
    assert trial.ended().status == Status.STOPPED
    assert trial.living == []


def test_stage_stopped_from_outside(make_trial: Make) -> None:
    """A stage that someone else asked to end did not fail."""
    trial = make_trial()
    trial.launch("it01/train=hang")
    signal_safely(trial.process("it01/train"), signal.SIGTERM)
    assert (trial.ended().status, trial.record.reason) == (Status.STOPPED, "it01/train: stopped")


def test_stop_without_supervisor(make_trial: Make) -> None:
    """Stages that outlived their supervisor are ended by whoever stops the run."""
    trial = make_trial()
    trial.launch("it01/train=child")
    trial.process("it01/train")
    wait_until(lambda: len(trial.living) == 3)
    trial.kill_supervisor()
    assert len(trial.living) == 3
    stop(trial.run)
    assert trial.living == []
    assert trial.record.status == Status.STOPPED


def test_stop_leaves_an_end_alone(make_trial: Make) -> None:
    """Stopping a run that has ended changes nothing."""
    trial = make_trial()
    trial.launch()
    before = trial.ended()
    stop(trial.run)
    assert trial.record == before


def test_impatient_stop(make_trial: Make) -> None:
    """Whoever waits is told when it takes longer."""
    trial = make_trial()
    trial.launch("it01/train=deaf", grace_s=5)
    trial.process("it01/train")
    with pytest.raises(SirtuiError, match="did not stop within"):
        stop(trial.run, 0.1)


def test_resume_refused_while_at_work(make_trial: Make) -> None:
    """One supervisor a run."""
    trial = make_trial()
    trial.launch("it01/train=hang")
    trial.process("it01/train")
    with pytest.raises(UsageError, match="at work already"):
        trial.resume()


def test_resume_refused_when_finished(make_trial: Make) -> None:
    """There is nothing to go on with."""
    trial = make_trial()
    trial.launch()
    trial.ended()
    with pytest.raises(UsageError, match="finished"):
        trial.resume()


def test_two_resumes_at_once(make_trial: Make) -> None:
    """The lock decides; each stage still runs once."""
    trial = make_trial()
    trial.launch("it01/train=crash")
    trial.ended()
    with ThreadPoolExecutor(4) as pool:
        errors = [each.exception() for each in [pool.submit(trial.resume) for _ in range(4)]]
    assert {type(error) for error in errors if error} <= {UsageError}
    assert None in errors
    assert trial.ended().status == Status.FINISHED
    assert trial.attempts("it01/train") == [1, 2]
    assert len(trial.lines("finished.txt")) == 5
    assert trial.lines("doubles.txt") == []


def test_adopt(make_trial: Make) -> None:
    """A stage that outlived its supervisor is waited for, not repeated."""
    trial = make_trial()
    trial.launch("it01/train=gate")
    process = trial.process("it01/train")
    trial.kill_supervisor()
    trial.resume()
    assert trial.process("it01/train") == process
    (trial.attempt("it01/train").path / "open").touch()
    assert trial.ended().status == Status.FINISHED
    assert trial.attempts("it01/train") == [1]


def test_resume_by_force(make_trial: Make) -> None:
    """A stage that outlived its supervisor is ended and repeated when that is asked for."""
    trial = make_trial()
    trial.launch("it01/train=hang")
    trial.process("it01/train")
    trial.kill_supervisor()
    trial.resume(force=True)
    assert trial.ended().status == Status.FINISHED
    assert trial.attempts("it01/train") == [1, 2]
    assert trial.exit("it01/train").reason == "stopped"


def test_adopted_stage_killed(make_trial: Make) -> None:
    """An adopted stage's death is noticed, and its guard can tell the signal."""
    trial = make_trial()
    trial.launch("it01/train=hang")
    process = trial.process("it01/train")
    trial.kill_supervisor()
    trial.resume()
    os.kill(process.pid, signal.SIGKILL)
    assert (trial.ended().status, trial.exit("it01/train").code) == (Status.FAILED, -9)
    assert trial.record.reason == "it01/train: killed by signal 9 (SIGKILL)"


def test_stop_an_adopted_stage(make_trial: Make) -> None:
    """An adopted stage is stopped like any other."""
    trial = make_trial()
    trial.launch("it01/train=child")
    trial.process("it01/train")
    trial.kill_supervisor()
    trial.resume()
    stop(trial.run)
    assert trial.living == []
    assert trial.exit("it01/train").reason == "stopped"


def test_orphans(make_trial: Make) -> None:
    """What a dead stage left behind while no supervisor looked is swept by its guard."""
    trial = make_trial()
    trial.launch("it01/train=child")
    process = trial.process("it01/train")
    wait_until(lambda: len(trial.living) == 3)
    trial.kill_supervisor()
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: trial.living == [])
    assert trial.exit("it01/train").swept == 1
    trial.resume()
    assert trial.ended().status == Status.FINISHED


@pytest.mark.slow
def test_repeated_stop_and_resume(make_trial: Make) -> None:
    """Stopped within every stage in turn, the run ends as an undisturbed one does."""
    trial = make_trial()
    trial.launch("*=hang")
    for kind in ("train", "sample", "judge", "measure", "verdict"):
        trial.process(f"it01/{kind}")
        stop(trial.run)
        trial.resume("*=hang")
    assert trial.ended().status == Status.FINISHED
    assert trial.lines("finished.txt") == [
        Stage.parse(f"it01/{kind}").id for kind in ("train", "sample", "judge", "measure", "verdict")
    ]
