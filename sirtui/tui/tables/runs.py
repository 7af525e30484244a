"""The list of runs: what was lost and what needs a person first, then newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from sirtui.core.run import Status
from sirtui.core.text import clean
from sirtui.store.rows import RunRow
from sirtui.tui.figures import ATTENTION, NOTHING, moment, percent, span
from sirtui.tui.paint import DIM, FAIL, STRONG, Line, Span, line
from sirtui.tui.tables.table import Column, Row, Table
from sirtui.tui.tables.words import verdict_line

_STATUS = Column("status", "status", flex=True, least=9)
_COLUMNS = (
    Column("sign", gap=0, least=1),
    Column("name", "run", gap=1, flex=True, least=22),
    _STATUS,
    Column("it", "it", right=True),
    Column("verdict", "verdict", flex=True, least=12),
    Column("keep", "keep", drop=2),
    Column("stage", "stage", drop=3),
    Column("eta", "eta", right=True, drop=4),
    Column("method", "method", drop=5),
    Column("task", "task", drop=6),
    Column("model", "model", drop=8, flex=True, least=8),
    Column("created", "created", drop=7),
)


class Order(StrEnum):
    """How the runs are sorted."""

    NEEDS_YOU = "needs you first"
    NEWEST = "newest first"
    NAME = "by name"

    @property
    def next(self) -> Order:
        """The order after this one."""
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]


def ordered(runs: Sequence[RunRow], order: Order = Order.NEEDS_YOU) -> tuple[RunRow, ...]:
    """The runs in an order."""
    if order is Order.NAME:
        return tuple(sorted(runs, key=lambda run: run.name))
    newest = sorted(runs, key=lambda run: (-run.created, run.name))
    if order is Order.NEEDS_YOU:
        newest.sort(key=lambda run: not (run.status in ATTENTION or run.alarm))
    return tuple(newest)


def matching(runs: Sequence[RunRow], wanted: str) -> tuple[RunRow, ...]:
    """The runs in which every word of `wanted` occurs in its name, title, status, verdict, task, method or model."""
    words = wanted.casefold().split()
    return tuple(run for run in runs if all(word in _searched(run) for word in words))


def _searched(run: RunRow) -> str:
    kind = run.verdict.kind if run.verdict else ""
    return f"{run.name} {run.title} {run.status} {kind} {run.task} {run.method} {run.base_model}".casefold()


def first_choice(runs: Sequence[RunRow]) -> str | None:
    """The run to look at where none was named: the newest that is at work, else the first of the list."""
    listed = ordered(runs)
    alive = [run for run in ordered(runs, Order.NEWEST) if run.status.alive]
    return alive[0].name if alive else listed[0].name if listed else None


def runs_table(runs: Sequence[RunRow], filtered: str = "") -> Table:
    """The table of these runs, in the order given."""
    empty = f"no run matches {clean(filtered, 40)!r}; esc shows all" if filtered else ""
    troubled = any(run.status in ATTENTION or (run.status is Status.WAITING and run.reason) for run in runs)
    columns = tuple(replace(each, least=20) if troubled and each is _STATUS else each for each in _COLUMNS)
    return Table(columns, _rows(runs), empty)


def status_line(status: Status, reason: str = "") -> Line:
    """A status in a word, with its reason where it needs someone or waits."""
    if status in ATTENTION:
        return line(f"{status}: {clean(reason, 200)}" if reason else status, FAIL)
    if status is Status.WAITING and reason:
        return (Span(status), Span(f": {clean(reason, 200)}", DIM))
    return line(status, STRONG if status in (Status.RUNNING, Status.STOPPING) else DIM if status is Status.WAITING else "")


def sign(status: Status) -> Line:
    """One character for the gutter: `!` needs you, `▸` at work."""
    if status in ATTENTION:
        return line("!", FAIL)
    return line("▸", STRONG) if status in (Status.RUNNING, Status.STOPPING) else line(" ")


_drawn: dict[RunRow, Row] = {}
"""The rows of the last table: most runs stand as they stood. No more is kept: a run at work is another twice a second."""


def _rows(runs: Sequence[RunRow]) -> tuple[Row, ...]:
    """The rows of these runs, those that were drawn for the last table taken from there."""
    rows = {run: _drawn.get(run) or _row(run) for run in runs}
    _drawn.clear()
    _drawn.update(rows)
    return tuple(rows[run] for run in runs)


def _row(run: RunRow) -> Row:
    at_work = run.status.alive and run.stage
    stage = f"{clean(run.stage, 24).rpartition('/')[2]} {percent(run.done, run.total)}".strip() if at_work else ""
    cells: tuple[Line, ...] = (
        line("!", FAIL) if run.alarm else sign(run.status),
        line(clean(run.name, 80)),
        status_line(run.status, run.reason),
        line(f"{run.t or NOTHING}/{run.iterations}"),
        verdict_line(run.verdict) if run.verdict else (),
        line(f"it{run.verdict.keep}" if run.verdict and run.verdict.keep else ""),
        line(stage),
        line(span(run.eta) if run.status.alive else ""),
        line(clean(run.method, 20)),
        line(clean(run.task, 20)),
        (Span(clean(run.base_model, 60), DIM),),
        line(moment(run.created), DIM),
    )
    return Row(run.name, cells, run)
