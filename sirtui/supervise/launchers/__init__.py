"""Ways to start a stage's process, to see whether it lives, and to end it: one file each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from sirtui.core.layout import AttemptFolder
from sirtui.core.run import JobRecord, Process

TAG = "SIRTUI_JOB"
"""The environment variable by which everything that a stage started can be found."""


def tag(job: JobRecord) -> str:
    """What a job's processes carry in `SIRTUI_JOB`: `<the run's folder>/<stage id>#<attempt>`."""
    return f"{job.run}/{job.stage.id}#{job.attempt}"


@dataclass(frozen=True)
class Handle:
    """A launched job: its tag, and the process that works at it."""

    tag: str
    process: Process


@dataclass(frozen=True)
class Liveness:
    """Whether a job's process runs; when it does not: whether it left others behind, and its exit code where known.

    `code` is negative for a signal. A job that this launcher did not launch itself has none.
    """

    running: bool
    leftovers: bool = False
    code: int | None = None


class Launcher(Protocol):
    """What supervision asks of a way to run jobs."""

    def launch(self, job: JobRecord, where: AttemptFolder) -> Handle:
        """Start the job, detached from whoever asks.

        Raises:
            OSError: it could not be started.
        """
        ...

    def find(self, job: JobRecord, where: AttemptFolder) -> Handle | None:
        """The handle of a job launched by an earlier supervisor, None where nothing of it lives."""
        ...

    def liveness(self, handles: Collection[Handle]) -> Mapping[Handle, Liveness]:
        """How each job stands."""
        ...

    def wait(self, handles: Collection[Handle], timeout_s: float) -> None:
        """Return when one of the jobs may have ended, at the latest after `timeout_s` seconds."""
        ...

    def cancel(self, handles: Collection[Handle], *, grace_s: float) -> None:
        """End the jobs and all they started: SIGINT, `grace_s` seconds, SIGTERM, as many, SIGKILL; return when that is done.

        With `grace_s` = 0 it is SIGKILL at once: they write nothing more.
        """
        ...
