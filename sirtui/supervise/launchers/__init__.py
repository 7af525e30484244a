"""Ways to start a stage's process, to see whether it lives, and to end it: one file each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sirtui.core.layout import AttemptFolder
from sirtui.core.process import TAG, tag
from sirtui.core.run import JobRecord, Process

__all__ = ["TAG", "Granted", "Handle", "Launcher", "tag"]


@dataclass(frozen=True)
class Handle:
    """A launched job: its tag, and its guard."""

    tag: str
    guard: Process


@dataclass(frozen=True)
class Granted:
    """What a job is given of the machine: variables of its environment, and open descriptors of locks for its guard to hold."""

    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: Sequence[int] = ()


class Launcher(Protocol):
    """What supervision asks of a way to run jobs."""

    def launch(self, job: JobRecord, where: AttemptFolder, granted: Granted) -> Handle:
        """Start the job under a guard, detached from whoever asks.

        Raises:
            OSError: it could not be started.
        """
        ...

    def find(self, job: JobRecord, where: AttemptFolder) -> Handle | None:
        """The handle of a job launched by an earlier supervisor, None where no guard of it lives, or is on its way."""
        ...

    def running(self, handles: Collection[Handle]) -> Collection[Handle]:
        """Those of the jobs whose guard lives."""
        ...

    def sweep(self, tag: str) -> int:
        """End what a job without a guard has left behind; how many processes that were."""
        ...

    def wait(self, handles: Collection[Handle], timeout_s: float) -> None:
        """Return when one of the jobs may have ended, at the latest after `timeout_s` seconds."""
        ...

    def cancel(self, handles: Collection[Handle], *, grace_s: float, hurry: Callable[[], bool] = lambda: False) -> None:
        """End the jobs and all they started: SIGINT, `grace_s` seconds, SIGTERM, as many, SIGKILL; return when that is done.

        With `grace_s` = 0, and as soon as `hurry` says so, it is SIGKILL at once: they write nothing more.
        """
        ...
