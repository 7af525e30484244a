"""What the verdicts are on the paper's published numbers: OOD accuracy and group disparity, M_1 against M_5.

    python bench/published.py [--markdown]

Published are means alone (arXiv 2407.05013, read off its figures: `../shared/data/paper/paper.json`, seen from the repository).
So greedy marks are made that have these means, whole numbers of problems and a given correlation phi between M_1's and M_5's
marks of one problem: from both margins and phi follow the four counts (both, M_1 alone, M_5 alone, neither). They go through the
project's own code with the default rule of a run of five iterations: each look has a fifth of alpha .05 (four looks and one
extra). p' is told twice, as the largest and the smallest p of a family of five: 5 x 5 p and 1 x 5 p.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import sqrt
from pathlib import Path

import numpy as np
from verdicts_table import Table

from sirtui.core.rule import Rule, rule
from sirtui.core.spec import Spec, Verdicts
from sirtui.core.verdict import Cell, Sign
from sirtui.verdicts.cells import Course
from sirtui.verdicts.paired import FIRST_LEVEL, LAST_LEVEL, Scores, disparity
from sirtui.verdicts.series import LEAST_SOLVED, Series, Shape

PAPER = Path(__file__).parents[2] / "shared/data/paper/paper.json"
METHODS = ("sft", "dpo", "sft-dpo")
CORRELATIONS = (0.0, 0.3, 0.5)
SIZES = {"algebra": 1187, "whole": 5000}
LEVELS = {"algebra": (135, 307), "whole": (437, 1324)}
"""Problems of level 1 and level 5, of MATH's algebra and of the whole of MATH's test."""
SOLVED = {"first": (52, 10), "sft": (48, 6), "dpo": (61, 10), "sft-dpo": (44, 8)}
"""Assumed of algebra: problems of level 1 and level 5 solved by M_1 and each M_5. They give the published disparities."""
READ = 0.0003
PLAUSIBLE = (0.2, 0.6)
LAST = 5
FAMILY = ("pass@16", "diversity.ngram.correct", "diversity.semantic.correct", "diversity.equations.correct")


class Unlimited(Series):
    """A measure that is tested however few problems of the last level are solved."""

    def solved(self, scores: Scores) -> int | None:
        """Not asked for."""
        return None


def read() -> dict[tuple[str, str, int], float]:
    """By method, metric and iteration.

    Raises:
        SystemExit: the numbers are not there.
    """
    if not PAPER.exists():
        raise SystemExit("The published numbers are not there: ../shared/data/paper/paper.json, beside the repository's folder.")
    rows = [row for row in json.loads(PAPER.read_text())["rows"] if row["figure"] == "ood" and row["task"] == "math"]
    return {(row["method"], row["metric"], row["iteration"]): row["value"] for row in rows}


def published() -> dict[tuple[str, str], tuple[float, float]]:
    """By method and metric, the values of M_1 and M_5."""
    values = read()
    metrics = ("ood.pass@1", "group_disparity")
    return {(each, metric): (values[each, metric, 1], values[each, metric, LAST]) for each, metric in product(METHODS, metrics)}


def marks(n: int, first: int, last: int, phi: float) -> tuple[Scores, Scores]:
    """Marks of n problems by M_1 and M_5 that solve so many, correlated by phi or as nearly as whole numbers allow."""
    both = round(phi * sqrt(first * (n - first) * last * (n - last)) / n + first * last / n)
    both = min(max(both, first + last - n, 0), first, last)
    counts = (both, first - both, last - both, n - first - last + both)
    return np.repeat([1.0, 1.0, 0.0, 0.0], counts), np.repeat([1.0, 0.0, 1.0, 0.0], counts)


def rules(key: str) -> tuple[Rule, Rule]:
    """The essential measures being five, of which this one has the smallest p; and the largest, where it alone is corrected."""
    spec = [
        Spec(name="p", base_model="m", task="t", iterations=LAST, verdicts=Verdicts(essential=names))
        for names in ((*FAMILY, key), (key,))
    ]
    return rule(spec[0]), rule(spec[1])


def judged(series: Series) -> tuple[Cell, Cell]:
    """M_5's cell with the smallest and with the largest p of five."""
    least, most = (Course((series,), each, (1, LAST)).cells(LAST) for each in rules(series.key))
    return least[0], most[0]


def elsewhere(n: int, values: tuple[float, float], phi: float) -> Series:
    """OOD accuracy as greedy marks."""
    first, last = marks(n, round(n * values[0]), round(n * values[1]), phi)
    return Series("ood.accuracy", 1, "share", {LAST: last}, (first,), Shape.MARKS)


@dataclass(frozen=True)
class Solved:
    """Problems of level 1 and of level 5 that are solved, of how many."""

    easy: int
    hard: int
    of: tuple[int, int]

    @property
    def disparity(self) -> float:
        """1 - accuracy at level 5 / accuracy at level 1."""
        return 1 - (self.hard / self.of[1]) / (self.easy / self.of[0])

    @property
    def stderr(self) -> float:
        """Of the disparity, by the sampling of problems."""
        sides = (np.repeat([1.0, 0.0], (count, n - count)) for count, n in zip((self.easy, self.hard), self.of, strict=True))
        return float(np.linalg.norm(disparity(*sides)[1]))

    def __str__(self) -> str:
        return f"{self.hard}/{self.of[1]}, {self.easy}/{self.of[0]}"


def apart(first: Solved, last: Solved, phi: float, kind: type[Series] = Series) -> Series:
    """The disparity of marks that are correlated by phi within each level."""
    easy, hard = marks(first.of[0], first.easy, last.easy, phi), marks(first.of[1], first.hard, last.hard, phi)
    levels = np.repeat([FIRST_LEVEL, LAST_LEVEL], first.of)
    then, now = (np.concatenate(each) for each in zip(easy, hard, strict=True))
    return kind("ood.disparity", -1, "share", {LAST: now}, (then,), Shape.DISPARITY, levels=levels)


def fitting(value: float, of: tuple[int, int]) -> list[Solved]:
    """All counts that give a disparity within the reading error, level 1 being solved to a plausible share."""
    every = (Solved(easy, hard, of) for easy, hard in product(range(1, of[0] + 1), range(1, of[1] // 4)))
    return [each for each in every if PLAUSIBLE[0] <= each.easy / of[0] <= PLAUSIBLE[1] and abs(each.disparity - value) <= READ]


def assumed(test: str, which: str, value: float) -> Solved:
    """The counts of algebra that are assumed; of the whole, those with the nearest share of level 1 that fit the value."""
    easy, hard = SOLVED[which]
    if test == "algebra":
        return Solved(easy, hard, LEVELS[test])
    share = easy / LEVELS["algebra"][0]
    return min(fitting(value, LEVELS[test]), key=lambda each: abs(each.easy / each.of[0] - share))


def _row(series: Series, least: Cell, most: Cell) -> list[str]:
    """Change, error, interval, p, both p', both verdicts."""
    a, b = least.against, most.against
    assert a is not None
    assert b is not None
    assert a.stderr is not None
    interval = f"[{100 * (a.lo90 or 0):+.1f}, {100 * (a.hi90 or 0):+.1f}]"
    corrected = [f"{min(1, (a.p or 0) * 25):.2g}", f"{min(1, (a.p or 0) * 5):.2g}"]
    for each, told in zip((a, b), corrected, strict=True):
        assert each.corrected is None or f"{each.corrected:.2g}" == told
    signs = str(least.verdict) if least.verdict == most.verdict else f"{least.verdict} / {most.verdict}"
    return [f"{100 * a.change:+.2f}", f"{100 * a.stderr:.2f}", interval, f"{a.p:.2g}", *corrected, signs]


CHANGE = ("change", "SE", "90 % interval", "p", "p' x5", "p' x1", "verdict")


def accuracies(values: dict[tuple[str, str], tuple[float, float]]) -> Table:
    """OOD accuracy."""
    rows = []
    for method, n, phi in product(METHODS, SIZES.values(), CORRELATIONS):
        series = elsewhere(n, values[method, "ood.pass@1"], phi)
        least, most = judged(series)
        then, now = series.firsts[0] > 0, series.rows[LAST] > 0
        counts = f"{(then & ~now).sum()} / {(now & ~then).sum()}"
        needs = least.needed.text if least.needed else ""
        rows.append([method, f"{n:,}", f"{phi}", f"{then.sum()} -> {now.sum()}", counts, *_row(series, least, most), needs])
    return Table(
        "OOD accuracy, M_5 against M_1, in points (greedy marks, McNemar)",
        ("method", "n", "phi", "solved", "lost / gained", *CHANGE, "where undecided"),
        rows,
        ["p' x5: its p the smallest of the family of five; x1: the largest. Two verdicts: with x5 / with x1."],
    )


def sizes(values: dict[tuple[str, str], tuple[float, float]]) -> Table:
    """From how many problems on SFT's OOD accuracy is down, all else as published."""
    rows = []
    for phi in CORRELATIONS:
        found = {0: "", 1: ""}
        for n in range(100, 5001, 10):
            for side, cell in enumerate(judged(elsewhere(n, values["sft", "ood.pass@1"], phi))):
                found[side] = (found[side] or f"{n:,}") if cell.verdict is Sign.DOWN else ""
        rows.append([f"{phi}", *found.values()])
    return Table(
        "SFT's OOD accuracy with these very means is `down` from so many problems on (steps of 10)",
        ("phi", "p' x5", "p' x1"),
        rows,
    )


def disparities(values: dict[tuple[str, str], tuple[float, float]]) -> Iterator[Table]:
    """The group disparity, with and without the rule on few solved problems."""
    rows, needs = [], []
    for test, method in product(LEVELS, METHODS):
        value = values[method, "group_disparity"]
        first, last = assumed(test, "first", value[0]), assumed(test, method, value[1])
        for phi in CORRELATIONS:
            ruled = judged(apart(first, last, phi))
            free = judged(series := apart(first, last, phi, Unlimited))
            tested = "not tested" if ruled[0].why else "tested"
            rows.append([method, test, f"{phi}", *_row(series, *free), tested, str(ruled[0].verdict)])
        told = (ruled[0], free[0])
        needs.append(
            [method, test, str(first), str(last), f"{first.disparity:.4f}", f"{last.disparity:.4f}"]
            + [f"{100 * each.stderr:.1f}" for each in (first, last)]
            + [f"{100 / (first.of[1] * first.easy / first.of[0]):.2f}"]
            + [cell.needed.text if cell.needed else "" for cell in told]
        )
    yield Table(
        "The counts behind the disparities (level 5, level 1), SE in points, and what would decide (phi = .5)",
        (
            *("method", "test", "M_1", "M_5", "R_1", "R_5", "SE_1", "SE_5", "one problem moves R_1 by"),
            "the rule",
            "least count ignored",
        ),
        needs,
    )
    yield Table(
        f"Group disparity, M_5 against M_1, in points (up is worse); tested although fewer than {LEAST_SOLVED} are solved",
        ("method", "test", "phi", *CHANGE, "by the rule", "its verdict"),
        rows,
    )


def combinations(values: dict[tuple[str, str], tuple[float, float]]) -> Iterator[str]:
    """Whether another choice of counts would change the verdict."""
    for method in METHODS:
        value = values[method, "group_disparity"]
        pairs = list(product(fitting(value[0], LEVELS["algebra"]), fitting(value[1], LEVELS["algebra"]), CORRELATIONS))
        cells = [judged(apart(first, last, phi, Unlimited))[1] for first, last, phi in pairs]
        smallest = min(cell.against.p or 0.0 for cell in cells if cell.against)
        signs = sorted({str(cell.verdict) for cell in cells})
        yield (
            f"{method}: {len(cells)} combinations of counts and phi fit within {READ} (level 1 solved to {PLAUSIBLE[0]:.0%} to "
            f"{PLAUSIBLE[1]:.0%}); the smallest p is {smallest:.2g}, times five {min(1, 5 * smallest):.2g}; "
            f"verdicts: {', '.join(signs)}"
        )


def whole_numbers() -> Iterator[str]:
    """Which number of problems the published accuracies are shares of, M_2's to M_4's included."""
    told = sorted({value for (_, metric, _), value in read().items() if metric == "ood.pass@1"})
    for n in SIZES.values():
        off = [abs(round(n * value) / n - value) for value in told]
        near = sum(each < 0.00005 for each in off)
        chance = np.mean([abs(round(n * value / 1e4) / n - value / 1e4) < 0.00005 for value in range(1000, 2000)])
        yield (
            f"n = {n:,}: {near} of {len(told)} published accuracies are whole numbers of problems to four digits "
            f"(by chance {chance:.0%} would be); the worst is {max(off):.4f} off (reading error .0001)"
        )


def main() -> None:
    """Construct, judge, tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markdown", action="store_true")
    asked = parser.parse_args()
    values = published()
    tables: Sequence[Table] = (accuracies(values), sizes(values), *disparities(values))
    print("\n".join(table.told(markdown=asked.markdown) for table in tables))
    print("\n".join((*combinations(values), *whole_numbers())))


if __name__ == "__main__":
    main()
