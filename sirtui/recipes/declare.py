"""The rule of an experiment where its file says nothing: which essential measures the task allows, and which names there are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches

import msgspec

from sirtui.core.errors import UsageError
from sirtui.core.rule import default_essential, default_watch
from sirtui.core.spec import Spec
from sirtui.recipes.measures.accuracy import ladder
from sirtui.recipes.shelf import Task, tasks_of

_LOOKED_AT = 50
_DIVERSITY = re.compile(r"diversity\.(ngram\.(in)?correct|(distinct_n|semantic|equations)\.(in)?correct(\.raw)?)")
_NEUTRAL = ("answers.length", "answers.entropy", "answers.nll")


def resolved(spec: Spec) -> Spec:
    """The experiment with its essential and watched measures written out: with the run, the whole rule is on record."""
    task, *others = tasks_of(spec).values()
    fronts = _fronts(others)
    has_steps = any(task.steps(problem.reference) for problem in task.problems("train", spec.data)[:_LOOKED_AT])
    said = spec.verdicts
    essential = default_essential(spec, equations=has_steps, ood=fronts) if said.essential is None else said.essential
    whole = msgspec.structs.replace(spec, verdicts=msgspec.structs.replace(said, essential=essential))
    watch = default_watch(whole, ood=fronts) if said.watch is None else said.watch
    return msgspec.structs.replace(whole, verdicts=msgspec.structs.replace(whole.verdicts, watch=watch))


def _fronts(others: Sequence[Task]) -> tuple[str, ...]:
    """What stands before the OOD keys of each task."""
    return tuple(f"{each.name}/" for each in others) if len(others) > 1 else ("",) * len(others)


def check_measure(key: str, spec: Spec, *, decides: bool = False) -> None:
    """Whether an experiment's own measures can have one of this name; any name goes where it brings measures of its own.

    `decides`: whether it is to be target or essential.

    Raises:
        UsageError: no measure is called so, the samples are too few for it, or neither up nor down is better.
    """
    if decides and key in _NEUTRAL:
        raise UsageError(f"{key} can be watched, but decide nothing", "Neither higher nor lower is better.")
    known = _known(spec)
    if spec.evaluation.measures or key in known:
        return
    if _DIVERSITY.fullmatch(key):
        raise UsageError(f"{key} cannot be had here", "Diversity needs 8 samples, the semantic one an embedder.")
    if re.fullmatch(r"pass@\d+", key):
        expected = f"Expected pass@K with K = 2, 4, 8 ... up to evaluation.samples ({spec.evaluation.samples})."
        raise UsageError(f"{key} cannot be had here", expected)
    near = get_close_matches(key, known, 1)
    expected = near[0] if near else f"one of {', '.join(known)}"
    raise UsageError(f"no measure is called {key!r}", f"Expected {expected}.")


def _known(spec: Spec) -> Sequence[str]:
    """The measures on the shelf that can be compared between iterations, as this experiment samples."""
    _, *others = tasks_of(spec).values()
    levels = dict.fromkeys(level for task in others for level in task.levels)
    of_ood = ("accuracy", "accuracy.greedy", "disparity", *(f"accuracy.level_{level}" for level in levels))
    many = spec.evaluation.samples >= 8
    kinds = ("ngram", "distinct_n", *(("semantic",) if spec.evaluation.embedder else ()), "equations")
    subsets = [f"diversity.{kind}.{subset}" for kind in kinds for subset in ("correct", "incorrect")]
    return (
        "pass@1.sampled",
        "pass@1.greedy",
        *(f"pass@{k}" for k in ladder(spec.evaluation.samples)),
        "cover@.5",
        *(f"answers.{each}" for each in ("unparsed", "ended", "length", "entropy", "nll")),
        *(f"coverage.{each}" for each in ("mass_train", "mass_test", "any")),
        *(subsets if many else ()),
        *(f"{key}.raw" for key in subsets if not key.startswith("diversity.ngram")),
        *(f"{front}ood.{each}" for front in _fronts(others) for each in of_ood),
    )
