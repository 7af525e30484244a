"""What one sees of a log: a position in it, following or paused, wrapped or panned, with places found marked.

While paused nothing moves: neither new lines nor a wider screen change what stands at the top.
"""

from __future__ import annotations

import re
from pathlib import Path

from sirtui.tui.logs.file import PIECE, LogFile
from sirtui.tui.paint import MARK, Line, Span, cut

_FURTHEST = PIECE


class LogWindow:
    """A view of `height` rows and `width` cells on a log; at first it follows the end."""

    def __init__(self, path: Path) -> None:
        self.file = LogFile(path)
        self.width, self.height = 80, 24
        self.following, self.wrapped = True, False
        self.x = 0
        self.wanted = ""
        self.found = 0
        self._top, self._skip = 0, 0

    @property
    def top(self) -> int:
        """The offset of the line at the top."""
        return self._top

    def resize(self, width: int, height: int) -> None:
        """The room there is now."""
        self.width, self.height = max(1, width), max(1, height)
        self._settle()

    def poll(self) -> bool:
        """Look at the file; whether what is seen may have changed."""
        size = self.file.size
        renewed = self.file.poll()
        if renewed:
            self._top, self._skip = min(self._top, self.file.size), 0
            self._top = self.file.begin(self._top) if self._top else 0
        self._settle()
        return renewed or self.file.size != size

    def share(self) -> int:
        """How much of the file lies above the bottom of the window, in percent."""
        if not self.file.size:
            return 100
        return int(100 * self.bottom() / self.file.size)

    def lines(self) -> list[Line]:
        """What is seen, from the top."""
        return [self._drawn(start, end, row) for start, end, row in self._rows()]

    def top_line(self) -> str:
        """The whole line at the top."""
        return self.file.text(self._top, self.file.after(self._top)) if self.file.size else ""

    def scroll(self, rows: int) -> None:
        """Move by rows; upwards pauses."""
        if rows < 0:
            self.following = False
        for _ in range(abs(rows)):
            if not (self._down() if rows > 0 else self._up()):
                break

    def go_top(self) -> None:
        """To the beginning, paused."""
        self.following, self._top, self._skip = False, 0, 0

    def go_bottom(self) -> None:
        """To the end, following."""
        self.following = True
        self._settle()

    def toggle_follow(self) -> None:
        """Follow, or pause where it stands."""
        self.following = not self.following
        self._settle()

    def toggle_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self.wrapped, self._skip = not self.wrapped, 0
        self._settle()

    def pan(self, cells: int) -> None:
        """Move sideways."""
        self.x = max(0, min(_FURTHEST, self.x + cells))

    def bottom(self) -> int:
        """The offset after the last byte in sight."""
        rows = self._rows()
        return rows[-1][1] if rows else 0

    def show(self, offset: int) -> None:
        """Bring the place found at `offset` into sight, paused."""
        self.following, self.found = False, offset
        start = self.file.begin(offset)
        self._top, self._skip = start, 0
        column = self._column(start, offset)
        if self.wrapped:
            self._skip = column // self.width
        elif not self.x <= column < self.x + self.width - len(self.wanted):
            self.x = 0 if column < self.width // 2 else column - self.width // 3
        for _ in range(self.height // 3):
            self._up()

    def _column(self, start: int, offset: int) -> int:
        text = self.file.text(start, self.file.after(start))
        before = self.file.text(start, offset)
        places = [place.start() for place in finder(self.wanted).finditer(text)] if self.wanted else []
        return min(places, key=lambda place: abs(place - len(before)), default=0)

    def _settle(self) -> None:
        """While following, put the end at the bottom."""
        if not self.following:
            return
        self._top, self._skip, room = self.file.size, 0, self.height
        while self._top > 0 and room > 0:
            start = self.file.before(self._top)
            room -= self._height(start, self._top)
            self._top = start
        self._skip = max(0, -room)

    def _height(self, start: int, end: int) -> int:
        """How many rows a line takes."""
        return max(1, -(-len(self.file.text(start, end)) // self.width)) if self.wrapped else 1

    def _rows(self) -> list[tuple[int, int, int]]:
        """The rows in sight: the line's beginning and end, and which of its rows."""
        rows: list[tuple[int, int, int]] = []
        start, skip = self._top, self._skip
        while start < self.file.size and len(rows) < self.height:
            end = self.file.after(start)
            if end <= start:
                break
            rows += [(start, end, row) for row in range(skip, max(skip + 1, self._height(start, end)))]
            start, skip = end, 0
        return rows[: self.height]

    def _up(self) -> bool:
        if self._skip > 0:
            self._skip -= 1
            return True
        if self._top == 0:
            return False
        end, self._top = self._top, self.file.before(self._top)
        self._skip = self._height(self._top, end) - 1
        return True

    def _down(self) -> bool:
        rows = self._rows()
        if len(rows) < self.height or (rows[-1][1] >= self.file.size and self._is_last_row(rows[-1])):
            return False
        following = rows[1] if len(rows) > 1 else self._next_row(rows[0])
        self._top, self._skip = following[0], following[2]
        return True

    def _is_last_row(self, row: tuple[int, int, int]) -> bool:
        return row[2] >= self._height(row[0], row[1]) - 1

    def _next_row(self, row: tuple[int, int, int]) -> tuple[int, int, int]:
        return (row[1], row[1], 0) if self._is_last_row(row) else (row[0], row[1], row[2] + 1)

    def _drawn(self, start: int, end: int, row: int) -> Line:
        if self.wrapped:
            text = self.file.text(start, end)[row * self.width : (row + 1) * self.width]
        else:
            text = self.file.text(start, end, self.x + self.width + 1)[self.x :]
        return marked(cut(text, self.width), self.wanted)


def finder(wanted: str) -> re.Pattern[str]:
    """Finds `wanted` in a line; case counts where it holds a capital letter."""
    return re.compile(re.escape(wanted), 0 if any(map(str.isupper, wanted)) else re.IGNORECASE)


def marked(text: str, wanted: str) -> Line:
    """A line with what was searched for marked."""
    if not wanted:
        return (Span(text),)
    spans: list[Span] = []
    at = 0
    for found in finder(wanted).finditer(text):
        spans += (Span(text[at : found.start()]), Span(found[0], MARK))
        at = found.end()
    return (*(span for span in spans if span.text), Span(text[at:]))
