"""A run that loses something: whether it goes on, waits for an answer, or ends."""

from __future__ import annotations

import pytest
from fake_stage import found
from msgspec.structs import replace
from trials import SUPERVISOR, Trial, wait_until

from sirtui.core.files import read_record, write_record
from sirtui.core.run import Kind as Work
from sirtui.core.run import RunRecord, Stage, Status
from sirtui.core.spec import Topup, Verdicts
from sirtui.core.verdict import Answered, Kind, VerdictRecord
from sirtui.supervise import launch_supervisor
from sirtui.supervise.reversals import answer, unanswered

ALARMS = ("reversal", "past_peak", "regression", "loss")


def verdict(t: int, told: str, look: int = 1) -> VerdictRecord:
    """The verdict on M_t, as `reversal:pass@4,ngram`."""
    return found(Stage(t, Work.VERDICT, look), told)


@pytest.fixture
def trial(make_trial) -> Trial:
    """A run of four iterations that waits for an answer; its second is about to be judged."""
    trial = make_trial(iterations=4, parallel=2, verdicts=Verdicts(on_reversal="pause"))
    trial.come_to("it02/verdict")
    return trial


@pytest.mark.parametrize(("acts", "status"), [("pause", Status.PAUSED), ("stop", Status.STOPPED)])
def test_a_reversal_holds_the_run(make_trial, acts, status):
    """No later training starts; reason and hint say what was lost, what to keep, and how to go on, which it then does."""
    trial = make_trial(iterations=3, verdicts=Verdicts(on_reversal=acts))
    trial.come_to("it02/verdict")
    trial.launch("it02/verdict=reversal:pass@4,ngram")
    record = trial.ended()
    assert (record.status, record.reason) == (status, "it2: reversal: pass@4,ngram")
    assert record.hint == "Keep it1, or sirtui resume tiny-000000 to go on."
    assert record.ended
    assert trial.lines("finished.txt") == ["it02/verdict"]
    assert trial.attempts("it03/train") == []
    trial.resume()
    assert trial.ended().status == Status.FINISHED
    assert trial.attempts("it02/verdict") == trial.attempts("it03/train") == [1]


def test_a_run_may_go_on_whatever_it_loses(make_trial):
    """That is the default: nothing waits for a verdict."""
    trial = make_trial(iterations=3)
    trial.come_to("it02/verdict")
    trial.launch("it02/verdict=reversal:pass@4 it03/train=gate")
    trial.process("it03/train")
    (trial.attempt("it03/train").path / "open").touch()
    assert trial.ended().status == Status.FINISHED


def test_a_gain_holds_no_run(trial):
    """Training waits for the verdict, and begins when that is no alarm."""
    trial.launch("it02/verdict=progress it03/train=hang")
    trial.process("it03/train")
    assert trial.moments("starts.txt")["it03/train"] > trial.moments("ends.txt")["it02/verdict"]


def test_what_runs_beside_is_not_killed(trial):
    """It ends in its own time, and the run waits after that."""
    trial.run.stage(Stage(1, Work.VERDICT)).manifest.unlink()
    trial.launch("it01/verdict=gate it02/verdict=loss:pass@4")
    process = trial.process("it01/verdict")
    wait_until(trial.attempt("it02/verdict").exit.exists)
    assert trial.supervised
    assert trial.process("it01/verdict") == process
    (trial.attempt("it01/verdict").path / "open").touch()
    assert trial.ended().status == Status.PAUSED
    assert (trial.exit("it01/verdict").code, trial.attempts("it01/verdict")) == (0, [1])
    assert trial.living == []


@pytest.mark.parametrize(
    ("later", "holds"),
    [
        ("reversal:pass@4,ngram", False),
        ("reversal:pass@4", False),
        ("progress", False),
        ("reversal:ngram,semantic", True),
        ("regression", True),
        ("past_peak", True),
    ],
)
def test_what_was_answered_holds_no_more_and_something_new_does(make_trial, later, holds):
    """By kind and by measure."""
    trial = make_trial(iterations=4, verdicts=Verdicts(on_reversal="pause"))
    trial.judge(verdict(2, "reversal:pass@4,ngram"))
    assert unanswered(trial.run, trial.spec) == verdict(2, "reversal:pass@4,ngram")
    answer(trial.run, trial.spec)
    assert unanswered(trial.run, trial.spec) is None
    trial.judge(verdict(3, later))
    assert unanswered(trial.run, trial.spec) == (verdict(3, later) if holds else None)


def test_a_resumed_run_waits_again_when_something_else_is_lost(trial):
    """Not for what was lost before; each time it says what is new."""
    trial.judge(verdict(2, "reversal:pass@4"))
    trial.launch()
    assert trial.ended().reason == "it2: reversal: pass@4"
    trial.resume("it03/verdict=reversal:pass@4,ngram")
    assert (trial.ended().status, trial.record.reason) == (Status.PAUSED, "it3: reversal: pass@4,ngram")
    assert trial.attempts("it04/train") == []
    assert read_record(trial.run.answered, Answered).known == ("pass@4", "reversal")


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("acts", ["continue", "pause", "stop"])
def test_only_what_is_lost_for_sure_holds(make_trial, kind, acts):
    """Four kinds of nine, and only where the experiment says so."""
    trial = make_trial(iterations=3, verdicts=Verdicts(on_reversal=acts))
    trial.judge(verdict(2, f"{kind}:pass@4"))
    held = unanswered(trial.run, trial.spec)
    assert (held is not None) is (kind in ALARMS and acts != "continue")


def test_the_first_loss_that_nobody_answered_holds(trial):
    """Though the iteration after it looks well; M_1's advice is no verdict."""
    trial.judge(verdict(1, ""))
    trial.judge(verdict(2, "loss:pass@4"))
    trial.judge(verdict(3, "progress"))
    assert unanswered(trial.run, trial.spec) == verdict(2, "loss:pass@4")


def test_a_damaged_answer_is_none(trial):
    """Rather ask again."""
    trial.judge(verdict(2, "loss:pass@4"))
    answer(trial.run, trial.spec)
    trial.run.answered.write_bytes(b"{")
    assert unanswered(trial.run, trial.spec) is not None
    answer(trial.run, trial.spec)
    assert unanswered(trial.run, trial.spec) is None


def test_the_last_iteration_has_nothing_to_hold(make_trial):
    """All is done: the run is finished, whatever it lost."""
    trial = make_trial(iterations=2, verdicts=Verdicts(on_reversal="pause"))
    trial.come_to("it02/verdict")
    trial.launch("it02/verdict=reversal:pass@4")
    assert trial.ended().status == Status.FINISHED


def test_a_failure_is_told_before_a_loss(trial):
    """Both hold the run; the failure is what must be seen to."""
    trial.run.stage(Stage(1, Work.VERDICT)).manifest.unlink()
    trial.launch("it01/verdict=crash it02/verdict=loss:pass@4")
    assert (trial.ended().status, trial.record.reason) == (Status.FAILED, "it01/verdict: it does not compute")


def killed_unseen(trial: Trial) -> None:
    """The verdict is there, its supervisor is not: nobody was told."""
    trial.run.stage(Stage(1, Work.VERDICT)).manifest.unlink()
    trial.launch("it01/verdict=gate it02/verdict=loss:pass@4")
    trial.process("it01/verdict")
    wait_until(trial.attempt("it02/verdict").exit.exists)
    trial.kill_supervisor()
    (trial.attempt("it01/verdict").path / "open").touch()
    wait_until(trial.attempt("it01/verdict").exit.exists)


def test_the_next_supervisor_holds_too(trial):
    """What holds a run is on the disk."""
    killed_unseen(trial)
    launch_supervisor(trial.run, SUPERVISOR)
    assert (trial.ended().status, trial.record.reason) == (Status.PAUSED, "it2: loss: pass@4")
    assert trial.attempts("it03/train") == []


def test_resuming_a_lost_run_answers_no_loss_that_nobody_was_told_of(trial):
    """Its supervisor died before it could say that it waits: who resumes it knows of a dead supervisor alone."""
    killed_unseen(trial)
    trial.resume("it03/train=crash")
    assert trial.ended().status == Status.PAUSED
    assert trial.attempts("it03/train") == []


@pytest.mark.parametrize(("first", "again", "holds"), [("loss:pass@4", "no_change", False), ("undecided", "loss:pass@4", True)])
def test_the_last_look_decides_whether_a_run_is_held(trial, first, again, holds):
    """What more samples showed counts: that is what they were drawn for."""
    trial.judge(verdict(2, first))
    record = read_record(trial.run.record, RunRecord)
    write_record(trial.run.record, replace(record, spec=replace(record.spec, topups=(Topup(2),))))
    trial.judge(verdict(2, again, look=2))
    assert (unanswered(trial.run, trial.spec) is not None) is holds
