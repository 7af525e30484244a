"""Who waits for a machine, in order: a ticket a run, a file that the waiting supervisor keeps locked.

Its name says when the run was created, so that a run that goes on after an interruption is where it was; and in which line
it stands, that for GPUs or that for CPUs. The first living ticket of a line alone may take what is free: nobody overtakes,
so that a run that wants much is not starved by many that want little.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

import msgspec

from sirtui.core import files
from sirtui.core.machine import Waiting
from sirtui.supervise import slots

_NAME = re.compile(r"(?P<created>\d+\.\d+)-(?P<line>gpu|cpu)-(?P<run>.+)")


class Line(StrEnum):
    """What those who stand in it wait for; nobody in one line is held up by the other."""

    GPU = "gpu"
    CPU = "cpu"


def waiting(folder: Path) -> tuple[Waiting, ...]:
    """Who waits in either line, in the order in which their runs were created, as they tell it themselves."""
    return tuple(_read(folder / name[0], name) for name in _names(folder) if files.is_locked(folder / name[0]))


def _names(folder: Path) -> list[re.Match[str]]:
    """All tickets in order, those of the dead among them."""
    try:
        return [found for name in sorted(os.listdir(folder)) if (found := _NAME.fullmatch(name))]
    except OSError:
        return []


def _read(path: Path, name: re.Match[str]) -> Waiting:
    """What a ticket says; while it is being written, only whose it is."""
    run = name["run"]
    with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        told = msgspec.json.decode(path.read_bytes(), type=Waiting)
        return msgspec.structs.replace(told, run=run)
    return Waiting(run, float(name["created"]), 0, 0)


class Ticket:
    """A place in a line of the queue of `folder`, held until it is given up or its process ends."""

    def __init__(self, folder: Path, run: str, created: float, line: Line) -> None:
        self._folder, self._run, self._created = folder, run, created
        self.line = line
        self._descriptor: int | None = None
        self._said = b""

    @property
    def _path(self) -> Path:
        """Where it lies: names sort as the runs were created."""
        return self._folder / f"{self._created:020.6f}-{self.line}-{self._run}"

    @property
    def held(self) -> bool:
        """Whether it stands in a line."""
        return self._descriptor is not None

    def change(self, line: Line) -> None:
        """Go over to this line, where it stands in another."""
        if line is not self.line:
            self.give_up()
            self.line = line

    def ahead(self) -> list[str]:
        """The runs that come before in its line, in order, all of them living; queue up first where that was not done yet.

        Raises:
            OSError: the ticket cannot be made.
        """
        if self._descriptor is None or not self._lies_there():
            self._queue_up()
        line = [name for name in _names(self._folder) if name["line"] == self.line and name[0] < self._path.name]
        return [name["run"] for name in line if not self._removed(self._folder / name[0])]

    def tell(self, waiting: Waiting) -> None:
        """Write into it what the run waits for, for others to read."""
        said = msgspec.json.encode(waiting)
        if self._descriptor is not None and said != self._said:
            with suppress(OSError):  # it is the lock that counts
                os.pwrite(self._descriptor, said, 0)
                os.ftruncate(self._descriptor, len(said))
                self._said = said

    def give_up(self) -> None:
        """Leave the queue."""
        if self._descriptor is not None:
            if self._lies_there():
                self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor, self._said = None, b""

    def _queue_up(self) -> None:
        self._forget()
        files.make_folder(self._folder)
        while self._descriptor is None:
            self._descriptor = files.try_lock(self._path)
            if not self._lies_there():  # someone is taking the file away, or has just done so, as that of a dead one
                self._forget()
                time.sleep(0.001)

    def _forget(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._said = None, b""

    def _lies_there(self) -> bool:
        return self._descriptor is not None and _same_file(self._path, self._descriptor)

    @staticmethod
    def _removed(path: Path) -> bool:
        """Whether a ticket is one of the dead; it is then taken away. One that was just made anew counts as living."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return True
        try:
            if not slots.lock(descriptor) or not _same_file(path, descriptor):
                return False
            path.unlink(missing_ok=True)
            return True
        finally:
            os.close(descriptor)


def _same_file(path: Path, descriptor: int) -> bool:
    """Whether the file at `path` is the one that is open."""
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False
