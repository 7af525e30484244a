"""`sirtui stop RUN`: ask a run to stop; its stages get time to end by themselves."""

from __future__ import annotations

import argparse
import sys

from sirtui import supervise
from sirtui.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, --wait."""
    parser.add_argument("run", metavar="RUN", help="a run's name, id, a beginning of its name, or latest")
    parser.add_argument("--wait", action="store_true", help="stay until nothing of it lives any more")


def call(asked: argparse.Namespace) -> int:
    """Ask, and with --wait see it gone."""
    store = Store(asked.store)
    store.catch_up(patience=5)
    run = store.folder.run(store.find(asked.run))
    if asked.wait:
        supervise.stop(run)
        store.catch_up(patience=5)
    else:
        supervise.request_stop(run)
    sys.stderr.write(f"{run.name}: {'stopped' if asked.wait else 'asked to stop'}; `sirtui resume {run.name}` goes on with it\n")
    return 0
