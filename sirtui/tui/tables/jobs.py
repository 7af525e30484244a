"""The list of jobs: what needs someone, what is at work, what waits and for what, what has ended lately."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sirtui.core.machine import Machine, Waiting
from sirtui.core.run import Status
from sirtui.core.text import clean
from sirtui.store.rows import RunRow, StageRow
from sirtui.tui.feed import Snapshot
from sirtui.tui.figures import ATTENTION, moment, ordinal, percent, progress, span
from sirtui.tui.paint import DIM, STRONG, Line, Span, join, line
from sirtui.tui.tables.runs import sign, status_line
from sirtui.tui.tables.stages import stage_of
from sirtui.tui.tables.table import Column, Row, Table
from sirtui.tui.tables.words import verdict_line

_COLUMNS = (
    Column("sign", gap=0, least=1),
    Column("run", "run", gap=1, flex=True, least=16, middle=True),
    Column("stage", "stage", flex=True, least=12, middle=True),
    Column("status", "status", least=8),
    Column("told", "how far, or why", flex=True, least=26),
    Column("left", "left", right=True, drop=1),
    Column("where", "where", drop=3),
    Column("since", "since", drop=2),
)
_ENDED = (Status.FINISHED, Status.STOPPED)
_LATELY_S, _MOST = 24 * 3600.0, 100


@dataclass(frozen=True)
class Job:
    """A stage at work; or a run that waits, needs someone, is between two stages, or has ended.

    `place`: where a run that waits stands in the queue, from 1; 0 where it stands in none. `where`: its GPUs or CPU slots.
    """

    run: RunRow
    stage: StageRow | None = None
    status: Status = Status.RUNNING
    since: float | None = None
    place: int = 0
    reason: str = ""
    where: str = ""

    @property
    def key(self) -> str:
        """`RUN/it03/train`, or the run's name where it is about no stage."""
        return f"{self.run.name}/{self.stage.id}" if self.stage else self.run.name


def run_of(key: str) -> str:
    """The name of the run that a job is of."""
    return key.partition("/")[0]


def listed_jobs(snapshot: Snapshot, machine: Machine | None, now: float) -> tuple[Job, ...]:
    """All jobs, the most urgent first. `now`: seconds since the epoch."""
    held = _held(machine) if machine else {}
    queue = {each.run: (place, each) for place, each in enumerate(machine.queue if machine else (), 1)}
    jobs: list[Job] = []
    known = snapshot.stages or {}
    for run in sorted(snapshot.runs, key=lambda run: -(run.ended or run.created)):
        stages, where = known.get(run.name, ()), held.get(run.name, "")
        if run.status in ATTENTION:
            jobs.append(Job(run, stage_of(run, stages), run.status, run.ended, reason=run.reason, where=where))
        elif run.status in _ENDED and now - (run.ended or run.created) < _LATELY_S:
            jobs.append(Job(run, None, run.status, run.ended, reason=run.reason))
        elif run.status.alive:
            jobs += _alive(run, stages, where, queue.get(run.name))
    order = sorted(jobs, key=_urgency)
    return tuple(order[: still(order) + _MOST])


def still(jobs: Iterable[Job]) -> int:
    """How many of the jobs have not ended."""
    return sum(job.status not in _ENDED for job in jobs)


def counts(jobs: Iterable[Job]) -> list[str]:
    """How many runs need someone, are at work and wait: `1 needs you`, `2 running`."""
    runs = {job.run.name: job.run.status for job in jobs}.values()
    need = sum(status in ATTENTION for status in runs)
    told = [(need, "needs you" if need == 1 else "need you")]
    told += [(sum(status is each for status in runs), each.value) for each in (Status.RUNNING, Status.WAITING)]
    return [f"{count} {word}" for count, word in told if count]


def _alive(run: RunRow, stages: Iterable[StageRow], where: str, queued: tuple[int, Waiting] | None) -> list[Job]:
    """A row for each stage at work; for a run that waits, or has none at work, a row of its own."""
    status = Status.STOPPING if run.status is Status.STOPPING else Status.RUNNING
    running = [stage for stage in stages if stage.status is Status.RUNNING]
    jobs = [Job(run, stage, status, stage.started, where=where if stage.kind.holds_model else "") for stage in running]
    if run.status is Status.WAITING:
        place, entry = queued or (0, None)
        reason = run.reason or (entry.reason if entry else "")
        return [*jobs, Job(run, None, run.status, entry.since if entry else run.created, place, reason, where)]
    return jobs or [Job(run, None, status, where=where)]


def _urgency(job: Job) -> tuple[int, int]:
    """What needs someone, what is at work, what waits in the order of the queue, what has ended."""
    if job.status in ATTENTION:
        return (0, 0)
    if job.status is Status.WAITING:
        return (2, job.place or 1_000_000)
    return (3, 0) if job.status in _ENDED else (1, 0)


def _held(machine: Machine) -> Mapping[str, str]:
    """By run the GPUs that it has, or the CPU slots: `GPU 0,1`."""
    gpus, cpus = [(str(gpu.index), gpu.holder) for gpu in machine.gpus], list(enumerate(machine.cpu_holders))
    told: dict[str, str] = {}
    for name, slots in (("CPU", [(str(number), holder) for number, holder in cpus]), ("GPU", gpus)):
        for holder in {holder for _, holder in slots if holder}:
            told[holder] = f"{name} {','.join(number for number, of in slots if of == holder)}"
    return told


def jobs_table(jobs: Sequence[Job], now: float | None = None) -> Table:
    """The table of these jobs. `now`, seconds since the epoch: which day needs no date."""
    return Table(_COLUMNS, tuple(_row(job, now) for job in jobs), "nothing runs, waits or needs you: + starts an experiment")


def _row(job: Job, now: float | None) -> Row:
    ended = job.status in _ENDED
    cells: tuple[Line, ...] = (
        sign(job.status),
        line(clean(job.run.name, 80), DIM if ended else ""),
        line(clean(job.stage.id.replace("repeat-", "r"), 40) if job.stage else ""),
        status_line(job.status),
        _told(job),
        line(span(job.stage.left) if job.stage and job.status is Status.RUNNING else ""),
        line(clean(job.where, 24)),
        line(moment(job.since, now), DIM),
    )
    return Row(job.key, cells, job)


def _told(job: Job) -> Line:
    """How far a stage is, why a run waits or came to a halt, what came of one that finished."""
    reason = "" if job.reason == job.status else clean(job.reason, 400)
    if job.status is Status.WAITING:
        place = (Span(f"{ordinal(job.place)}{': ' if reason else ''}", STRONG),) if job.place else ()
        return (*place, Span(reason))
    if job.status is Status.FINISHED:
        keep = f"keep it{job.run.verdict.keep}" if job.run.verdict and job.run.verdict.keep else ""
        return join((verdict_line(job.run.verdict), line(keep)), " ") if job.run.verdict else ()
    if job.status in ATTENTION or job.status is Status.STOPPED:
        return line(reason)
    if job.stage is None:
        return line("between two stages", DIM)
    far, counted = percent(job.stage.done, job.stage.total), progress(job.stage.done, job.stage.total, clean(job.stage.unit, 12))
    return (Span(far, STRONG), Span(f" {counted}" if far else counted, "" if far else STRONG))
