"""Where each file of a run lies. Paths only: nothing is read but names of folders, nothing made."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sirtui.core.run import Kind, Stage
from sirtui.core.samples import SampleSet


def default_store(environment: Mapping[str, str]) -> Path:
    """`$SIRTUI_STORE`, else `$XDG_DATA_HOME/sirtui`, else `~/.local/share/sirtui`."""
    if chosen := environment.get("SIRTUI_STORE"):
        return Path(chosen).expanduser()
    return Path(environment.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "sirtui"


@dataclass(frozen=True)
class StoreFolder:
    """Everything sirtui keeps: the index and the runs."""

    path: Path

    @property
    def database(self) -> Path:
        """The SQLite index: thrown away and rebuilt at will."""
        return self.path / "sirtui.db"

    @property
    def ingest_lock(self) -> Path:
        """Held by whoever is bringing the index up to date."""
        return self.path / "ingest.lock"

    @property
    def runs(self) -> Path:
        """The folder of all runs."""
        return self.path / "runs"

    @property
    def queue(self) -> Path:
        """A folder a machine: who waits for its GPUs or CPUs, in order."""
        return self.path / "queue"

    @property
    def shared(self) -> Path:
        """By key, where a finished stage lies that others may link to, and who is making one now."""
        return self.path / "shared"

    def comparison(self, digest: str) -> ComparisonFolder:
        """The folder of the verdicts asked for with this request."""
        return ComparisonFolder(self.path / "comparisons" / digest)

    def run(self, name: str) -> RunFolder:
        """The folder of the run with this full name (`<experiment>-<id>`)."""
        return RunFolder(self.runs / name)


@dataclass(frozen=True)
class RunFolder:
    """One run."""

    path: Path

    @property
    def name(self) -> str:
        """The run's full name."""
        return self.path.name

    @property
    def record(self) -> Path:
        """A `RunRecord`."""
        return self.path / "run.json"

    @property
    def supervisor(self) -> Path:
        """A `SupervisorRecord`."""
        return self.path / "supervisor.json"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.path / "supervisor.lock"

    @property
    def supervisor_log(self) -> Path:
        """What the supervisor itself prints."""
        return self.path / "supervisor.log"

    @property
    def gpus(self) -> Path:
        """What the GPUs that the run has did, one sample a line."""
        return self.path / "gpus.jsonl"

    @property
    def stop_request(self) -> Path:
        """Exists when someone asked the run to stop."""
        return self.path / "control" / "stop"

    @property
    def urgent_request(self) -> Path:
        """Exists when someone asked the run to stop at once, without leave to finish anything."""
        return self.path / "control" / "stop-now"

    @property
    def answered(self) -> Path:
        """An `Answered`: the alarms after which someone said to go on."""
        return self.path / "control" / "answered.json"

    def stage(self, stage: Stage) -> StageFolder:
        """The folder of one stage."""
        return StageFolder(self.path / stage.id)

    def checkpoint(self, t: int) -> Path:
        """Where M_t lies once it is trained."""
        return self.stage(Stage(t, Kind.TRAIN)).checkpoint

    def answers(self, t: int, repeat: int, which: SampleSet) -> Path:
        """A file of `Answers`, one problem a line."""
        return self.stage(Stage(t, Kind.SAMPLE, repeat)).path / f"{which}.jsonl"

    def marks(self, t: int, repeat: int, which: SampleSet) -> Path:
        """A file of `Marks`, one problem a line."""
        return self.stage(Stage(t, Kind.JUDGE, repeat)).path / f"{which}.jsonl"

    def problems(self, t: int, repeat: int = 1) -> Path:
        """`measure/problems.jsonl`: what each measure says of each problem, and what it was computed from."""
        return self.stage(Stage(t, Kind.MEASURE, repeat)).path / "problems.jsonl"

    def totals(self, t: int, repeat: int = 1) -> Path:
        """A `TotalsRecord`."""
        return self.stage(Stage(t, Kind.MEASURE, repeat)).path / "measures.json"

    def evaluation(self, t: int, repeat: int = 1) -> Path:
        """An `EvaluationRecord`."""
        return self.stage(Stage(t, Kind.MEASURE, repeat)).path / "evaluation.json"

    def verdict(self, t: int, look: int = 1) -> Path:
        """A `VerdictRecord`."""
        return self.stage(Stage(t, Kind.VERDICT, look)).path / "verdicts.json"


@dataclass(frozen=True)
class ComparisonFolder:
    """Verdicts on request, kept under the digest of what they are made from."""

    path: Path

    @property
    def request(self) -> Path:
        """A `Request`."""
        return self.path / "request.json"

    @property
    def verdicts(self) -> Path:
        """A `ComparisonRecord`; there when they are made."""
        return self.path / "verdicts.json"

    @property
    def lock(self) -> Path:
        """Held by whoever makes them."""
        return self.path / "lock"

    @property
    def log(self) -> Path:
        """What the job said when it failed."""
        return self.path / "log.txt"


@dataclass(frozen=True)
class StageFolder:
    """One stage: its attempts, and in the end its results and `manifest.json`."""

    path: Path

    @property
    def manifest(self) -> Path:
        """A `Manifest`; the stage is finished when it exists."""
        return self.path / "manifest.json"

    @property
    def lock(self) -> Path:
        """Held by the process that works at the stage, as long as it lives."""
        return self.path / "stage.lock"

    @property
    def checkpoint(self) -> Path:
        """A train stage's result, in Hugging Face format."""
        return self.path / "checkpoint"

    @property
    def partial(self) -> Path:
        """What an attempt that did not finish leaves for the next one: training checkpoints, shards."""
        return self.path / "partial"

    def unused_partial(self) -> Path:
        """A name beside `partial` for what is set aside."""
        taken = {path.name for path in self.path.glob("partial.old-*")}
        number = next(each for each in range(1, len(taken) + 2) if f"partial.old-{each}" not in taken)
        return self.path / f"partial.old-{number}"

    @property
    def pruned(self) -> Path:
        """Exists where the checkpoint was deleted to make room."""
        return self.path / "pruned.json"

    def attempt(self, number: int) -> AttemptFolder:
        """The folder of one attempt, counted from 1."""
        return AttemptFolder(self.path / f"attempt-{number}")

    def attempts(self) -> list[int]:
        """The numbers of the attempts made so far, in order."""
        names = os.listdir(self.path) if self.path.is_dir() else []
        return sorted(int(found[1]) for name in names if (found := _ATTEMPT.fullmatch(name)))


_ATTEMPT = re.compile(r"attempt-(\d+)")


@dataclass(frozen=True)
class AttemptFolder:
    """One attempt at a stage."""

    path: Path

    @property
    def job(self) -> Path:
        """A `JobRecord`: the intent, written before the launch."""
        return self.path / "job.json"

    @property
    def state(self) -> Path:
        """A `StateRecord`: who works at it."""
        return self.path / "state.json"

    @property
    def word(self) -> Path:
        """An `ExitRecord`: how it ended, as the stage itself says."""
        return self.path / "word.json"

    @property
    def exit(self) -> Path:
        """An `ExitRecord`: how it ended, and that nothing of it lives; written by its guard."""
        return self.path / "exit.json"

    @property
    def journal(self) -> Path:
        """Events, one a line."""
        return self.path / "events.jsonl"

    @property
    def log(self) -> Path:
        """Everything the stage's process wrote to stdout and stderr."""
        return self.path / "log.txt"

    @property
    def out(self) -> Path:
        """Where results are made before they move into the stage's folder."""
        return self.path / "out"
