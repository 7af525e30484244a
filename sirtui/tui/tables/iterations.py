"""The table of a run's iterations: headline measures with their change against M_1, and how far each iteration is.

A change carries an arrow that says which way the number moved, and no mark and no colour: there is no verdict before the
statistics are there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sirtui.core.run import Status, evaluation_id
from sirtui.core.text import clean
from sirtui.store.rows import Cell, IterationRow, MeasureRow, RunView
from sirtui.tui.figures import ATTENTION, better, change, measured, percent, sparkline
from sirtui.tui.paint import DIM, STRONG, Line, line
from sirtui.tui.tables.runs import sign, status_line
from sirtui.tui.tables.table import Column, Row, Table

_HEADLINES = (
    ("pass@1.sampled", "pass1"),
    ("diversity.ngram.correct", "ng"),
    ("diversity.equations.correct", "eq"),
    ("ood.accuracy", "OOD"),
    ("pass@1.greedy", "greedy"),
    ("diversity.semantic.correct", "sem"),
)
_ALWAYS = 4
_PASS_AT = re.compile(r"pass@(\d+)")


@dataclass(frozen=True)
class Headline:
    """A measure that has columns of its own in the table."""

    measure: MeasureRow
    label: str


def headlines(view: RunView) -> tuple[Headline, ...]:
    """The measures to show in the table, the most important first."""
    known = {measure.key: measure for measure in view.measures}
    found = [Headline(_named(known, key), label) for key, label in _HEADLINES if _named(known, key).unit != "?"]
    if widest := _widest_pass(view):
        found.append(Headline(known[widest], widest.replace("pass@", "pass")))
    return tuple(found)


def _named(known: dict[str, MeasureRow], key: str) -> MeasureRow:
    with_task = (measure for name, measure in known.items() if name.endswith(f"/{key}"))
    return known.get(key) or next(with_task, MeasureRow(key, 0, "?"))


def _widest_pass(view: RunView) -> str | None:
    """pass@K with the highest K of at most half the samples: above that, the estimate is too noisy to head a table."""
    counts = [int(found[1]) for measure in view.measures if (found := _PASS_AT.fullmatch(measure.key))]
    wanted = [count for count in counts if count <= max(counts) // 2]
    return f"pass@{max(wanted)}" if wanted else None


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


def iterations_table(view: RunView) -> Table:
    """The table of a run."""
    shown = headlines(view)
    columns = [
        Column("sign", gap=0, least=1),
        Column("it", "it", right=True, gap=1),
        Column("trainer", "rec", gap=1, flex=True, least=3),
    ]
    for index, headline in enumerate(shown):
        columns += _columns(view, headline, 0 if index == 0 else 2 + index)
    listed = (*view.iterations, *view.repeats)
    troubled = any(row.status in ATTENTION for row in listed)
    columns.append(Column("status", "status", flex=True, least=20 if troubled else 9))
    rows = tuple(_row(view, row, shown) for row in listed)
    return Table(tuple(columns), rows, "no iteration yet")


def _columns(view: RunView, headline: Headline, drop: int) -> tuple[Column, Column]:
    key, direction = headline.measure.key, headline.measure.direction
    values = [_value(row, key) for row in view.iterations]
    trend = sparkline(values, 10, direction) if sum(value is not None for value in values) > 1 else ()
    title = headline.label + better(direction).strip()
    return (
        Column(key, title, right=True, drop=drop, trend=trend),
        Column(f"{key} Δ", "Δ", right=True, drop=drop, gap=1, least=4),
    )


def _value(row: IterationRow, key: str) -> float | None:
    cell = row.cells.get(key)
    return cell.value if cell else None


def _row(view: RunView, row: IterationRow, shown: tuple[Headline, ...]) -> Row:
    again = row.repeat > 1
    cells: list[Line] = [
        sign(row.status),
        line(str(row.t), DIM if again else ""),
        line(clean(row.trainer, 10), DIM if again else ""),
    ]
    for headline in shown:
        cells += _figures(row, headline.measure, DIM if again else "")
    cells.append(how_it_stands(view, row))
    return Row(row_key(row), tuple(cells), row)


def _figures(row: IterationRow, measure: MeasureRow, style: str) -> tuple[Line, Line]:
    cell = row.cells.get(measure.key)
    if cell is None:
        return line("…" if row.status in (Status.RUNNING, Status.STOPPING) else "", DIM), line("")
    return line(measured(measure.unit, cell.value), style), line(_change(row, measure.unit, cell), style)


def _change(row: IterationRow, unit: str, cell: Cell) -> str:
    itself = not cell.against and cell.change is None
    return "" if itself or cell.against == row_key(row) else change(unit, cell.change)


def how_it_stands(view: RunView, row: IterationRow) -> Line:
    """`finished`, `train 62%`, `waiting`, or `failed:` and why; before it, which repeat of M_1 it is."""
    again = line(f"repeat {row.repeat} ", DIM) if row.repeat > 1 else ()
    if row.status in ATTENTION:
        return (*again, *status_line(row.status, _reason(view, row)))
    if row.status in (Status.RUNNING, Status.STOPPING):
        return (*again, *line(f"{clean(row.stage, 10) or row.status} {percent(row.done, row.total)}".strip(), STRONG))
    if row.repeat > 1 and row.status is Status.FINISHED:
        return line(f"repeat {row.repeat}", DIM)
    return (*again, *status_line(row.status))


def _reason(view: RunView, row: IterationRow) -> str:
    told = [stage.reason for stage in view.stages if (stage.t, stage.repeat) == (row.t, row.repeat) and stage.status in ATTENTION]
    return next((reason for reason in told if reason), view.run.reason)
