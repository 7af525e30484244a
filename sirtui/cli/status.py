"""`sirtui status`: the GPUs, all runs, one line each, what needs someone first; and who waits for what."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from sirtui.cli import looking
from sirtui.cli.text import left, progress, table, without_gaps
from sirtui.core.machine import Gpu, Machine
from sirtui.core.run import Status
from sirtui.core.text import clean
from sirtui.store import Store
from sirtui.store.rows import RunRow, StageRow
from sirtui.supervise.gpus import look
from sirtui.supervise.nvml import ABSENT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="for scripts")


def call(asked: argparse.Namespace) -> int:
    """Print the runs."""
    return tell(Store(asked.store), as_json=asked.json)


def tell(store: Store, *, as_json: bool) -> int:
    """Print the runs of `store`."""
    fresh = looking.look(store)
    runs, machine = store.runs(), look(store.folder)
    for problem in store.problems():
        sys.stderr.write(f"note: {problem}\n")
    unknown = [] if fresh else _unknown(store, runs)
    if unknown:
        sys.stderr.write(f"note: not in the index yet: {', '.join(unknown)}\n")
    if as_json:
        jobs = [(run.name, stage) for run in runs if run.status.alive for stage in store.run(run.name).stages]
        running = [_job(name, stage) for name, stage in jobs if stage.status is Status.RUNNING]
        shared = {"gpus": machine.gpus, "gpus_problem": machine.problem, "queue": machine.queue}
        told = {"schema": 1, "runs": [_run(run) for run in runs], "jobs": running, **without_gaps(msgspec.to_builtins(shared))}
        sys.stdout.write(msgspec.json.encode(told).decode() + "\n")
    elif runs:
        sys.stdout.write("\n".join([*_gpus(machine), _as_text(runs), *_waiting(runs, machine)]) + "\n")
    elif not unknown:
        sys.stdout.write(f"No runs in {store.folder.path}. `sirtui demo` makes one, `sirtui run FILE` another.\n")
    return 0


def _unknown(store: Store, runs: Sequence[RunRow]) -> list[str]:
    """The runs that have a folder, but are not in an index that cannot be written."""
    known = {run.name for run in runs}
    return [name for name, _, _ in looking.on_disk(store.folder) if name not in known]


def _gpus(machine: Machine) -> list[str]:
    """What GPUs there are in a line, where there are any, or where they cannot be seen."""
    if not machine.gpus:
        return [f"{machine.problem}\n"] if machine.problem not in ("", *ABSENT) else []
    told = (f"{gpu.index} {_state(gpu)}" for gpu in machine.gpus)
    kinds = " and ".join(dict.fromkeys(filter(None, (gpu.name for gpu in machine.gpus))))
    return [f"GPUs of {machine.host} ({kinds or 'unnamed'}): {', '.join(told)}\n"]


def _state(gpu: Gpu) -> str:
    if gpu.problem:
        return gpu.problem
    if gpu.holder:
        return gpu.holder
    others = ", ".join(process.job or process.name or f"process {process.pid}" for process in gpu.processes)
    used = f"{gpu.memory_used / 1e9:.1f} GB in use" if gpu.memory_used is not None else "in use"
    return f"{used} by {others}" if others else "free" if not gpu.memory_used or gpu.memory_used < 1e9 else used


def _waiting(runs: Sequence[RunRow], machine: Machine) -> list[str]:
    """Who waits, and why: for this machine, in order, then for anything else."""
    told = {each.run: each.reason or "waits" for each in machine.queue}
    told |= {run.name: run.reason for run in runs if run.status is Status.WAITING and run.reason and run.name not in told}
    return ["", *(f"{name} {clean(reason, 400)}" for name, reason in told.items())] if told else []


def _as_text(runs: tuple[RunRow, ...]) -> str:
    rows = [["run", "status", "method", "iteration", "now", "", "verdict"]]
    for run in sorted(runs, key=lambda run: not _needs_someone(run)):
        at = f"{run.t or '-'}/{run.iterations}"
        now = f"{run.stage} {progress(run.done, run.total, run.unit)}" if run.stage else ""
        remains = left(run) if run.status.alive else ""
        rows.append([run.name, run.status, run.method, at, now, remains, _verdict(run)])
    troubled = [run for run in runs if run.status in _TROUBLED]
    return "\n".join([table(rows, left=7), *(f"\n{run.name}: {run.reason or run.status}\n  {run.hint}" for run in troubled)])


_TROUBLED = (Status.FAILED, Status.LOST, Status.ORPHANED, Status.PAUSED)


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
