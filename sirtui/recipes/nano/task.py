"""What the nano tasks share: problems drawn once and for all, and a judge that reads the number after `####`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from sirtui.core.errors import UsageError
from sirtui.core.samples import Mark, Outcome, Problem
from sirtui.recipes.answers import whole_number
from sirtui.recipes.equations import equations


@dataclass(frozen=True)
class NanoTask:
    """A task whose problems are made here.

    `draw` gives a question and a solution of a level. `cycle`: the levels in turn, so that any first n problems of a split
    are a fair sample. `sizes`: problems per split.
    """

    name: str
    levels: tuple[str, ...]
    ood: tuple[str, ...]
    draw: Callable[[Random, int], tuple[str, str]]
    cycle: Sequence[int]
    sizes: Mapping[str, int]

    def problems(self, split: Literal["train", "test"], data: str | None = None) -> Sequence[Problem]:
        """The split's problems, always the same; no question stands twice, or in both splits.

        Raises:
            UsageError: `data` was given.
        """
        if data is not None:
            raise UsageError(f"{self.name} makes its own problems", "Expected no data.")
        random, seen = Random(f"sirtui {self.name} 1"), set[str]()
        drawn = {each: list(self._draw(each, size, random, seen)) for each, size in self.sizes.items()}
        return drawn[split]

    def _draw(self, split: str, size: int, random: Random, seen: set[str]) -> Iterator[Problem]:
        number = 0
        while number < size:
            level = self.cycle[number % len(self.cycle)]
            question, solution = self.draw(random, level)
            if question not in seen:
                seen.add(question)
                yield Problem(f"{self.name}/{split}-{number}", question, solution, str(level))
                number += 1

    def prompt(self, problem: Problem) -> str:
        """The question on a line of its own."""
        return f"{problem.question}\n"

    def judge(self, answers: Iterable[tuple[Problem, str]]) -> Iterator[Mark]:
        """Right is the whole number after `####` of the reference."""
        for problem, answer in answers:
            read = whole_number(answer)
            if read is None:
                yield Mark(Outcome.UNPARSED)
            else:
                right = read == whole_number(problem.reference)
                yield Mark(Outcome.CORRECT if right else Outcome.INCORRECT, str(read))

    def steps(self, answer: str) -> tuple[str, ...]:
        """The answer's true equations."""
        return equations(answer)
