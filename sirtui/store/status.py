"""How a run, a stage and an iteration stand, concluded from facts. Pure: no file, no clock, no SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sirtui.core.run import Status
from sirtui.store.journal import Journal
from sirtui.store.scan import RunFacts, StageFacts

STARTING_S = 10.0
"""How long a run may stand without a supervisor before it counts as lost."""


SETTLING_S = 2.0
"""A folder that changed this recently may change again without its mtime telling."""
LAUNCHING_S = 60.0
"""How long after its launch a stage of a dead supervisor, found without a process, may still turn out to live."""


@dataclass(frozen=True)
class Standing:
    """A status, why, and what to do."""

    status: Status
    reason: str = ""
    hint: str = ""
    ended: float | None = None


def of_run(run: RunFacts, now: float) -> Standing:
    """A held lock is a living supervisor; then its own last word counts; silence is a loss."""
    if run.record is None:
        return Standing(Status.FAILED, run.problem, "Repair run.json, or remove the run's folder.")
    if run.supervised:
        return Standing(Status.STOPPING if run.stop_asked else Status.RUNNING)
    told = run.supervisor
    if told and not told.status.alive:
        return Standing(told.status, told.reason, told.hint, told.ended)
    if told is None and now - run.created < STARTING_S:
        return Standing(Status.WAITING)
    reason = "the supervisor died" if told else "the supervisor never started"
    return Standing(Status.LOST, reason, f"sirtui resume {run.name}")


def of_stage(stage: StageFacts, told: Journal, *, supervised: bool) -> Standing:
    """A manifest is an end, then exit.json; a held lock is life; a launched stage with neither is lost with its supervisor.

    `told` is what the journal of the newest attempt says.
    """
    if stage.manifest:
        return Standing(Status.FINISHED, ended=stage.manifest.ended)
    if stage.exit:
        status = Status.STOPPED if stage.exit.reason == "stopped" else Status.FAILED
        reason = stage.exit.reason or told.reason or _unexplained(stage.exit.code)
        return Standing(status, reason, stage.exit.hint or told.hint, stage.exit.ended)
    if stage.locked or (stage.launched and supervised):
        return Standing(Status.RUNNING)
    if stage.launched:
        return Standing(Status.LOST, "its process died without a word")
    return Standing(Status.WAITING)


def _unexplained(code: int) -> str:
    if code < 0:
        return f"killed by signal {-code}"
    return f"exit code {code}" if code else "it ended well but left no manifest"


def is_over(standing: Standing, stages: Iterable[StageFacts], mtime_ns: int, now: float) -> bool:
    """Whether nothing about a run that stands so can change before its folder's mtime does."""
    settled = abs(now - mtime_ns / 1e9) > SETTLING_S
    return settled and not standing.status.alive and not any(_may_live(stage, now) for stage in stages)


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
        for bad in (Status.FAILED, Status.LOST, Status.STOPPED):
            if bad in stages:
                return bad
    return Status.WAITING
