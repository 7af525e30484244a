"""`nano-algebra`: the same arithmetic told as equations, levels one to five; what the nano model forgets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Literal

from sirtui.core.samples import Mark, Problem
from sirtui.recipes.equations import equations
from sirtui.recipes.nano import algebra
from sirtui.recipes.nano.judge import judge_numbers

SIZES = {"train": 600, "test": 600}


class NanoAlgebra:
    """Chains of definitions ending in `Find k.`; the level is the number of steps."""

    name = "nano-algebra"
    levels = ("1", "2", "3", "4", "5")
    ood = ("nano",)

    def problems(self, split: Literal["train", "test"], data: str | None = None) -> Sequence[Problem]:
        """The split's problems, always the same, the levels in turn; no question stands in both splits."""
        random, seen = Random("sirtui nano-algebra 1"), set[str]()
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
        level = number % 5 + 1
        system = algebra.draw(random, level)
        reference = algebra.solve(system, random)
        if system.question not in seen:
            seen.add(system.question)
            yield Problem(f"nano-algebra/{split}-{number}", system.question, reference, str(level))
            number += 1


TASK = NanoAlgebra()
