"""`sirtui resume RUN`: go on where a run stopped, failed or was lost; finished stages are never repeated."""

from __future__ import annotations

import argparse
import sys

from sirtui import supervise
from sirtui.cli import asking, waiting
from sirtui.cli.looking import named, standing
from sirtui.core.errors import UsageError
from sirtui.core.layout import RunFolder
from sirtui.core.run import Status
from sirtui.core.text import clean
from sirtui.store import Store
from sirtui.supervise.changes import Change, accept, changes, notes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, --force, --accept, --anew, --wait."""
    parser.add_argument("run", metavar="RUN", help="a run's name, id, a beginning of its name, or latest")
    parser.add_argument("--force", action="store_true", help="end a stage that still lives, rather than wait for it")
    parser.add_argument("--accept", action="store_true", help="go on although experiment, packages or files have changed")
    parser.add_argument("--anew", action="store_true", help="begin a training again of which no checkpoint can be used")
    parser.add_argument("--wait", action="store_true", help="stay until the run ends, with progress on stderr")


def call(asked: argparse.Namespace) -> int:
    """Say what changed, and launch a supervisor anew where that is accepted."""
    store = Store(asked.store)
    (run,) = named(store, asked.run)
    status = standing(run).status
    if not status.alive and status is not Status.FINISHED and not _accepted(run, asked):
        sys.stderr.write(f"{run.name} was left as it is\n")
        return 1
    supervise.resume(run, force=asked.force, anew=asked.anew)
    sys.stdout.write(f"{run.name}\n")
    sys.stdout.flush()
    return waiting.wait(store, run.name, sys.stderr) if asked.wait else 0


def _accepted(run: RunFolder, asked: argparse.Namespace) -> bool:
    """Whether the run may go on as things are now; what changed is told, and asked for where there is anyone to answer.

    Raises:
        UsageError: something changed, and there is nobody to ask.
    """
    for note in notes(run):
        sys.stderr.write(f"note: {clean(note, 500)}\n")
    found = changes(run)
    if not found:
        return True
    sys.stderr.write(f"{run.name}: since it was last at work\n{told(found)}\n")
    sys.stderr.write("What is finished stays as it is; what comes will be made with what is now.\n")
    if not asked.accept:
        if not asking.at_terminal():
            raise UsageError(
                f"{run.name} would go on otherwise than it began", f"sirtui resume --accept {run.name} goes on all the same."
            )
        if not asking.agreed("Go on with these?"):
            return False
    accept(run, found)
    return True


def told(found: tuple[Change, ...]) -> str:
    """A line for each change: `sampling.n: 50 -> 40`."""
    return "\n".join(f"  {clean(each.key, 300)}: {clean(each.before, 300)} -> {clean(each.now, 300)}" for each in found)
