"""How much more it would take to decide what is undecided."""

from __future__ import annotations

from bisect import bisect_left
from math import ceil

import numpy as np
from scipy import special

from sirtui.core.verdict import Needed
from sirtui.verdicts.paired import Change, defined
from sirtui.verdicts.series import Series, Shape

_FLAT = 2.927  # z_.95 + z_.90: power .9 for two one-sided tests at .05, were there no change at all
_POWER = 0.842  # z_.8
_PLANNED = 1.5
_EDGE = "at the edge of being told: a little more of anything may tip it"
_JUST_BELOW = "just below the smallest change that matters: nothing settles it soon"
_MOST_EVALUATIONS = 1_000_000


def needed(series: Series, t: int, change: Change, delta: float, level: float) -> Needed | None:
    """What would decide the change of M_t; None where its error is not known, or any change matters (delta 0).

    `level` is the corrected alpha of this test.

    SE* = delta/2.927 to call flat, D_plan/(z_{1-level/2} + .842) to detect, D_plan = max(|D|, 1.5 delta). Problems: n' =
    Var(d)/SE*^2. Samples: of Var(d), w = w_t + w_1 is by sampling and shrinks as either side is evaluated again, what is
    between problems does not: the fewest k with w_t a/(a + k) + w_1 b/(b + k) + max(0, Var(d) - w) <= n SE*^2, a and b
    evaluations so far; without repeats that is N' = N w/(n SE*^2 - max(0, Var(d) - w)), rounded up to whole evaluations.
    """
    if not change.stderr or not delta:
        return None
    detect = abs(change.change) >= delta
    target = _detecting(max(abs(change.change), _PLANNED * delta), level) if detect else delta / _FLAT
    problems = ceil(change.variance / target**2)
    if problems <= change.n and detect:  # lucky by plan: then plan with what was seen
        problems = ceil(change.variance / _detecting(abs(change.change), level) ** 2)
        target = _detecting(abs(change.change), level)
    aim = "detect" if detect else "flat"
    if problems <= change.n:
        return Needed(aim, None, None, None, _EDGE if detect else _JUST_BELOW)
    noise = sampling_noise(series, t)
    more = None if noise is None else _evaluations(series, t, change, noise, change.n * target**2)
    a = series.evaluations.get(t, 1)
    per_evaluation = series.draws[t] // a if t in series.draws else None
    samples = None if more is None or per_evaluation is None else per_evaluation * (a + more)
    return Needed(aim, problems, samples, more, _told(problems, samples, more, known=noise is not None))


def _detecting(size: float, level: float) -> float:
    return size / (float(special.ndtri(1 - level / 2)) + _POWER)


def _told(problems: int, samples: int | None, more: int | None, *, known: bool) -> str:
    if more is not None:
        return f"needs {problems:,} problems, or " + (f"{samples:,} samples (topup {more})" if samples else f"topup {more}")
    return f"needs {problems:,} problems" + ("; more samples cannot help" if known else "")


def _evaluations(series: Series, t: int, change: Change, noise: tuple[float, float], allowed: float) -> int | None:
    """How often more M_t and M_1 must be evaluated for a variance of at most `allowed`; None where that cannot help."""
    now, first = noise
    fixed = max(0.0, change.variance - now - first)
    a, b = series.evaluations.get(t, 1), len(series.firsts)

    def enough(k: int) -> bool:
        return now * a / (a + k) + first * b / (b + k) + fixed <= allowed

    if now + first == 0 or not enough(_MOST_EVALUATIONS):
        return None
    return bisect_left(range(_MOST_EVALUATIONS), True, lo=1, key=enough)


def sampling_noise(series: Series, t: int) -> tuple[float, float] | None:
    """The parts of Var(d) that come from sampling M_t and M_1, means over P; None where not known.

    Of a share of N samples mean s(1 - s)/(N - 1); of other sampled measures the variance between M_1's evaluations; of greedy
    marks none.
    """
    row = series.at(t)
    if series.shape is Shape.MARKS:
        return 0.0, 0.0
    if row is None or series.shape is not Shape.MEAN or series.pinned is not None:
        return None
    both = defined(row, series.first)
    if t in series.draws and min(series.draws[t], series.draws[1]) > 1:
        now, first = row[both], series.first[both]
        of_now = float((now * (1 - now)).mean()) / (series.draws[t] - 1)
        return of_now, float((first * (1 - first)).mean()) / (series.draws[1] - 1)
    b = len(series.firsts)
    everywhere = defined(row, *series.firsts)
    if b < 2 or not everywhere.any():
        return None
    between = float(np.stack(series.firsts)[:, everywhere].var(axis=0, ddof=1).mean())
    return between / series.evaluations.get(t, 1), between / b
