"""A supervisor killed at any moment, a terminal closed, a machine started again."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from trials import HERE, SUPERVISOR, Trial, tiny, wait_until

from sirtui.core import files
from sirtui.core.errors import SirtuiError
from sirtui.core.layout import AttemptFolder
from sirtui.core.plan import plan
from sirtui.core.process import alive, signal_safely
from sirtui.core.run import JobRecord, Stage, Status
from sirtui.supervise import launch_supervisor, supervise
from sirtui.supervise.launchers import Granted, tag
from sirtui.supervise.launchers.local import LocalLauncher

Make = Callable[..., Trial]


def finish(trial: Trial) -> None:
    """Resume the run until it is finished."""
    while trial.ended().status != Status.FINISHED:
        trial.resume()


def assert_each_once(trial: Trial, iterations: int = 1) -> None:
    """No stage was done twice, or two at once."""
    assert sorted(trial.lines("finished.txt")) == sorted(stage.id for stage in plan(tiny(iterations)))
    assert trial.lines("doubles.txt") == []
    assert trial.living == []


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_killed_at_random(make_trial: Make, seed: int) -> None:
    """A supervisor killed again and again, at random moments: no stage is started twice, since each outlives it."""
    trial, chance = make_trial(iterations=2), random.Random(seed)
    trial.launch()
    while not all(trial.run.stage(stage).manifest.exists() for stage in plan(tiny(2))):
        moment = time.monotonic() + chance.uniform(0, 0.25)
        wait_until(lambda: time.monotonic() > moment or not trial.supervised)  # noqa: B023
        trial.kill_supervisor()
        if not all(trial.run.stage(stage).manifest.exists() for stage in plan(tiny(2))):
            trial.resume()
    assert_each_once_in_the_end(trial)


def assert_each_once_in_the_end(trial: Trial) -> None:
    """As `assert_each_once`, when the last process is gone."""
    wait_until(lambda: not trial.living)
    assert_each_once(trial, 2)
    assert len(trial.lines("starts.txt")) == 10


def test_terminal_closed(make_trial: Make) -> None:
    """The supervisor outlives the terminal it was started from, and the kill of all that hung on its launcher."""
    trial = make_trial()
    code = (
        "import fcntl, signal, sys, termios\n"
        "from pathlib import Path\n"
        "from sirtui.core.layout import RunFolder\n"
        "from sirtui.supervise import launch_supervisor\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)  # who starts the tests may ignore it\n"
        "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "launch_supervisor(RunFolder(Path(sys.argv[1])), sys.argv[2:])\n"
        "print('launched', flush=True)\n"
        "sys.stdin.read()\n"
    )
    ours, theirs = os.openpty()
    argv = [sys.executable, "-c", code, str(trial.run.path), *SUPERVISOR]
    environment = {**os.environ, "SIRTUI_FAULT": "it01/train=gate"}
    with subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env=environment) as terminal:
        os.close(theirs)
        stage = trial.process("it01/train")
        supervisor = trial.record.process
        os.close(ours)
        wait_until(lambda: terminal.poll() is not None)
    assert terminal.returncode == -signal.SIGHUP
    assert alive(supervisor)
    assert alive(stage)
    assert {os.getsid(supervisor.pid), os.getsid(stage.pid)}.isdisjoint({terminal.pid, os.getsid(0)})
    (trial.attempt("it01/train").path / "open").touch()
    assert trial.ended().status == Status.FINISHED


def test_no_child_of_the_launcher(make_trial: Make) -> None:
    """The launcher has no child to wait for, and none to be killed with."""
    trial = make_trial()
    trial.launch("it01/train=hang")
    trial.process("it01/train")
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    assert str(trial.record.process.pid) not in children
    assert Path(f"/proc/{trial.record.process.pid}/fd/0").readlink() == Path("/dev/null")


def test_run_removed(make_trial: Make) -> None:
    """When someone removes a run at work, its processes end, and nothing of it comes back."""
    trial = make_trial()
    trial.launch("it01/train=hang")
    supervisor = trial.record.process
    trial.process("it01/train")
    shutil.rmtree(trial.run.path)
    wait_until(lambda: not alive(supervisor))
    assert trial.living == []
    assert not trial.run.path.exists()


def test_another_supervisor(make_trial: Make) -> None:
    """A second supervisor is refused."""
    trial = make_trial()
    trial.launch("it01/train=hang")
    trial.process("it01/train")
    with pytest.raises(SirtuiError, match="already supervised"):
        supervise(trial.run, LocalLauncher())


def test_launched_twice(make_trial: Make) -> None:
    """Launching a supervisor where one lives is no error: the run is supervised."""
    trial = make_trial()
    trial.launch("it01/train=hang")
    trial.process("it01/train")
    before = trial.record
    launch_supervisor(trial.run, SUPERVISOR)
    assert trial.record == before


def test_unlaunchable(make_trial: Make) -> None:
    """A command that does not exist fails the run with its reason."""
    trial = make_trial()
    assert supervise(trial.run, LocalLauncher(["/no/such/python"])) == Status.FAILED
    assert trial.record.reason.startswith("it01/train: could not be launched: ")
    assert "/no/such/python" in trial.record.reason


def test_lingering(make_trial: Make) -> None:
    """A process that hangs after it told its end is ended, and its stage counts."""
    trial = make_trial()
    stage = (sys.executable, str(HERE / "fake_stage.py"), "it01/train=linger")
    assert supervise(trial.run, LocalLauncher(stage, linger_s=0.0)) == Status.FINISHED
    assert_each_once(trial)


def test_whoever_looks_on(make_trial: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """An index that cannot be brought up to date does not end the walk."""

    def broken() -> None:
        raise OSError("the index is gone")

    trial = make_trial()
    stage = (sys.executable, str(HERE / "fake_stage.py"), "")
    assert supervise(trial.run, LocalLauncher(stage), on_change=broken) == Status.FINISHED
    assert "the index is gone" in capsys.readouterr().err


def test_a_guard_on_its_way(make_trial: Make, tmp_path: Path) -> None:
    """Before a guard has said who it is, the first process with its tag stands for it."""
    trial = make_trial()
    job = JobRecord(str(trial.run.path), Stage.parse("it01/train"), 1, tiny(), 1.0)
    launcher, attempt = LocalLauncher(["/bin/sh", "-c", "sleep 60 & wait"]), AttemptFolder(tmp_path / "attempt-1")
    attempt.path.mkdir()
    handle = launcher.launch(job, attempt, Granted())
    wait_until(lambda: len(trial.living) == 3 and attempt.state.exists())
    attempt.state.unlink()
    found = LocalLauncher().find(job, attempt)
    assert found
    assert (found.tag, found.guard.pid, found.guard.ticks) == (tag(job), handle.guard.pid, handle.guard.ticks)
    launcher.cancel([handle], grace_s=1)
    assert trial.living == []


def test_two_guards(make_trial: Make, tmp_path: Path) -> None:
    """A second guard of one stage goes at once, and touches nothing."""
    trial = make_trial()
    job = JobRecord(str(trial.run.path), Stage.parse("it01/train"), 1, tiny(), 1.0)
    first, second = (AttemptFolder(tmp_path / f"attempt-{number}") for number in (1, 2))
    launcher = LocalLauncher(["/bin/sh", "-c", "sleep 60"])
    for attempt in (first, second):
        attempt.path.mkdir()
    handle = launcher.launch(job, first, Granted())
    wait_until(first.state.exists)
    other = launcher.launch(job, second, Granted())
    wait_until(lambda: not launcher.running([other]))
    assert launcher.running([handle]) == [handle]
    assert [path.name for path in second.path.iterdir()] == ["log.txt"]
    launcher.cancel([handle], grace_s=1)


def test_a_descriptor_stays_with_the_guard(make_trial: Make, tmp_path: Path) -> None:
    """What a guard is given to hold (the lock of a GPU) is held by it alone, and after its supervisor."""
    trial, lock = make_trial(), tmp_path / "gpu.lock"
    job = JobRecord(str(trial.run.path), Stage.parse("it01/train"), 1, tiny(), 1.0)
    attempt, held = AttemptFolder(tmp_path / "attempt-1"), files.try_lock(lock)
    assert held
    attempt.path.mkdir()
    launcher = LocalLauncher(["/bin/sh", "-c", "sleep 60"])
    handle = launcher.launch(job, attempt, Granted(descriptors=(held,)))
    os.close(held)
    wait_until(attempt.state.exists)
    assert files.is_locked(lock)
    signal_safely(handle.guard, signal.SIGKILL)
    wait_until(lambda: not launcher.running([handle]))
    assert not files.is_locked(lock)
