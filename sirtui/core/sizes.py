"""How much room runs take on the disk: estimates from the experiment alone, rather too high than too low.

Sizes are in bytes. `model_bytes` is the size of the base model's folder: every checkpoint is about as large.
"""

from __future__ import annotations

from sirtui.core.spec import Spec

RESUMABLE = 4
"""A checkpoint to resume from in model sizes: the weights, two moments of the optimizer in float32, and what is beside them."""
_RESUMABLES = 3
_KEPT = 3
_TOKEN, _MARK = 4, 64


def passing(spec: Spec, t: int, model_bytes: int) -> int:
    """What the training of M_t takes beside its result, until it is finished; nothing where it does not train."""
    return 0 if spec.trainer(t) == "frozen" else _RESUMABLES * RESUMABLE * model_bytes


def answers(spec: Spec, count: int) -> int:
    """What so many answers take, if all are as long as they may be, with their marks."""
    return count * (spec.sampling.max_new_tokens * _TOKEN + _MARK)


def checkpoints(spec: Spec) -> int:
    """How many checkpoints a run has on the disk at most: all, or with `keep+last` three at a time."""
    return spec.iterations if spec.resources.retain == "all" else min(spec.iterations, _KEPT)
