"""The table of a run's iterations: what they are judged by, each change with its mark, and the verdict or how far they are."""

from __future__ import annotations

from sirtui.core.run import Status, evaluation_id
from sirtui.core.text import clean
from sirtui.store.rows import Cell, IterationRow, RunView
from sirtui.tui.figures import ATTENTION, better, interval, measured, percent, sparkline
from sirtui.tui.paint import DIM, FAIL, STRONG, Line, Span, line
from sirtui.tui.tables.headlines import Headline, headlines
from sirtui.tui.tables.runs import sign, status_line
from sirtui.tui.tables.stages import all_linked
from sirtui.tui.tables.table import Column, Row, Table
from sirtui.tui.tables.words import alarming, change_line, verdict_line

_INTERVALS = 90
"""Intervals give way before any measure."""
_AT_WORK = (Status.RUNNING, Status.STOPPING)


def row_key(row: IterationRow) -> str:
    """Which evaluation a row is of."""
    return evaluation_id(row.t, row.repeat)


def find_iteration(view: RunView, key: str) -> IterationRow | None:
    """The iteration with this key."""
    return next((row for row in (*view.iterations, *view.repeats) if row_key(row) == key), None)


def newest_measured(view: RunView) -> str:
    """The key of the newest iteration that has measures, else of the one at work, else of the first."""
    rows = [row for row in view.iterations if row.cells] or [row for row in view.iterations if row.status.alive][:1]
    return row_key(rows[-1]) if rows else evaluation_id(1)


def next_alarm(view: RunView, key: str, direction: int) -> str:
    """The iteration after this one (or before it) at which something was lost for sure; empty where there is none."""
    rows = [*view.iterations, *view.repeats][::direction]
    places = [row_key(row) for row in rows]
    after = places.index(key) + 1 if key in places else 0
    return next((row_key(row) for row in rows[after:] if alarming(row)), "")


def of_itself(row: IterationRow, cell: Cell) -> bool:
    """Whether there is nothing that this cell's change could be from."""
    return (not cell.against and cell.change is None) or cell.against == row_key(row)


def iterations_table(view: RunView) -> Table:
    """The table of a run."""
    shown = headlines(view)
    columns = [
        Column("sign", gap=0, least=1),
        Column("it", "it", right=True, gap=1),
        Column("trainer", "rec", gap=1, flex=True, least=3),
    ]
    for headline in shown:
        columns += _columns(view, headline)
    listed = (*view.iterations, *view.repeats)
    troubled, judged = (any(row.status in ATTENTION for row in listed), any(row.verdict for row in listed))
    columns.append(Column("verdict", "verdict", flex=True, least=20 if troubled else 11 if judged else 9))
    rows = tuple(_row(view, row, shown) for row in listed)
    return Table(tuple(columns), rows, "no iteration yet")


def _columns(view: RunView, headline: Headline) -> list[Column]:
    """Its values, its changes, and of the target the intervals. What may stand without values is named over its changes."""
    key, direction, drop = headline.measure.key, headline.measure.direction, headline.drop
    values = [_value(row, key) for row in view.iterations]
    trend = sparkline(values, 10, direction) if sum(value is not None for value in values) > 1 else ()
    title = headline.label + better(direction).strip()
    if headline.role == "essential":
        return [
            Column(key, right=True, drop=headline.values),
            Column(f"{key} Δ", title, drop=drop, gap=1, least=4, trend=trend),
        ]
    columns = [
        Column(key, title, right=True, drop=headline.values, trend=trend),
        Column(f"{key} Δ", "Δ", right=not headline.role, drop=drop, gap=1, least=4),
    ]
    return [*columns, Column(f"{key} 95%", "95%", drop=_INTERVALS, gap=1)] if headline.role else columns


def _value(row: IterationRow, key: str) -> float | None:
    cell = row.cells.get(key)
    return cell.value if cell else None


def _row(view: RunView, row: IterationRow, shown: tuple[Headline, ...]) -> Row:
    again = row.repeat > 1
    cells: list[Line] = [
        line("!", FAIL) if alarming(row) else sign(row.status),
        line(str(row.t), DIM if again else ""),
        line(("=" if all_linked(view, row) else "") + clean(row.trainer, 10), DIM if again else ""),
    ]
    for headline in shown:
        cells += _figures(row, headline, DIM if again else "")
    cells.append(how_it_stands(view, row))
    return Row(row_key(row), tuple(cells), row)


def _figures(row: IterationRow, headline: Headline, style: str) -> list[Line]:
    """Value, change, and of the target the interval of the change."""
    measure, cell = headline.measure, row.cells.get(headline.measure.key)
    if cell is None:
        told = [line("…" if row.status in _AT_WORK else "", DIM), line(""), line("")]
    elif of_itself(row, cell):
        told = [line(measured(measure.unit, cell.value), style), line(""), line("")]
    else:
        told = [line(measured(measure.unit, cell.value), style), change_line(measure, cell)]
        told.append(line(interval(measure.unit, cell.lo95, cell.hi95), DIM))
    return told if headline.role == "target" else told[:2]


def how_it_stands(view: RunView, row: IterationRow) -> Line:
    """The verdict: `⇅REV ng OOD`, `M1`; before there is one `train 62%`, `waiting`, or `failed:` and why."""
    verdict = verdict_line(row.verdict) if row.verdict and row.verdict.kind else ()
    if row.status in (*ATTENTION, *_AT_WORK):
        return (*verdict, Span(" "), *_state(view, row)) if verdict else _state(view, row)
    if verdict:
        return verdict
    done = row.status is Status.FINISHED or row.verdict is not None
    return line("M1") if (row.t, row.repeat) == (1, 1) and done else _state(view, row)


def _state(view: RunView, row: IterationRow) -> Line:
    """How far an evaluation is; before it, which repeat of M_1 it is."""
    again = line(f"repeat {row.repeat} ", DIM) if row.repeat > 1 else ()
    if row.status in ATTENTION:
        return (*again, *status_line(row.status, _reason(view, row)))
    if row.status in _AT_WORK:
        return (*again, *line(f"{clean(row.stage, 10) or row.status} {percent(row.done, row.total)}".strip(), STRONG))
    if row.repeat > 1 and row.status is Status.FINISHED:
        return line(f"repeat {row.repeat}", DIM)
    return (*again, *status_line(row.status))


def _reason(view: RunView, row: IterationRow) -> str:
    told = [stage.reason for stage in view.stages if (stage.t, stage.repeat) == (row.t, row.repeat) and stage.status in ATTENTION]
    return next((reason for reason in told if reason), view.run.reason)
