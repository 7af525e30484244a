"""Run folders by the thousand, their files written directly: finished runs with every measure compared and judged."""

from __future__ import annotations

import os
import random
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from sirtui.core.events import Comparison, Concluded, Event, Finished, Metric, Started, encode
from sirtui.core.files import make_folder
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.rule import declared, rule
from sirtui.core.run import ExitRecord, FileRecord, JobRecord, Kind, Manifest, Process, RunRecord, Stage, Status, SupervisorRecord
from sirtui.core.spec import Spec
from sirtui.core.verdict import Keep, Part, Sets, State, VerdictRecord
from sirtui.core.verdict import Kind as Verdict

CREATED = 1_700_000_000.0
PROCESS = Process("box", "boot", 1, 1, CREATED)
ROLES = ("target", "essential", "essential", "watch", "shown")
SIGNS = ("up", "down", "flat", "undecided")
TRENDS = ("", "", "plateau", "declined", "improving")
PARTS = tuple(Part(name, State.OK, f"{name}: 1,319 of 1,319 problems") for name in ("judge", "format", "null", "power"))


def make(root: Path, runs: int, iterations: int, measures: int) -> None:
    """Fill the store at `root`, with as many processes as there are cores."""
    make_folder(StoreFolder(root).runs)
    with ProcessPoolExecutor() as pool:
        for _ in pool.map(_make_run, (root,) * runs, range(runs), (iterations,) * runs, (measures,) * runs, chunksize=4):
            pass


def spec_of(iterations: int) -> Spec:
    """The experiment of all these runs."""
    fields = {
        "name": "load",
        "base_model": "org/model-8b",
        "task": "gsm8k",
        "iterations": iterations,
        "evaluation": {"repeats": 0},
    }
    return msgspec.convert(fields, Spec)


def _make_run(root: Path, number: int, iterations: int, measures: int) -> None:
    spec, draw = spec_of(iterations), random.Random(number)
    record = RunRecord(f"{number:06x}", spec, CREATED + number, rule=declared(rule(spec)))
    run = StoreFolder(root).run(record.name)
    run.path.mkdir(mode=0o700)
    _write(run.record, record)
    for t in range(1, iterations + 1):
        _stage(run, spec, Stage(t, Kind.TRAIN), [])
        _stage(run, spec, Stage(t, Kind.SAMPLE), [])
        _stage(run, spec, Stage(t, Kind.JUDGE), [])
        _stage(run, spec, Stage(t, Kind.MEASURE), [_metric(n, draw) for n in range(measures)])
        told: list[Event] = [_comparison(n, draw) for n in range(measures)] if t > 1 else []
        _stage(run, spec, Stage(t, Kind.VERDICT), [*told, Concluded(record=_verdict(t, record, draw))])
    _write(run.supervisor, SupervisorRecord(PROCESS, Status.FINISHED, ended=CREATED + number + 9_000))


def _stage(run: RunFolder, spec: Spec, stage: Stage, told: list[Event]) -> None:
    """A finished stage with these events in its journal."""
    folder = run.stage(stage)
    attempt = folder.attempt(1)
    attempt.path.mkdir(parents=True, mode=0o700)
    _write(attempt.job, JobRecord(str(run.path), stage, 1, spec, CREATED))
    events = [Started(at=CREATED, stage=stage.id), *told, Finished(at=CREATED + 60, seconds=60.0, cpu_seconds=50.0)]
    attempt.journal.write_bytes(b"".join(map(encode, events)))
    _write(attempt.exit, ExitRecord(0, CREATED + 60))
    file = FileRecord("results.jsonl", 1_000_000, "0" * 64)
    _write(folder.manifest, Manifest(stage.id, 1, CREATED + 60, 60.0, 50.0, {}, {}, (file,)))


def _metric(number: int, draw: random.Random) -> Metric:
    value, stderr = draw.random(), draw.random() / 50
    return Metric(at=CREATED, key=key_of(number), value=value, stderr=stderr, n=1319, direction=1, unit="share")


def _comparison(number: int, draw: random.Random) -> Comparison:
    change, stderr = draw.gauss(0, 0.03), draw.random() / 50
    bounds = (change - 1.64 * stderr, change + 1.64 * stderr, change - 1.96 * stderr, change + 1.96 * stderr)
    words = (draw.choice(SIGNS), draw.choice(TRENDS), draw.choice(ROLES))
    return Comparison(key_of(number), "it01", change, stderr, 1319, *bounds, draw.random(), *words, at=CREATED)


def key_of(number: int) -> str:
    """The name of a measure."""
    return f"family-{number % 9}/measure.number_{number:03}"


def _verdict(t: int, run: RunRecord, draw: random.Random) -> VerdictRecord:
    """As a verdict stage tells it: no cells, no lists of problems."""
    assert run.rule
    return VerdictRecord(
        t,
        1,
        "it01",
        run.rule,
        Verdict.PROGRESS if t > 1 else None,
        ("pass@1.sampled", "ood.accuracy"),
        "progress: pass@1.sampled is up, nothing essential is down",
        validity=PARTS,
        sets=Sets(draw.randrange(99), draw.randrange(99), 1319, draw.random() * 9, draw.random(), draw.random(), draw.random()),
        keep=Keep(t, draw.random(), draw.random(), draw.random(), draw.random(), "the highest of the target that lost nothing"),
        notes=("M_1 was evaluated once: the null is not measured",),
        measured=tuple(range(1, t + 1)),
    )


def _write(path: Path, record: msgspec.Struct) -> None:
    """At once and in place: nobody reads yet."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, msgspec.json.encode(record))
    os.close(descriptor)
