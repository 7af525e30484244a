"""`sirtui stop RUN`: ask a run to stop; its stages get time to end by themselves."""

from __future__ import annotations

import argparse
import sys

from sirtui import supervise
from sirtui.cli.looking import look, named, standing
from sirtui.core.errors import UsageError
from sirtui.core.files import is_locked
from sirtui.core.run import Status
from sirtui.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, --wait, --now."""
    parser.add_argument("run", metavar="RUN", help="a run's name, id, a beginning of its name, or latest")
    parser.add_argument("--wait", action="store_true", help="stay until nothing of it lives any more")
    parser.add_argument("--now", action="store_true", help="end it at once: what stages have not yet written is lost")


def call(asked: argparse.Namespace) -> int:
    """Ask, and with --wait see it gone; what outlived its supervisor is ended at once."""
    store = Store(asked.store)
    (run,) = named(store, asked.run)
    status = standing(run).status
    if not status.alive and status not in (Status.LOST, Status.ORPHANED):
        raise UsageError(f"{run.name} is {status}", "Nothing of it runs.")
    supervised = is_locked(run.supervisor_lock)
    if supervised and not asked.wait:
        supervise.request_stop(run, urgent=asked.now)
    else:
        supervise.stop(run, urgent=asked.now)
        look(store)
    told = "asked to stop" if supervised and not asked.wait else "stopped"
    sys.stderr.write(f"{run.name}: {told}; `sirtui resume {run.name}` goes on with it\n")
    return 0
