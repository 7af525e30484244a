"""`sirtui reindex`: throw the index away and build it again from the run folders."""

from __future__ import annotations

import argparse
import sys

from sirtui.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None."""


def call(asked: argparse.Namespace) -> int:
    """Rebuild."""
    store = Store(asked.store)
    store.reindex()
    sys.stderr.write(f"{len(store.runs())} runs indexed in {store.folder.database}\n")
    return 0
