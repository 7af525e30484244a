"""All measures of one iteration: what it is judged by first, each with its change against M_1 and the verdict on it."""

from __future__ import annotations

from dataclasses import dataclass

from sirtui.core.text import clean
from sirtui.store.rows import Cell, IterationRow, MeasureRow, RunView
from sirtui.tui.figures import better, change, interval, measured, sparkline, uncertainty
from sirtui.tui.paint import DIM, STRONG, Line, line
from sirtui.tui.tables.headlines import ROLES, headlines, roles
from sirtui.tui.tables.iterations import of_itself, row_key
from sirtui.tui.tables.table import Column, Row, Table
from sirtui.tui.tables.words import change_line, standing_line

LEGEND = "Target Essential Watch"
"""What the letters in the gutter stand for."""
_NONE = Cell(None)
_JUDGED = (
    Column("role", gap=0, least=1),
    Column("key", "measure", gap=1, flex=True, least=23, middle=True),
    Column("better", gap=1),
    Column("value", "value", right=True, gap=1, least=5),
    Column("change", "Δ", gap=1, least=6),
    Column("interval", "95%", gap=1, drop=2, least=11),
    Column("verdict", "verdict", gap=1, least=9),
    Column("stderr", "se", right=True, gap=1, drop=5, least=4),
    Column("n", "n", right=True, gap=1, drop=4),
)
_PLAIN = (
    Column("key", "measure", gap=1, flex=True, least=22, middle=True),
    Column("better", gap=1),
    Column("value", "value", right=True, gap=1, least=5),
    Column("stderr", "se", right=True, gap=1, drop=2, least=4),
    Column("change", "Δ", right=True, gap=1, least=5),
    Column("change_stderr", "se", right=True, gap=1, drop=4, least=4),
    Column("n", "n", right=True, drop=3),
)


@dataclass(frozen=True)
class Figure:
    """One measure of one iteration, as it is copied."""

    key: str
    t: int
    repeat: int
    cell: Cell


def measures_table(view: RunView, row: IterationRow) -> Table:
    """The table of the measures of `row`: in the order of their parts in the rule, else the headline measures first."""
    parts = roles(view)
    points = max(1, min(10, len(view.iterations)))
    curve = Column("trend", "trend", gap=2, drop=3 if parts else 1, least=points)
    rows: list[Row] = []
    for measure in _ordered(view):
        cell = row.cells.get(measure.key, _NONE)
        cells = _judged(row, measure, parts.get(measure.key, "")) if parts else _plain(row, measure)
        trend = sparkline([_value(other, measure.key) for other in view.iterations], points, measure.direction)
        rows.append(Row(measure.key, (*cells, trend), Figure(measure.key, row.t, row.repeat, cell)))
    return Table((*(_JUDGED if parts else _PLAIN), curve), tuple(rows), "nothing measured yet")


def _ordered(view: RunView) -> tuple[MeasureRow, ...]:
    parts = roles(view)
    if parts:
        last = len(ROLES)
        places = {key: ROLES.index(role) for key, role in parts.items()}
        return tuple(sorted(view.measures, key=lambda measure: places.get(measure.key, last)))
    first = [headline.measure for headline in headlines(view)]
    return (*first, *(measure for measure in view.measures if measure not in first))


def _judged(row: IterationRow, measure: MeasureRow, role: str) -> tuple[Line, ...]:
    key, unit, cell = measure.key, measure.unit, row.cells.get(measure.key, _NONE)
    told = not of_itself(row, cell)
    return (
        line(role[:1].upper(), STRONG if role == "target" else DIM),
        line(clean(key, 60)),
        line(better(measure.direction), DIM),
        line(measured(unit, cell.value) if key in row.cells else ""),
        change_line(measure, cell) if told else line(""),
        line(interval(unit, cell.lo95, cell.hi95) if told else "", DIM),
        standing_line(measure, cell) if told else line(""),
        line(uncertainty(unit, cell.stderr), DIM),
        line(_problems(cell), DIM),
    )


def _problems(cell: Cell) -> str:
    """How many problems a value is over; before it how many its change is over, where these are others."""
    if cell.n is None or cell.change_n in (None, cell.n):
        return "" if cell.n is None else str(cell.n)
    return f"{cell.change_n}/{cell.n}"


def _plain(row: IterationRow, measure: MeasureRow) -> tuple[Line, ...]:
    """Where nothing was judged: with standard errors, which are all that is known."""
    key, unit, cell = measure.key, measure.unit, row.cells.get(measure.key, _NONE)
    told = cell.against != row_key(row) and cell.change is not None
    return (
        line(clean(key, 60)),
        line(better(measure.direction), DIM),
        line(measured(unit, cell.value) if key in row.cells else ""),
        line(uncertainty(unit, cell.stderr), DIM),
        line(change(unit, cell.change) if told else ""),
        line(uncertainty(unit, cell.change_stderr) if told else "", DIM),
        line("" if cell.n is None else str(cell.n), DIM),
    )


def _value(row: IterationRow, key: str) -> float | None:
    cell = row.cells.get(key)
    return cell.value if cell else None
