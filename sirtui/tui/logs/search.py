"""Looking for text in a log of any size, block by block, so that it can be given up at any moment."""

from __future__ import annotations

import re
from collections.abc import Callable

from sirtui.tui.logs.file import LogFile

_BLOCK = 1 << 20


def pattern(wanted: str) -> re.Pattern[bytes]:
    """What to look for: `wanted` as it stands; case counts where it holds a capital letter."""
    return re.compile(re.escape(wanted.encode()), 0 if any(map(str.isupper, wanted)) else re.IGNORECASE)


def search(file: LogFile, wanted: re.Pattern[bytes], start: int, *, forward: bool, given_up: Callable[[], bool]) -> int | None:
    """The offset of the next place at or after `start` (backwards: the last one before it); None where there is none."""
    return _forward(file, wanted, start, given_up) if forward else _backward(file, wanted, start, given_up)


def _forward(file: LogFile, wanted: re.Pattern[bytes], start: int, given_up: Callable[[], bool]) -> int | None:
    overlap = len(wanted.pattern)
    while start < file.size and not given_up():
        if found := wanted.search(file.read(start, start + _BLOCK + overlap)):
            return start + found.start()
        start += _BLOCK
    return None


def _backward(file: LogFile, wanted: re.Pattern[bytes], start: int, given_up: Callable[[], bool]) -> int | None:
    overlap = len(wanted.pattern)
    while start > 0 and not given_up():
        low = max(0, start - _BLOCK)
        places = [found.start() for found in wanted.finditer(file.read(low, start + overlap)) if low + found.start() < start]
        if places:
            return low + places[-1]
        start = low
    return None
