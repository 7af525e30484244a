"""Runs as the verdicts see them, with exactly the changes and errors that a test wants."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sirtui.core.rule import Rule
from sirtui.core.verdict import Against, Cell, Sign
from sirtui.verdicts.cells import Course
from sirtui.verdicts.conclude import Evidence
from sirtui.verdicts.paired import Scores
from sirtui.verdicts.problems import Tally
from sirtui.verdicts.series import Series, Shape
from sirtui.verdicts.validity import Form

TARGET = "pass@1.sampled"
MANY = 256
UP, DOWN, FLAT = (0.10, 0.01), (-0.10, 0.01), (0.0, 0.005)
OPEN = (0.01, 0.02)
"""Undecided, and a loss of .02 cannot be excluded."""
LEANING = (0.015, 0.006)
"""Undecided, but a loss of .02 is excluded."""


def ids(n: int = MANY) -> list[str]:
    return [f"x/{i}" for i in range(n)]


def moved(change: float, stderr: float = 0.01, k: int = 1, n: int = MANY, base: float = 0.5) -> Scores:
    """Scores that differ from an even `base` by exactly `change` with exactly this error; those of another k independently."""
    pattern = np.where(np.arange(n) >> k & 1, -1.0, 1.0)
    return base + change + stderr * np.sqrt(n - 1) * pattern


def even(n: int = MANY, base: float = 0.5) -> Scores:
    return np.full(n, base)


def moving(key: str = TARGET, changes: Mapping[int, tuple[float, float]] | None = None, n: int = MANY, **more: Any) -> Series:
    """A measure by t: change from M_1, and its error. M_1's three evaluations are the same."""
    rows = {t: moved(*each, k=t, n=n) for t, each in (changes or {}).items()}
    fields = {"direction": 1, "unit": "share", "firsts": (even(n),) * 3, **more}
    return Series(key=key, rows=rows, **fields)


def a_rule(*essential: str, **changes: Any) -> Rule:
    """Four looks and no extra one, so that w = 1/4."""
    fields = {
        "target": TARGET,
        "essential": essential,
        "watch": (),
        "alpha": 0.05,
        "delta": {},
        "default_delta": None,
        "looks": (2, 3, 4, 5),
        "extra_looks": 0,
        "evaluations": 3,
    }
    return Rule(**{**fields, **changes})


def a_course(*series: Series, rule: Rule | None = None, measured: tuple[int, ...] | None = None) -> Course:
    """The first measure is the target, the others are essential, where no rule says otherwise."""
    last = max((t for each in series for t in each.rows), default=2)
    rule = rule or a_rule(*(each.key for each in series if each.key != TARGET))
    return Course(series, rule, measured or tuple(range(1, last + 1)))


def cell(course: Course, key: str = TARGET, t: int = 2) -> Cell:
    return next(each for each in course.cells(t) if each.key == key)


def groups(easy: tuple[int, int], hard: tuple[int, int]) -> Scores:
    """0/1 scores of the problems of the first level, then of the last: so many solved of so many."""
    return np.concatenate([np.arange(of) < solved for solved, of in (easy, hard)]).astype(float)


def a_disparity(rows: Mapping[int, Scores], first: Scores, easy: int, key: str = "ood.disparity") -> Series:
    """The first `easy` problems are of the first level."""
    levels = (np.arange(len(first)) >= easy).astype(np.int64)
    return Series(key, -1, "share", rows, (first,) * 3, Shape.DISPARITY, levels=levels)


def told(verdict: Sign, change: float = 0.0, reach: float = 0.01, key: str = TARGET, delta: float = 0.02, **more: Any) -> Cell:
    """A cell as one of several runs has it."""
    low, high = change - reach, change + reach
    against = Against(1, 200, change, reach / 1.65, 199, low, high, low, high, 0.01, 0.05, verdict)
    return Cell(key, "target", 1, "share", verdict, delta=delta, against=against, **more)


def a_form(drawn: int = 1000, infra: int = 0, unparsed: int = 10, ended: int = 990, correct: int = 500) -> Form:
    return Form(drawn, infra, unparsed, ended, correct)


def drawn(rng: np.random.Generator, chances: Scores, samples: int) -> Tally:
    """So many samples of each problem."""
    half = rng.binomial(samples // 2, np.broadcast_to(chances, (2, len(chances))))
    every = np.full((2, len(chances)), samples // 2)
    return Tally(half.sum(axis=0), every.sum(axis=0), half, every)


def noisy(seed: int, n: int = 96, last: int = 3, *, frozen: bool = False) -> tuple[Course, Evidence]:
    """A run by chance: gaps, clusters, levels and greedy marks included. It moves, unless it is frozen."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(0.6, 0.6, n)
    drift = {t: 0.0 if frozen else rng.normal(0, 0.15) for t in range(1, last + 1)} | {1: 0.0}

    def shares(t: int) -> Scores:
        return rng.binomial(16, np.clip(chance + drift[t], 0, 1)) / 16

    def gaps(t: int) -> Scores:
        return np.where(rng.random(n) < 0.2, np.nan, rng.normal(0.5 - drift[t], 0.1, n))

    def marks(t: int) -> Scores:
        return (rng.random(n) < np.clip(chance + drift[t], 0, 1)).astype(float)

    later = range(2, last + 1)
    levels, clusters = rng.integers(-1, 2, n), rng.integers(0, n // 3, n)

    def measure(key, scores, direction=1, shape=Shape.MEAN, **more):
        firsts = tuple(scores(1) for _ in range(3))
        return Series(key, direction, "share", {t: scores(t) for t in later}, firsts, shape, **more)

    series = (
        measure(TARGET, shares, draws={1: 48, **dict.fromkeys(later, 16)}),
        measure("pass@8", shares, clusters=clusters),
        measure("diversity.ngram.correct", gaps),
        measure("answers.unparsed", gaps, -1),
        measure("pass@1.greedy", marks, shape=Shape.MARKS),
        measure("ood.disparity", shares, -1, Shape.DISPARITY, levels=levels),
    )
    rule = a_rule("pass@8", "diversity.ngram.correct", "ood.disparity", watch=("answers.unparsed", "pass@1.greedy"))
    tallies = {t: drawn(rng, np.clip(chance + 2 * drift[t], 0, 1), 48) for t in range(1, last + 1)}
    forms = {t: a_form(unparsed=10 * t) for t in range(1, last + 1)}
    cluster = {f"x/{i}": f"c{clusters[i]}" for i in range(0, n, 2)}
    return Course(series, rule, tuple(range(1, last + 1))), Evidence(ids(n), cluster, tallies, forms, contaminated=(0, n))
