"""Chains told as word problems, and their solutions in GSM8K's format, each strategy in four wordings."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from sirtui.recipes.nano import chain as arithmetic
from sirtui.recipes.nano.chain import Chain, Equation, Step

NAMES = ("Tom", "Ann", "Sam", "Eva", "Max", "Lea", "Ben", "Ida")
OBJECTS = ("apples", "coins", "cards", "pens", "books", "shells", "stamps", "nuts")
MIX = {"order": 0.25, "reorder": 0.15, "net": 0.1, "one": 0.5}
"""How often each strategy is taken in reference solutions."""

_TOLD = {
    "+": ("{other} gives {name} {by}.", "{name} buys {by}.", "{name} finds {by}."),
    "-": ("{name} loses {by}.", "{name} gives {other} {by}.", "{name} sells {by}."),
    "*2": ("{name} doubles the {thing}.",),
    "*3": ("{name} triples the {thing}.",),
    "/2": ("{name} halves the {thing}.",),
}

WORDINGS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "order": (
        ("", "{name} has {e} {thing}."),
        ("Step by step:", "then {e}."),
        ("", "That makes {e}."),
        ("We go in order.", "Now {e} {thing}."),
    ),
    "reorder": (
        ("The order is free.", "So {e}."),
        ("In another order:", "first {e}."),
        ("", "We take {e} {thing}."),
        ("Sorted anew,", "it is {e}."),
    ),
    "net": (
        ("Gains and losses first.", "So {e}."),
        ("Take it together:", "then {e}."),
        ("Net of all,", "{name} gets {e}."),
        ("", "Together {e} {thing}."),
    ),
    "one": (
        ("", "In one go {e}."),
        ("", "The answer is {e} {thing}."),
        ("All at once:", "{e}."),
        ("", "{name} ends with {e}."),
    ),
}
"""Per strategy: an opening, and the sentence said for each equation `{e}`."""


class Story(NamedTuple):
    """A word problem: its chain, who it is about, and how each step is told."""

    chain: Chain
    name: str
    other: str
    thing: str
    phrasings: tuple[int, ...]

    @property
    def question(self) -> str:
        """The problem as text."""
        told = [f"{self.name} has {self.chain.start} {self.thing}."]
        told += [self._tell(step, which) for step, which in zip(self.chain.steps, self.phrasings, strict=True)]
        return " ".join([*told, f"How many {self.thing}?"])

    def _tell(self, step: Step, which: int) -> str:
        ways = _TOLD[step.op if step.op in "+-" else f"{step.op}{step.by}"]
        return ways[which % len(ways)].format(name=self.name, other=self.other, by=step.by, thing=self.thing)


def draw(random: Random, level: int) -> Story:
    """A random story of `level` steps."""
    name, other = random.sample(NAMES, 2)
    chain = arithmetic.draw(random, level)
    return Story(chain, name, other, random.choice(OBJECTS), tuple(random.randrange(3) for _ in chain.steps))


def solve(story: Story, random: Random, mix: Mapping[str, float] = MIX) -> str:
    """A correct solution: a strategy drawn from `mix`, a wording drawn evenly."""
    strategy = random.choices(list(mix), list(mix.values()))[0]
    equations = arithmetic.STRATEGIES[strategy](story.chain, random)
    opening, sentence = random.choice(WORDINGS[strategy])
    said = [sentence.format(name=story.name, thing=story.thing, e=annotated(each)) for each in equations]
    return " ".join([opening, *said] if opening else said) + f"\n#### {story.chain.answer}"


def annotated(equation: Equation) -> str:
    """An equation as GSM8K annotates it: `<<17-2=15>>15`."""
    left, value = equation
    return f"<<{left}={value}>>{value}"
