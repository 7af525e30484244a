"""The supervisor: walking a run's plan, one process a stage.

What is on disk decides: a stage with a manifest is done, an attempt without an exit record is looked for among the
living. So a supervisor can be killed at any moment, and the next one goes on: it waits for stages that still run, and
repeats none that is finished. A flock keeps it to one supervisor a run.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from sirtui.core import files
from sirtui.core.errors import SirtuiError
from sirtui.core.layout import AttemptFolder, RunFolder
from sirtui.core.plan import next_stages, plan
from sirtui.core.process import boot_id, current
from sirtui.core.run import ExitRecord, JobRecord, Kind, Process, RunRecord, Stage, Status, SupervisorRecord
from sirtui.core.spec import Spec
from sirtui.supervise import endings
from sirtui.supervise.launchers import Handle, Launcher, Liveness
from sirtui.supervise.reversals import unanswered, why_held

GRACE_S = 10.0
"""How long a stage has to end after SIGINT, and again after SIGTERM."""
LOOK_S = 0.25
"""How often control files, and stages of an earlier supervisor, are looked at. The end of a stage is seen at once."""
LINGER_S = 30.0
"""How long a process may live on after its exit record was seen."""


def supervise(
    run: RunFolder,
    launcher: Launcher,
    *,
    now: Callable[[], float] = time.time,
    grace_s: float = GRACE_S,
    on_change: Callable[[], None] = lambda: None,
) -> Status:
    """Walk the run's plan to its end, a stage's failure, or a request to stop (also SIGINT and SIGTERM); return which.

    `on_change` is called after stages were launched or ended. Call from the main thread.

    Raises:
        SirtuiError: another supervisor walks it, or its files cannot be used.
    """
    with _stop_on_signals(run), _walking(run, launcher, now, grace_s) as walk:
        return walk.walk(on_change)


def halt(run: RunFolder, launcher: Launcher, *, now: Callable[[], float] = time.time, grace_s: float = GRACE_S) -> None:
    """End the stages that outlived the supervisor of this run.

    Raises:
        SirtuiError: a supervisor lives: ask it instead.
    """
    with _walking(run, launcher, now, grace_s) as walk:
        walk.halt()


def to_launch(
    spec: Spec, done: Collection[Stage], running: Collection[Stage], processes: int, last: int | None = None
) -> tuple[Stage, ...]:
    """The stages to launch now, most urgent first; no training of an iteration after `last`.

    At most `spec.resources.parallel` that hold the model run at once, and at most `processes` of all kinds (more where
    `parallel` is more). Nothing waits for a more urgent stage that cannot start yet.
    """
    models = spec.resources.parallel - sum(stage.kind.holds_model for stage in running)
    places = max(processes, spec.resources.parallel) - len(running)
    chosen: list[Stage] = []
    for stage in next_stages(spec, done):
        if stage.kind is Kind.TRAIN and last is not None and stage.t > last:
            continue
        if stage in running or len(chosen) >= places or (stage.kind.holds_model and models <= 0):
            continue
        models -= stage.kind.holds_model
        chosen.append(stage)
    return tuple(chosen)


@dataclass(frozen=True)
class _Job:
    """A stage at work."""

    attempt: AttemptFolder
    handle: Handle


@contextmanager
def _walking(run: RunFolder, launcher: Launcher, now: Callable[[], float], grace_s: float) -> Iterator[_Walk]:
    """Be the run's only supervisor."""
    lock = files.try_lock(run.supervisor_lock)
    if lock is None:
        raise SirtuiError(f"{run.name} is already supervised", "Stop it first, or just watch it.")
    try:
        yield _Walk(run, launcher, now, grace_s)
    finally:
        os.close(lock)


@contextmanager
def _stop_on_signals(run: RunFolder) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a request to stop."""

    def request(_signum: int, _frame: FrameType | None) -> None:
        files.write(run.stop_request, b"")

    before = {signum: signal.signal(signum, request) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


class _Walk:
    """A run being walked, by whoever holds its lock."""

    def __init__(self, run: RunFolder, launcher: Launcher, now: Callable[[], float], grace_s: float) -> None:
        self._run, self._launcher, self._now, self._grace_s = run, launcher, now, grace_s
        self._spec = files.read_record(run.record, RunRecord).spec
        self._process = current(now())
        self._done = {stage for stage in plan(self._spec) if run.stage(stage).manifest.exists()}
        self._running: dict[Stage, _Job] = {}
        self._told: dict[Stage, float] = {}
        self._broken: tuple[Stage, ExitRecord] | None = None
        self._stopping = False

    def walk(self, on_change: Callable[[], None]) -> Status:
        """Launch and wait until nothing runs and nothing is to be launched."""
        self._adopt()
        self._record(Status.RUNNING)
        while True:
            self._check_folder()
            changed = self._reap()
            if self._run.stop_request.exists():
                self._stop()
            changed = self._launch() or changed
            if changed:
                _tell(on_change)
            if not self._running:
                break
            self._cut_short()
            self._launcher.wait(self._handles, LOOK_S)
        status = self._end()
        _tell(on_change)
        return status

    def _check_folder(self) -> None:
        """End everything when someone removed the run: nothing is written that would make half a run again."""
        if not self._run.record.exists():
            self._launcher.cancel(self._handles, grace_s=0)
            raise SirtuiError(f"{self._run.path}: the run was removed while it was at work")

    def halt(self) -> None:
        """End what an earlier supervisor left running."""
        self._adopt()
        self._stop()
        known = files.find_record(self._run.supervisor, SupervisorRecord)
        if known is None or known.status.alive:
            self._end()

    @property
    def _handles(self) -> list[Handle]:
        return [job.handle for job in self._running.values()]

    def _adopt(self) -> None:
        """Take over what an earlier supervisor launched, and close the books on what died with it."""
        for stage in plan(self._spec):
            folder = self._run.stage(stage)
            if numbers := folder.attempts():
                attempt = folder.attempt(numbers[-1])
                if not attempt.exit.exists() or files.is_locked(folder.lock):
                    self._adopt_attempt(stage, attempt)

    def _adopt_attempt(self, stage: Stage, attempt: AttemptFolder) -> None:
        job = files.find_record(attempt.job, JobRecord)
        handle = self._launcher.find(job, attempt) if job else None
        if handle and self._launcher.liveness([handle])[handle].running:
            self._running[stage] = _Job(attempt, handle)
            return
        if handle:
            self._launcher.cancel([handle], grace_s=0)
        if files.is_locked(self._run.stage(stage).lock):
            raise SirtuiError(
                f"{self._run.name}: {stage.id} is being worked at by a process that cannot be reached", _where(attempt)
            )
        self._close(stage, attempt, endings.lost(attempt, boot_id(), self._now()))

    def _reap(self) -> bool:
        """Take note of the stages that ended; whether there were any."""
        alive = self._launcher.liveness(self._handles)
        ended = [stage for stage, job in self._running.items() if not alive[job.handle].running]
        for stage in ended:
            job = self._running.pop(stage)
            self._told.pop(stage, None)
            self._ended(stage, job, alive[job.handle])
        return bool(ended)

    def _ended(self, stage: Stage, job: _Job, left: Liveness) -> None:
        if left.leftovers:
            self._launcher.cancel([job.handle], grace_s=0)
        record = self._close(stage, job.attempt, endings.unspoken(job.attempt, left.code, self._now(), stopped=self._stopping))
        if stage not in self._done and self._broken is None:
            self._broken = (stage, record)

    def _close(self, stage: Stage, attempt: AttemptFolder, unspoken: ExitRecord) -> ExitRecord:
        """How an attempt ended, by its own word, else by ours, which is then written for it."""
        if self._run.stage(stage).manifest.exists():
            self._done.add(stage)
            unspoken = ExitRecord(0, unspoken.ended)
        if known := files.find_record(attempt.exit, ExitRecord):
            return known
        files.write_record(attempt.exit, unspoken)
        return unspoken

    def _stop(self) -> None:
        """End what runs, however long it takes, and launch nothing more."""
        self._stopping = True
        while self._running:
            self._record(Status.STOPPING)
            self._launcher.cancel(self._handles, grace_s=self._grace_s)
            self._reap()

    def _cut_short(self) -> None:
        """End processes that have told how they ended, and still do not go: libraries that hang at exit hold a GPU."""
        for stage, job in self._running.items():
            if job.attempt.exit.exists() and time.monotonic() - self._told.setdefault(stage, time.monotonic()) > LINGER_S:
                self._launcher.cancel([job.handle], grace_s=0)

    def _launch(self) -> bool:
        """Launch what can be launched; whether there was any."""
        if self._broken or self._stopping:
            return False
        held = unanswered(self._run, self._spec)
        chosen = to_launch(self._spec, self._done, self._running, os.cpu_count() or 1, held.t if held else None)
        for stage in chosen:
            if not self._broken:
                self._launch_stage(stage)
        return bool(chosen)

    def _launch_stage(self, stage: Stage) -> None:
        """Write the intent, then launch: what is killed in between is seen by the next supervisor."""
        folder = self._run.stage(stage)
        number = max(folder.attempts(), default=0) + 1
        attempt = folder.attempt(number)
        files.make_folder(attempt.path.parent)
        attempt.path.mkdir(mode=0o700)
        job = JobRecord(str(self._run.path.absolute()), stage, number, self._spec, self._now())
        files.write_record(attempt.job, job)
        try:
            self._running[stage] = _Job(attempt, self._launcher.launch(job, attempt))
        except OSError as error:
            self._broken = (stage, self._close(stage, attempt, endings.unlaunched(error, self._now())))

    def _end(self) -> Status:
        status, reason, hint = self._outcome()
        self._record(status, reason, hint, ended=self._now())
        return status

    def _outcome(self) -> tuple[Status, str, str]:
        if len(self._done) == len(plan(self._spec)):
            return Status.FINISHED, "", ""
        held = None if self._stopping or self._broken else unanswered(self._run, self._spec)
        if held is not None:
            status = Status.PAUSED if self._spec.verdicts.on_reversal == "pause" else Status.STOPPED
            keep = f"Keep it{held.keep.t}, or " if held.keep else ""
            return status, why_held(held), f"{keep}sirtui resume {self._run.name} to go on."
        if self._broken is None or self._stopping:
            return Status.STOPPED, "stopped on request", "Resume it to go on."
        stage, record = self._broken
        return endings.status(record), f"{stage.id}: {endings.reason(record)}", record.hint

    def _record(self, status: Status, reason: str = "", hint: str = "", *, ended: float | None = None) -> None:
        files.write_record(self._run.supervisor, SupervisorRecord(self._process, status, reason, hint, ended))


def _tell(on_change: Callable[[], None]) -> None:
    try:
        on_change()
    except Exception:  # noqa: BLE001 - the border: whoever looks on (an index that can be rebuilt) must not end the walk
        traceback.print_exc()


def _where(attempt: AttemptFolder) -> str:
    known = files.find_record(attempt.state, Process)
    return f"It is process {known.pid} on {known.host}: end it there." if known else f"See {attempt.path}."
