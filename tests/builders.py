"""Builders of what tests start from: run folders as supervisor and stages would leave them, without either."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from math import isfinite, sqrt
from pathlib import Path
from typing import Any

import msgspec

from sirtui.core.events import Comparison, Concluded, Event, Finished, Metric, Started, encode
from sirtui.core.files import try_lock, write_lines, write_record
from sirtui.core.layout import AttemptFolder, RunFolder, StoreFolder
from sirtui.core.measures import EvaluationRecord, ProblemRecord, Total, TotalsRecord
from sirtui.core.rule import Declared, declared, rule
from sirtui.core.run import (
    ExitRecord,
    FileRecord,
    JobRecord,
    Kind,
    Manifest,
    Process,
    RunRecord,
    Stage,
    StateRecord,
    Status,
    SupervisorRecord,
)
from sirtui.core.spec import Spec, Topup
from sirtui.core.verdict import VerdictRecord

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
        write_record(self.attempt(stage, number).state, StateRecord(PROCESS, PROCESS))
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
        folder = self.folder.stage(Stage.parse(stage))
        made = sorted(path for path in folder.path.glob("*.json*") if path != folder.manifest)
        files = tuple(FileRecord(path.name, path.stat().st_size, sha256(path.read_bytes()).hexdigest()) for path in made)
        manifest = Manifest(stage, number, NOW + seconds, seconds, seconds / 2, {}, {}, files)
        write_record(folder.manifest, manifest)
        return self

    def measured(
        self,
        t: int,
        scores: Mapping[str, Sequence[float]],
        *,
        repeat: int = 1,
        problems: Sequence[ProblemRecord] | None = None,
        contaminated: int | None = 0,
    ) -> RunBuilder:
        """A finished measure stage. `scores` by key, NaN where undefined, of `problems` in order (test problems by default)."""
        count = max(map(len, scores.values()))
        bare = problems or [a_problem(n) for n in range(count)]
        of_problem = [{key: row[n] for key, row in scores.items() if n < len(row) and isfinite(row[n])} for n in range(count)]
        lines = [msgspec.structs.replace(each, scores=own) for each, own in zip(bare, of_problem, strict=True)]
        stage = self.folder.stage(Stage(t, Kind.MEASURE, repeat))
        totals = tuple(_total(key, [line.scores[key] for line in lines if key in line.scores]) for key in scores)
        write_lines(stage.path / "problems.jsonl", lines)
        write_record(stage.path / "measures.json", TotalsRecord(totals))
        about = ("c", "p", "s", "g", "")
        write_record(
            stage.path / "evaluation.json",
            EvaluationRecord(t, repeat, "iteration", self.spec.seed, None, *about, contaminated, len(lines)),
        )
        return self.finish(Stage(t, Kind.MEASURE, repeat).id, *(Metric(*msgspec.structs.astuple(each)) for each in totals))

    def judged(self, t: int, look: int = 1) -> VerdictRecord:
        """A finished verdict stage, by the stage's own program."""
        from sirtui.stages import verdict
        from sirtui.stages.context import Context

        stage, told = Stage(t, Kind.VERDICT, look), list[Event]()
        job = JobRecord(str(self.folder.path), stage, 1, self.spec, NOW)
        verdict.work(Context(job, self.folder, self.folder.stage(stage).path, self.folder.path, told.append))
        self.finish(stage.id, *told)
        return msgspec.json.decode(self.folder.verdict(t, look).read_bytes(), type=VerdictRecord)

    def concluded(self, record: VerdictRecord, *comparisons: Comparison) -> RunBuilder:
        """A finished verdict stage that found this."""
        write_record(self.folder.verdict(record.t, record.look), record)
        return self.finish(Stage(record.t, Kind.VERDICT, record.look).id, *comparisons, Concluded(record=record))

    def topped_up(self, *topups: Topup) -> RunBuilder:
        """The same run with these topups in its run.json."""
        record = msgspec.json.decode(self.folder.record.read_bytes(), type=RunRecord)
        spec = msgspec.structs.replace(self.spec, topups=(*self.spec.topups, *topups))
        write_record(self.folder.record, msgspec.structs.replace(record, spec=spec))
        return RunBuilder(self.folder, spec)


UNITS = {"answers.length": (0, "tokens"), "answers.unparsed": (-1, "share"), "diversity.ngram.correct": (1, "")}
"""Direction and unit of measures; of all others (1, "share")."""


def _total(key: str, values: Sequence[float]) -> Total:
    return Total(key, sum(values) / len(values) if values else None, None, len(values), *UNITS.get(key, (1, "share")))


def a_problem(n: int, task: str = "nano", split: str = "test", **more: Any) -> ProblemRecord:
    """A problem of one evaluation, half of its eight samples correct."""
    return ProblemRecord(**{"problem": f"{task}/{split}-{n}", "split": split, "bits": (True, False) * 4, **more})


def moved(change: float = 0.0, stderr: float = 0.005, k: int = 1, n: int = 64, base: float = 0.5) -> list[float]:
    """Scores of `n` (a power of 2) problems that differ from an even `base` by this change with this error.

    Those of another k do so independently.
    """
    return [base + change + stderr * sqrt(n - 1) * (-1 if i >> k & 1 else 1) for i in range(n)]


def a_verdict(t: int, kind: str | None, *names: str, look: int = 1, **more: Any) -> VerdictRecord:
    """A verdict as a stage would leave it, without cells."""
    rule_of = Declared("A reversal is what it is.", "0123456789ab")
    told = {"kind": kind, "names": names, "text": f"{kind}: {', '.join(names)}" if names else str(kind), **more}
    return msgspec.convert({"t": t, "look": look, "against": "it01", "rule": msgspec.to_builtins(rule_of), **told}, VerdictRecord)


def make_run(root: Path, ident: str = "aaaa", created: float = NOW, **spec: Any) -> RunBuilder:
    """A run folder in the store at `root`, with its run.json."""
    made = make_spec(**spec)
    record = RunRecord(ident, made, created, rule=declared(rule(made)))
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
