"""How numbers, durations and moments are written. Formatting only: nothing here computes on measures.

Whatever is not a finite number is written as a dash.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from math import isfinite

from sirtui.core.run import Status
from sirtui.tui.paint import STRONG, Line, Span

NOTHING = "–"
UP, DOWN = "▴", "▾"
REVERSED = "⇅"
"""Stands for a reversal and for nothing else."""
BLOCKS = "▁▂▃▄▅▆▇█"


def number(value: float | None) -> str:
    """A number in about four characters: `.412`, `1e-06`, `12.4k`."""
    if value is None or not isfinite(value):
        return NOTHING
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-3:
        return f"{value:.1e}".replace("e-0", "e-").replace("e+", "e").replace(".0e", "e")
    for limit, divisor, letter in ((1e12, 1e12, "T"), (1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if size >= limit:
            return f"{value / divisor:.1f}{letter}"
    if size >= 100 or value == round(value):
        return f"{value:.0f}"
    return bare(f"{value:.3f}" if size < 1 else f"{value:.2f}" if size < 10 else f"{value:.1f}")


def bare(text: str) -> str:
    """A decimal without the zero before its point: `.61`, `-.07`."""
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def measured(unit: str, value: float | None) -> str:
    """A measure's value: shares in percent, what has no unit (the diversities) to two places."""
    if value is None or not isfinite(value):
        return NOTHING
    if unit == "share":
        return f"{100 * value:.1f}"
    return bare(f"{value:.2f}") if unit == "" and abs(value) < 10 else number(value)


def uncertainty(unit: str, stderr: float | None) -> str:
    """A standard error, to one place more than its value where that is needed to see it."""
    if stderr is None or not isfinite(stderr):
        return ""
    if unit == "share":
        return f"{100 * stderr:.1f}"
    return bare(f"{stderr:.3f}") if unit == "" and stderr < 10 else number(stderr)


def change(unit: str, value: float | None) -> str:
    """A change with an arrow that says which way the number moved, and nothing about whether that is good."""
    if value is None or not isfinite(value):
        return NOTHING
    text = measured(unit, abs(value))
    if not text.strip("0."):
        return text
    return f"{UP}{text}" if value > 0 else f"{DOWN}{text}"


def signed(unit: str, value: float | None) -> str:
    """A change as a sentence has it, with arrow and sign: `▴+4.9`, `▾-.18`."""
    text = change(unit, value)
    return text.replace(UP, f"{UP}+").replace(DOWN, f"{DOWN}-")


def mark(p: float | None) -> str:
    """`**` at 99 %, `*` at 95 %, `~` not significant; nothing where nothing was tested."""
    if p is None or not isfinite(p):
        return ""
    return "**" if p <= 0.01 else "*" if p <= 0.05 else "~"


def interval(unit: str, low: float | None, high: float | None) -> str:
    """`[3.0,6.8]`, `[-.21,-.15]`; nothing where an end is not known."""
    if low is None or high is None or not (isfinite(low) and isfinite(high)):
        return ""
    return f"[{_end(unit, low)},{_end(unit, high)}]"


def _end(unit: str, value: float) -> str:
    text = measured(unit, value)
    return text if text.strip("-0.") else text.removeprefix("-")


def better(direction: int) -> str:
    """`↑` where higher is better, `↓` where lower is."""
    return "↑" if direction > 0 else "↓" if direction < 0 else " "


def percent(done: float | None, total: float | None) -> str:
    """How far something is, in whole percent; empty where that is not known."""
    if done is None or not total or not isfinite(done) or not isfinite(total):
        return ""
    return f"{max(0, min(100, int(100 * done / total)))}%"


def progress(done: float | None, total: float | None, unit: str) -> str:
    """`step 1240/2000`."""
    if done is None or not isfinite(done):
        return ""
    of = f"/{_count(total)}" if total and isfinite(total) else ""
    return f"{unit} {_count(done)}{of}".strip()


def _count(value: float) -> str:
    return f"{value:.0f}" if value == round(value) and value < 1e7 else number(value)


def span(seconds: float | None) -> str:
    """A duration: `0:41`, `12:03`, `3h07`, `2d04h`; empty where it is not known."""
    if seconds is None or not isfinite(seconds) or seconds < 0:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24}d{hours % 24:02}h"
    return f"{hours}h{minutes:02}" if hours else f"{minutes}:{rest:02}"


def moment(seconds: float | None, now: float | None = None) -> str:
    """A point in time in the box's own zone: `11-22 14:02`, and on the day of `now` `14:02`.

    Not `2 h ago`: that would change by itself.
    """
    if seconds is None or not isfinite(seconds):
        return ""
    try:
        then = time.localtime(seconds)
        today = now is not None and time.localtime(now)[:3] == then[:3]
        return time.strftime("%H:%M" if today else "%m-%d %H:%M", then)
    except (OverflowError, ValueError, OSError):
        return ""


def sparkline(values: Sequence[float | None], cells: int, direction: int = 1) -> Line:
    """A curve in at most `cells` characters, its best point bold. What is not a finite number is a gap."""
    points = [value if value is not None and isfinite(value) else None for value in values]
    if cells <= 0 or all(value is None for value in points):
        return ()
    if len(points) > cells:
        edges = [round(index * len(points) / cells) for index in range(cells + 1)]
        points = [_best(points[start:end], direction) for start, end in pairwise(edges)]
    known = [value for value in points if value is not None]
    low, high = _scale(known)
    peak = _last(points, min(known) if direction < 0 else max(known)) if len(known) > 1 and min(known) != max(known) else -1
    drawn = [" " if value is None else _block(value, low, high) for value in points]
    return tuple(Span(block, STRONG if index == peak else "") for index, block in enumerate(drawn))


def _scale(known: Sequence[float]) -> tuple[float, float]:
    """What the lowest and the highest block mean: at least a tenth of the largest value apart, lest noise look like a fall."""
    low, high = min(known), max(known)
    missing = 0.1 * max(abs(low), abs(high)) - (high - low)
    return (low - missing / 2, high + missing / 2) if missing > 0 else (low, high)


def _best(values: Sequence[float | None], direction: int) -> float | None:
    known = [value for value in values if value is not None]
    return (min(known) if direction < 0 else max(known)) if known else None


def _last(values: Sequence[float | None], wanted: float) -> int:
    return len(values) - 1 - list(reversed(values)).index(wanted)


def _block(value: float, low: float, high: float) -> str:
    if high == low:
        return BLOCKS[3]
    share = value / (high - low) - low / (high - low) if isfinite(high - low) else 0.5
    return BLOCKS[max(0, min(len(BLOCKS) - 1, round(share * (len(BLOCKS) - 1))))]


def gibibytes(size: float | None) -> str:
    """Bytes in GiB to three figures, without the unit: `79.6`."""
    if size is None or not isfinite(size) or size < 0:
        return NOTHING
    return f"{size / 2**30:.0f}" if size >= 99.5 * 2**30 else f"{size / 2**30:.1f}"


def bar(share: float | None, cells: int) -> str:
    """How full something is: `████────`; empty where that is not known."""
    if share is None or not isfinite(share):
        return ""
    full = max(0, min(cells, round(share * cells)))
    return "█" * full + "─" * (cells - full)


def ordinal(place: int) -> str:
    """`1st`, `2nd`, `11th`."""
    ending = "th" if 10 < place % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"


ATTENTION = (Status.FAILED, Status.LOST, Status.ORPHANED, Status.PAUSED)
"""How a run or a stage stands when it needs a person."""
