"""How long a run may still take, by what its own finished stages took. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from sirtui.core.plan import plan
from sirtui.core.run import Kind, Stage, Status
from sirtui.core.spec import Spec
from sirtui.store.rows import StageRow

_MAIN = (Kind.TRAIN, Kind.SAMPLE, Kind.JUDGE)


def eta(spec: Spec, stages: Sequence[StageRow]) -> float | None:
    """Seconds from now until every planned stage is finished; None where a stage of the main line is of a kind yet unknown.

    A stage is taken to last as the finished ones of its kind and trainer did on average (those linked from elsewhere took no
    time, and do not count), or else of its kind. The main line
    (train, sample, judge, train ...) goes one by one; last comes the measuring of its end. Beside it run the other
    measures and verdicts, one by one, and the repeats as far as `resources.parallel` lets models share the machine.
    """
    known = _Pace(spec, stages)
    progress = {Stage(row.t, row.kind, row.repeat): row for row in stages}
    left = {stage: known.seconds_left(stage, progress.get(stage)) for stage in plan(spec)}
    main = {stage for stage in left if stage.repeat == 1 and stage.kind in _MAIN}
    if any(left[stage] is None for stage in main):
        return None
    chain = _total(left, main)
    last = _total(left, (stage for stage in left if stage.repeat == 1 and stage.t == spec.iterations and stage.kind not in _MAIN))
    models = _total(left, (stage for stage in left if stage.kind.holds_model))
    beside = _total(left, (stage for stage in left if stage.kind not in _MAIN))
    return max(chain + last, models / spec.resources.parallel, beside)


def _total(left: Mapping[Stage, float | None], stages: Iterable[Stage]) -> float:
    return sum(left[stage] or 0.0 for stage in stages)


class _Pace:
    """What the finished stages took on average, by kind and trainer and by kind alone (seconds)."""

    def __init__(self, spec: Spec, stages: Sequence[StageRow]) -> None:
        self._spec = spec
        taken: dict[tuple[Kind, str], list[float]] = {}
        for row in stages:
            if row.status is Status.FINISHED and row.seconds is not None and not row.origin:
                taken.setdefault((row.kind, spec.trainer(row.t)), []).append(row.seconds)
                taken.setdefault((row.kind, ""), []).append(row.seconds)
        self._seconds = {key: fmean(seconds) for key, seconds in taken.items()}

    def seconds_left(self, stage: Stage, row: StageRow | None) -> float | None:
        """Of one stage, None where nothing like it has finished."""
        if row and row.status is Status.FINISHED:
            return 0.0
        usual = self._seconds.get((stage.kind, self._spec.trainer(stage.t)), self._seconds.get((stage.kind, "")))
        return None if usual is None else usual * (1.0 - _share_done(row))


def _share_done(row: StageRow | None) -> float:
    if row is None or row.status is not Status.RUNNING or not row.done or not row.total:
        return 0.0
    return min(1.0, max(0.0, row.done / row.total))
