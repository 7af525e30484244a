"""The verdict on each measure of an iteration, and over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite, isnan

import numpy as np
from msgspec.structs import replace

from sirtui.core.rule import Rule
from sirtui.core.verdict import Against, Cell, Needed, Sign, Trend
from sirtui.verdicts.needed import needed
from sirtui.verdicts.null import Null, null
from sirtui.verdicts.paired import Change, Scores, holm
from sirtui.verdicts.series import LEAST_SOLVED, Series

LEAST_PROBLEMS = 30
"""Fewer problems than this decide nothing."""


def sign(change: Change, corrected: float | None, delta: float, direction: int, alpha: float) -> Sign:
    """The verdict on one change, the first that fits.

    `flat`: the 90 % interval lies inside (-delta, delta), which is two one-sided tests at .05; `up` or `down` (better or
    worse; of a measure without a better direction, higher or lower): corrected p <= alpha and |D| >= delta; else
    `undecided`. None for `corrected`: not tested, so never up or down.
    """
    low, high = change.interval(0.9)
    if change.n < LEAST_PROBLEMS or low is None or high is None:
        return Sign.UNDECIDED
    if -delta < low and high < delta:
        return Sign.FLAT
    if corrected is not None and corrected <= alpha and abs(change.change) >= delta:
        return Sign.UP if change.change * (direction or 1) > 0 else Sign.DOWN
    return Sign.UNDECIDED


@dataclass(frozen=True)
class _Seen:
    """A measure as M_t has it, its change from the reference, and why that is not tested (empty where it is)."""

    series: Series
    now: Scores
    change: Change | None
    why: str

    @property
    def key(self) -> str:
        return self.series.key

    @property
    def tested(self) -> bool:
        return self.change is not None and not self.why


@dataclass(frozen=True)
class Course:
    """A run as far as it is measured.

    `measured`: the iterations, in order, M_1 first. `reference`: which iteration changes are measured from, 0 where it is
    another run's. `extra`: the iteration that an extra look is spent on, declared look or not. `best_of`: among how many
    references the best was picked, which p pays for.
    """

    series: tuple[Series, ...]
    rule: Rule
    measured: tuple[int, ...]
    reference: int = 1
    extra: int | None = None
    best_of: int = 1

    def cells(self, t: int) -> tuple[Cell, ...]:
        """The verdict on every measure of M_t, declared ones that were never measured included. Computed once."""
        if t not in self._cells:
            self._cells[t] = self._judged(t)
        return self._cells[t]

    @cached_property
    def _cells(self) -> dict[int, tuple[Cell, ...]]:
        return {}

    def is_look(self, t: int) -> bool:
        """Whether anything is decided about M_t."""
        return self.rule.is_open or t in self.rule.looks or t == self.extra

    @cached_property
    def nulls(self) -> Mapping[str, Null]:
        """By key, how each measure behaves between evaluations of M_1."""
        return {each.key: null(each) for each in self.series}

    @cached_property
    def deltas(self) -> Mapping[str, float]:
        """By key, the smallest change that matters."""
        return {each.key: self.rule.delta_of(each.key, each.unit, each.value(each.first)) for each in self.series}

    def _family(self, role: str) -> tuple[str, ...]:
        return {"target": (self.rule.target,), "essential": self.rule.essential, "watch": self.rule.watch}.get(role, ())

    def _judged(self, t: int) -> tuple[Cell, ...]:
        here = [self._seen(each, row, t) for each in self.series if (row := each.at(t)) is not None]
        corrected = self._corrected({seen.key: seen.change for seen in here if seen.tested and seen.change}, t, self.best_of)
        peaks = self._peaks(here, t)
        cells = [self._cell(seen, t, corrected.get(seen.key), peaks.get(seen.key)) for seen in here]
        there = {cell.key for cell in cells}
        absent = [key for key in (self.rule.target, *self.rule.essential) if key not in there]
        return (*cells, *(self._absent(key, t) for key in absent))

    def _absent(self, key: str, t: int) -> Cell:
        elsewhere = any(each.key == key for each in self.series)
        why = f"not measured at it{t}" if elsewhere else "nowhere defined in this run"
        return Cell(key, self.rule.role(key), 0, "", Sign.UNDEFINED, why=why)

    def _seen(self, series: Series, now: Scores, t: int) -> _Seen:
        return _Seen(series, now, self._change(series, now, series.reference), self._untested(series, now, t))

    def _change(self, series: Series, now: Scores, reference: Scores) -> Change | None:
        """With its error widened where the null says so."""
        found = series.change(now, reference)
        return found and found.inflated(self.nulls[series.key].factor)

    def _untested(self, series: Series, now: Scores, t: int) -> str:
        """Why a change of this measure is not tested; empty where it is."""
        if self.nulls[series.key].suspended:
            return f"M_1 does not repeat itself (|z| {self.nulls[series.key].worst:.1f})"
        if not _enough_solved(series, series.reference, now):
            told = f"{series.solved(series.reference)} -> {series.solved(now)} problems of the last level solved"
            return f"{told}: not tested below {LEAST_SOLVED}"
        return "" if self.is_look(t) else "not a declared look"

    def _corrected(self, changes: Mapping[str, Change], t: int, times: int) -> dict[str, float]:
        """By key min(1, `times` Holm(p) / w_k), Holm's within each family; a declared measure that has no p counts as 1."""
        found: dict[str, float] = {}
        for family in map(self._family, ("target", "essential", "watch")):
            ps = [changes[key].p if key in changes else None for key in family]
            by_holm = holm([1.0 if p is None else p for p in ps])
            found |= {
                key: min(1.0, times * p / self.rule.weight(t)) for key, p in zip(family, by_holm, strict=True) if key in changes
            }
        return found

    def _peaks(self, here: Sequence[_Seen], t: int) -> dict[str, Against]:
        """By key, the change from the best earlier iteration; of measures that have a better direction."""
        changes: dict[str, tuple[int, Change]] = {}
        for seen in here:
            best = self._best_before(seen.series, t)
            row = None if best is None else seen.series.at(best)
            if best is not None and row is not None and (found := self._change(seen.series, seen.now, row)):
                changes[seen.key] = (best, found)
        tested = {
            seen.key: changes[seen.key][1]
            for seen in here
            if seen.key in changes and not seen.why and _enough_solved(seen.series, seen.series.at(changes[seen.key][0]))
        }
        corrected = self._corrected(tested, t, t - 1)
        known = {seen.key: seen.series for seen in here}
        return {key: self._against(known[key], s, change, corrected.get(key)) for key, (s, change) in changes.items()}

    def _best_before(self, series: Series, t: int) -> int | None:
        """The iteration with the best mean over all its problems; the earlier of equals."""
        if series.pinned is not None or not series.direction:
            return None
        values = {s: series.direction * series.value(row) for s in self.measured if s < t and (row := series.at(s)) is not None}
        known = {s: value for s, value in values.items() if not isnan(value)}
        return max(known, key=lambda s: (known[s], -s)) if known else None

    def _against(self, series: Series, t: int, change: Change, corrected: float | None) -> Against:
        low90, high90 = change.interval(0.9)
        low95, high95 = change.interval(0.95)
        found = sign(change, corrected, self.deltas[series.key], series.direction, self.rule.alpha)
        df = change.df if isfinite(change.df) else None
        return Against(t, change.n, change.change, change.stderr, df, low90, high90, low95, high95, change.p, corrected, found)

    def _cell(self, seen: _Seen, t: int, corrected: float | None, peak: Against | None) -> Cell:
        series, behaves, change = seen.series, self.nulls[seen.key], seen.change
        role = self.rule.role(seen.key)
        solved = series.solved(seen.now)
        cell = Cell(
            key=seen.key,
            role=role,
            direction=series.direction,
            unit=series.unit,
            verdict=Sign.UNDEFINED,
            value=_number(series.value(seen.now)),
            reference=_number(series.value(series.reference)),
            delta=_number(self.deltas[seen.key]),
            inflation=_number(behaves.inflation),
            inflated=behaves.acts,
            family=max(1, len(self._family(role))),
            weight=self.rule.weight(t),
            counts={} if solved is None else {"solved": solved, "solved_before": series.solved(series.reference) or 0},
        )
        if change is None or cell.delta is None:
            return replace(cell, why=_nowhere(seen.now, series.reference))
        against, previous = self._against(series, self.reference, change, corrected), self._previous(seen, t)
        verdict = Sign.SUSPENDED if behaves.suspended else Sign.UNDECIDED if seen.why else against.sign
        cell = replace(cell, verdict=verdict, against=against, peak=peak, previous=previous, why=seen.why or _too_little(change))
        return replace(cell, trend=self._trend(cell, t), needed=self._needed(seen, t, cell))

    def _previous(self, seen: _Seen, t: int) -> Against | None:
        """The change from the iteration before, for display: not tested."""
        before = [s for s in self.measured if s < t]
        row = seen.series.at(before[-1]) if before and seen.series.pinned is None else None
        found = None if row is None else self._change(seen.series, seen.now, row)
        return None if found is None else self._against(seen.series, before[-1], found, None)

    def _trend(self, cell: Cell, t: int) -> str:
        """Over time: only against M_1, and of what has a better direction."""
        peak = cell.peak
        if cell.verdict is Sign.SUSPENDED or not cell.direction or peak is None:
            return cell.verdict
        if cell.verdict is Sign.DOWN:
            return Trend.REVERSED if peak.t > 1 and self._was(cell.key, peak.t) is Sign.UP else Trend.DECLINED
        if peak.sign is Sign.DOWN:
            return Trend.PAST_PEAK
        if cell.verdict is Sign.UP:
            still = Sign.FLAT in {each.sign for each in (peak, cell.previous) if each}
            return Trend.PLATEAU if still else Trend.IMPROVING
        return cell.verdict

    def _was(self, key: str, t: int) -> Sign:
        return next(cell.verdict for cell in self.cells(t) if cell.key == key)

    def _needed(self, seen: _Seen, t: int, cell: Cell) -> Needed | None:
        """What would decide an undecided cell, or that nothing would."""
        if cell.verdict is not Sign.UNDECIDED or seen.change is None or cell.delta is None:
            return None
        if seen.change.n < LEAST_PROBLEMS:
            text = f"needs at least {LEAST_PROBLEMS} problems; more samples cannot help"
            return Needed("detect", LEAST_PROBLEMS, None, None, text)
        if not _enough_solved(seen.series, seen.series.reference, seen.now):
            text = f"needs {LEAST_SOLVED} solved problems of the last level; more samples cannot help"
            return Needed("detect", None, None, None, text)
        if not self.is_look(t):
            return Needed("detect", None, None, None, "needs a declared look: nothing is decided at others")
        if seen.change.stderr is None:
            return Needed("detect", None, None, None, "needs problems of more than one cluster")
        level = self.rule.alpha * cell.weight / cell.family
        return needed(seen.series, t, seen.change, cell.delta, level)


def _enough_solved(series: Series, *rows: Scores | None) -> bool:
    """Whether enough problems of the last level are solved in each row, where that decides whether there is a test."""
    counts = (series.solved(row) for row in rows if row is not None)
    return all(count is None or count >= LEAST_SOLVED for count in counts)


def _too_little(change: Change) -> str:
    """Why a change that might be tested decides nothing."""
    if change.n < LEAST_PROBLEMS:
        return f"only {change.n} problems"
    return "one cluster alone" if change.stderr is None else ""


def _nowhere(now: Scores, reference: Scores) -> str:
    """Why there is no change at all."""
    here, before = int(np.isfinite(now).sum()), int(np.isfinite(reference).sum())
    return f"defined for {here} problems now and {before} before, for none on both sides"


def _number(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None
