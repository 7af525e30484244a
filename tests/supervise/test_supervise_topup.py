"""Topping a run up: the only thing that changes its plan."""

from __future__ import annotations

import json
import os
import signal

import pytest
from builders import held
from fake_stage import found
from msgspec.structs import replace
from trials import SUPERVISOR, Trial, wait_until

from sirtui.core.errors import UsageError
from sirtui.core.files import read_record, write_record
from sirtui.core.plan import plan
from sirtui.core.run import Kind, RunRecord, Stage, Status
from sirtui.core.spec import Topup, Verdicts
from sirtui.supervise import request_stop, top_up

ADDED = ["it01/repeat-2/", "it02/repeat-2/"]


def a_trial(make_trial, **verdicts) -> Trial:
    """A finished run of two iterations."""
    trial = make_trial(iterations=2, verdicts=Verdicts(**verdicts))
    trial.come_to("it02/verdict")
    trial.judge(found(Stage(2, Kind.VERDICT), "undecided"))
    return trial


def refused(trial: Trial, topup: Topup = Topup(2)) -> str:  # noqa: B008 - it never changes
    before = trial.run.record.read_bytes()
    with pytest.raises(UsageError) as caught:
        top_up(trial.run, topup, command=("false",))
    assert trial.run.record.read_bytes() == before
    assert caught.value.hint
    return caught.value.message


def test_not_while_it_is_at_work(make_trial):
    """Its supervisor knows its plan, and no other."""
    trial = a_trial(make_trial)
    with held(trial.run.supervisor_lock):
        assert refused(trial) == "tiny-000000 is at work"


@pytest.mark.parametrize("t", [3, 7])
def test_not_without_a_verdict(make_trial, t):
    """There was no look that could be repeated."""
    assert refused(a_trial(make_trial), Topup(t)) == f"tiny-000000 has no verdict on it{t} yet"


@pytest.mark.parametrize(
    ("verdicts", "spent", "told"),
    [
        ({}, 1, "tiny-000000: its one extra look is spent"),
        ({"extra_looks": 2}, 2, "tiny-000000: its 2 extra looks are spent"),
        ({"extra_looks": 0}, 0, "tiny-000000 allows no extra look"),
        ({"looks": "open"}, 0, "tiny-000000 allows no extra look"),
    ],
)
def test_not_more_often_than_was_declared(make_trial, verdicts, spent, told):
    """The share of alpha of each look was fixed beforehand."""
    trial = a_trial(make_trial, **verdicts)
    record = read_record(trial.run.record, RunRecord)
    write_record(trial.run.record, replace(record, spec=replace(record.spec, topups=(Topup(2),) * spent)))
    assert refused(trial) == told


def test_not_before_it_has_finished(make_trial):
    """A run that was stopped has its own plan to go on with; only one that waits for an answer may look again."""
    trial = make_trial(iterations=3)
    trial.come_to("it02/verdict")
    trial.judge(found(Stage(2, Kind.VERDICT), "undecided"))
    assert refused(trial) == "tiny-000000 has not finished"


def test_it_adds_to_the_plan_and_changes_nothing_else(make_trial):
    """run.json has one more topup; the stages that it adds are made, once, and no other."""
    trial = a_trial(make_trial)
    before, planned = json.loads(trial.run.record.read_bytes()), set(plan(trial.spec))
    request_stop(trial.run)  # an old request is no reason to stop again
    trial.top_up(Topup(2))
    assert trial.ended().status == Status.FINISHED
    after = json.loads(trial.run.record.read_bytes())
    assert after["spec"].pop("topups") == [{"t": 2, "times": 1}]
    assert before["spec"].pop("topups") == []
    assert after == before
    made = trial.lines("finished.txt")
    assert set(made) == {stage.id for stage in set(plan(trial.spec)) - planned}
    assert sorted({line.rpartition("/")[0] + "/" for line in made}) == ADDED
    assert made[-1] == "it02/repeat-2/verdict"
    assert trial.run.verdict(2, 2).exists()


def test_a_topped_up_run_that_is_killed_is_resumed(make_trial):
    """Supervisor and stage: what was done of it stays, what was not is made anew."""
    trial = a_trial(make_trial)
    trial.top_up(Topup(2), "it02/repeat-2/judge=hang")
    process = trial.process("it02/repeat-2/judge")
    trial.kill_supervisor()
    os.kill(process.pid, signal.SIGKILL)
    sampled = trial.attempts("it02/repeat-2/sample")
    trial.resume()
    assert trial.ended().status == Status.FINISHED
    assert trial.attempts("it02/repeat-2/judge") == [1, 2]
    assert trial.attempts("it02/repeat-2/sample") == sampled == [1]
    assert trial.attempts("it02/repeat-2/verdict") == [1]
    with pytest.raises(UsageError, match="is finished"):
        trial.resume()


def test_a_run_that_waits_can_be_topped_up(make_trial):
    """It looks again, and waits on: nothing is trained before someone says to go on."""
    trial = make_trial(iterations=3, verdicts=Verdicts(on_reversal="pause"))
    trial.come_to("it02/verdict")
    trial.judge(found(Stage(2, Kind.VERDICT), "loss:pass@4"))
    trial.top_up(Topup(2), "it02/repeat-2/verdict=loss:pass@4")
    assert (trial.ended().status, trial.record.reason) == (Status.PAUSED, "it2: loss: pass@4")
    assert trial.run.verdict(2, 2).exists()
    assert trial.attempts("it03/train") == []
    trial.resume()
    assert trial.ended().status == Status.FINISHED


def test_two_at_once_are_one(make_trial):
    """The second finds the run at work."""
    trial = a_trial(make_trial, extra_looks=5)
    trial.top_up(Topup(2), "it02/repeat-2/sample=gate")
    wait_until(lambda: trial.supervised)
    with pytest.raises(UsageError, match="at work"):
        top_up(trial.run, Topup(2), command=SUPERVISOR)
    assert trial.spec.topups == (Topup(2),)
    trial.process("it02/repeat-2/sample")
    (trial.attempt("it02/repeat-2/sample").path / "open").touch()
    assert trial.ended().status == Status.FINISHED
