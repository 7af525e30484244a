"""The same chains told as algebra: what the nano model could do before it was trained on word problems."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from sirtui.recipes.nano import chain as arithmetic
from sirtui.recipes.nano.chain import Chain
from sirtui.recipes.nano.words import annotated

LETTERS = "abcdefghkmnpqrstuvwxyz"
MIX = {"order": 0.8, "reorder": 0.15, "net": 0.05}
_SENTENCES = ("{e}.", "Here {e}.", "Next {e}.", "It is {e}.")


class System(NamedTuple):
    """A chain of definitions, `letters[i]` the unknown after step i."""

    chain: Chain
    letters: tuple[str, ...]

    @property
    def question(self) -> str:
        """The problem as text: `x = 7. a = x + 9. k = a - 5. Find k.`."""
        said = [f"{self.letters[0]} = {self.chain.start}."]
        for before, letter, step in zip(self.letters, self.letters[1:], self.chain.steps, strict=False):
            said.append(f"{letter} = {before} {step.op} {step.by}.")
        return " ".join([*said, f"Find {self.letters[-1]}."])


def draw(random: Random, level: int) -> System:
    """A random system of `level` steps."""
    return System(arithmetic.draw(random, level), tuple(random.sample(LETTERS, level + 1)))


def solve(system: System, random: Random, mix: Mapping[str, float] = MIX) -> str:
    """A correct solution in GSM8K's format."""
    strategy = random.choices(list(mix), list(mix.values()))[0]
    equations = arithmetic.STRATEGIES[strategy](system.chain, random)
    sentence = random.choice(_SENTENCES)
    return " ".join(sentence.format(e=annotated(each)) for each in equations) + f"\n#### {system.chain.answer}"
