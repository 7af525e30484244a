"""The order of a run's stages: pure, and the same however often it is asked."""

from __future__ import annotations

from collections.abc import Collection

from sirtui.core.run import Kind, Stage
from sirtui.core.spec import Spec


def plan(spec: Spec) -> tuple[Stage, ...]:
    """All stages of a run, most urgent first: what the next training waits for, then measuring, then the repeats of M_1."""
    stages: list[Stage] = []
    for t in range(1, spec.iterations + 1):
        stages += [Stage(t, kind) for kind in Kind]
    for repeat in range(2, spec.evaluation.repeats + 2):
        stages += [Stage(1, kind, repeat) for kind in (Kind.SAMPLE, Kind.JUDGE, Kind.MEASURE)]
    return tuple(sorted(stages, key=_urgency))


def _urgency(stage: Stage) -> tuple[bool, bool, int, int, int]:
    after = stage.kind in (Kind.MEASURE, Kind.VERDICT)
    return (stage.repeat > 1, after, stage.t, stage.repeat, list(Kind).index(stage.kind))


def needs(spec: Spec, stage: Stage) -> tuple[Stage, ...]:
    """The stages whose results this one reads."""
    t, repeat = stage.t, stage.repeat
    match stage.kind:
        case Kind.TRAIN:
            return () if t == 1 else _training_inputs(spec, t)
        case Kind.SAMPLE:
            return (Stage(t, Kind.TRAIN),)
        case Kind.JUDGE:
            return (Stage(t, Kind.SAMPLE, repeat),)
        case Kind.MEASURE:
            mine = (Stage(t, Kind.SAMPLE, repeat), Stage(t, Kind.JUDGE, repeat))
            first = (Stage(1, Kind.SAMPLE), Stage(1, Kind.JUDGE))
            return mine if mine == first else mine + first
        case Kind.VERDICT:
            measured = Stage(t, Kind.MEASURE)
            return (measured,) if t == 1 else (measured, Stage(1, Kind.MEASURE))


def _training_inputs(spec: Spec, t: int) -> tuple[Stage, ...]:
    sampled = (Stage(t - 1, Kind.SAMPLE), Stage(t - 1, Kind.JUDGE))
    return sampled if spec.init == "base" else (Stage(t - 1, Kind.TRAIN), *sampled)


def next_stages(spec: Spec, done: Collection[Stage]) -> tuple[Stage, ...]:
    """The stages that can start now, most urgent first: not done, and all they need is."""
    finished = set(done)
    return tuple(stage for stage in plan(spec) if stage not in finished and all(need in finished for need in needs(spec, stage)))
