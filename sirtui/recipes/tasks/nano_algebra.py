"""`nano-algebra`: the same arithmetic told as definitions ending in `Find k.`; what the nano model forgets."""

from __future__ import annotations

from random import Random

from sirtui.recipes.nano import algebra
from sirtui.recipes.nano.task import NanoTask


def draw(random: Random, level: int) -> tuple[str, str]:
    """A system's question and solution; the level is the number of steps."""
    system = algebra.draw(random, level)
    return system.question, algebra.solve(system, random)


TASK = NanoTask(
    name="nano-algebra",
    levels=("1", "2", "3", "4", "5"),
    ood=("nano",),
    draw=draw,
    cycle=(1, 2, 3, 4, 5),
    sizes={"train": 600, "test": 600},
)
