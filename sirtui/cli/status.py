"""`sirtui status`: all runs, one line each, what needs someone first."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import msgspec

from sirtui.cli.text import left, progress, table
from sirtui.core.run import Status
from sirtui.core.text import clean
from sirtui.store import Store
from sirtui.store.rows import RunRow, StageRow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="for scripts")


def call(asked: argparse.Namespace) -> int:
    """Print the runs."""
    return tell(Store(asked.store), as_json=asked.json)


def tell(store: Store, *, as_json: bool) -> int:
    """Print the runs of `store`."""
    store.catch_up(patience=5)
    runs = store.runs()
    if as_json:
        jobs = [(run.name, stage) for run in runs if run.status.alive for stage in store.run(run.name).stages]
        running = [_job(name, stage) for name, stage in jobs if stage.status is Status.RUNNING]
        told = {"schema": 1, "runs": [_run(run) for run in runs], "jobs": running}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    elif runs:
        sys.stdout.write(_as_text(runs) + "\n")
    else:
        sys.stdout.write(f"No runs in {store.folder.path}. `sirtui demo` makes one, `sirtui run FILE` another.\n")
    return 0


def _as_text(runs: tuple[RunRow, ...]) -> str:
    rows = [["run", "status", "method", "iteration", "now", "", "verdict"]]
    for run in sorted(runs, key=lambda run: not _needs_someone(run)):
        at = f"{run.t or '-'}/{run.iterations}"
        now = f"{run.stage} {progress(run.done, run.total, run.unit)}" if run.stage else ""
        remains = left(run) if run.status.alive else ""
        rows.append([run.name, run.status, run.method, at, now, remains, _verdict(run)])
    troubled = [run for run in runs if run.status in _TROUBLED]
    return "\n".join([table(rows, left=7), *(f"\n{run.name}: {run.reason or run.status}\n  {run.hint}" for run in troubled)])


_TROUBLED = (Status.FAILED, Status.LOST, Status.PAUSED)


def _needs_someone(run: RunRow) -> bool:
    return run.status in _TROUBLED or run.alarm


def _verdict(run: RunRow) -> str:
    if run.verdict is None:
        return ""
    return clean(run.verdict.text, 60) + (f" (keep it{run.verdict.keep})" if run.verdict.keep else "")


def _run(run: RunRow) -> dict[str, Any]:
    return _without_gaps(
        {
            "run": run.name,
            "name": run.title,
            "status": run.status,
            "method": run.method,
            "task": run.task,
            "base_model": run.base_model,
            "seed": run.seed,
            "iterations": run.iterations,
            "t": run.t,
            "stage": run.stage,
            "created": run.created,
            "ended": run.ended,
            "eta": run.eta,
            "reason": run.reason,
            "hint": run.hint,
            "verdict": _without_gaps(msgspec.to_builtins(run.verdict)) if run.verdict else None,
        }
    )


def _job(name: str, stage: StageRow) -> dict[str, Any]:
    return _without_gaps(
        {
            "run": name,
            "stage": stage.id,
            "status": stage.status,
            "attempt": stage.attempt,
            "started": stage.started,
            "done": stage.done,
            "total": stage.total,
            "unit": stage.unit,
        }
    )


def _without_gaps(told: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if value not in (None, "")}
