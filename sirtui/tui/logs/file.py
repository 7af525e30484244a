"""A log as bytes on disk: where its lines begin and end, found from wherever one looks, without an index.

A line longer than `PIECE` is shown in pieces, so that a line of 200 MB costs no more than another. Reads go through
`os.pread`; a file that was cut short or replaced is opened anew.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from sirtui.core.text import clean

PIECE = 64 * 1024
_HALF = PIECE // 2
_NEAR = 4 * 1024


class LogFile:
    """One log. A missing file is an empty one that may come to be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._descriptor: int | None = None
        self._identity: tuple[int, int] = (0, 0)
        self._text = lru_cache(512)(self._decoded)
        self.poll()

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self.size, self._identity = None, 0, (0, 0)
        self._text.cache_clear()

    def poll(self) -> bool:
        """Look at the file again; True where what was read before no longer holds (cut short, replaced, gone)."""
        try:
            found = self.path.stat()
        except OSError:
            gone = self._descriptor is not None
            self.close()
            return gone
        renewed = (found.st_dev, found.st_ino) != self._identity or found.st_size < self.size
        if renewed:
            self._open()
        else:
            self.size = found.st_size
        return renewed

    def _open(self) -> None:
        self.close()
        try:
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            found = os.fstat(self._descriptor)
        except OSError:
            self.close()
            return
        self._identity, self.size = (found.st_dev, found.st_ino), found.st_size

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`, fewer where the file is shorter by now."""
        if self._descriptor is None or end <= start:
            return b""
        try:
            return os.pread(self._descriptor, end - start, start)
        except OSError:
            return b""

    def before(self, end: int) -> int:
        """Where the line (or piece) begins that ends at `end`."""
        for reach in (_NEAR, PIECE):
            low = max(0, end - reach)
            at = self.read(low, end - 1).rfind(b"\n")
            if at >= 0:
                return low + at + 1
            if low == 0:
                return 0
        return (end - 1) // _HALF * _HALF

    def after(self, start: int) -> int:
        """Where the line (or piece) ends that begins at `start`."""
        for reach in (_NEAR, PIECE):
            at = self.read(start, start + reach).find(b"\n")
            if at >= 0:
                return start + at + 1
            if start + reach >= self.size:
                return self.size
        return (start // _HALF + 1) * _HALF

    def begin(self, at: int) -> int:
        """Where the line (or piece) begins that holds the byte at `at`."""
        return self.before(min(at + 1, self.size)) if self.size else 0

    def text(self, start: int, end: int, cells: int = PIECE) -> str:
        """What a terminal would still show of the line: safe to draw, at least `cells` characters where it has them.

        A progress bar that was drawn over and over with carriage returns is shown as it stood last.
        """
        return self._text(start, end, (cells // 512 + 1) * 512)

    def _decoded(self, start: int, end: int, cells: int) -> str:
        raw = self.read(start, end).rstrip(b"\r\n")
        raw = raw[raw.rfind(b"\r") + 1 :]
        return clean(raw[: 4 * cells + 2048].decode("utf-8", "replace"))
