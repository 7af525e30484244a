"""`sirtui show RUN`: every measure by iteration, with its change against M_1."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping
from typing import Any

import msgspec

from sirtui.cli.text import duration, left, number, progress, table
from sirtui.core.run import Status
from sirtui.store import Store
from sirtui.store.rows import Cell, IterationRow, RunView


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, --json."""
    parser.add_argument("run", metavar="RUN", help="a run's name, id, a beginning of its name, or latest")
    parser.add_argument("--json", action="store_true", help="for scripts")


def call(asked: argparse.Namespace) -> int:
    """Print the run."""
    store = Store(asked.store)
    store.catch_up(patience=5)
    view = store.run(store.find(asked.run))
    sys.stdout.write(f"{as_json(view) if asked.json else as_text(view)}\n")
    return 0


def as_json(view: RunView) -> str:
    """The run for scripts, one line. What is not there is left out; never NaN."""
    run = view.run
    told = {
        "schema": 1,
        "run": run.name,
        "name": run.title,
        "status": run.status,
        "method": run.method,
        "iterations": [_iteration(each) for each in view.iterations],
        "repeats": [_iteration(each) for each in view.repeats],
    }
    return msgspec.json.encode(told).decode()


def _iteration(row: IterationRow) -> dict[str, Any]:
    told = {"t": row.t, "repeat": row.repeat, "trainer": row.trainer, "status": row.status, "checkpoint": row.checkpoint}
    if row.repeat == 1:
        del told["repeat"]
    measures = {key: _cell(cell) for key, cell in row.cells.items() if cell.value is not None}
    return {**{key: value for key, value in told.items() if value != ""}, "measures": measures}


def _cell(cell: Cell) -> dict[str, Any]:
    told = {"value": cell.value, "stderr": cell.stderr, "n": cell.n, "change": cell.change, "counts": dict(cell.counts) or None}
    return {key: value for key, value in told.items() if value is not None}


def as_text(view: RunView) -> str:
    """The run for people: a column an iteration, a row a measure, changes against M_1 below values."""
    run = view.run
    lines = [f"{run.name}  {run.method} on {run.task}, {run.iterations} iterations, seed {run.seed}: {_standing(view)}", ""]
    shown = [row for row in view.iterations if row.cells]
    if not shown:
        return "\n".join([*lines, "Nothing is measured yet."])
    head = ["", *(f"it{row.t} {row.trainer}" for row in shown), *(f"M1 repeat {row.repeat}" for row in view.repeats if row.cells)]
    columns: list[Mapping[str, Cell]] = [row.cells for row in (*shown, *view.repeats) if row.cells]
    rows = [head]
    for measure in view.measures:
        arrow = {1: " ↑", -1: " ↓"}.get(measure.direction, "")
        rows.append([f"{measure.key}{arrow}", *(_shown(cells.get(measure.key), measure.unit) for cells in columns)])
    notes = "Value, and in brackets the paired change against M1. ↑ ↓: which way is better. No verdict is given yet."
    return "\n".join([*lines, table(rows, width=_width()), "", notes])


def _shown(cell: Cell | None, unit: str) -> str:
    if cell is None or cell.value is None:
        return "-"
    return number(cell.value, unit) + (f" ({cell.change:+.3f})" if cell.change is not None else "")


def _width() -> int | None:
    """Of the terminal; None where the text goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _standing(view: RunView) -> str:
    run = view.run
    if run.status is Status.RUNNING and run.stage:
        return ", ".join(filter(None, (f"{run.stage} {progress(run.done, run.total, run.unit)}", left(run))))
    took = f" in {duration(run.ended - run.created)}" if run.ended and run.status is Status.FINISHED else ""
    return f"{run.status}{took}" + (f": {run.reason}" if run.reason else "")
