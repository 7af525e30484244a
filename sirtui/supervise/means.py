"""What a stage needs beside its inputs: room on the disk; and in what order a run asks for it."""

from __future__ import annotations

from collections.abc import Collection

from sirtui.core.layout import RunFolder
from sirtui.core.run import Stage
from sirtui.core.spec import Spec
from sirtui.supervise.launchers import Granted
from sirtui.supervise.room import Room


class Means:
    """Those of one run, asked for by its supervisor."""

    def __init__(self, run: RunFolder, spec: Spec) -> None:
        self._run, self._spec = run, spec
        self._room = Room(run.path)

    @property
    def slots(self) -> tuple[str, ...]:
        """The GPUs or CPUs it has."""
        return ()

    def key(self, stage: Stage) -> str:
        """What names all that goes into a stage."""
        return ""

    def link(self, stage: Stage) -> bool:
        """Take the result from where it was made already; whether there was one."""
        return False

    def missing(self, stage: Stage) -> str:
        """What the stage waits for, in a sentence; empty where it can start."""
        return self._room.missing()

    def granted(self, stage: Stage) -> Granted:
        """What the stage gets of the machine."""
        return Granted()

    def ended(self, stage: Stage, *, done: bool) -> None:
        """Take note of the end of a stage."""

    def found_no_room(self, stage: Stage) -> None:
        """Take note that a stage ended because the disk was full."""
        self._room.ran_out()

    def release(self) -> None:
        """Give back what others may wait for."""

    def sample(self, running: Collection[Stage]) -> None:
        """Take note of what the machine does."""
