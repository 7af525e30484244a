"""How soon eight jobs are found again: by a fresh command, and by eight new supervisors after the old ones were killed.

    python bench/reattach.py [--jobs 8]

Stages are processes that sleep; supervisors and everything around them are real. Times in seconds, measured once.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sirtui.core import files
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.process import alive, signal_safely
from sirtui.core.run import RunRecord, Stage, StateRecord, Status, SupervisorRecord
from sirtui.core.spec import Resources, Spec
from sirtui.supervise import create, launch_supervisor, resume, stop

PATIENCE_S = 60.0
FIRST = Stage.parse("it01/train")
SUPERVISOR = """
import sys
from pathlib import Path
from sirtui.core.layout import RunFolder
from sirtui.supervise import supervise
from sirtui.supervise.launchers.local import LocalLauncher
supervise(RunFolder(Path(sys.argv[1])), LocalLauncher(["/bin/sh", "-c", "sleep 600"]))
"""
COMMAND = (sys.executable, "-c", SUPERVISOR)


def main() -> None:
    """Start, look, kill, resume, stop."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=8)
    jobs = parser.parse_args().jobs
    with tempfile.TemporaryDirectory() as folder:
        store = StoreFolder(Path(folder) / "store")
        runs = [create(store, RunRecord(f"{number:06x}", spec(jobs), 1.0 + number)) for number in range(jobs)]
        try:
            measure(store, runs)
        finally:
            together(stop_now, runs)


def spec(jobs: int) -> Spec:
    """One that leaves room for the others on the CPUs."""
    return Spec(name="sleeper", base_model="m", task="nano", iterations=1, seed=jobs, resources=Resources(threads=1, share=False))


def measure(store: StoreFolder, runs: list[RunFolder]) -> None:
    """Print the figures."""
    took = timed(lambda: together(lambda run: launch_supervisor(run, COMMAND), runs))
    print(f"{len(runs)} supervisors started: {took:.2f} s; {os.cpu_count()} CPUs")
    slots = os.cpu_count() or 1
    until(lambda: sum(at_work(run) for run in runs) == min(slots, len(runs)))
    print(f"at work: {sum(map(at_work, runs))}, waiting for a CPU: {sum(says(run) == Status.WAITING for run in runs)}")
    took = timed(lambda: subprocess.run([sys.executable, "-m", "sirtui.cli", "--store", str(store.path), "status"], check=True))
    print(f"a fresh `sirtui status`: {took:.2f} s")
    before = [files.read_record(run.supervisor, SupervisorRecord).process for run in runs]
    working = [files.read_record(run.stage(FIRST).attempt(1).state, StateRecord) for run in runs if at_work(run)]
    for process in before:
        signal_safely(process, signal.SIGKILL)
    until(lambda: not any(map(alive, before)))
    took = timed(lambda: together(lambda run: resume(run, command=COMMAND), runs))
    print(f"{len(runs)} runs taken up again after a SIGKILL of their supervisors: {took:.2f} s")
    assert all(alive(state.guard) and alive(state.payload) for state in working)
    assert all(run.stage(FIRST).attempts() in ([], [1]) for run in runs)


def together(do: Callable[[RunFolder], object], runs: list[RunFolder]) -> None:
    """Do it with all of them at once."""
    with ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(do, runs))


def stop_now(run: RunFolder) -> None:
    """End the run without grace."""
    stop(run, 30, urgent=True)


def at_work(run: RunFolder) -> bool:
    """Whether its first stage is."""
    return files.is_locked(run.stage(FIRST).lock)


def says(run: RunFolder) -> Status:
    """How its supervisor says it stands."""
    return files.read_record(run.supervisor, SupervisorRecord).status


def until(what: Callable[[], bool]) -> None:
    """Wait for something to come true."""
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def timed(do: Callable[[], object]) -> float:
    """How many seconds it takes."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
