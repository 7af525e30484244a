"""`sirtui logs RUN [STAGE]`: the log of a stage, whole or followed."""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from sirtui.cli.looking import look
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
    look(store)
    name = store.find(asked.run)
    log = _log(store, name, asked.stage)
    if asked.path:
        sys.stdout.write(f"{log}\n")
        return 0
    if asked.follow:
        _follow(store, name, asked.stage, asked.lines)
    else:
        printed = _Printed(log)
        printed.go_on(asked.lines)
        printed.end()
    return 0


def _follow(store: Store, name: str, asked: str | None, lines: int | None) -> None:
    """Print a log as it grows, to its stage's end; without a stage one after the other, as they began, to the run's end."""
    if asked is not None:
        _print_growing(store, name, asked, lines)
        return
    stage: StageRow | None = _stage(_newest(store, name), None)
    while stage is not None:
        _print_growing(store, name, stage.id, lines)
        stage, lines = _next(store, name, stage), None
        if stage is not None:
            sys.stdout.write(f"==> {stage.id} <==\n")


def _print_growing(store: Store, name: str, stage: str, lines: int | None) -> None:
    printed = _Printed(_log(store, name, stage))
    printed.go_on(lines)
    while _alive(_newest(store, name), stage):
        time.sleep(_LOOK_EVERY_S)
        printed.go_on()
    printed.go_on()
    printed.end()


def _alive(view: RunView, stage: str) -> bool:
    return view.run.status.alive if stage == "supervisor" else _stage(view, stage).status.alive


def _next(store: Store, name: str, after: StageRow) -> StageRow | None:
    """The stage that began next, waiting for it; None where the run ended without one."""
    while True:
        view = _newest(store, name)
        begun = sorted((stage.started or 0.0, stage.id) for stage in view.stages if stage.attempt)
        later = [key for started, key in begun if (started, key) > (after.started or 0.0, after.id)]
        if later:
            return _stage(view, later[0])
        if not view.run.status.alive:
            return None
        time.sleep(_LOOK_EVERY_S)


def _newest(store: Store, name: str) -> RunView:
    look(store, patience=0)
    return store.run(name)


class _Printed:
    """A log, and how much of it was printed: whole lines only, until its end is asked for."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self._position = 0

    def go_on(self, lines: int | None = None) -> None:
        """Print the whole lines that came since, or only the last `lines` of them."""
        with self._opened() as file:
            whole = self._whole(file)
            for line in whole if lines is None else deque(whole, lines):
                _write(line)
        sys.stdout.flush()

    def _whole(self, file: BinaryIO) -> Iterator[bytes]:
        for line in file:
            if line.endswith(b"\n"):
                self._position += len(line)
                yield line

    def end(self) -> None:
        """Print what stands behind the last line break."""
        with self._opened() as file:
            if rest := file.read():
                self._position += len(rest)
                _write(rest)
        sys.stdout.flush()

    def _opened(self) -> BinaryIO:
        try:
            file = self.log.open("rb")
        except FileNotFoundError:
            return BytesIO()
        file.seek(self._position)
        return file


def _write(line: bytes) -> None:
    sys.stdout.write(clean(line.decode("utf-8", "replace").rstrip("\r\n").rpartition("\r")[2]) + "\n")


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
    order = (Status.RUNNING, Status.ORPHANED, Status.FAILED, Status.LOST)
    return min(
        begun, key=lambda stage: (order.index(stage.status) if stage.status in order else len(order), -(stage.started or 0))
    )
