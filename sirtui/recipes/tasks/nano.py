"""`nano`: word problems of one to four steps, made here; forgetting shows on `nano-algebra`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Literal

from sirtui.core.samples import Mark, Problem
from sirtui.recipes.equations import equations
from sirtui.recipes.nano import words
from sirtui.recipes.nano.judge import judge_numbers

SIZES = {"train": 960, "test": 960}
CYCLE = (1, 2, 2, 3, 3, 4, 4)
"""Levels in turn, so that any first n problems weigh them 1:2:2:2."""


class Nano:
    """Word problems told from chains of arithmetic, solved in GSM8K's format; the level is the number of steps."""

    name = "nano"
    levels = ("1", "2", "3", "4")
    ood = ("nano-algebra",)

    def problems(self, split: Literal["train", "test"], data: str | None = None) -> Sequence[Problem]:
        """The split's problems, always the same; none of the training questions is a test question."""
        random, seen = Random("sirtui nano 1"), set[str]()
        drawn = {name: list(_draw(name, size, random, seen)) for name, size in SIZES.items()}
        return drawn[split]

    def prompt(self, problem: Problem) -> str:
        """The question on a line of its own."""
        return f"{problem.question}\n"

    def judge(self, answers: Iterable[tuple[Problem, str]]) -> Iterator[Mark]:
        """By the whole number after `####`."""
        return judge_numbers(answers)

    def steps(self, answer: str) -> tuple[str, ...]:
        """The answer's true equations."""
        return equations(answer)


def _draw(split: str, size: int, random: Random, seen: set[str]) -> Iterator[Problem]:
    number = 0
    while number < size:
        level = CYCLE[number % len(CYCLE)]
        story = words.draw(random, level)
        reference = words.solve(story, random)
        if story.question not in seen:
            seen.add(story.question)
            yield Problem(f"nano/{split}-{number}", story.question, reference, str(level))
            number += 1


TASK = Nano()
