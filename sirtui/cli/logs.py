"""`sirtui logs RUN [STAGE]`: the log of a stage, whole or followed."""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from pathlib import Path

from sirtui.core.errors import NotFound
from sirtui.core.layout import RunFolder
from sirtui.core.run import Stage, Status
from sirtui.core.text import clean
from sirtui.store import Store
from sirtui.store.rows import RunView, StageRow

_LOOK_EVERY_S = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, STAGE, -f, -n, --path."""
    parser.add_argument("run", metavar="RUN", help="a run's name, id, a beginning of its name, or latest")
    parser.add_argument(
        "stage", nargs="?", metavar="STAGE", help="like it03/train, or supervisor; default: the one at work, failed, or last"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the stage ends")
    parser.add_argument("-n", "--lines", type=int, metavar="N", help="only the last N lines")
    parser.add_argument("--path", action="store_true", help="print where the log lies instead")


def call(asked: argparse.Namespace) -> int:
    """Print the log."""
    store = Store(asked.store)
    store.catch_up(patience=5)
    name = store.find(asked.run)
    log = _log(store, name, asked.stage)
    if asked.path:
        sys.stdout.write(f"{log}\n")
        return 0
    position = _print(log, asked.lines)
    while asked.follow and _alive(store, name, asked.stage):
        time.sleep(_LOOK_EVERY_S)
        position = _print(log, None, position)
    return 0


def _log(store: Store, name: str, stage: str | None) -> Path:
    run = store.folder.run(name)
    if stage == "supervisor":
        return run.supervisor_log
    row = _stage(store.run(name), stage)
    return RunFolder(run.path).stage(Stage.parse(row.id)).attempt(row.attempt).log


def _stage(view: RunView, asked: str | None) -> StageRow:
    begun = [stage for stage in view.stages if stage.attempt]
    if asked is not None:
        wanted = Stage.parse(asked).id
        begun = [stage for stage in begun if stage.id == wanted]
    if not begun:
        raise NotFound(f"{view.run.name}: {asked or 'no stage'} has not begun", "`sirtui show RUN` says how far it is.")
    order = (Status.RUNNING, Status.FAILED, Status.LOST)
    return min(
        begun, key=lambda stage: (order.index(stage.status) if stage.status in order else len(order), -(stage.started or 0))
    )


def _print(log: Path, lines: int | None, position: int = 0) -> int:
    """Print what stands in the file from byte `position` on; return where it ends."""
    try:
        with log.open("rb") as file:
            file.seek(position)
            text = deque(file, lines) if lines is not None else file
            for line in text:
                sys.stdout.write(clean(line.decode("utf-8", "replace").rstrip("\r\n").rpartition("\r")[2]) + "\n")
            sys.stdout.flush()
            return file.tell()
    except FileNotFoundError:
        return position


def _alive(store: Store, name: str, stage: str | None) -> bool:
    store.catch_up(patience=5)
    view = store.run(name)
    if stage is None or stage == "supervisor":
        return view.run.status.alive
    return _stage(view, stage).status.alive
