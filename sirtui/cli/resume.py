"""`sirtui resume RUN`: go on where a run stopped, failed or was lost; finished stages are never repeated."""

from __future__ import annotations

import argparse
import sys

from sirtui import supervise
from sirtui.cli import waiting
from sirtui.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, --force, --wait."""
    parser.add_argument("run", metavar="RUN", help="a run's name, id, a beginning of its name, or latest")
    parser.add_argument("--force", action="store_true", help="end a stage that still lives, rather than wait for it")
    parser.add_argument("--wait", action="store_true", help="stay until the run ends, with progress on stderr")


def call(asked: argparse.Namespace) -> int:
    """Launch a supervisor anew."""
    store = Store(asked.store)
    store.catch_up(patience=5)
    run = store.folder.run(store.find(asked.run))
    supervise.resume(run, force=asked.force)
    sys.stdout.write(f"{run.name}\n")
    sys.stdout.flush()
    return waiting.wait(store, run.name, sys.stderr) if asked.wait else 0
