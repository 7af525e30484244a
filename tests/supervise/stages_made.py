"""Runs whose stages have really left something, without a process: for what looks at finished stages."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from sirtui.core import files
from sirtui.core.events import Finished, Metric, Progress, Scalars, Started, encode
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.run import ExitRecord, FileRecord, JobRecord, Kind, Manifest, RunRecord, Stage
from sirtui.core.spec import Spec
from sirtui.supervise import create
from sirtui.supervise.sharing import Sharing

NOW = 1_800_000_000.0


def a_spec(**changes: Any) -> Spec:
    """Two iterations, no repeats."""
    table = {"name": "tiny", "base_model": "m", "task": "nano", "iterations": 2, "evaluation": {"repeats": 0}}
    return msgspec.convert({**table, **changes}, Spec)


def a_run(store: StoreFolder, ident: str, **changes: Any) -> tuple[RunFolder, Spec]:
    """A run that has not begun."""
    spec = a_spec(**changes)
    return create(store, RunRecord(ident, spec, NOW)), spec


def make(store: StoreFolder, run: RunFolder, stage: str, content: str = "made", *, at: float = NOW) -> Manifest:
    """Finish a stage as a real one would: attempt, results with this content, manifest with its key."""
    which, spec = Stage.parse(stage), files.read_record(run.record, RunRecord).spec
    folder, key = run.stage(which), Sharing(store, run, spec).key(which)
    attempt = folder.attempt(max(folder.attempts(), default=0) + 1)
    number = int(attempt.path.name.removeprefix("attempt-"))
    files.write_record(attempt.job, JobRecord(str(run.path), which, number, spec, at, key))
    told = (Started(at=at, stage=stage), Progress(at=at, done=1, total=2), Scalars(at=at, step=1, values={"loss": 0.5}))
    measured = (Metric(at=at, key="pass@1.sampled", value=0.25, n=4),) if which.kind is Kind.MEASURE else ()
    files.write(attempt.journal, b"".join(map(encode, (*told, *measured, Finished(at=at, seconds=99.0)))))
    files.write(attempt.log, b"made here\n")
    names = ("selected.jsonl", "checkpoint/model.safetensors") if which.kind is Kind.TRAIN else (f"{which.kind}.jsonl",)
    for name in names:
        files.write(folder.path / name, content.encode())
    files.write_record(attempt.exit, ExitRecord(0, at + 99))
    digest = sha256(content.encode()).hexdigest()
    of = tuple(FileRecord(name, len(content.encode()), digest) for name in names)
    manifest = Manifest(stage, number, at + 99, 99.0, 50.0, {}, {"of": "it"}, of, key=key)
    files.write_record(folder.manifest, manifest)
    return manifest
