"""What a journal tells: its lines folded into one row and the points of its curves and measures. Pure but for `read_on`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from sirtui.core.events import (
    Comparison,
    Concluded,
    Event,
    Failed,
    Finished,
    Metric,
    Progress,
    Scalars,
    Started,
    Unknown,
    decode,
    split,
)
from sirtui.core.text import clean
from sirtui.core.verdict import VerdictRecord

CHUNK = 1024 * 1024
_INTEGERS = range(-(2**63), 2**63)
Key: TypeAlias = tuple[str, int, str]
"""A key with its direction and unit; direction 0 and no unit where only a measure has them."""


@dataclass(frozen=True)
class Journal:
    """One stage's journal as far as it was read: of `attempt`, up to `offset`, and what it told last.

    `lines` were read, `garbage` of them were no event known here.
    """

    attempt: int
    inode: int
    offset: int = 0
    lines: int = 0
    garbage: int = 0
    started: float | None = None
    done: float | None = None
    total: float | None = None
    unit: str = ""
    what: str = ""
    left: float | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    reason: str = ""
    hint: str = ""


@dataclass
class Points:
    """What was told since the last reading.

    Curves (key, step, value) and the last value of each; measures by key, direction and unit, with the line they stood in;
    changes by key and what they are against; the last verdict.
    """

    scalars: list[tuple[str, int, float | None]] = field(default_factory=list)
    newest: dict[str, float | None] = field(default_factory=dict)
    metrics: dict[Key, tuple[int, Metric]] = field(default_factory=dict)
    comparisons: dict[tuple[str, str], Comparison] = field(default_factory=dict)
    verdict: VerdictRecord | None = None

    def named(self) -> Iterator[Key]:
        """Every key that something was told of, in the order of the telling."""
        yield from ((key, 0, "") for key in self.newest)
        yield from self.metrics
        yield from ((key, 0, "") for key, _ in self.comparisons)


@dataclass(frozen=True)
class Reading:
    """A journal read on by `size` bytes: `fresh` where all former points are void, `more` where it was too long for one go."""

    journal: Journal
    points: Points
    fresh: bool
    more: bool
    size: int


def read_on(former: Journal | None, attempt: int, path: Path) -> Reading | None:
    """What the journal at `path` says beyond `former`; None where nothing new does, or it cannot be read.

    Another attempt, another file or a shorter one is read from its beginning. A torn last line waits for its end.
    """
    try:
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            start = _from(former, attempt, stat)
            file.seek(start.offset)
            data = file.read(CHUNK)
    except OSError:
        return None
    lines, used = split(data)
    more = len(data) == CHUNK
    if more and not used:
        used = len(data)  # a line beyond all measure: dropped, its end will count as garbage
    if not used and start is former:
        return None
    journal, points = fold(start, lines)
    fresh = former is not None and start is not former
    return Reading(replace(journal, offset=start.offset + used), points, fresh, more, used)


def _from(former: Journal | None, attempt: int, stat: os.stat_result) -> Journal:
    inode = stat.st_ino & (2**63 - 1)
    if former and (former.attempt, former.inode) == (attempt, inode) and former.offset <= stat.st_size:
        return former
    return Journal(attempt, inode)


def fold(journal: Journal, lines: Sequence[bytes]) -> tuple[Journal, Points]:
    """`journal` after these lines, and their points."""
    points = Points()
    told: dict[str, Any] = {}
    garbage = 0
    for number, line in enumerate(lines, journal.lines + 1):
        garbage += not _take(decode(line), number, points, told)
    return replace(journal, lines=journal.lines + len(lines), garbage=journal.garbage + garbage, **told), points


def _take(event: Event, number: int, points: Points, told: dict[str, Any]) -> bool:
    """Add one event to what was told; False where it is none, or holds a number that no index could."""
    match event:
        case Scalars(step=step, values=values):
            if step not in _INTEGERS:
                return False
            named = {_short(key): value for key, value in values.items()}
            points.scalars += [(key, step, value) for key, value in named.items()]
            points.newest |= named
        case Metric(n=n) | Comparison(n=n) if n is not None and n not in _INTEGERS:
            return False
        case Metric():
            points.metrics[_short(event.key), _sign(event.direction), _short(event.unit)] = (number, event)
        case Comparison():
            points.comparisons[_short(event.key), _short(event.against)] = event
        case Concluded():
            points.verdict = event.record
        case _:
            told |= _last_word(event)
    return not isinstance(event, Unknown)


def _last_word(event: Event) -> dict[str, Any]:
    """What the journal's row keeps of an event, the last of its kind."""
    match event:
        case Progress():
            unit, what = _short(event.unit), _text(event.what)
            return {"done": event.done, "total": event.total, "unit": unit, "what": what, "left": event.left}
        case Started():
            return {"started": event.at}
        case Finished():
            return {"seconds": event.seconds, "cpu_seconds": event.cpu_seconds}
        case Failed():
            return {"reason": _text(event.what), "hint": _text(event.hint)}
    return {}


@lru_cache(maxsize=4096)  # the same few keys stand in every line
def _short(text: str) -> str:
    return clean(text, 200)


def _text(text: str) -> str:
    return clean(text, 1_000)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
