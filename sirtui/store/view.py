"""A run as it is shown, put together from its parts. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sirtui.core.layout import RunFolder
from sirtui.core.rule import Declared
from sirtui.core.run import Kind, Status
from sirtui.core.spec import Spec, label
from sirtui.core.text import clean
from sirtui.core.verdict import VerdictRecord
from sirtui.store.eta import eta
from sirtui.store.rows import Cell, IterationRow, MeasureRow, RunRow, RunView, StageRow
from sirtui.store.status import of_iteration


@dataclass(frozen=True)
class Told:
    """What a run's files told: cells by iteration and repeat, the measures, by iteration newest scalars and last verdict.

    `pruned`: the iterations whose checkpoints were deleted.
    """

    cells: Mapping[tuple[int, int], Mapping[str, Cell]]
    measures: tuple[MeasureRow, ...]
    scalars: Mapping[int, Mapping[str, float | None]]
    verdicts: Mapping[int, VerdictRecord]
    pruned: Collection[int] = ()
    rule: Declared | None = None


def at_work(row: RunRow, spec: Spec, stages: Sequence[StageRow]) -> RunRow:
    """The row of a run of which something lives, with its most urgent running stage; between two stages, with the next one's t.

    Nobody goes on with an orphan: when it will be done is not known.
    """
    if not (row.status.alive or row.status is Status.ORPHANED):
        return row
    following = next((stage for stage in stages if stage.status is not Status.FINISHED), None)
    running = _running(stages)
    row = replace(row, t=following.t if following else None, eta=eta(spec, stages) if row.status.alive else None)
    if running is None:
        return row
    return replace(
        row, t=running.t, stage=running.id, done=running.done, total=running.total, unit=running.unit, left=running.left
    )


def _running(stages: Sequence[StageRow]) -> StageRow | None:
    """The most urgent stage at work: `stages` are in the order of the plan."""
    return next((stage for stage in stages if stage.status in (Status.RUNNING, Status.ORPHANED)), None)


def view(row: RunRow, spec: Spec, stages: tuple[StageRow, ...], told: Told, folder: RunFolder) -> RunView:
    """The run with all its iterations, also those that nothing has happened to."""
    row = at_work(row, spec, stages)
    parts: dict[tuple[int, int], list[StageRow]] = {}
    for stage in stages:
        parts.setdefault((stage.t, stage.repeat), []).append(stage)
    trained = {stage.t for stage in stages if stage.kind is Kind.TRAIN and stage.status is Status.FINISHED} - {*told.pruned}
    rows = [
        _iteration(row, spec, parts[evaluation], told, str(folder.checkpoint(evaluation[0])) if evaluation[0] in trained else "")
        for evaluation in sorted(parts)
    ]
    first = tuple(each for each in rows if each.repeat == 1)
    return RunView(row, first, tuple(each for each in rows if each.repeat > 1), told.measures, stages, told.rule)


def _iteration(run: RunRow, spec: Spec, stages: Sequence[StageRow], told: Told, checkpoint: str) -> IterationRow:
    """One evaluation from its planned stages."""
    t, repeat, running = stages[0].t, stages[0].repeat, _running(stages)
    return IterationRow(
        t=t,
        repeat=repeat,
        trainer=clean(label(spec.trainer(t)), 200),
        status=of_iteration([stage.status for stage in stages], run.status),
        stage=running.kind.value if running else "",
        done=running.done if running else None,
        total=running.total if running else None,
        unit=running.unit if running else "",
        checkpoint=checkpoint,
        cells=told.cells.get((t, repeat), {}),
        scalars=told.scalars.get(t, {}) if repeat == 1 else {},
        verdict=told.verdicts.get(t) if repeat == 1 else None,
        pruned=t in told.pruned,
    )
