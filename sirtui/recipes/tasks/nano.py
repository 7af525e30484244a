"""`nano`: word problems of one to four steps, told from chains of arithmetic; forgetting shows on `nano-algebra`."""

from __future__ import annotations

from random import Random

from sirtui.recipes.nano import words
from sirtui.recipes.nano.task import NanoTask


def draw(random: Random, level: int) -> tuple[str, str]:
    """A story's question and solution; the level is the number of steps."""
    story = words.draw(random, level)
    return story.question, words.solve(story, random)


TASK = NanoTask(
    name="nano",
    levels=("1", "2", "3", "4"),
    ood=("nano-algebra",),
    draw=draw,
    cycle=(1, 2, 2, 3, 3, 4, 4),
    sizes={"train": 960, "test": 960},
)
