"""`answers`: what the answers to the test problems are like, right or wrong. Where these drift, pass@1 drifts for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import fsum, log

from sirtui.core.samples import Mark, Outcome
from sirtui.recipes.measures._mean import mean, scored
from sirtui.recipes.shelf import Evaluation, Judged, Measured, Tools

_JUDGED = {Outcome.CORRECT, Outcome.INCORRECT}


class OfAnswers:
    """How many answers could not be read or did not end, how long, how varied and how likely they are."""

    name = "answers"

    def of(self, now: Evaluation, first: Evaluation, tools: Tools) -> Iterator[Measured]:
        """`answers.{unparsed,ended,length,entropy,nll}`: per problem over its samples, then the mean over problems.

        INFRA marks are left out of `unparsed` and `entropy`; the others do not ask the judge. A key that no problem has
        (a sampler without log-probabilities, a judge that reads no answer) is left out.
        """
        for name, direction, unit, of_problem in _KINDS:
            values = ((each.problem.id, of_problem(each)) for each in now.test)
            if scores := {problem: value for problem, value in values if value is not None}:
                yield mean(f"answers.{name}", scores, now.test, direction=direction, unit=unit)


def _unparsed(judged: Judged) -> float | None:
    return _average([mark.outcome is Outcome.UNPARSED for mark in scored(judged)])


def _ended(judged: Judged) -> float | None:
    return _average(judged.samples.ended)


def _length(judged: Judged) -> float | None:
    return _average(judged.samples.tokens)


def _nll(judged: Judged) -> float | None:
    """Nats per token."""
    return _average([-each for each in judged.samples.logprobs if each is not None])


def _entropy(judged: Judged) -> float | None:
    """Plug-in Shannon entropy of the answers read, in nats; an outcome without one is a class of its own.

    Biased down by about (classes - 1)/2N, the same at every t as N is. None where the judge decides without reading.
    """
    marks = scored(judged)
    if not marks or any(mark.read is None and mark.outcome in _JUDGED for mark in marks):
        return None
    sizes = Counter(map(_class, marks)).values()
    return fsum(size / len(marks) * log(len(marks) / size) for size in sizes)


def _class(mark: Mark) -> tuple[bool, str]:
    return (False, mark.outcome.value) if mark.read is None else (True, mark.read)


def _average(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


_KINDS: tuple[tuple[str, int, str, Callable[[Judged], float | None]], ...] = (
    ("unparsed", -1, "share", _unparsed),
    ("ended", 1, "share", _ended),
    ("length", 0, "tokens", _length),
    ("entropy", 0, "nats", _entropy),
    ("nll", 0, "nats", _nll),
)
"""Per measure: its name, direction, unit, and what it is of one problem (None where undefined)."""

MEASURE = OfAnswers()
