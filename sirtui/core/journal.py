"""A journal: events appended by one writer, one write a line, so that no line is ever torn by another."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from sirtui.core.events import Event, encode


class Journal:
    """Opens the file at `path` for appending; `now` gives seconds since the epoch. A torn last line is ended first."""

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._now = now
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")

    def emit(self, event: Event) -> None:
        """Append `event`, stamped with the time."""
        os.write(self._descriptor, encode(msgspec.structs.replace(event, at=self._now())))

    def close(self) -> None:
        """Give the file back."""
        os.close(self._descriptor)
