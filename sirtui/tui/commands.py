"""What the screen can have done to a run: one class per command; its docstring is what the question says."""

from __future__ import annotations

from typing import Protocol

from sirtui.core.layout import RunFolder
from sirtui.core.run import Status
from sirtui.store.rows import RunRow


class Supervision(Protocol):
    """Who can stop and resume runs: `sirtui.supervise`, or a play in tests."""

    def request_stop(self, run: RunFolder) -> None:
        """Ask the run's supervisor to stop it."""

    def resume(self, run: RunFolder) -> None:
        """Start a supervisor for the run again."""


class Command(Protocol):
    """Something to be asked first and then done, in a thread."""

    name: str
    done: str

    def impossible(self, run: RunRow) -> str:
        """Why it cannot be done to this run; empty where it can."""

    def do(self, supervision: Supervision, run: RunFolder) -> None:
        """Do it.

        Raises:
            SirtuiError: it could not be done.
        """


class Stop:
    """The stage at work is told to end; what is finished stays, and R resumes."""

    name, done = "stop", "asked to stop"

    def impossible(self, run: RunRow) -> str:
        """Only what is alive can be stopped."""
        return "" if run.status.alive else f"{run.name} is {run.status}: nothing to stop"

    def do(self, supervision: Supervision, run: RunFolder) -> None:
        """Leave a request for the supervisor."""
        supervision.request_stop(run)


class Resume:
    """Finished stages are kept; the run goes on with the next one. What is lost so far stops it no more."""

    name, done = "resume", "resumed"

    def impossible(self, run: RunRow) -> str:
        """Only what has come to a halt can be resumed."""
        halted = run.status in (Status.FAILED, Status.LOST, Status.STOPPED, Status.PAUSED)
        return "" if halted else f"{run.name} is {run.status}: nothing to resume"

    def do(self, supervision: Supervision, run: RunFolder) -> None:
        """Start its supervisor again."""
        supervision.resume(run)


COMMANDS: dict[str, Command] = {command.name: command for command in (Stop(), Resume())}


class LazySupervision:
    """`sirtui.supervise`, imported when a command is given and not before."""

    def request_stop(self, run: RunFolder) -> None:
        """Ask the run's supervisor to stop it."""
        from sirtui import supervise

        supervise.request_stop(run)

    def resume(self, run: RunFolder) -> None:
        """Start a supervisor for the run again."""
        from sirtui import supervise

        supervise.resume(run)
