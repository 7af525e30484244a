"""The order of a run's stages: pure, and the same however often it is asked."""

from __future__ import annotations

from collections.abc import Collection

from sirtui.core.run import Kind, Stage
from sirtui.core.spec import Spec


def plan(spec: Spec) -> tuple[Stage, ...]:
    """All stages of a run, most urgent first: what the next training waits for, M_1 again, then measuring, then topups."""
    stages: list[Stage] = []
    for t in range(1, spec.iterations + 1):
        stages += [Stage(t, kind) for kind in Kind]
    for repeat in range(2, spec.evaluation.repeats + 2):
        stages += [Stage(1, kind, repeat) for kind in EVALUATING]
    return (*sorted(stages, key=_urgency), *_topped_up(spec))


EVALUATING = (Kind.SAMPLE, Kind.JUDGE, Kind.MEASURE)


def _topped_up(spec: Spec) -> list[Stage]:
    """What the topups add, in their order."""
    stages: list[Stage] = []
    for number, topup in enumerate(spec.topups):
        for t in (topup.t, 1):
            again = range(spec.evaluations(t, number) + 1, spec.evaluations(t, number + 1) + 1)
            stages += [Stage(t, kind, repeat) for repeat in again for kind in EVALUATING]
        stages.append(Stage(topup.t, Kind.VERDICT, spec.evaluations(topup.t, number + 1)))
    return stages


def _urgency(stage: Stage) -> tuple[bool, int, int, int]:
    """M_1 is evaluated again beside the training of M_2 and before M_2's sampling: the first verdict needs it."""
    after = stage.kind in (Kind.MEASURE, Kind.VERDICT)
    again = stage.repeat > 1
    place = 2 * list(Kind).index(stage.kind)
    return (after, stage.t + again, 2 * list(Kind).index(Kind.SAMPLE) - 1 if again and not after else place, stage.repeat)


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
            return tuple(Stage(s, Kind.MEASURE, each) for s, each in evidence(spec, t, repeat))


def looks(spec: Spec, t: int) -> tuple[int, ...]:
    """The looks at M_t that are planned, the first one first: how often M_t is evaluated for each."""
    return tuple(dict.fromkeys(spec.evaluations(t, topups) for topups in range(len(spec.topups) + 1))) if t > 1 else (1,)


def evidence(spec: Spec, t: int, look: int) -> tuple[tuple[int, int], ...]:
    """The evaluations (iteration, repeat) that the verdict on M_t rests on when M_t was evaluated `look` times.

    Each as often as it had been evaluated at that look.
    """
    if t == 1:
        return ((1, 1),)
    looks = [spec.evaluations(t, topups) for topups in range(len(spec.topups) + 1)]
    topups = looks.index(look) if look in looks else 0
    first = [(1, repeat) for repeat in range(1, spec.evaluations(1, topups) + 1)]
    between = [(s, repeat) for s in range(2, t) for repeat in range(1, spec.evaluations(s, topups) + 1)]
    return (*first, *between, *((t, repeat) for repeat in range(1, look + 1)))


def waits(spec: Spec, stage: Stage) -> tuple[Stage, ...]:
    """The stages that must be finished before this one starts: what it needs; where a reversal may end the run, the verdict."""
    held = stage.kind is Kind.TRAIN and stage.t > 2 and spec.verdicts.on_reversal != "continue"
    return (*needs(spec, stage), *([Stage(stage.t - 1, Kind.VERDICT)] if held else []))


def _training_inputs(spec: Spec, t: int) -> tuple[Stage, ...]:
    sampled = (Stage(t - 1, Kind.SAMPLE), Stage(t - 1, Kind.JUDGE))
    return sampled if spec.init == "base" else (Stage(t - 1, Kind.TRAIN), *sampled)


def next_stages(spec: Spec, done: Collection[Stage]) -> tuple[Stage, ...]:
    """The stages that can start now, most urgent first: not done, and all they need is."""
    finished = set(done)
    return tuple(stage for stage in plan(spec) if stage not in finished and all(need in finished for need in waits(spec, stage)))
