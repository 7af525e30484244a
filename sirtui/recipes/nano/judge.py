"""The nano tasks' judge: the whole number after `####` is the reference's, or it is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sirtui.core.samples import Mark, Outcome, Problem
from sirtui.recipes.answers import whole_number


def judge_numbers(answers: Iterable[tuple[Problem, str]]) -> Iterator[Mark]:
    """A mark for each answer, in order."""
    for problem, answer in answers:
        read = whole_number(answer)
        if read is None:
            yield Mark(Outcome.UNPARSED)
        else:
            right = read == whole_number(problem.reference)
            yield Mark(Outcome.CORRECT if right else Outcome.INCORRECT, str(read))
