"""What a stage's result depends on, and the key that names all of it. Pure: what varies comes in as an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from sirtui.core.plan import needs
from sirtui.core.run import Kind, Stage
from sirtui.core.spec import Spec

_FORM = 1


@dataclass(frozen=True)
class Outside:
    """What a stage reads that no stage made: recipes of one's own (files), problems, models; as the experiment names them."""

    recipes: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


def key(spec: Spec, stage: Stage, inputs: Mapping[str, str], about: Mapping[str, Any]) -> str:
    """The sha256 of all that decides the stage's result: stages with equal keys have equal results.

    `inputs`: of every stage that it reads (see `reads`), by id, its manifest's digest; `about`: facts of the machine. Of the
    experiment only what a stage of this kind uses goes in, so that runs of other methods share M_1. Empty for a verdict,
    which rests on the whole run.
    """
    if stage.kind is Kind.VERDICT:
        return ""
    parts = {"form": _FORM, "stage": stage.id, "spec": decides(spec, stage), "inputs": dict(inputs), "about": dict(about)}
    return sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def reads(spec: Spec, stage: Stage) -> tuple[Stage, ...]:
    """The stages whose results go in: those it needs; of a measure the training too, whose checkpoint it names."""
    return (*needs(spec, stage), *([Stage(stage.t, Kind.TRAIN)] if stage.kind is Kind.MEASURE else []))


def checkpoint(spec: Spec, stage: Stage) -> int | None:
    """Which M_t the stage loads; None where it loads none, or the base model."""
    if stage.kind is Kind.SAMPLE:
        return stage.t
    return stage.t - 1 if stage.kind is Kind.TRAIN and not _starts_from_base(spec, stage.t) else None


def outside(spec: Spec, stage: Stage) -> Outside:
    """What the stage reads from elsewhere. A recipe on the shelf is part of sirtui, and not named."""
    every, data = spec.evaluation, (spec.data,) if spec.data else ()
    tasks = (spec.task, *(every.ood or ()))
    match stage.kind:
        case Kind.TRAIN:
            models = (spec.base_model,) if _starts_from_base(spec, stage.t) else ()
            return Outside(_own(spec.trainer(stage.t), spec.task), data, models)
        case Kind.SAMPLE:
            return Outside(_own(spec.sampling.sampler, *tasks), data)
        case Kind.JUDGE:
            return Outside(_own(*tasks), data)
        case Kind.MEASURE:
            return Outside(_own(*tasks, *every.measures), data, (every.embedder,) if every.embedder else ())
        case Kind.VERDICT:
            return Outside()


def decides(spec: Spec, stage: Stage) -> dict[str, Any]:
    """The part of the experiment that this stage uses, as plain values."""
    every = spec.evaluation
    tasks = {"task": spec.task, "data": spec.data, "ood": every.ood, "problems": every.problems}
    match stage.kind:
        case Kind.TRAIN:
            used = _of_training(spec, stage.t)
        case Kind.SAMPLE:
            used = {**tasks, "seed": spec.seed, "sampling": spec.sampling, **_counts(spec, stage)}
        case Kind.JUDGE:
            used = tasks
        case Kind.MEASURE:
            with_what = {"embedder": every.embedder, "embedded": every.embedded, "measures": every.measures}
            control = spec.trainer(stage.t) == "frozen"
            told = {"seed": spec.seed, "sampling": spec.sampling, "samples": every.samples, "control": control}
            used = {**tasks, **told, **with_what}
        case Kind.VERDICT:
            used = {}
    plain: dict[str, Any] = msgspec.to_builtins(used)
    return plain


def _of_training(spec: Spec, t: int) -> dict[str, Any]:
    name = spec.trainer(t)
    used = {
        "trainer": name,
        "settings": spec.train.get(name, {}),
        "task": spec.task,
        "data": spec.data,
        "problems": spec.evaluation.problems.train,
        "seed": spec.seed,
        "base_model": spec.base_model if _starts_from_base(spec, t) else None,
    }
    return {**used, "selection": spec.selection} if t > 1 else used


def _counts(spec: Spec, stage: Stage) -> dict[str, Any]:
    """How many answers are drawn, as `stages.sample.sets` has it."""
    every, once = spec.evaluation, stage.repeat == 1
    return {
        "samples": every.first_samples if once and stage.t == 1 else every.samples,
        "ood_samples": every.ood_samples,
        "for_training": once and stage.t < spec.iterations,
    }


def _starts_from_base(spec: Spec, t: int) -> bool:
    return t == 1 or spec.init == "base"


def _own(*recipes: str) -> tuple[str, ...]:
    """The files among these recipes."""
    paths = (recipe.partition(":")[0] for recipe in recipes)
    return tuple(dict.fromkeys(path for path in paths if path.endswith(".py")))
