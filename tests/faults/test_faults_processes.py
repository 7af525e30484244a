"""Faults 5 to 13: launchers, guards and stages killed at bad moments, numbers used again, reboots, clocks."""

import signal
import time
from collections.abc import Callable

import pytest
from trials import Trial, tiny, wait_until

from sirtui.core import files
from sirtui.core.plan import plan
from sirtui.core.process import alive, current, signal_safely
from sirtui.core.run import JobRecord, Process, Stage, StateRecord, Status
from sirtui.store import Store
from sirtui.store.rows import RunRow, StageRow
from sirtui.supervise import stop
from sirtui.supervise.launchers.local import LocalLauncher

Make = Callable[..., Trial]
TRAIN = Stage.parse("it01/train")


def finish(trial: Trial) -> None:
    """Resume the run until it is finished."""
    while trial.ended().status != Status.FINISHED:
        trial.resume()


def told(trial: Trial) -> tuple[RunRow, StageRow]:
    """What the store says of the run, and of its training."""
    store = Store(trial.run.path.parent.parent)
    store.catch_up()
    view = store.run(trial.run.name)
    return view.run, next(row for row in view.stages if row.id == TRAIN.id)


def assert_each_once(trial: Trial, iterations: int = 1) -> None:
    """No stage was done twice, or two at once; nothing is left."""
    assert sorted(trial.lines("finished.txt")) == sorted(stage.id for stage in plan(tiny(iterations)))
    assert trial.lines("doubles.txt") == []
    assert trial.living == []


def with_death(trial: Trial, die: str) -> None:
    """Launch a supervisor that kills itself at `die`."""
    trial.launch(die=die)
    wait_until(lambda: not trial.supervised)
    assert trial.record.status == Status.RUNNING


@pytest.mark.parametrize("stage", ["it01/train", pytest.param("it01/judge", marks=pytest.mark.slow)])
def test_fault_05_killed_after_the_intent(make_trial: Make, stage: str) -> None:
    """An intent without a launch is closed as lost, and made anew."""
    trial = make_trial()
    with_death(trial, f"before {stage}")
    trial.resume()
    finish(trial)
    assert trial.exit(stage).reason == "lost before it began"
    assert trial.attempts(stage) == [1, 2]
    assert_each_once(trial)


@pytest.mark.parametrize("stage", ["it01/train", pytest.param("it01/judge", marks=pytest.mark.slow)])
def test_fault_05_killed_after_the_launch(make_trial: Make, stage: str) -> None:
    """A stage that was on its way, and had not yet said who it is, is found by its tag, and waited for."""
    trial = make_trial()
    with_death(trial, f"after {stage}")
    trial.resume()
    finish(trial)
    assert trial.attempts(stage) == [1]
    assert_each_once(trial)


def test_fault_06_guard_killed(make_trial: Make) -> None:
    """With its guard the payload dies, and what it had hidden is swept by the supervisor; the stage can be made again."""
    trial = make_trial()
    trial.launch("it01/train=child")
    state = trial.state("it01/train")
    wait_until(lambda: len(trial.living) == 3)
    signal_safely(state.guard, signal.SIGKILL)
    wait_until(lambda: not alive(state.payload), 5)
    record = trial.ended()
    assert (record.status, record.reason) == (Status.FAILED, "it01/train: its guard was killed, which ended it too")
    assert trial.living == []
    trial.resume()
    assert trial.ended().status == Status.FINISHED
    assert trial.attempts("it01/train") == [1, 2]


def test_fault_06_guard_killed_and_nobody_looks(make_trial: Make) -> None:
    """Without a supervisor too the payload dies; what it had hidden lives on, orphaned, until the run is resumed."""
    trial = make_trial()
    trial.launch("it01/train=child")
    state = trial.state("it01/train")
    wait_until(lambda: len(trial.living) == 3)
    trial.kill_supervisor()
    signal_safely(state.guard, signal.SIGKILL)
    wait_until(lambda: not alive(state.payload), 5)
    assert len(trial.living) == 1
    assert not files.is_locked(trial.run.stage(TRAIN).lock)
    run, train = told(trial)
    assert (run.status, run.reason) == (Status.ORPHANED, "its supervisor died; it01/train still runs")
    assert (train.status, train.reason) == (Status.ORPHANED, "its guard died, but 1 process of it lives on")
    assert train.hint == f"sirtui stop {trial.run.name} ends it, sirtui resume {trial.run.name} ends it and repeats the stage"
    trial.resume()
    assert trial.ended().status == Status.FINISHED
    assert (trial.exit("it01/train").reason, trial.exit("it01/train").swept) == ("lost: its guard died", 1)
    assert trial.living == []


def test_fault_06_orphans_are_ended_by_stop(make_trial: Make) -> None:
    """Whoever stops such a run sweeps it as well."""
    trial = make_trial()
    trial.launch("it01/train=child")
    state = trial.state("it01/train")
    wait_until(lambda: len(trial.living) == 3)
    trial.kill_supervisor()
    signal_safely(state.guard, signal.SIGKILL)
    stop(trial.run)
    assert trial.living == []


def test_fault_07_payload_killed(make_trial: Make) -> None:
    """A SIGKILL is recorded with its number, and memory is suspected; resumed, the stage is made anew."""
    trial = make_trial()
    trial.launch("it01/sample=hang")
    signal_safely(trial.process("it01/sample"), signal.SIGKILL)
    record = trial.ended()
    assert record.reason == "it01/sample: killed by signal 9 (SIGKILL)"
    assert "memory" in record.hint
    assert trial.exit("it01/sample").code == -9
    trial.resume()
    assert trial.ended().status == Status.FINISHED
    assert (trial.attempts("it01/train"), trial.attempts("it01/sample")) == ([1], [1, 2])


def test_fault_08_segmentation_fault(make_trial: Make) -> None:
    """A crash of a library is told by its signal, and where the log is."""
    trial = make_trial()
    trial.launch("it01/judge=hang")
    signal_safely(trial.process("it01/judge"), signal.SIGSEGV)
    record = trial.ended()
    assert record.reason == "it01/judge: killed by signal 11 (SIGSEGV)"
    assert str(trial.attempt("it01/judge").log) in record.hint


@pytest.mark.parametrize("fault", ["leave", "child"])
def test_fault_09_double_fork_in_a_session_of_its_own(make_trial: Make, fault: str) -> None:
    """What hid by a double fork and a session of its own is swept when the stage ends, by itself or by a stop."""
    trial = make_trial()
    trial.launch(f"it01/train={fault}")
    if fault == "child":
        trial.process("it01/train")
        wait_until(lambda: len(trial.living) == 3)
        stop(trial.run)
    assert trial.ended().status == (Status.FINISHED if fault == "leave" else Status.STOPPED)
    assert trial.living == []
    assert trial.exit("it01/train").swept == 1


def test_fault_10_deaf_to_requests(make_trial: Make) -> None:
    """A stage that ignores SIGINT and SIGTERM is killed after its grace."""
    trial = make_trial()
    trial.launch("it01/train=deaf", grace_s=0.2)
    trial.process("it01/train")
    time.sleep(0.1)
    stop(trial.run, 20)
    assert trial.living == []
    assert (trial.exit("it01/train").code, trial.exit("it01/train").reason) == (-9, "stopped")


def test_fault_10_urgent_stop(make_trial: Make) -> None:
    """Asked again, there is no grace left."""
    trial = make_trial()
    trial.launch("it01/train=deaf", grace_s=3600)
    trial.process("it01/train")
    time.sleep(0.1)
    with pytest.raises(Exception, match="did not stop within"):
        stop(trial.run, 0.5)
    stop(trial.run, 20, urgent=True)
    assert trial.living == []
    assert trial.record.status == Status.STOPPED


def test_fault_11_a_number_used_again(make_trial: Make) -> None:
    """A process that got a dead stage's number is neither waited for nor ended: its start is another."""
    trial = make_trial()
    attempt, me = trial.attempt("it01/train"), current(1.0)
    other = Process(me.host, me.boot, me.pid, me.ticks + 1, 1.0)
    job = JobRecord(str(trial.run.path), TRAIN, 1, tiny(), 1.0)
    files.write_record(attempt.job, job)
    files.write_record(attempt.state, StateRecord(other, other))
    assert LocalLauncher().find(job, attempt) is None
    assert not signal_safely(other, signal.SIGKILL)
    trial.launch()
    finish(trial)
    assert alive(me)
    assert trial.exit("it01/train").reason == "lost: it ended unseen"


def test_fault_12_another_boot(make_trial: Make) -> None:
    """Nothing of another boot is signalled or waited for, whoever has the numbers now."""
    trial = make_trial()
    attempt, me = trial.attempt("it01/train"), current(1.0)
    other = Process(me.host, "another-boot", me.pid, me.ticks, 1.0)
    files.write_record(attempt.job, JobRecord(str(trial.run.path), TRAIN, 1, tiny(), 1.0))
    files.write_record(attempt.state, StateRecord(other, other))
    trial.launch()
    finish(trial)
    assert alive(me)
    assert trial.exit("it01/train").reason == "lost: the machine was started again"
    assert trial.attempts("it01/train") == [1, 2]


@pytest.mark.parametrize("jump", [-86400, 86400])
def test_fault_13_clock_jumps(make_trial: Make, monkeypatch: pytest.MonkeyPatch, jump: int) -> None:
    """A supervisor whose clock is a day off takes up the stage that runs, and takes nobody for another."""
    trial = make_trial()
    trial.launch("it01/train=gate")
    state = trial.state("it01/train")
    trial.kill_supervisor()
    monkeypatch.setenv("SIRTUI_JUMP", str(jump))
    trial.resume()
    assert trial.record.process.started == pytest.approx(time.time() + jump, abs=60)
    assert trial.state("it01/train") == state
    (trial.attempt("it01/train").path / "open").touch()
    assert trial.ended().status == Status.FINISHED
    assert_each_once(trial)


def test_a_stage_does_not_wait_for_its_supervisor(make_trial: Make) -> None:
    """What ends while no supervisor lives is told by its guard, and taken up as it is."""
    trial = make_trial()
    trial.launch("it01/train=gate")
    trial.process("it01/train")
    trial.kill_supervisor()
    (trial.attempt("it01/train").path / "open").touch()
    wait_until(lambda: trial.living == [])
    assert trial.exit("it01/train").code == 0
    trial.resume()
    assert trial.ended().status == Status.FINISHED
    assert_each_once(trial)
