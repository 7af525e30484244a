"""Several runs that differ only in their seed, as one group: what is said of the method, not of one checkpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import sqrt

import numpy as np
from msgspec.structs import replace
from scipy import special

from sirtui.core.rule import Rule
from sirtui.core.verdict import Against, Cell, Needed, Sign
from sirtui.verdicts.paired import p_value


def group(runs: Sequence[Sequence[Cell]], rule: Rule) -> tuple[Cell, ...]:
    """A cell for each measure of the group's runs at one iteration; `n` in it counts runs.

    Two runs: both must agree. Three and more: up or down if at least all but one are, the uncorrected 95 % t interval of
    their changes excludes 0 and the mean change is at least delta; flat if at least all but one are and the 90 % t interval
    lies inside (-delta, delta).

    Raises:
        ValueError: fewer than two runs.
    """
    if len(runs) < 2:
        raise ValueError("a group has at least two runs")
    by_key = [{cell.key: cell for cell in cells} for cells in runs]
    keys = list(dict.fromkeys(cell.key for cells in runs for cell in cells))
    return tuple(_cell(key, [cells.get(key) for cells in by_key], rule) for key in keys)


def _cell(key: str, found: Sequence[Cell | None], rule: Rule) -> Cell:
    there = [cell for cell in found if cell is not None]
    one = there[0]
    known = [cell.against for cell in there if cell.against is not None]
    head = {"key": key, "role": rule.role(key), "direction": one.direction, "unit": one.unit}
    if len(known) < len(found):
        return Cell(**head, verdict=Sign.UNDEFINED, why=f"defined in {len(known)} of {len(found)} runs")  # type: ignore[arg-type]
    delta = max(cell.delta or 0.0 for cell in there)
    signs = Counter(cell.verdict for cell in there)
    against = _together([each.change for each in known], known)
    agreed = next((sign for sign in (Sign.UP, Sign.DOWN, Sign.FLAT) if signs[sign] >= _enough(len(found))), None)
    verdict = agreed if agreed and (len(found) == 2 or _borne_out(agreed, against, delta, one.direction)) else Sign.UNDECIDED
    told = f"the runs are {', '.join(f'{count} {sign}' for sign, count in signs.items())}"
    needed = Needed("detect", None, None, None, told) if verdict is Sign.UNDECIDED else None
    return Cell(
        **head,  # type: ignore[arg-type]
        verdict=verdict,
        value=_mean([cell.value for cell in there]),
        reference=_mean([cell.reference for cell in there]),
        delta=delta,
        against=_signed(against, verdict),
        peak=_peak(there),
        family=one.family,
        weight=one.weight,
        needed=needed,
    )


def _enough(runs: int) -> int:
    return 2 if runs == 2 else runs - 1


def _together(changes: Sequence[float], known: Sequence[Against]) -> Against:
    """The mean change with its t interval over runs; of two runs, whose t interval says nothing, what both intervals span."""
    runs = len(changes)
    mean, stderr = float(np.mean(changes)), float(np.std(changes, ddof=1)) / sqrt(runs)
    p = p_value(mean, stderr, runs - 1)
    if runs == 2:
        lows = [_least([each.lo90 for each in known]), _least([each.lo95 for each in known])]
        highs = [_most([each.hi90 for each in known]), _most([each.hi95 for each in known])]
    else:
        reach = [float(special.stdtrit(runs - 1, share)) * stderr for share in (0.95, 0.975)]
        lows, highs = [mean - each for each in reach], [mean + each for each in reach]
    return Against(1, runs, mean, stderr, runs - 1, lows[0], highs[0], lows[1], highs[1], p, None, Sign.UNDECIDED)


def _least(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return min(known) if len(known) == len(values) else None


def _most(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if len(known) == len(values) else None


def _borne_out(agreed: Sign, against: Against, delta: float, direction: int) -> bool:
    assert against.lo90 is not None
    assert against.hi90 is not None
    assert against.lo95 is not None
    assert against.hi95 is not None
    if agreed is Sign.FLAT:
        return -delta < against.lo90 and against.hi90 < delta
    better = against.change * (direction or 1) > 0
    excludes = against.lo95 > 0 or against.hi95 < 0
    return excludes and abs(against.change) >= delta and better == (agreed is Sign.UP)


def _signed(against: Against, sign: Sign) -> Against:
    return replace(against, sign=sign)


def _peak(cells: Sequence[Cell]) -> Against | None:
    """Past the peak as a group, where enough runs are; the peak is the one most of them have."""
    fell = [cell.peak for cell in cells if cell.peak and cell.peak.sign is Sign.DOWN]
    if len(fell) < _enough(len(cells)):
        return None
    t = Counter(each.t for each in fell).most_common(1)[0][0]
    mean = float(np.mean([each.change for each in fell]))
    return Against(t, len(fell), mean, None, None, None, None, None, None, None, None, Sign.DOWN)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
