"""Builders of what tests start from: run folders as supervisor and stages would leave them, without either."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from sirtui.core.events import Event, Finished, Started, encode
from sirtui.core.files import try_lock, write_record
from sirtui.core.layout import AttemptFolder, RunFolder, StoreFolder
from sirtui.core.run import (
    ExitRecord,
    JobRecord,
    Manifest,
    Process,
    RunRecord,
    Stage,
    Status,
    SupervisorRecord,
)
from sirtui.core.spec import Spec

NOW = 1_800_000_000.0
PROCESS = Process(host="box", boot="boot-1", pid=1, ticks=1, started=NOW)


def make_spec(**changes: Any) -> Spec:
    """A small experiment: two iterations, one repeat of M_1."""
    fields = {"name": "gsm", "base_model": "org/model", "task": "gsm8k", "method": "sft-dpo", "iterations": 2}
    return msgspec.convert({**fields, "evaluation": {"repeats": 1}, **changes}, Spec)


@dataclass(frozen=True)
class RunBuilder:
    """One run folder in the making. Stages are given by id (`it01/train`); every method returns what it made, or the builder."""

    folder: RunFolder
    spec: Spec

    @property
    def name(self) -> str:
        """The run's full name."""
        return self.folder.name

    def supervisor(
        self, status: Status = Status.RUNNING, reason: str = "", hint: str = "", ended: float | None = None
    ) -> RunBuilder:
        """Write supervisor.json."""
        write_record(self.folder.supervisor, SupervisorRecord(PROCESS, status, reason, hint, ended))
        return self

    @contextmanager
    def supervised(self) -> Iterator[None]:
        """Hold the supervisor's lock."""
        with held(self.folder.supervisor_lock):
            yield

    @contextmanager
    def working(self, stage: str) -> Iterator[None]:
        """Hold a stage's lock."""
        with held(self.folder.stage(Stage.parse(stage)).lock):
            yield

    def attempt(self, stage: str, number: int = 1) -> AttemptFolder:
        """The folder of an attempt."""
        return self.folder.stage(Stage.parse(stage)).attempt(number)

    def launch(self, stage: str, number: int = 1, created: float = NOW) -> RunBuilder:
        """Write job.json."""
        job = JobRecord(self.name, Stage.parse(stage), number, self.spec, created)
        write_record(self.attempt(stage, number).job, job)
        return self

    def state(self, stage: str, number: int = 1) -> RunBuilder:
        """Write state.json."""
        write_record(self.attempt(stage, number).state, PROCESS)
        return self

    def tell(self, stage: str, *events: Event, number: int = 1) -> RunBuilder:
        """Append events to the journal."""
        return self.append(stage, b"".join(map(encode, events)), number)

    def append(self, stage: str, data: bytes, number: int = 1) -> RunBuilder:
        """Append bytes to the journal."""
        journal = self.attempt(stage, number).journal
        journal.parent.mkdir(parents=True, exist_ok=True)
        with journal.open("ab") as file:
            file.write(data)
        return self

    def exit(self, stage: str, code: int, reason: str = "", hint: str = "", number: int = 1) -> RunBuilder:
        """Write exit.json."""
        write_record(self.attempt(stage, number).exit, ExitRecord(code, NOW + 60, reason, hint))
        return self

    def finish(self, stage: str, *events: Event, seconds: float = 60.0, number: int = 1) -> RunBuilder:
        """One stage from its launch to its manifest, with these events in its journal."""
        self.launch(stage, number).tell(stage, Started(at=NOW, stage=stage), *events, Finished(seconds=seconds), number=number)
        self.exit(stage, 0, number=number)
        manifest = Manifest(stage, number, NOW + seconds, seconds, seconds / 2, {}, {}, ())
        write_record(self.folder.stage(Stage.parse(stage)).manifest, manifest)
        return self


def make_run(root: Path, ident: str = "aaaa", created: float = NOW, **spec: Any) -> RunBuilder:
    """A run folder in the store at `root`, with its run.json."""
    record = RunRecord(ident, make_spec(**spec), created)
    folder = StoreFolder(root).run(record.name)
    write_record(folder.record, record)
    return RunBuilder(folder, record.spec)


def make_old(path: Path, seconds: float = 3600.0) -> None:
    """Let a file or folder look as if it was last changed that long ago."""
    stat = path.stat()
    os.utime(path, (stat.st_atime - seconds, stat.st_mtime - seconds))


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock at `path`."""
    descriptor = try_lock(path)
    assert descriptor is not None
    try:
        yield
    finally:
        os.close(descriptor)
