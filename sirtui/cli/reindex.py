"""`sirtui reindex`: throw the index away (one of a newer sirtui is kept beside) and build it again from the run folders."""

from __future__ import annotations

import argparse
import sys

from sirtui.cli.placing import check_place
from sirtui.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def call(asked: argparse.Namespace) -> int:
    """Rebuild."""
    check_place(asked.store)
    store = Store(asked.store)
    store.reindex()
    for problem in store.problems():
        sys.stderr.write(f"note: {problem}\n")
    sys.stderr.write(f"{len(store.runs())} runs indexed in {store.database}\n")
    return 0
