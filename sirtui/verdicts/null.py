"""The measured null: M_1 evaluated again by the same path. What differs there differs by chance, or by a fault."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import inf, isfinite, sqrt

from scipy import special

from sirtui.verdicts.paired import Change
from sirtui.verdicts.series import Series, Shape

SUSPENDED_FROM = 3.3
"""An A/A |z| beyond this suspends a measure."""
_ACTS_FROM = 0.01
_MANY = 30


@dataclass(frozen=True)
class Null:
    """How a measure behaves between evaluations of one model.

    `worst`: the largest |z| of any pair; `inflation`: lambda, the mean of z^2 over all pairs; `acts`: whether it is above
    the 99 % point of chi^2_R / R, and so widens the error by its root. None with no pair; `inflation` also where every
    problem differs by the same amount, without any error (`worst` is then infinite).
    """

    worst: float | None = None
    inflation: float | None = None
    acts: bool = False

    @property
    def suspended(self) -> bool:
        """Not repeatable: no verdict can be had."""
        return self.worst is not None and self.worst > SUSPENDED_FROM

    @property
    def factor(self) -> float:
        """What a standard error is multiplied with."""
        return sqrt(self.inflation) if self.acts and self.inflation is not None else 1.0


def null(series: Series) -> Null:
    """The null of a measure, from all pairs of M_1's evaluations. With R + 1 of them the mean z^2 is chi^2_R / R under chance.

    Greedy marks have no such null (most often they repeat exactly): their exact test is never widened.
    """
    pairs = (series.change(now, before) for before, now in combinations(series.firsts, 2))
    zs = [_z(found) for found in pairs if found is not None and found.p is not None]
    if not zs:
        return Null()
    inflation = sum(z * z for z in zs) / len(zs)
    repeats = len(series.firsts) - 1
    limit = float(special.chdtri(repeats, _ACTS_FROM)) / repeats
    if not isfinite(inflation):
        return Null(inf)
    return Null(max(map(abs, zs)), inflation, inflation > limit and series.shape is not Shape.MARKS)


def _z(found: Change) -> float:
    """The change in standard errors; of few degrees of freedom (few clusters) the normal quantile of its t."""
    if not found.stderr:
        return 0.0 if found.change == 0 else inf
    t = found.change / found.stderr
    return t if found.df >= _MANY else float(special.ndtri(special.stdtr(found.df, t)))
