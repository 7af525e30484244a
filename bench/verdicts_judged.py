"""Drawn runs judged: by the project's own code, by simpler rules, by the project's code with parts of it switched off.

What a run showed is told in labels, each at most once; nothing is counted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import product

import numpy as np
from verdicts_runs import LOST, TARGET, Setup, course

from sirtui.core.verdict import Cell, Kind, Sign
from sirtui.verdicts.cells import Course
from sirtui.verdicts.iteration import Verdict, standing, verdict
from sirtui.verdicts.null import Null
from sirtui.verdicts.paired import paired

NO_DELTA = 1e-9
UNCORRECTED = 0.05
NAMES = {LOST: "ngram"} | {f"pass@{1 << power}": "pass@K" for power in range(1, 10)}

Study = Callable[[Setup, np.random.Generator], set[str]]


class Trusting(Course):
    """A course that does not look at the null: nothing is suspended, no error widened."""

    @cached_property
    def nulls(self) -> Mapping[str, Null]:
        """As if every measure repeated itself."""
        return {each.key: Null() for each in self.series}


def frozen(setup: Setup, rng: np.random.Generator) -> set[str]:
    """Every iteration judged, by the project's rule and by simpler ones."""
    run = course(setup, rng)
    return {*_judged(run, run.measured[1:]), *_simpler(run)}


def power(setup: Setup, rng: np.random.Generator) -> set[str]:
    """The last iteration judged."""
    return set(_judged(course(setup, rng), [setup.iterations]))


def drifting(setup: Setup, rng: np.random.Generator) -> set[str]:
    """One run judged four times: with and without lambda (and what suspends), with and without delta."""
    run = course(setup, rng)
    found = set[str]()
    for kind, delta in product((Course, Trusting), (None, NO_DELTA)):
        label = f"{'' if kind is Course else 'no '}lambda, {'' if delta is None else 'no '}delta"
        other = kind(run.series, setup.rule(delta), run.measured)
        found |= {f"{label}: {each}" for each in _judged(other, run.measured[1:])}
    return found


def _judged(course: Course, looks: Iterable[int]) -> Iterator[str]:
    """What was said at any of these iterations, and with `last` in front what kind the last one was."""
    rule = course.rule
    kind = Kind.UNDECIDED
    for t in looks:
        cells = course.cells(t)
        found = verdict(standing(cells, rule.target, rule.essential))
        kind = found.kind
        yield from _labels([cell for cell in cells if cell.role in ("target", "essential")], found)
    yield f"last {kind}"


def _labels(cells: Iterable[Cell], found: Verdict) -> Iterator[str]:
    """`cells`: of declared measures."""
    yield found.kind
    if found.kind.alarm:
        yield "alarm"
    if found.kind is Kind.REVERSAL and LOST in found.names:
        yield "found"
    for cell in cells:
        yield f"{'target' if cell.key == TARGET else 'essential'} {cell.verdict}"
        if cell.key in NAMES:
            yield f"{NAMES[cell.key]} {cell.verdict}"
        if cell.inflated:
            yield "widened"
        if cell.verdict is Sign.SUSPENDED:
            yield "suspended"


def _simpler(course: Course) -> Iterator[str]:
    """What two simpler rules say, both against M_1's first evaluation alone.

    `naive`: the target's mean is higher and an essential one's lower. `paired`: the same with uncorrected paired t tests.
    """
    declared = [each for each in course.series if each.key in (course.rule.target, *course.rule.essential)]
    last = course.measured[-1]
    for t in course.measured[1:]:
        higher, tested = dict[str, float](), dict[str, float]()
        for each in declared:
            now, first = each.rows[t], each.firsts[0]
            higher[each.key] = each.value(now) - each.value(first)
            change = paired(now, first)
            surely = change is not None and change.p is not None and change.p <= UNCORRECTED
            tested[each.key] = change.change if change and surely else 0.0
        for name, changes in (("naive", higher), ("paired", tested)):
            down = any(changes[key] < 0 for key in course.rule.essential)
            for label, holds in ((name, down and changes[TARGET] > 0), (f"{name} down", down)):
                if holds:
                    yield label
                    if t == last:
                        yield f"last {label}"
