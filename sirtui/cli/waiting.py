"""Waiting for a run: a line when a stage ends, and now and then how far the present one is."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from typing import TextIO

from sirtui.cli.looking import look, standing
from sirtui.cli.text import duration, left, progress
from sirtui.cli.verdict import REVERSED
from sirtui.core.files import find_record
from sirtui.core.run import Status, SupervisorRecord
from sirtui.store import Store
from sirtui.store.follow import follow
from sirtui.store.rows import RunRow, RunView
from sirtui.store.status import Standing

_TOLD_EVERY_S = 15.0


def wait(store: Store, name: str, out: TextIO) -> int:
    """Follow the run until it ends, telling on `out`. Ctrl-C leaves it running.

    0 if it finished, 3 if it waits or ended after a reversal, 1 otherwise.
    """
    try:
        return _wait(store, name, out)
    except KeyboardInterrupt:
        sys.stderr.write(f"\n{name} keeps running: `sirtui` shows it, `sirtui stop {name}` stops it\n")
        raise


def _wait(store: Store, name: str, out: TextIO) -> int:
    told, stop = _Told(out), threading.Event()
    for _ in follow(store.folder, stop):
        if not look(store):
            if standing(store.folder.run(name)).status.alive:
                continue
            return _end_untold(store, name, out)
        view = store.run(name)
        told.tell(view)
        if not view.run.status.alive:
            break
    return _tell_end(name, view.run, out, by_rule=_ended_by_rule(view))


def _end_untold(store: Store, name: str, out: TextIO) -> int:
    """The end of a run that the index could not be told of: by the run's own word."""
    known = find_record(store.folder.run(name).supervisor, SupervisorRecord)
    return _tell_end(name, standing(store.folder.run(name)), out, by_rule=known is not None and known.held)


def _tell_end(name: str, end: RunRow | Standing, out: TextIO, *, by_rule: bool) -> int:
    """Tell any end but a good one; the exit code."""
    if end.status is Status.FINISHED:
        return 0
    out.write(f"{name}: {end.status}: {end.reason}\n")
    if end.hint:
        out.write(f"  {end.hint}\n")
    return REVERSED if end.status is Status.PAUSED or by_rule else 1


def _ended_by_rule(view: RunView) -> bool:
    verdict = view.run.verdict
    return view.run.status is Status.STOPPED and verdict is not None and view.run.reason.endswith(verdict.text)


class _Told:
    """What was told already."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._statuses: Mapping[str, Status] = {}
        self._last = 0.0
        self._waits = ""
        self._began = time.time()

    def tell(self, view: RunView) -> None:
        """Stages that changed since the last time; at least every 15 s the stage at work."""
        now = time.monotonic()
        for stage in view.stages:
            before = self._statuses.get(stage.id, Status.WAITING)
            if stage.status is not before and not stage.status.alive and (stage.ended or self._began) >= self._began:
                took = f" in {duration(stage.seconds)}" if stage.seconds is not None else ""
                self._write(f"{stage.id} {stage.status}{took}" + (f": {stage.reason}" if stage.reason else ""))
                self._last = now
        self._statuses = {stage.id: stage.status for stage in view.stages}
        waits = view.run.reason if view.run.status is Status.WAITING else ""
        if waits and waits != self._waits:
            self._write(waits)
        self._waits = waits
        if now - self._last >= _TOLD_EVERY_S and view.run.stage:
            self._last = now
            far = progress(view.run.done, view.run.total, view.run.unit)
            self._write(", ".join(filter(None, (f"{view.run.stage} {far}", left(view.run)))))

    def _write(self, line: str) -> None:
        self._out.write(f"  {line}\n")
        self._out.flush()
