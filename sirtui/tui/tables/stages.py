"""Of a run's stages the one to look at, and where a stage's result comes from."""

from __future__ import annotations

from collections.abc import Iterable

from sirtui.core.run import Status
from sirtui.core.text import clean
from sirtui.store.rows import IterationRow, RunRow, RunView, StageRow
from sirtui.tui.figures import ATTENTION


def stage_at_work(view: RunView) -> StageRow | None:
    """The stage of a run to look at: the one that failed, else the one at work, else the last one that began."""
    return stage_of(view.run, view.stages)


def stage_of(run: RunRow, stages: Iterable[StageRow]) -> StageRow | None:
    """Of a run's stages the one to look at."""
    begun = [stage for stage in stages if stage.attempt]
    if run.status in ATTENTION:
        failed = [stage for stage in begun if stage.status in ATTENTION]
        if failed or run.status not in (Status.PAUSED, Status.ORPHANED):
            return failed[-1] if failed else None
    named = [stage for stage in begun if stage.id == run.stage]
    running = [stage for stage in begun if stage.status is Status.RUNNING]
    latest = sorted(begun, key=lambda stage: stage.started or 0.0)[-1:]
    return next(iter((*named, *running, *latest)), None)


def linked(stage: StageRow) -> str:
    """Where a result comes from that was not made in this run: `linked from RUN/it01/train`; empty for all others."""
    origin = clean(stage.origin, 120)
    return f"linked from {origin}" if origin else ""


def origin_id(stage: StageRow) -> str:
    """The id of the run that a linked stage's result is from: `a1b2c3`."""
    return clean(stage.origin.partition("/")[0].rpartition("-")[2], 8)


def all_linked(view: RunView, row: IterationRow) -> bool:
    """Whether whatever is finished of an iteration was linked from another run."""
    mine = [stage for stage in view.stages if (stage.t, stage.repeat) == (row.t, row.repeat)]
    finished = [stage for stage in mine if stage.status is Status.FINISHED]
    return bool(finished) and all(stage.origin for stage in finished)


def linked_share(view: RunView) -> tuple[str, ...]:
    """How much of a run is another's work, and whose: `15 of 18 stages linked`, `from RUN`; empty where nothing is."""
    origins = [clean(stage.origin.partition("/")[0], 80) for stage in view.stages if stage.origin]
    if not origins:
        return ()
    runs = set(origins)
    source = origins[0] if len(runs) == 1 else f"{len(runs)} runs"
    return (f"{len(origins)} of {len(view.stages)} stages linked", f"from {source}")
