"""Which checkpoint to keep, and how good it is when the choice is not judged by the problems it was made on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from sirtui.core.labels import short
from sirtui.core.verdict import Keep
from sirtui.verdicts.cells import LEAST_PROBLEMS
from sirtui.verdicts.paired import Change
from sirtui.verdicts.series import Series


def halves(problems: Sequence[str], clusters: Mapping[str, str] | None = None) -> NDArray[np.bool_]:
    """Which problems belong to the first half, shape (problems,): by the hash of the id, of the cluster where there is one."""
    ids = [(clusters or {}).get(problem, problem) for problem in problems]
    return np.array([sha256(each.encode()).digest()[0] % 2 == 0 for each in ids], dtype=bool)


@dataclass(frozen=True)
class Margin:
    """By how much a later iteration must be better to be preferred: `delta`, at level `alpha`, with errors `factor` as large."""

    alpha: float
    delta: float
    factor: float = 1.0

    def excludes(self, change: Change) -> bool:
        """Whether a change is more than noise."""
        p = change.inflated(self.factor).p
        return change.n >= LEAST_PROBLEMS and p is not None and p <= self.alpha and abs(change.change) >= self.delta


def keep(target: Series, down: Mapping[int, Collection[str]], half: NDArray[np.bool_], margin: Margin) -> Keep | None:
    """The iteration with the highest target among those with no essential measure down; equal within noise, the earlier.

    `down`: by iteration that was looked at, M_1 included, the essential measures that fell.
    None where the target is nowhere defined.
    """
    allowed = [t for t in sorted(down) if not down[t] and target.at(t) is not None]
    everywhere = np.ones(len(half), dtype=bool)
    chosen = _choose(target, allowed, everywhere, margin)
    if chosen is None:
        return None
    value, gain = _reported(target, chosen, everywhere)
    reports: list[tuple[float | None, float | None]] = []
    for here in (half, ~half):
        if (np.isfinite(target.first) & here).sum() < LEAST_PROBLEMS:
            reports = []
            break
        there = _choose(target, allowed, here, margin)
        reports.append((None, None) if there is None else _reported(target, there, ~here))
    fitted = [_mean([report[part] for report in reports]) for part in (0, 1)]
    return Keep(chosen, value, gain, fitted[0], fitted[1], _reason(target, down, allowed, chosen))


def _choose(target: Series, allowed: Sequence[int], here: NDArray[np.bool_], margin: Margin) -> int | None:
    """The earliest that is not surely worse than the best."""
    rows = {t: np.where(here, row, np.nan) for t in allowed if (row := target.at(t)) is not None}
    values = {t: target.value(row) * (target.direction or 1) for t, row in rows.items()}
    known = {t: value for t, value in values.items() if not np.isnan(value)}
    if not known:
        return None
    best = max(known, key=lambda t: (known[t], -t))
    for t in sorted(known):
        found = target.change(rows[t], rows[best])
        if found is None:
            continue
        if not (margin.excludes(found) and found.change * (target.direction or 1) < 0):
            return t
    return best


def _reported(target: Series, t: int, here: NDArray[np.bool_]) -> tuple[float | None, float | None]:
    row = target.at(t)
    assert row is not None
    value = target.value(np.where(here, row, np.nan))
    found = target.change(np.where(here, row, np.nan), np.where(here, target.first, np.nan))
    return (None if np.isnan(value) else value), (found.change if found else None)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _reason(target: Series, down: Mapping[int, Collection[str]], allowed: Sequence[int], chosen: int) -> str:
    """One sentence."""
    lost = {t: names for t, names in down.items() if names}
    names = ", ".join(dict.fromkeys(short(name) for fell in lost.values() for name in fell))
    where = ", ".join(f"it{t}" for t in lost)
    every = {t: target.value(row) for t in allowed if (row := target.at(t)) is not None}
    values = {t: value for t, value in every.items() if not np.isnan(value)}
    best = max(values, key=lambda t: (values[t] * (target.direction or 1), -t))
    if chosen == 1 and len(allowed) == 1 and lost:
        return f"every later iteration lost something essential ({names})"
    what = (
        f"highest {short(target.key)}" if best == chosen else f"{short(target.key)} equal within noise to it{best}, and earlier"
    )
    return f"{what} with no essential measure down" + (f"; {where}: {names}" if lost else "")
