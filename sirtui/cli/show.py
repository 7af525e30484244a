"""`sirtui show RUN`: every measure by iteration, with its change against M_1, what that means, and which to keep."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

import msgspec

from sirtui.cli import history
from sirtui.cli.looking import look
from sirtui.cli.text import duration, folded, left, number, progress, stars, table, terminal_width, without_gaps
from sirtui.cli.verdict import keep_text, verdict_json
from sirtui.core.run import Status
from sirtui.core.verdict import State, VerdictRecord
from sirtui.store import Store
from sirtui.store.rows import Cell, IterationRow, RunView
from sirtui.supervise.telemetry import Use, by_stage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, --json."""
    parser.add_argument("run", metavar="RUN", help="a run's name, id, a beginning of its name, or latest")
    parser.add_argument("--json", action="store_true", help="for scripts")


def call(asked: argparse.Namespace) -> int:
    """Print the run."""
    store = Store(asked.store)
    look(store)
    view = store.run(store.find(asked.run))
    folder = store.folder.run(view.run.name)
    uses, notes = by_stage(folder), history.told(view, folder)
    sys.stdout.write(f"{as_json(view, uses, notes) if asked.json else as_text(view, uses, notes)}\n")
    return 0


def as_json(view: RunView, uses: Sequence[Use] = (), notes: Sequence[str] = ()) -> str:
    """The run for scripts, one line. What is not there is left out; never NaN.

    `uses`: what GPUs did for its stages; `notes`: how its results came about, where that is worth a word.
    """
    run, last = view.run, _last(view)
    told = {
        "schema": 1,
        "run": run.name,
        "name": run.title,
        "status": run.status,
        "method": run.method,
        "verdict": None if last is None else verdict_json(last),
        "keep": {"t": last.keep.t, "reason": last.keep.reason} if last and last.keep else None,
        "rule": msgspec.to_builtins(view.rule),
        "iterations": [_iteration(each) for each in view.iterations],
        "repeats": [_iteration(each) for each in view.repeats],
        "notes": list(notes) or None,
        "gpus": [{**asdict(use), "stage": use.stage.id} for use in uses] or None,
    }
    return msgspec.json.encode(without_gaps(told)).decode()


def _last(view: RunView) -> VerdictRecord | None:
    """The verdict on the last measured iteration: the run's."""
    return next((row.verdict for row in reversed(view.iterations) if row.verdict and row.verdict.kind), None)


def _iteration(row: IterationRow) -> dict[str, Any]:
    told = {"t": row.t, "repeat": row.repeat, "trainer": row.trainer, "status": row.status, "checkpoint": row.checkpoint}
    if row.repeat == 1:
        del told["repeat"]
    if row.verdict and row.verdict.kind:
        told["verdict"] = verdict_json(row.verdict)
    measures = {key: _cell(cell) for key, cell in row.cells.items() if cell.value is not None}
    return {**{key: value for key, value in told.items() if value != ""}, "measures": measures}


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "value": cell.value,
        "stderr": cell.stderr,
        "n": cell.n,
        "change": cell.change,
        "change_stderr": cell.change_stderr,
        "change_n": cell.change_n,
        "lo90": cell.lo90,
        "hi90": cell.hi90,
        "p": cell.p,
        "verdict": cell.verdict or None,
        "trend": cell.trend or None,
        "role": cell.role or None,
        "counts": dict(cell.counts) or None,
    }


def as_text(view: RunView, uses: Sequence[Use] = (), notes: Sequence[str] = ()) -> str:
    """The run for people: a column an iteration, a row a measure, changes against M_1 below values; and what GPUs did."""
    said = (folded(f"note: {note}", terminal_width()) for note in notes)
    return "\n".join([_measured(view), *said, *_gpus(uses)])


def _measured(view: RunView) -> str:
    run = view.run
    lines = [f"{run.name}  {run.method} on {run.task}, {run.iterations} iterations, seed {run.seed}: {_standing(view)}", ""]
    shown = [row for row in view.iterations if row.cells]
    if not shown:
        return "\n".join([*lines, "Nothing is measured yet."])
    head = [
        "",
        *(f"it{row.t} {row.trainer}" for row in shown),
        *(f"M{row.t} repeat {row.repeat}" for row in view.repeats if row.cells),
    ]
    columns: list[Mapping[str, Cell]] = [row.cells for row in (*shown, *view.repeats) if row.cells]
    rows = [head, _verdicts(shown, len(columns))] if any(row.verdict for row in shown) else [head]
    for measure in sorted(view.measures, key=lambda measure: _place(measure.key, columns)):
        arrow = {1: " ↑", -1: " ↓"}.get(measure.direction, "")
        rows.append([f"{measure.key}{arrow}", *(_shown(cells.get(measure.key), measure.unit) for cells in columns)])
    notes = (
        "Value, and in brackets the paired change against M1: ** at 99 %, * at 95 %, ~ not significant, corrected for all\n"
        "measures and looks; without a mark it decides nothing. ↑ ↓: which way is better."
    )
    conclusion = (folded(line, terminal_width()) for line in _conclusion(view))
    return "\n".join([*lines, table(rows, width=terminal_width()), "", notes, *conclusion])


def _verdicts(shown: Sequence[IterationRow], columns: int) -> list[str]:
    words = [row.verdict.kind.replace("_", " ") if row.verdict and row.verdict.kind else "" for row in shown]
    return ["verdict", *words, *[""] * (columns - len(words))]


_ROLES = ("target", "essential", "watch")


def _place(key: str, columns: Sequence[Mapping[str, Cell]]) -> int:
    """Target first, then essentials, then what is watched, then the rest."""
    role = next((cells[key].role for cells in columns if key in cells and cells[key].role), "")
    return _ROLES.index(role) if role in _ROLES else len(_ROLES)


def _conclusion(view: RunView) -> list[str]:
    """The run's verdict with what it rests on, which checkpoint to keep, and where to read on."""
    advice = [f"it1: {row.verdict.advice}" for row in view.iterations if row.verdict and row.verdict.advice]
    last = _last(view)
    if last is None:
        return ["", *advice] if advice else []
    weak = [f"{part.name} {part.state.upper()}: {part.text}" for part in last.validity if part.state is not State.OK]
    keep = [f"keep it{last.keep.t}: {keep_text(last.keep)}"] if last.keep else []
    notes = [f"note: {note}" for note in last.notes]
    more = f"sirtui verdict {view.run.name} says what this rests on; sirtui explain {view.run.name} MEASURE IT how it came about."
    return ["", *advice, *weak, *notes, f"it{last.t}: {last.text}", *keep, more]


def _gpus(uses: Sequence[Use]) -> list[str]:
    """What the GPUs did, a line an iteration and kind of stage: repeats and GPUs together, memory of the fullest GPU."""
    rows = [["GPUs", "busy", "memory at most", "samples"]]
    for (t, kind), group in groupby(uses, lambda use: (use.stage.t, use.stage.kind)):
        some = list(group)
        told = [use for use in some if use.utilization is not None]
        busy = sum((use.utilization or 0) * use.samples for use in told) / max(1, sum(use.samples for use in told))
        peak, total = max((use.memory_peak or 0, use.memory_total or 0) for use in some)
        rows.append(
            [
                f"it{t:02} {kind}",
                f"{100 * busy:.0f} %" if told else "-",
                f"{peak / 1e9:.1f} of {total / 1e9:.1f} GB" if peak and total else "-",
                str(sum(use.samples for use in some)),
            ]
        )
    return ["", table(rows)] if uses else []


def _shown(cell: Cell | None, unit: str) -> str:
    if cell is None or cell.value is None:
        return "-"
    mark = stars(cell.p) if cell.role in _ROLES else ""
    return number(cell.value, unit) + (f" ({cell.change:+.3f}{mark})" if cell.change is not None else "")


def _standing(view: RunView) -> str:
    run = view.run
    if run.status is Status.RUNNING and run.stage:
        return ", ".join(filter(None, (f"{run.stage} {progress(run.done, run.total, run.unit)}", left(run))))
    took = f" in {duration(run.ended - run.created)}" if run.ended and run.status is Status.FINISHED else ""
    return f"{run.status}{took}" + (f": {run.reason}" if run.reason else "")
