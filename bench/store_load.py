"""The load that the store promises to hold, measured: size, answers, ingest, and how soon a change is seen.

    python bench/store_load.py [--runs 1000] [--iterations 20] [--measures 200] [--folder DIR]

Every measure of every iteration is compared and judged, each iteration has its verdict. The full size takes some minutes and
5 GB in DIR (a temporary folder, removed at the end). Prints each figure with what is promised, where something is.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from store_many import CREATED, PROCESS, key_of, make, spec_of  # noqa: E402 - bench/ is no package

from sirtui.core.events import Scalars  # noqa: E402
from sirtui.core.files import try_lock, write_record  # noqa: E402
from sirtui.core.journal import Journal  # noqa: E402
from sirtui.core.layout import RunFolder, StoreFolder  # noqa: E402
from sirtui.core.run import ExitRecord, JobRecord, Kind, RunRecord, Stage, Status, SupervisorRecord  # noqa: E402
from sirtui.store import Store  # noqa: E402
from sirtui.store.follow import follow  # noqa: E402
from sirtui.store.sqlite import sqlite_version  # noqa: E402

JOBS, STEPS = 8, 25_000
CURVES = ("loss", "learning_rate", "grad_norm", "entropy")
CHANGES = 12
ELSEWHERE = """
import sys, time
from pathlib import Path
from sirtui.store import Store
store = Store(Path(sys.argv[1]))
began = time.perf_counter()
store.catch_up()
print(time.perf_counter() - began)
"""


def told(what: str, value: float, unit: str, promise: float | None = None, *, at_least: bool = False) -> None:
    """One line of the answer."""
    kept = promise is None or (value >= promise if at_least else value <= promise)
    sign = ">=" if at_least else "<="
    asked = "" if promise is None else f"{sign} {promise:,g} {unit}: {'kept' if kept else 'BROKEN'}"
    print(f"{what:<52}{value:>14,.4g} {unit:<9}{asked}", flush=True)


def fastest(ask: Callable[[], object], times: int = 7) -> float:
    """The seconds it takes when nothing else is in its way."""
    return min(timed(ask) for _ in range(times))


def timed(ask: Callable[[], object]) -> float:
    """The seconds it takes once."""
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def size(store: Store) -> None:
    """Build the index, and say how large it is and how fast it answers."""
    told("build the index", timed(store.catch_up), "s")
    store.close()
    runs = len(store.runs())
    told("index on disk", store.database.stat().st_size / 1e6, "MB", 400 * runs / 1000)
    told("list all runs", 1000 * fastest(store.runs), "ms")
    name = store.runs()[runs // 2].name
    told("one run with all its iterations", 1000 * fastest(lambda: store.run(name)), "ms")
    told("catch up with nothing new", 1000 * fastest(store.catch_up), "ms")
    fresh = subprocess.run([sys.executable, "-c", ELSEWHERE, str(store.folder.path)], capture_output=True, check=True, cwd=ROOT)
    told("the same in a new process", 1000 * float(fresh.stdout), "ms")


def living(root: Path, ident: str) -> RunFolder:
    """A run with a training under way."""
    record = RunRecord(ident, spec_of(2), CREATED)
    run = StoreFolder(root).run(record.name)
    write_record(run.record, record)
    write_record(run.supervisor, SupervisorRecord(PROCESS))
    launch(run, Stage(1, Kind.TRAIN))
    return run


def launch(run: RunFolder, stage: Stage) -> None:
    """The intent to start this stage."""
    write_record(run.stage(stage).attempt(1).job, JobRecord(str(run.path), stage, 1, spec_of(2), CREATED))


def write_curves(run: Path) -> None:
    """A job: a line a step, as a training tells them."""
    journal = Journal(RunFolder(run).stage(Stage(1, Kind.TRAIN)).attempt(1).journal, time.time)
    for step in range(STEPS):
        journal.emit(Scalars(step=step, values=dict.fromkeys(CURVES, step / 7)))


def ingest(store: Store) -> None:
    """Take in what eight jobs write at once, from the first line to the last."""
    runs = [living(store.folder.path, f"job{number}") for number in range(JOBS)]
    held = [try_lock(run.supervisor_lock) for run in runs]
    store.catch_up()
    began = time.perf_counter()
    jobs = [subprocess.Popen([sys.executable, __file__, "--write", str(run.path)]) for run in runs]
    while any(job.poll() is None for job in jobs):
        store.catch_up()
    store.catch_up()
    seconds = time.perf_counter() - began
    taken = sum(len(store.curve(run.name, 1, curve)) for run in runs for curve in CURVES)
    if taken != JOBS * STEPS * len(CURVES):
        raise SystemExit(f"{taken} points of {JOBS * STEPS * len(CURVES)} taken")
    told(f"points of {JOBS} jobs at once", taken / seconds, "points/s", 20_000, at_least=True)
    told("lines of the same", taken / seconds / len(CURVES), "lines/s")
    for descriptor in held:
        os.close(descriptor or -1)


class Screen:
    """Follows the store and catches up, as a screen does; `seen` is set when the run it waits for stands as expected."""

    def __init__(self, store: Store, run: str) -> None:
        self._store, self._run = store, run
        self._stop, self.seen, self.expected = threading.Event(), threading.Event(), ""
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def _follow(self) -> None:
        for _ in follow(self._store.folder, self._stop):
            self._store.catch_up()
            view = self._store.run(self._run)
            if self.expected in (view.run.status, view.run.reason, *(stage.reason for stage in view.stages)):
                self.seen.set()

    def wait_for(self, expected: str, change: Callable[[], object]) -> float:
        """The seconds from `change` until it is seen."""
        self.seen.clear()
        self.expected = expected
        began = time.perf_counter()
        change()
        if not self.seen.wait(30):
            raise SystemExit(f"{expected} was not seen within 30 s")
        return time.perf_counter() - began

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        self._thread.join()


def changes(store: Store) -> None:
    """How soon it is seen that a supervisor writes something else, and that a stage ends."""
    run = living(store.folder.path, "watched")
    held = try_lock(run.supervisor_lock)
    store.catch_up()
    screen = Screen(store, run.name)
    time.sleep(2)
    supervisors, exits = list[float](), list[float]()
    for number in range(1, CHANGES + 1):
        status, reason = (Status.WAITING, f"wait {number}") if number % 2 else (Status.RUNNING, "")
        record = SupervisorRecord(PROCESS, status, reason)
        supervisors.append(screen.wait_for(reason or status, lambda record=record: write_record(run.supervisor, record)))
        time.sleep(0.7)
        attempt = run.stage(Stage(1, Kind.TRAIN)).attempt(number)
        write_record(attempt.job, JobRecord(str(run.path), Stage(1, Kind.TRAIN), number, spec_of(2), CREATED))
        time.sleep(0.9)
        ended = ExitRecord(1, CREATED, f"end {number}")
        exits.append(screen.wait_for(ended.reason, lambda attempt=attempt, ended=ended: write_record(attempt.exit, ended)))
        time.sleep(0.7)
    screen.close()
    os.close(held or -1)
    for what, seconds in (("supervisor.json rewritten", supervisors), ("exit.json appears", exits)):
        told(f"{what}: seen after, median", statistics.median(seconds), "s")
        told(f"{what}: seen after, slowest of {CHANGES}", max(seconds), "s", 1.0)


def main() -> None:
    """Make the store, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--measures", type=int, default=200)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        write_curves(asked.write)
        return
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        store = Store(Path(folder, "store"))
        text, bug = sqlite_version()
        print(f"SQLite {text}{', with the WAL bug' if bug else ''}; {os.cpu_count()} cores; measures like {key_of(7)}")
        what = f"make {asked.runs:,} runs x {asked.iterations} iterations x {asked.measures} measures"
        told(what, timed(lambda: make(store.folder.path, asked.runs, asked.iterations, asked.measures)), "s")
        size(store)
        ingest(store)
        changes(store)
        store.close()


if __name__ == "__main__":
    main()
