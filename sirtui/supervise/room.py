"""Room on the disk: a stage starts only where there is enough, and a run that found none waits for more."""

from __future__ import annotations

import os
import time
from pathlib import Path

_LEAST, _MOST, _SHARE = 2**20, 2**30, 0.01
FORGET_S = 600.0
"""After so many seconds it is tried again all the same: a quota may have been raised, which no figure here tells."""


class Room:
    """On the disk that `folder` lies on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._at_least, self._until = 0, 0.0

    def missing(self, needed: int = 0) -> str:
        """Why there is not enough for `needed` bytes; empty where there is.

        After a stage ran out of room, more must have become free than was left then: 1 % of the disk, from 1 MiB to 1 GiB.
        """
        free, _ = self._free()
        wanted = max(needed, self._at_least if time.monotonic() < self._until else 0)
        if free >= wanted:
            return ""
        return f"waits for room on the disk: {written(free)} free in {self._folder}, {written(wanted)} needed"

    def ran_out(self) -> None:
        """Take note that what is free now is not enough."""
        free, total = self._free()
        self._at_least = free + min(_MOST, max(_LEAST, int(total * _SHARE)))
        self._until = time.monotonic() + FORGET_S

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
