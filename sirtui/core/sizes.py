"""How much room stages and runs take on the disk: estimates from the experiment alone, rather too high than too low.

Sizes are in bytes. `model_bytes` is the size of the base model's folder: every checkpoint is about as large.
"""

from __future__ import annotations

from sirtui.core.run import Kind, Stage
from sirtui.core.spec import Spec

FLOOR = 16 * 2**20
"""Of any stage: logs, journals, records."""
RESUMABLE = 4
"""A checkpoint to resume from in model sizes: the weights, two moments of the optimizer in float32, and what is beside them."""
_RESUMABLES = 3
_KEPT = 3
_TOKEN, _MARK, _PROBLEM, _VERDICT = 4, 64, 8 * 2**10, 4 * 2**20
_UNKNOWN = 10_000


def needed(spec: Spec, stage: Stage, model_bytes: int) -> int:
    """The room that must be free before a stage starts.

    A training needs it for its result and for three checkpoints to resume from: two that are kept, one in the making.
    """
    match stage.kind:
        case Kind.TRAIN:
            return FLOOR + model_bytes + passing(spec, stage.t, model_bytes)
        case Kind.SAMPLE:
            return FLOOR + answers(spec, _drawn(spec, stage))
        case Kind.JUDGE:
            return FLOOR + _MARK * _drawn(spec, stage)
        case Kind.MEASURE:
            return FLOOR + _PROBLEM * (_problems(spec.evaluation.problems.test) + _problems(spec.evaluation.problems.ood))
        case Kind.VERDICT:
            return FLOOR + _VERDICT


def passing(spec: Spec, t: int, model_bytes: int) -> int:
    """What the training of M_t takes beside its result, until it is finished; nothing where it does not train."""
    return 0 if spec.trainer(t) == "frozen" else _RESUMABLES * RESUMABLE * model_bytes


def answers(spec: Spec, count: int) -> int:
    """What so many answers take, if all are as long as they may be, with their marks."""
    return count * (spec.sampling.max_new_tokens * _TOKEN + _MARK)


def checkpoints(spec: Spec) -> int:
    """How many checkpoints a run has on the disk at most: all, or with `keep+last` three at a time."""
    return spec.iterations if spec.resources.retain == "all" else min(spec.iterations, _KEPT)


def _drawn(spec: Spec, stage: Stage) -> int:
    """How many answers a sample stage draws."""
    every, first = spec.evaluation, stage.t == 1 and stage.repeat == 1
    train = spec.sampling.n if stage.repeat == 1 and stage.t < spec.iterations else 0
    tested = 1 + (every.first_samples if first else every.samples)
    others = 1 if every.ood is None else len(every.ood)
    return (
        train * _problems(every.problems.train)
        + tested * _problems(every.problems.test)
        + others * (1 + every.ood_samples) * _problems(every.problems.ood)
    )


def _problems(limit: int | None) -> int:
    return _UNKNOWN if limit is None else limit
