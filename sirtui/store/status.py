"""How a run, a stage and an iteration stand, concluded from facts. Pure: no file, no clock, no SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sirtui.core.run import STOPPED, Status
from sirtui.store.journal import Journal
from sirtui.store.scan import RunFacts, StageFacts

STARTING_S = 10.0
"""How long a run may stand without a supervisor before it counts as lost."""
SETTLING_S = 2.0
"""A folder that changed this recently may change again without its mtime telling."""
LAUNCHING_S = 60.0
"""How long after its launch a stage of a dead supervisor, found without a process, may still turn out to live."""
REBOOT = "the machine was started again"
_MOST_NAMED = 3


@dataclass(frozen=True)
class Standing:
    """A status, why, and what to do."""

    status: Status
    reason: str = ""
    hint: str = ""
    ended: float | None = None


def of_run(run: RunFacts, stages: Sequence[StageFacts], now: float) -> Standing:
    """A held lock is a living supervisor, which says itself when it waits. Without one a stage at work is an orphan's.

    Else its own last word counts; silence is a loss.
    """
    if run.record is None:
        return Standing(Status.FAILED, run.problem, "Repair run.json, or remove the run's folder.")
    told = run.supervisor
    if run.supervised:
        return _supervised(run)
    if at_work := [stage.stage.id for stage in stages if stage.at_work]:
        return _orphaned(run, at_work)
    if told and not told.status.alive:
        return Standing(told.status, told.reason, told.hint or _way_on(told.status, run.name), told.ended)
    if told is None and now - run.created < STARTING_S:
        return Standing(Status.WAITING)
    return _lost(run)


def _supervised(run: RunFacts) -> Standing:
    if run.stop_asked:
        return Standing(Status.STOPPING)
    told = run.supervisor
    if told and told.status is Status.WAITING:
        hint = told.hint or f"It goes on by itself; sirtui stop {run.name} gives up its turn."
        return Standing(Status.WAITING, told.reason, hint)
    return Standing(Status.RUNNING)


def _orphaned(run: RunFacts, at_work: Sequence[str]) -> Standing:
    ended = run.supervisor is not None and not run.supervisor.status.alive
    named = ", ".join(at_work[:_MOST_NAMED]) + (", ..." if len(at_work) > _MOST_NAMED else "")
    reason = f"its supervisor {'ended' if ended else 'died'}; {named} still {'runs' if len(at_work) == 1 else 'run'}"
    return Standing(Status.ORPHANED, reason, f"sirtui resume {run.name} takes it up, sirtui stop {run.name} ends it")


def _lost(run: RunFacts) -> Standing:
    told, hint = run.supervisor, f"sirtui resume {run.name}"
    if told is None:
        return Standing(Status.LOST, "the supervisor never started", hint)
    if run.elsewhere:
        host = told.process.host
        reason = f"nothing is heard of its supervisor on {host}"
        return Standing(Status.LOST, reason, f"Look there. If {host} is gone: {hint} --force")
    return Standing(Status.LOST, REBOOT if run.rebooted else "the supervisor died", hint)


def _way_on(status: Status, run: str) -> str:
    return "" if status is Status.FINISHED else f"sirtui resume {run}"


def of_stage(stage: StageFacts, told: Journal, run: RunFacts) -> Standing:
    """A manifest is an end, then exit.json; a held lock is life; then what lives without its guard is an orphan.

    A launched stage with none of these begins, or was found dead, by its supervisor; without one it is lost. `told` is what
    the journal of the newest attempt says.
    """
    if stage.manifest:
        return Standing(Status.FINISHED, ended=stage.manifest.ended)
    if stage.exit:
        status = Status.STOPPED if stage.exit.reason == STOPPED else Status.FAILED
        reason = stage.exit.reason or told.reason or _unexplained(stage.exit.code)
        return Standing(status, reason, stage.exit.hint or told.hint or _repeated(run), stage.exit.ended)
    return _unended(stage, run)


def _unended(stage: StageFacts, run: RunFacts) -> Standing:
    if (stage.living or stage.left) and stage.state and not stage.locked:
        reason = f"its guard died, but {_survivors(stage.left) or f'process {stage.state.payload.pid} lives on'}"
        hint = f"sirtui stop {run.name} ends it, sirtui resume {run.name} ends it and repeats the stage"
        return Standing(Status.ORPHANED, reason, hint)
    if stage.locked or (stage.launched and run.supervised):
        return Standing(Status.RUNNING)
    if stage.launched:
        return Standing(Status.LOST, REBOOT if stage.rebooted else "its process died without a word", _repeated(run))
    return Standing(Status.WAITING)


def _survivors(count: int) -> str:
    """`1 process of it lives on`; empty where there are none."""
    return f"{count} process{'es' * (count > 1)} of it live{'s' * (count == 1)} on" if count else ""


def _repeated(run: RunFacts) -> str:
    return f"sirtui resume {run.name} repeats it"


def _unexplained(code: int) -> str:
    if code < 0:
        return f"killed by signal {-code}"
    return f"exit code {code}" if code else "it ended well but left no manifest"


def is_over(standing: Standing, stages: Iterable[StageFacts], mtime_ns: int, now: float) -> bool:
    """Whether nothing about a run that stands so can change before its folder's mtime does."""
    settled = abs(now - mtime_ns / 1e9) > SETTLING_S
    may_change = standing.status.alive or standing.status is Status.ORPHANED
    return settled and not may_change and not any(_may_live(stage, now) for stage in stages)


def _may_live(stage: StageFacts, now: float) -> bool:
    if stage.exit or stage.manifest or not stage.launched:
        return stage.locked
    return stage.locked or (stage.created is not None and now - stage.created < LAUNCHING_S)


def of_iteration(stages: Collection[Status], run: Status) -> Status:
    """Of all planned stages of one evaluation, in a run that stands like `run`."""
    if Status.RUNNING in stages:
        return Status.RUNNING
    if stages and all(status is Status.FINISHED for status in stages):
        return Status.FINISHED
    if not run.alive:
        for bad in (Status.ORPHANED, Status.FAILED, Status.LOST, Status.STOPPED):
            if bad in stages:
                return bad
    return Status.WAITING
