"""`sirtui supervise FOLDER`: what `run` and `resume` launch in the background; walks one run's plan to its end."""

from __future__ import annotations

import argparse
from pathlib import Path

from sirtui.core.layout import RunFolder
from sirtui.core.run import Status
from sirtui.store import Store
from sirtui.supervise import supervise
from sirtui.supervise.launchers.local import LocalLauncher


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FOLDER."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a run's folder")


def call(asked: argparse.Namespace) -> int:
    """Walk the plan; whenever something changed, bring the index up to date."""
    store = Store(asked.folder.parent.parent)

    def index() -> None:
        store.catch_up()

    status = supervise(RunFolder(asked.folder), LocalLauncher(), on_change=index)
    return 0 if status is Status.FINISHED else 1
