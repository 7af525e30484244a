"""Runs with fake stages, and waiting for them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sirtui.core import files
from sirtui.core.layout import AttemptFolder, RunFolder, StoreFolder
from sirtui.core.plan import plan
from sirtui.core.process import signal_safely
from sirtui.core.run import ExitRecord, Kind, Manifest, Process, RunRecord, Stage, StateRecord, SupervisorRecord
from sirtui.core.spec import Evaluation, Resources, Spec, Topup, Verdicts
from sirtui.core.verdict import VerdictRecord
from sirtui.supervise import create, launch_supervisor, resume, stop, top_up

HERE = Path(__file__).parent
SUPERVISOR = (sys.executable, str(HERE / "fake_supervisor.py"))


def wait_until(what: Callable[[], object], seconds: float = 15) -> None:
    """Wait for something to come true."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.005)


def tiny(
    iterations: int = 1,
    repeats: int = 0,
    parallel: int = 1,
    threads: int = 0,
    verdicts: Verdicts | None = None,
    *,
    seed: int = 0,
) -> Spec:
    """An experiment of 5 stages an iteration, and 3 a repeat."""
    return Spec(
        name="tiny",
        base_model="m",
        task="nano",
        iterations=iterations,
        seed=seed,
        evaluation=Evaluation(repeats=repeats),
        resources=Resources(parallel, threads),
        verdicts=verdicts or Verdicts(),
    )


@contextmanager
def making(store: StoreFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Trial]]:
    """Make runs of `tiny` experiments; whatever is left of them is killed in the end."""
    trials: list[Trial] = []

    def make(**settings: Any) -> Trial:
        record = RunRecord(f"{len(trials):06x}", tiny(**settings), 1.0)
        trials.append(Trial(create(store, record), monkeypatch))
        return trials[-1]

    yield make
    for trial in trials:
        if trial.supervised:
            trial.kill_supervisor()
        for pid in trial.living:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True)
class Trial:
    """A run under test."""

    run: RunFolder
    monkeypatch: pytest.MonkeyPatch

    def launch(self, faults: str = "", *, grace_s: float = 5, die: str = "") -> None:
        """Set a supervisor to work whose stages, or who itself, has these faults."""
        self._set(faults, grace_s, die)
        launch_supervisor(self.run, SUPERVISOR)

    def resume(self, faults: str = "", *, force: bool = False) -> None:
        """Resume the run; its stages have these faults."""
        self._set(faults, 5, "")
        resume(self.run, force=force, command=SUPERVISOR)

    def stop(self) -> None:
        """Stop the run, and wait for that."""
        stop(self.run)

    def top_up(self, topup: Topup, faults: str = "") -> None:
        """Top the run up; its stages have these faults."""
        self._set(faults, 5, "")
        top_up(self.run, topup, command=SUPERVISOR)

    @property
    def spec(self) -> Spec:
        """What run.json says now."""
        return files.read_record(self.run.record, RunRecord).spec

    def come_to(self, stage: str) -> None:
        """Let all stages of earlier iterations, and those of its own before this one, look finished."""
        last = Stage.parse(stage)
        order = list(Kind)
        for each in plan(self.spec):
            if each.t < last.t or (each.t == last.t and order.index(each.kind) < order.index(last.kind)):
                files.write_record(self.run.stage(each).manifest, Manifest(each.id, 1, 1.0, 0, 0, {}, {}, ()))

    def judge(self, record: VerdictRecord) -> None:
        """Let a verdict stage have found this."""
        stage = Stage(record.t, Kind.VERDICT, record.look)
        files.write_record(self.run.verdict(record.t, record.look), record)
        files.write_record(self.run.stage(stage).manifest, Manifest(stage.id, 1, 1.0, 0, 0, {}, {}, ()))

    def _set(self, faults: str, grace_s: float, die: str) -> None:
        for name, text in {"SIRTUI_FAULT": faults, "SIRTUI_GRACE": str(grace_s), "SIRTUI_DIE": die}.items():
            self.monkeypatch.setenv(name, text)

    @property
    def record(self) -> SupervisorRecord:
        """What the supervisor says."""
        return files.read_record(self.run.supervisor, SupervisorRecord)

    @property
    def supervised(self) -> bool:
        """Whether a supervisor lives."""
        return files.is_locked(self.run.supervisor_lock)

    def ended(self) -> SupervisorRecord:
        """What the supervisor says when it is gone."""
        wait_until(lambda: not self.supervised, 30)
        return self.record

    def kill_supervisor(self) -> None:
        """SIGKILL it, and see it gone."""
        signal_safely(self.record.process, signal.SIGKILL)
        wait_until(lambda: not self.supervised)

    def kill(self, process: Process) -> None:
        """SIGKILL a process."""
        assert signal_safely(process, signal.SIGKILL)

    def attempt(self, stage: str, number: int = 1) -> AttemptFolder:
        """The folder of an attempt."""
        return self.run.stage(Stage.parse(stage)).attempt(number)

    def attempts(self, stage: str) -> list[int]:
        """The attempts made at a stage."""
        return self.run.stage(Stage.parse(stage)).attempts()

    def exit(self, stage: str, number: int = 1) -> ExitRecord:
        """How an attempt ended."""
        return files.read_record(self.attempt(stage, number).exit, ExitRecord)

    def process(self, stage: str, number: int = 1) -> Process:
        """Who works at an attempt, once someone does."""
        return self.state(stage, number).payload

    def state(self, stage: str, number: int = 1) -> StateRecord:
        """Who works at an attempt and who guards it, once someone does."""
        wait_until(lambda: any(line.startswith(f"{stage} ") for line in self.lines("starts.txt")))
        return files.read_record(self.attempt(stage, number).state, StateRecord)

    def lines(self, name: str) -> list[str]:
        """What the stages noted."""
        path = self.run.path / name
        return path.read_text().splitlines() if path.exists() else []

    def moments(self, name: str) -> dict[str, float]:
        """When stages started, or ended; seconds since the epoch."""
        return {stage: float(moment) for stage, moment in (line.split() for line in self.lines(name))}

    @property
    def living(self) -> list[int]:
        """Everything alive that works, or has worked, for this run."""
        return [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if self._works_for_it(pid)]

    def _works_for_it(self, pid: int) -> bool:
        try:
            return f"SIRTUI_JOB={self.run.path}/".encode() in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
