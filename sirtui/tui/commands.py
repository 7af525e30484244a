"""What the screen can have done to a run: one class per command; its docstring is what the question says first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.run import Status
from sirtui.store.rows import RunRow

if TYPE_CHECKING:
    from sirtui.supervise.changes import Change


class Supervision(Protocol):
    """Who can start, stop and resume runs: `sirtui.supervise`, or a play in tests."""

    def request_stop(self, run: RunFolder) -> None:
        """Ask the run's supervisor to stop it."""

    def hurry(self, run: RunFolder) -> None:
        """Ask the supervisor of a run that is stopping to wait no longer."""

    def end(self, run: RunFolder) -> None:
        """End what still lives of a run that has no supervisor; return when that is done."""

    def changes(self, run: RunFolder) -> Sequence[str]:
        """What is different from when the run was last at work, a line each. It may take a while."""

    def resume(self, run: RunFolder) -> None:
        """Start a supervisor for the run again, and let it go on with the changes that were told last."""

    def submit(self, file: Path) -> str:
        """Start what the experiment file says; the names of the runs."""


class Command(Protocol):
    """Something to be asked first and then done, in a thread. `asks`: the question; the run's name stands for `{}`."""

    asks: str
    done: str

    def impossible(self, run: RunRow) -> str:
        """Why it cannot be done to this run; empty where it can."""

    def means(self, run: RunRow) -> str:
        """What a yes does to this run."""

    def do(self, supervision: Supervision, run: RunFolder) -> None:
        """Do it.

        Raises:
            SirtuiError: it could not be done.
        """


class Stop:
    """The stage at work is told to end; what is finished stays, and R resumes."""

    asks, done = "Stop {}?", "asked to stop"

    def impossible(self, run: RunRow) -> str:
        """Only what lives can be stopped."""
        lives = run.status.alive or run.status is Status.ORPHANED
        return "" if lives else f"{run.name} is {run.status}: nothing to stop"

    def means(self, run: RunRow) -> str:
        """The same for every run."""
        del run
        return self.__doc__ or ""

    def do(self, supervision: Supervision, run: RunFolder) -> None:
        """Leave a request for the supervisor."""
        supervision.request_stop(run)


class Hurry(Stop):
    """It is stopping already, and its stage is saving what it can. Now it is killed: what is not saved yet is lost."""

    asks, done = "End {} now?", "told to end now"

    def do(self, supervision: Supervision, run: RunFolder) -> None:
        """Leave a request for the supervisor that is not to be waited for."""
        supervision.hurry(run)


class End(Stop):
    """Its supervisor is gone. What still lives of it is told to end, and killed if it does not; R resumes."""

    asks, done = "End what is left of {}?", "ended"

    def impossible(self, run: RunRow) -> str:
        """What is lost can be ended too: more of it may live than can be seen from here."""
        return "" if run.status is Status.LOST else super().impossible(run)

    def do(self, supervision: Supervision, run: RunFolder) -> None:
        """End it from here."""
        supervision.end(run)


class Resume:
    """Finished stages are kept, and of an unfinished one what it has left on the disk."""

    asks, done = "Resume {}?", "resumed"

    def impossible(self, run: RunRow) -> str:
        """Only what has come to a halt, or lives on with nobody to watch it, can be resumed."""
        halted = (Status.FAILED, Status.LOST, Status.STOPPED, Status.PAUSED, Status.ORPHANED)
        return "" if run.status in halted else f"{run.name} is {run.status}: nothing to resume"

    def means(self, run: RunRow) -> str:
        """What is kept; and, where a verdict may have stopped it, that this one does so no more."""
        judged = run.alarm and run.status in (Status.PAUSED, Status.STOPPED)
        return f"{self.__doc__} What is lost so far stops it no more." if judged else self.__doc__ or ""

    def do(self, supervision: Supervision, run: RunFolder) -> None:
        """Start its supervisor again."""
        supervision.resume(run)


def command(name: str, run: RunRow) -> Command:
    """What `stop` or `resume` means for a run that stands so."""
    if name == "resume":
        return Resume()
    return {Status.STOPPING: Hurry(), Status.ORPHANED: End(), Status.LOST: End()}.get(run.status, Stop())


class LazySupervision:
    """`sirtui.supervise`, imported when a command is given and not before."""

    def __init__(self, store: StoreFolder) -> None:
        self._store = store
        self._told: dict[str, tuple[Change, ...]] = {}

    def request_stop(self, run: RunFolder) -> None:
        """Ask the run's supervisor to stop it."""
        from sirtui import supervise

        supervise.request_stop(run)

    def hurry(self, run: RunFolder) -> None:
        """Ask the supervisor to wait no longer."""
        from sirtui import supervise

        supervise.request_stop(run, urgent=True)

    def end(self, run: RunFolder) -> None:
        """End what still lives of the run."""
        from sirtui import supervise

        supervise.stop(run)

    def changes(self, run: RunFolder) -> Sequence[str]:
        """What is different from when it was last at work: `sampling.n: 8 -> 16`."""
        from sirtui.supervise.changes import changes

        self._told[run.name] = changes(run)
        return tuple(f"{change.key}: {change.before} -> {change.now}" for change in self._told[run.name])

    def resume(self, run: RunFolder) -> None:
        """Write down which changes were accepted, and start a supervisor for the run again."""
        from sirtui import supervise
        from sirtui.supervise.changes import accept

        accept(run, self._told.pop(run.name, ()))
        supervise.resume(run)

    def submit(self, file: Path) -> str:
        """Start what the experiment file says."""
        from sirtui import supervise

        return supervise.submit(self._store, file)
