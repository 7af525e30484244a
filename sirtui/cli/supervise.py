"""`sirtui supervise FOLDER`: what `run` and `resume` launch in the background; walks one run's plan to its end."""

from __future__ import annotations

import argparse
from pathlib import Path

from sirtui.core.errors import NotFound
from sirtui.core.files import find_record
from sirtui.core.layout import RunFolder
from sirtui.core.run import RunRecord, Status
from sirtui.store import Store
from sirtui.supervise import supervise
from sirtui.supervise.launchers.local import LocalLauncher


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FOLDER."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a run's folder")


def call(asked: argparse.Namespace) -> int:
    """Walk the plan; whenever something changed, bring the index up to date."""
    run = RunFolder(asked.folder)
    if find_record(run.record, RunRecord) is None:
        raise NotFound(f"{asked.folder} is no folder of a run", "`sirtui resume RUN` starts a supervisor.")
    store = Store(asked.folder.parent.parent)

    def index() -> None:
        store.catch_up()

    status = supervise(run, LocalLauncher(), on_change=index)
    return 0 if status is Status.FINISHED else 1
