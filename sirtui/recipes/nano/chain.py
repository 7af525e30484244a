"""Chains of arithmetic on small whole numbers, and four true ways of working one out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import permutations
from random import Random
from typing import NamedTuple

LARGEST = 40
"""No start, intermediate result or answer exceeds this, so each is one token of the nano model."""

Equation = tuple[str, int]
"""A left side as text and its value: `("17-2", 15)`."""


class Step(NamedTuple):
    """One operation: `op` is one of `+ - * /`, `by` its right operand."""

    op: str
    by: int


class Chain(NamedTuple):
    """A start and the steps applied to it in order."""

    start: int
    steps: tuple[Step, ...]

    @property
    def answer(self) -> int:
        """The value after the last step."""
        value = self.start
        for step in self.steps:
            value = apply(value, step)
        return value


def apply(value: int, step: Step) -> int:
    """The value after one step; division is only ever asked of even numbers by two."""
    match step.op:
        case "+":
            return value + step.by
        case "-":
            return value - step.by
        case "*":
            return value * step.by
        case _:
            return value // step.by


def draw(random: Random, length: int) -> Chain:
    """A random chain of `length` steps: start 3-20, operands 1-9, results 1-40, a fifth of the steps x2, x3 or /2."""
    start = value = random.randint(3, 20)
    steps: list[Step] = []
    while len(steps) < length:
        step = _draw_step(random)
        if step.op == "/" and value % 2:
            continue
        if 1 <= apply(value, step) <= LARGEST:
            value = apply(value, step)
            steps.append(step)
    return Chain(start, tuple(steps))


def _draw_step(random: Random) -> Step:
    if random.random() < 0.2:
        return random.choice((Step("*", 2), Step("*", 3), Step("/", 2)))
    return Step(random.choice("+-"), random.randint(1, 9))


def in_order(chain: Chain, random: Random) -> list[Equation]:
    """One equation a step, in the order told."""
    return _one_by_one(chain.start, chain.steps)


def reordered(chain: Chain, random: Random) -> list[Equation]:
    """One equation a step, additions and subtractions that stand together taken in another order where that is possible."""
    value, steps = chain.start, list[Step]()
    for run in _runs(chain.steps):
        steps += _other_order(value, run, random)
        value = Chain(value, run).answer
    return _one_by_one(chain.start, steps)


def netted(chain: Chain, random: Random) -> list[Equation]:
    """Additions and subtractions that stand together are summed first, and their difference applied at once."""
    value, equations = chain.start, list[Equation]()
    for run in _runs(chain.steps):
        short, before = (_net(run)) if run[0].op in "+-" else (list(run), list[Equation]())
        equations += before + _one_by_one(value, short)
        value = Chain(value, run).answer
    return equations


def at_once(chain: Chain, random: Random) -> list[Equation]:
    """The whole chain as one expression: short, and hard to get right in the head."""
    text = str(chain.start)
    for step in chain.steps:
        if step.op in "*/" and not text.isdigit():
            text = f"({text})"
        text = f"{text}{step.op}{step.by}"
    return [(text, chain.answer)]


STRATEGIES: Mapping[str, Callable[[Chain, Random], list[Equation]]] = {
    "order": in_order,
    "reorder": reordered,
    "net": netted,
    "one": at_once,
}


def _one_by_one(value: int, steps: Sequence[Step]) -> list[Equation]:
    equations: list[Equation] = []
    for step in steps:
        result = apply(value, step)
        equations.append((f"{value}{step.op}{step.by}", result))
        value = result
    return equations


def _runs(steps: Sequence[Step]) -> list[tuple[Step, ...]]:
    """The steps cut into runs of + and -, every other step alone."""
    runs: list[tuple[Step, ...]] = []
    for step in steps:
        if runs and step.op in "+-" and runs[-1][0].op in "+-":
            runs[-1] += (step,)
        else:
            runs.append((step,))
    return runs


def _other_order(value: int, run: tuple[Step, ...], random: Random) -> tuple[Step, ...]:
    others = [order for order in permutations(run) if order != run and _stays_small(value, order)]
    return random.choice(others) if others else run


def _stays_small(value: int, steps: Sequence[Step]) -> bool:
    return all(1 <= result <= LARGEST for _, result in _one_by_one(value, steps))


def _net(run: Sequence[Step]) -> tuple[list[Step], list[Equation]]:
    """The run as one step, and the equations that led to it."""
    gains = [step.by for step in run if step.op == "+"]
    losses = [step.by for step in run if step.op == "-"]
    equations = [("+".join(map(str, part)), sum(part)) for part in (gains, losses) if len(part) > 1]
    gain, loss = sum(gains), sum(losses)
    if gain and loss:
        equations.append((f"{max(gain, loss)}-{min(gain, loss)}", abs(gain - loss)))
    return [Step("+", gain - loss) if gain >= loss else Step("-", loss - gain)], equations
