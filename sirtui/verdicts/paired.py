"""The change of a measure between two evaluations, problem by problem: its size and its error. No test, no verdict.

P is always the set of problems for which the measure is defined on both sides. A change is now - reference, not oriented:
whether up is good is for the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = Mapping[str, float]
"""A measure's value by problem id, where it is defined."""


@dataclass(frozen=True)
class Change:
    """`change` in the measure's unit, over `n` = |P| problems, with its standard error.

    `df`: degrees of freedom of Student's t, infinite where the normal distribution is meant (`scipy.stats.t` takes it so).
    `stderr` is 0 where every problem changed alike, None where one problem or cluster alone is no ground for an error.
    """

    change: float
    stderr: float | None
    n: int
    df: float


class Levels(NamedTuple):
    """The scores of the easiest and of the hardest level's problems."""

    first: Scores
    last: Scores


def paired(now: Scores, reference: Scores, clusters: Mapping[str, str] | None = None) -> Change | None:
    """The mean over P of d_i = now - reference; None where P is empty.

    SE = sd(d)/sqrt(n), df = n - 1; for G clusters sqrt(G/(G-1) sum_g (sum_{i in g} (d_i - D))^2)/n, df = G - 1, a problem
    without a cluster being one of its own (arXiv 2411.00640, section 2.2, with the small-sample factor G/(G-1)).
    """
    problems = _both(now, reference)
    if not problems:
        return None
    d = _array(now, problems) - _array(reference, problems)
    group = _groups(problems, clusters or {})
    count, n = int(group.max()) + 1, len(problems)
    mean = float(d.mean())
    if count < 2:
        return Change(mean, None, n, 0)
    if np.all(d == d[0]):
        return Change(float(d[0]), 0.0, n, count - 1)
    sums = np.bincount(group, d - mean)
    return Change(mean, sqrt(count / (count - 1) * float(sums @ sums)) / n, n, count - 1)


def disparity_change(now: Levels, reference: Levels) -> Change | None:
    """The change of the group disparity R = 1 - A_last/A_first, each level over its own P; normal.

    A problem's influence on R is -(x - A_last)/(A_first n_last) on the last level and (A_last/A_first^2)(x - A_first)/n_first
    on the first; SE^2 is the sum over both levels of the squared differences of influence, now - reference. None where a
    level has no problem in P or A_first is 0 on either side.
    """
    first, last = _both(now.first, reference.first), _both(now.last, reference.last)
    if not (first and last):
        return None
    sides = [(_array(side.first, first), _array(side.last, last)) for side in (now, reference)]
    if any(easy.mean() == 0 for easy, _ in sides):
        return None
    (r_now, phi_now), (r_reference, phi_reference) = (_disparity(easy, hard) for easy, hard in sides)
    phi = phi_now - phi_reference
    return Change(r_now - r_reference, sqrt(float(phi @ phi)), len(first) + len(last), inf)


def _disparity(easy: NDArray[np.float64], hard: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """R, and the influence of every problem on it, the easy ones first."""
    first, last = float(easy.mean()), float(hard.mean())
    on_first = last / first**2 * (easy - first) / len(easy)
    on_last = -(hard - last) / (first * len(hard))
    return 1 - last / first, np.concatenate([on_first, on_last])


def _both(now: Scores, reference: Scores) -> list[str]:
    return [problem for problem in now if problem in reference]


def _array(scores: Scores, problems: list[str]) -> NDArray[np.float64]:
    return np.fromiter((scores[problem] for problem in problems), np.float64, len(problems))


def _groups(problems: list[str], clusters: Mapping[str, str]) -> NDArray[np.int64]:
    """The number of each problem's cluster, shape (problems,)."""
    if not clusters:
        return np.arange(len(problems), dtype=np.int64)
    names = [(problem in clusters, clusters.get(problem, problem)) for problem in problems]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64)
