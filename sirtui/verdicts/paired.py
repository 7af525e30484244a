"""The change of a measure between two evaluations, problem by problem: its size, its error, its tests.

Scores are arrays of shape (problems,), NaN where the measure is undefined; P is the set of problems defined on both sides.
A change is now - reference, not oriented: whether up is good is for the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

Scores: TypeAlias = NDArray[np.float64]
Groups: TypeAlias = NDArray[np.int64]
"""A number per problem, shape (problems,): its cluster, or its place among the levels."""
FIRST_LEVEL, LAST_LEVEL = 0, 1


@dataclass(frozen=True)
class Change:
    """`change` in the measure's unit, over `n` = |P| problems, with its standard error and two-sided p.

    `df`: degrees of freedom of Student's t, infinite where the normal distribution is meant. `stderr` is 0 where every
    problem changed alike, None (and p with it) where one problem or cluster alone is no ground for an error.
    """

    change: float
    stderr: float | None
    n: int
    df: float
    p: float | None

    @property
    def variance(self) -> float:
        """Of one problem's difference, as far as the error tells: SE^2 n."""
        return 0.0 if self.stderr is None else self.stderr**2 * self.n

    def interval(self, level: float) -> tuple[float, float] | tuple[None, None]:
        """The two-sided confidence interval, for example `level` = .9."""
        if self.stderr is None:
            return None, None
        reach = float(_quantile(self.df, 0.5 + level / 2)) * self.stderr if self.stderr else 0.0
        return self.change - reach, self.change + reach

    def inflated(self, factor: float) -> Change:
        """The same with an error `factor` times as large, and p from it; with factor 1 nothing is touched, an exact p least."""
        if self.stderr is None or factor == 1:
            return self
        stderr = self.stderr * factor
        return replace(self, stderr=stderr, p=p_value(self.change, stderr, self.df))


def _quantile(df: float, share: float) -> float:
    return float(special.ndtri(share) if df == inf else special.stdtrit(df, share))


def p_value(change: float, stderr: float, df: float) -> float:
    """Two-sided, of Student's t or the normal distribution; with no error at all 1 where nothing changed, else 0."""
    if stderr == 0:
        return 1.0 if change == 0 else 0.0
    z = -abs(change) / stderr
    return float(2 * (special.ndtr(z) if df == inf else special.stdtr(df, z)))


def defined(*scores: Scores) -> NDArray[np.bool_]:
    """Where all of them are finite numbers."""
    return np.logical_and.reduce(np.isfinite(np.stack(scores)))  # type: ignore[no-any-return]


def pooled(rows: Sequence[Scores]) -> Scores:
    """The mean over evaluations, of each problem over those in which it is defined."""
    if len(rows) == 1:
        return rows[0]
    stacked = np.stack(rows)
    there = np.isfinite(stacked)
    counts = there.sum(axis=0)
    start = np.where(counts > 0, np.take_along_axis(stacked, there.argmax(axis=0)[None], axis=0)[0], 0.0)
    beyond = np.where(there, stacked - start, 0.0).sum(axis=0)  # exactly 0 where all agree: rounding must look like no change
    return np.where(counts > 0, start + beyond / np.maximum(counts, 1), np.nan)


def paired(now: Scores, reference: Scores, clusters: Groups | None = None) -> Change | None:
    """The mean over P of d_i = now - reference, with a paired t test; None where P is empty.

    SE = sd(d)/sqrt(n), df = n - 1; for G clusters sqrt(G/(G-1) sum_g (sum_{i in g} (d_i - D))^2)/n, df = G - 1
    (arXiv 2411.00640, section 2.2, with the small-sample factor G/(G-1)).
    """
    both = defined(now, reference)
    d = now[both] - reference[both]
    n = len(d)
    if n == 0:
        return None
    change = float(d.mean())
    sums: Scores = d - change
    if clusters is not None:
        sums = np.bincount(np.unique(clusters[both], return_inverse=True)[1], sums).astype(np.float64)
    count = len(sums)
    if count < 2:
        return Change(change, None, n, 0, None)
    if np.all(d == d[0]):
        change = float(d[0])
        return Change(change, 0.0, n, count - 1, p_value(change, 0.0, count - 1))
    stderr = sqrt(count / (count - 1) * float(sums @ sums)) / n
    return Change(change, stderr, n, count - 1, p_value(change, stderr, count - 1))


def paired_marks(now: Scores, reference: Scores, clusters: Groups | None = None) -> Change | None:
    """The same of 0/1 marks: the interval from the paired t, p from McNemar's exact test."""
    found = paired(now, reference, clusters)
    if found is None or found.stderr is None:
        return found
    both = defined(now, reference)
    d = now[both] - reference[both]
    return replace(found, p=mcnemar(int((d > 0).sum()), int((d < 0).sum())))


def mcnemar(gained: int, lost: int) -> float:
    """McNemar's exact two-sided p: min(1, 2 BinomCDF(min(b, c); b + c, 1/2))."""
    return min(1.0, 2 * float(special.bdtr(min(gained, lost), gained + lost, 0.5)))


def paired_disparity(now: Scores, reference: Scores, levels: Groups) -> Change | None:
    """The change of the group disparity R = 1 - A_last/A_first, each level over its own P; normal.

    A problem's influence on R is -(x - A_last)/(A_first n_last) on the last level and (A_last/A_first^2)(x - A_first)/n_first
    on the first; SE^2 is the sum over both levels of the squared differences of influence, now - reference. None where a
    level has no problem in P or A_first is 0 on either side.
    """
    both = defined(now, reference)
    first, last = both & (levels == FIRST_LEVEL), both & (levels == LAST_LEVEL)
    sides = [(side[first], side[last]) for side in (now, reference)]
    if not (first.any() and last.any()) or any(easy.mean() == 0 for easy, _ in sides):
        return None
    (r_now, phi_now), (r_reference, phi_reference) = (disparity(easy, hard) for easy, hard in sides)
    phi = phi_now - phi_reference
    change, stderr = r_now - r_reference, sqrt(float(phi @ phi))
    return Change(change, stderr, len(phi), inf, p_value(change, stderr, inf))


def disparity(easy: Scores, hard: Scores) -> tuple[float, Scores]:
    """R, and the influence of every problem on it, the easy ones first; SE of R is the root of the sum of their squares."""
    first, last = float(easy.mean()), float(hard.mean())
    on_first = last / first**2 * (easy - first) / len(easy)
    on_last = -(hard - last) / (first * len(hard))
    return 1 - last / first, np.concatenate([on_first, on_last])


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down correction: the i-th smallest of M times M - i + 1, never less than those before, at most 1."""
    order = sorted(range(len(ps)), key=lambda index: ps[index])
    corrected, highest = [1.0] * len(ps), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[index]))
        corrected[index] = highest
    return corrected
