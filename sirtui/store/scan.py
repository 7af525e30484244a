"""What the files of a run say at this moment: plain facts, nothing concluded, nothing kept.

A file that cannot be read counts as not there; only a `run.json` that cannot be understood is told. Locks are asked before
the files that their holders write last, so that an end is never mistaken for a loss.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sirtui.core.errors import StoreError
from sirtui.core.files import find_record, is_locked, read_record
from sirtui.core.layout import RunFolder, StageFolder, StoreFolder
from sirtui.core.plan import plan
from sirtui.core.process import alive, boot_id, tag, tagged
from sirtui.core.run import (
    ExitRecord,
    JobRecord,
    Kind,
    Manifest,
    Process,
    RunRecord,
    Stage,
    StateRecord,
    SupervisorRecord,
    evaluation_id,
)
from sirtui.core.safety import not_ours
from sirtui.core.spec import Spec

SCHEMA = 1
_MOST_STAGES = 100_000


@dataclass(frozen=True)
class StageFacts:
    """One stage: its newest attempt (0: none yet), and the newest attempt that has a journal.

    `locked`: its guard lives; `state` says who worked at it, `living` whether that process does; `left`: how many of those
    that it started live, where neither does; `pruned`: its checkpoint was deleted to make room.
    """

    stage: Stage
    attempt: int
    launched: bool
    created: float | None
    exit: ExitRecord | None
    manifest: Manifest | None
    locked: bool
    state: StateRecord | None
    living: bool
    left: int
    pruned: bool
    mark: int | None
    journal: Path | None
    journal_attempt: int

    @property
    def at_work(self) -> bool:
        """Whether something of it lives, with its end not yet told."""
        return not self.manifest and not self.exit and (self.locked or self.living or self.left > 0)

    @property
    def rebooted(self) -> bool:
        """Whether the machine was started again since the attempt began."""
        return self.state is not None and _rebooted(self.state.payload)


@dataclass(frozen=True)
class RunFacts:
    """One run. `record` is None where run.json cannot be read, for the reason in `problem`."""

    name: str
    record: RunRecord | None
    problem: str
    created: float
    supervised: bool
    stop_asked: bool
    supervisor: SupervisorRecord | None

    @property
    def slots(self) -> tuple[str, ...]:
        """The GPUs or CPUs it has: those of a supervisor that lives."""
        return self.supervisor.slots if self.supervised and self.supervisor else ()

    @property
    def elsewhere(self) -> bool:
        """Whether its supervisor is, or was, on another machine."""
        return self.supervisor is not None and not _is_here(self.supervisor.process)

    @property
    def rebooted(self) -> bool:
        """Whether the machine was started again since its supervisor began."""
        return self.supervisor is not None and _rebooted(self.supervisor.process)


def run_folders(folder: StoreFolder) -> dict[str, int]:
    """The run folders and their mtimes in ns, newest first; links and other people's are left out.

    Whatever is replaced directly in a folder (run.json, supervisor.json) changes its mtime.
    """
    found: dict[str, int] = {}
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder.runs) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir() and _is_name(entry.name) and not not_ours(Path(entry.path)):
                    found[entry.name] = entry.stat().st_mtime_ns
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _is_name(name: str) -> bool:
    return name[:1].isalnum() and name.isprintable() and name.isascii()


def run_facts(run: RunFolder, mtime_ns: int) -> RunFacts:
    """What stands in the run's own files."""
    record, problem = _record(run)
    supervised = is_locked(run.supervisor_lock)
    supervisor = find_record(run.supervisor, SupervisorRecord)
    if not supervised and supervisor is not None and supervisor.status.alive:
        supervised = is_locked(run.supervisor_lock)
    created = record.created if record else mtime_ns / 1e9
    return RunFacts(run.name, record, problem, created, supervised, run.stop_request.exists(), supervisor)


class _Header(msgspec.Struct):
    """Enough of run.json to know whether the rest can be understood."""

    schema: int = SCHEMA


def _record(run: RunFolder) -> tuple[RunRecord | None, str]:
    """The run's record, or why there is none."""
    try:
        schema = read_record(run.record, _Header).schema
        if schema != SCHEMA:
            return None, f"run.json has schema {schema}, this version of sirtui knows {SCHEMA}"
        record = read_record(run.record, RunRecord)
    except StoreError as error:
        return None, error.message.removeprefix(f"{run.path}/")
    if _too_long(record.spec):
        return None, f"run.json asks for {record.spec.iterations} iterations"
    return record, ""


def _too_long(spec: Spec) -> bool:
    topped_up = sum(6 * topup.times + 1 for topup in spec.topups)
    return 5 * spec.iterations + 3 * spec.evaluation.repeats + topped_up > _MOST_STAGES


def stages_facts(run: RunFolder, record: RunRecord | None, over: Mapping[Stage, int]) -> tuple[list[StageFacts], set[Stage]]:
    """The facts of the stages that were begun, in the order of the plan; and which of `over` are as they were.

    `over` are stages known to have ended, with their manifests' mtimes: while these are the same, nothing else is read.
    """
    facts: list[StageFacts] = []
    unchanged: set[Stage] = set()
    begun = _names(run.path)
    for stage in plan(record.spec) if record else ():
        if evaluation_id(stage.t) not in begun:
            continue
        folder = run.stage(stage)
        if stage in over and over[stage] == _mark(folder, stage):
            unchanged.add(stage)
        elif found := _stage(folder, stage):
            facts.append(found)
    return facts, unchanged


def _stage(folder: StageFolder, stage: Stage) -> StageFacts | None:
    """The facts of one stage, None where nothing was begun."""
    attempts = [int(name.removeprefix("attempt-")) for name in _names(folder.path) if _is_attempt(name)]
    mark = mtime_ns(folder.manifest)
    if not attempts and mark is None:
        return None
    number = max(attempts, default=0)
    attempt = folder.attempt(number)
    locked = is_locked(folder.lock)
    job = find_record(attempt.job, JobRecord)
    state = find_record(attempt.state, StateRecord)
    locked = locked or (state is not None and is_locked(folder.lock))  # its guard may have begun since
    exited = find_record(attempt.exit, ExitRecord)
    manifest = find_record(folder.manifest, Manifest)
    over = exited is not None or manifest is not None
    living = not over and state is not None and alive(state.payload)
    journals = [each for each in sorted(attempts, reverse=True) if folder.attempt(each).journal.exists()]
    return StageFacts(
        stage=stage,
        attempt=number,
        launched=job is not None or attempt.job.exists(),
        created=job.created if job else None,
        exit=exited,
        manifest=manifest,
        locked=locked,
        state=state,
        living=living,
        left=0 if over or locked or living else _left(job, state),
        pruned=stage.kind is Kind.TRAIN and folder.pruned.exists(),
        mark=_mark(folder, stage) if manifest else None,
        journal=folder.attempt(journals[0]).journal if journals else None,
        journal_attempt=journals[0] if journals else 0,
    )


def _left(job: JobRecord | None, state: StateRecord | None) -> int:
    """How many processes of a stage without guard and payload live: what a fork took out of their reach carries its tag."""
    if job is None or state is None or not _is_here(state.payload) or _rebooted(state.payload):
        return 0
    return len(*tagged([tag(job)]).values())


def _mark(folder: StageFolder, stage: Stage) -> int | None:
    """When a stage that is over changed last: its manifest, or what tells that its checkpoint was deleted."""
    made = mtime_ns(folder.manifest)
    pruned = mtime_ns(folder.pruned) if stage.kind is Kind.TRAIN else None
    return None if made is None else max(made, pruned or 0)


def _is_here(process: Process) -> bool:
    return process.host == os.uname().nodename


def _rebooted(process: Process) -> bool:
    return _is_here(process) and process.boot != boot_id()


def _is_attempt(name: str) -> bool:
    return name.startswith("attempt-") and name[8:].isdecimal()


def _names(path: Path) -> Collection[str]:
    try:
        return set(os.listdir(path))
    except OSError:
        return ()


def mtime_ns(path: Path) -> int | None:
    """When the file at `path` was last changed, None where it is missing."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
