"""The supervisor: walking a run's plan, one process a stage.

What is on disk decides: a stage with a manifest is done, an attempt without an exit record is looked for among the
living. So a supervisor can be killed at any moment, and the next one goes on: it waits for stages that still run, and
repeats none that is finished. A flock keeps it to one supervisor a run.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from sirtui.core import files
from sirtui.core.errors import SirtuiError
from sirtui.core.layout import AttemptFolder, RunFolder
from sirtui.core.plan import next_stages, plan
from sirtui.core.process import boot_id, current
from sirtui.core.run import ExitRecord, JobRecord, Kind, RunRecord, Stage, StateRecord, Status, SupervisorRecord
from sirtui.core.spec import Spec
from sirtui.supervise import endings
from sirtui.supervise.launchers import Handle, Launcher, tag
from sirtui.supervise.means import Means
from sirtui.supervise.reversals import unanswered, why_held
from sirtui.supervise.word import Word

LOOK_S = 0.25
"""How often control files, and stages of an earlier supervisor, are looked at. The end of a stage is seen at once."""
ASK_S = 0.5
"""How often a run that waits asks for what it waits for."""


def supervise(
    run: RunFolder,
    launcher: Launcher,
    *,
    now: Callable[[], float] = time.time,
    grace_s: float | None = None,
    on_change: Callable[[], None] = lambda: None,
) -> Status:
    """Walk the run's plan to its end, a stage's failure, or a request to stop (also SIGINT and SIGTERM); return which.

    `grace_s`: how long a stage has to end after SIGINT, and again after SIGTERM; as the experiment says where None.
    `on_change` is called after stages were launched or ended. Call from the main thread.

    Raises:
        SirtuiError: another supervisor walks it, or its files cannot be used.
    """
    with _walking(run, launcher, now, grace_s) as walk, _stop_on_signals(walk):
        return walk.walk(on_change)


def halt(run: RunFolder, launcher: Launcher, *, now: Callable[[], float] = time.time) -> None:
    """End the stages that outlived the supervisor of this run.

    Raises:
        SirtuiError: a supervisor lives: ask it instead.
    """
    with _walking(run, launcher, now, None) as walk:
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
def _walking(run: RunFolder, launcher: Launcher, now: Callable[[], float], grace_s: float | None) -> Iterator[_Walk]:
    """Be the run's only supervisor."""
    lock = files.try_lock(run.supervisor_lock)
    if lock is None:
        raise SirtuiError(f"{run.name} is already supervised", "Stop it first, or just watch it.")
    try:
        yield _Walk(run, launcher, now, grace_s)
    finally:
        os.close(lock)


@contextmanager
def _stop_on_signals(walk: _Walk) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a request to stop."""

    def request(_signum: int, _frame: FrameType | None) -> None:
        walk.signalled = True

    before = {signum: signal.signal(signum, request) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


class _Walk:
    """A run being walked, by whoever holds its lock."""

    def __init__(self, run: RunFolder, launcher: Launcher, now: Callable[[], float], grace_s: float | None) -> None:
        self._run, self._launcher, self._now = run, launcher, now
        self._spec = files.read_record(run.record, RunRecord).spec
        self._grace_s = self._spec.resources.grace_s if grace_s is None else grace_s
        self._word = Word(run, current(now()))
        self._done = {stage for stage in plan(self._spec) if run.stage(stage).manifest.exists()}
        self._running: dict[Stage, _Job] = {}
        self._broken: tuple[Stage, ExitRecord] | None = None
        self._refused: SirtuiError | None = None
        self._stopping = self.signalled = False
        self._means = Means(run, self._spec, now)
        self._waits_for, self._look_again = "", 0.0

    def walk(self, on_change: Callable[[], None]) -> Status:
        """Launch and wait until nothing runs, nothing waits, and nothing is to be launched."""
        self._adopt()
        self._word.say(Status.RUNNING)
        try:
            while self._step(on_change):
                self._launcher.wait(self._handles, LOOK_S)
        finally:
            self._means.release()
        status = self._end()
        _tell(on_change)
        return status

    def _step(self, on_change: Callable[[], None]) -> bool:
        """Do what can be done now; whether there is something to wait for."""
        self._check_folder()
        ended = self._reap()
        if self.signalled or self._run.stop_request.exists():
            self._stop()
        if ended:
            self._look_again = 0.0
        launched, said = self._launch(), False
        if self._running or self._waits_for:
            status = Status.RUNNING if self._running else Status.WAITING
            said = self._word.say(status, self._waits_for, slots=self._means.slots)
        if ended or launched or said:
            _tell(on_change)
        self._means.watch(self._running)
        return bool(self._running or self._waits_for)

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
            if stage in self._done:
                shutil.rmtree(folder.partial, ignore_errors=True)
                self._means.publish(stage)
            attempts = [folder.attempt(number) for number in folder.attempts()]
            unended = [attempt for attempt in attempts if not attempt.exit.exists()]
            self._adopt_attempts(stage, unended or (attempts[-1:] if files.is_locked(folder.lock) else []))

    def _adopt_attempts(self, stage: Stage, attempts: Sequence[AttemptFolder]) -> None:
        """In this order: their exit records, the lock, what carries their tags, another boot; the rest is silence."""
        dead = [attempt for attempt in attempts if not self._take_over(stage, attempt)]
        if dead and stage not in self._running and files.is_locked(self._run.stage(stage).lock):
            raise SirtuiError(
                f"{self._run.name}: {stage.id} is being worked at by a process that cannot be reached", _where(dead[-1])
            )
        for attempt in dead:
            job = files.find_record(attempt.job, JobRecord)
            swept = self._launcher.sweep(tag(job)) if job else 0
            self._close(stage, attempt, endings.lost(attempt, boot_id(), self._now(), swept=swept))

    def _take_over(self, stage: Stage, attempt: AttemptFolder) -> bool:
        """Wait for this attempt, if its guard lives; whether it does."""
        job = files.find_record(attempt.job, JobRecord)
        handle = self._launcher.find(job, attempt) if job else None
        if handle is None or not self._launcher.running([handle]):
            return False
        self._running[stage] = _Job(attempt, handle)
        return True

    def _reap(self) -> bool:
        """Take note of the stages that ended; whether there were any."""
        running = self._launcher.running(self._handles)
        ended = [stage for stage, job in self._running.items() if job.handle not in running]
        for stage in ended:
            self._ended(stage, self._running.pop(stage))
        if ended:
            left = () if self._over else (stage for stage in plan(self._spec) if stage not in self._done)
            self._means.spare([*self._running, *left])
        return bool(ended)

    def _ended(self, stage: Stage, job: _Job) -> None:
        if not job.attempt.exit.exists():
            self._launcher.sweep(job.handle.tag)
        record = self._close(stage, job.attempt, endings.unguarded(job.attempt, self._now(), stopped=self._stopping))
        self._means.ended(stage, done=stage in self._done)
        if stage in self._done:
            return
        if endings.found_no_room(record):
            self._means.found_no_room()
        elif self._broken is None:
            self._broken = (stage, record)

    def _close(self, stage: Stage, attempt: AttemptFolder, unspoken: ExitRecord) -> ExitRecord:
        """How an attempt ended, by its guard's word, else by ours, which is then written for it."""
        if self._run.stage(stage).manifest.exists():
            self._done.add(stage)
            unspoken = ExitRecord(0, unspoken.ended)
        if known := files.find_record(attempt.exit, ExitRecord):
            return known
        with files.room_or_not():
            files.write_record(attempt.exit, unspoken)
        return unspoken

    def _stop(self) -> None:
        """End what runs, however long it takes, and launch nothing more."""
        self._stopping = True
        with files.room_or_not():
            files.write(self._run.stop_request, b"")
        while self._running:
            self._word.say(Status.STOPPING)
            self._launcher.cancel(self._handles, grace_s=self._grace_s, hurry=self._hurried)
            self._reap()

    def _hurried(self) -> bool:
        """Whether someone asked again, to end at once."""
        return self._run.urgent_request.exists()

    def _launch(self) -> bool:
        """Launch what can be launched; whether there was any. `_waits_for` is what the first of the others wait for."""
        if self._waits_for and time.monotonic() < self._look_again:
            return False
        self._waits_for, self._look_again = "", time.monotonic() + ASK_S
        launched = self._link()
        for stage in self._startable():
            why = self._missing(stage)
            self._waits_for = self._waits_for or why
            if not (why or self._over):
                launched = self._launch_stage(stage) or launched
            if self._over:
                break
        return launched

    @property
    def _over(self) -> bool:
        """Whether nothing more is to be started."""
        return self._stopping or self._broken is not None or self._refused is not None

    def _startable(self) -> tuple[Stage, ...]:
        if self._over:
            return ()
        held = unanswered(self._run, self._spec)
        return to_launch(self._spec, self._done, self._running, os.cpu_count() or 1, held.t if held else None)

    def _link(self) -> bool:
        """Take over all that others have made already, and what can be taken over after that; whether there was any."""
        before = len(self._done)
        while linked := [stage for stage in self._startable() if self._means.link(stage)]:
            self._done.update(linked)
        return len(self._done) > before

    def _missing(self, stage: Stage) -> str:
        """What the stage waits for; empty also where it would wait in vain."""
        try:
            return self._means.missing(stage, idle=not self._running)
        except SirtuiError as error:
            self._refused = error
            return ""

    def _launch_stage(self, stage: Stage) -> bool:
        """Write the intent, then launch: what is killed in between is seen by the next supervisor."""
        folder = self._run.stage(stage)
        number = max(folder.attempts(), default=0) + 1
        attempt = folder.attempt(number)
        job = JobRecord(str(self._run.path.absolute()), stage, number, self._spec, self._now(), self._means.key(stage))
        try:
            files.make_folder(attempt.path.parent)
            attempt.path.mkdir(mode=0o700)
            files.write_record(attempt.job, job)
        except OSError as error:
            if not files.is_full(error):
                raise
            shutil.rmtree(attempt.path, ignore_errors=True)
            self._means.launched_not(stage)
            self._means.found_no_room()
            self._waits_for = "waits for room on the disk"
            return False
        try:
            self._running[stage] = _Job(attempt, self._launcher.launch(job, attempt, self._means.granted(stage)))
        except OSError as error:
            self._broken = (stage, self._close(stage, attempt, endings.unlaunched(error, self._now())))
            self._means.launched_not(stage)
        return True

    def _end(self) -> Status:
        status, reason, hint, held = self._outcome()
        self._word.say(status, reason, hint, ended=self._now(), held=held)
        return status

    def _outcome(self) -> tuple[Status, str, str, bool]:
        if len(self._done) == len(plan(self._spec)):
            return Status.FINISHED, "", "", False
        held = None if self._stopping or self._broken else unanswered(self._run, self._spec)
        if held is not None:
            status = Status.PAUSED if self._spec.verdicts.on_reversal == "pause" else Status.STOPPED
            keep = f"Keep it{held.keep.t}, or " if held.keep else ""
            return status, why_held(held), f"{keep}sirtui resume {self._run.name} to go on.", True
        if self._refused and not self._stopping:
            return Status.FAILED, self._refused.message, self._refused.hint, False
        if self._broken is None or self._stopping:
            return Status.STOPPED, "stopped on request", "Resume it to go on.", False
        stage, record = self._broken
        hint = " ".join(filter(None, (record.hint, f"sirtui resume {self._run.name} goes on where it was.")))
        return endings.status(record), f"{stage.id}: {endings.reason(record)}", hint, False


def _tell(on_change: Callable[[], None]) -> None:
    try:
        on_change()
    except Exception as error:  # noqa: BLE001 - the border: whoever looks on (an index that can be rebuilt) must not end the walk
        with suppress(OSError):  # where this is written to may be full as well
            sys.stderr.write(f"nobody was told: {type(error).__name__}: {error}\n")
            sys.stderr.flush()


def _where(attempt: AttemptFolder) -> str:
    known = files.find_record(attempt.state, StateRecord)
    return f"It is process {known.guard.pid} on {known.guard.host}: end it there." if known else f"See {attempt.path}."
