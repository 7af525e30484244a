"""Room on the disk: a stage starts only where there is enough, and a run that found none waits for more."""

from __future__ import annotations

import os
from pathlib import Path

_MIB = 2**20
_SHARE = 0.01


class Room:
    """On the disk that `folder` lies on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._at_least = 0

    def missing(self, needed: int = 0) -> str:
        """Why there is not enough for `needed` bytes; empty where there is.

        After a stage ran out of room, more must have become free than was left then.
        """
        free, _ = self._free()
        wanted = max(needed, self._at_least)
        if free >= wanted:
            return ""
        return f"waits for room on the disk: {written(free)} free in {self._folder}, {written(wanted)} needed"

    def ran_out(self) -> None:
        """Take note that what is free now is not enough."""
        free, total = self._free()
        self._at_least = free + max(_MIB, int(total * _SHARE))

    def _free(self) -> tuple[int, int]:
        """Bytes that are free for this person, and in all."""
        try:
            found = os.statvfs(self._folder)
        except FileNotFoundError:
            return 0, 0
        return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


def written(size: int) -> str:
    """A size for people: `1.5 GB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size / 1e3:.0f} kB"
