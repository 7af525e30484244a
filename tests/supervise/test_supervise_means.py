"""What a stage needs beside its inputs, among several runs."""

from collections.abc import Callable

from trials import Trial, wait_until

from sirtui.core.run import Status

Make = Callable[..., Trial]


def test_runs_take_turns(make_trial: Make) -> None:
    """The second run waits, says for what, and goes on by itself."""
    first, second = make_trial(), make_trial(seed=1)
    first.launch("it01/train=gate")
    first.process("it01/train")
    second.launch()
    wait_until(lambda: second.record.status == Status.WAITING)
    assert second.record.reason.endswith(f"held by {first.run.name}")
    assert second.record.slots == ()
    assert first.record.slots
    (first.attempt("it01/train").path / "open").touch()
    assert second.ended().status == Status.FINISHED
    assert first.ended().status == Status.FINISHED
    measured, began = first.moments("ends.txt")["it01/measure"], second.moments("starts.txt")["it01/train"]
    assert began > measured


def test_a_waiting_run_is_stopped_and_resumed(make_trial: Make) -> None:
    """To wait is to be at work: it can be stopped, gives up its turn, and takes it again."""
    first, second = make_trial(), make_trial(seed=1)
    first.launch("it01/train=gate")
    first.process("it01/train")
    second.launch()
    wait_until(lambda: second.record.status == Status.WAITING)
    second.stop()
    assert (second.record.status, second.attempts("it01/train")) == (Status.STOPPED, [])
    second.resume()
    wait_until(lambda: second.record.status == Status.WAITING)
    (first.attempt("it01/train").path / "open").touch()
    assert second.ended().status == Status.FINISHED


def test_a_killed_supervisor_keeps_its_turn(make_trial: Make) -> None:
    """While its stage goes on nobody takes its place, and whoever takes the run up again is first in line."""
    first, second = make_trial(), make_trial(seed=1)
    first.launch("it01/train=gate")
    first.process("it01/train")
    second.launch()
    wait_until(lambda: second.record.status == Status.WAITING)
    first.kill_supervisor()
    first.resume("it01/train=gate")
    wait_until(lambda: second.record.reason.startswith("waits for its turn: 1 run is before it"))
    (first.attempt("it01/train").path / "open").touch()
    assert second.ended().status == Status.FINISHED
    assert first.ended().status == Status.FINISHED
    assert second.moments("starts.txt")["it01/train"] > first.moments("ends.txt")["it01/measure"]
