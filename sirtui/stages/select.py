"""Choosing D_t: which of M_{t-1}'s answers M_t learns from. Pure, and the same each time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import NamedTuple

from sirtui.core.samples import Answers, Mark, Marks, Outcome
from sirtui.core.spec import Selection

WRONG = (Outcome.INCORRECT, Outcome.UNPARSED)
"""Outcomes that make an answer a rejected one. A timeout or a failing judge says nothing of the answer."""


class Sorted(NamedTuple):
    """One problem's answers that ended by themselves, duplicates dropped, in the order drawn."""

    problem: str
    correct: tuple[str, ...]
    incorrect: tuple[str, ...]


def sort_out(
    answers: Iterable[Answers], marks: Iterable[Marks], selection: Selection, steps: Callable[[str], tuple[str, ...]]
) -> Iterator[Sorted]:
    """Each problem's answers by whether they are correct; an answer that was cut off is left out."""
    key: Callable[[str], Hashable] = steps if selection.dedup == "steps" else str.strip
    for drawn, judged in zip(answers, marks, strict=True):
        complete = [(text, mark) for text, ended, mark in zip(drawn.texts, drawn.ended, judged.marks, strict=True) if ended]
        right = _texts(complete, (Outcome.CORRECT,))
        wrong = _texts(complete, WRONG)
        if selection.dedup != "none":
            right, wrong = _distinct(right, key), _distinct(wrong, key)
        yield Sorted(drawn.problem, tuple(right), tuple(wrong))


def _texts(answers: Iterable[tuple[str, Mark]], outcomes: tuple[Outcome, ...]) -> list[str]:
    return [text for text, mark in answers if mark.outcome in outcomes]


def _distinct(texts: Iterable[str], key: Callable[[str], Hashable]) -> list[str]:
    """The first text of each key."""
    first: dict[Hashable, str] = {}
    for text in texts:
        first.setdefault(key(text), text)
    return list(first.values())


def correct(problems: Iterable[Sorted], per_problem: int) -> Iterator[tuple[str, str]]:
    """(problem, answer): at most `per_problem` correct answers of each."""
    for each in problems:
        for text in each.correct[:per_problem]:
            yield each.problem, text


def pairs(problems: Iterable[Sorted], per_problem: int) -> Iterator[tuple[str, str, str]]:
    """(problem, chosen, rejected): at most `per_problem` pairs of each, no answer used twice."""
    for each in problems:
        for chosen, rejected in list(zip(each.correct, each.incorrect, strict=False))[:per_problem]:
            yield each.problem, chosen, rejected
