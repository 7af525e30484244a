"""All measures of one iteration: value, standard error, change against M_1, how many problems, and the curve so far."""

from __future__ import annotations

from dataclasses import dataclass

from sirtui.core.text import clean
from sirtui.store.rows import Cell, IterationRow, MeasureRow, RunView
from sirtui.tui.figures import better, change, measured, sparkline, uncertainty
from sirtui.tui.paint import DIM, Line, line
from sirtui.tui.tables.iterations import headlines, row_key
from sirtui.tui.tables.table import Column, Row, Table

_NONE = Cell(None)


@dataclass(frozen=True)
class Figure:
    """One measure of one iteration, as it is copied."""

    key: str
    t: int
    repeat: int
    cell: Cell


def measures_table(view: RunView, row: IterationRow) -> Table:
    """The table of the measures of `row`, the headline measures first."""
    points = max(1, min(10, len(view.iterations)))
    columns = (
        Column("key", "measure", gap=1, flex=True, least=22, middle=True),
        Column("better", gap=1),
        Column("value", "value", right=True, gap=1, least=5),
        Column("stderr", "se", right=True, gap=1, drop=2, least=4),
        Column("change", "Δ", right=True, gap=1, least=5),
        Column("change_stderr", "se", right=True, gap=1, drop=4, least=4),
        Column("n", "n", right=True, drop=3),
        Column("trend", "trend", gap=2, drop=1, least=points),
    )
    first = [headline.measure for headline in headlines(view)]
    rest = (measure for measure in view.measures if measure not in first)
    rows = tuple(_row(view, row, measure, points) for measure in (*first, *rest))
    return Table(columns, rows, "nothing measured yet")


def _row(view: RunView, row: IterationRow, measure: MeasureRow, points: int) -> Row:
    key, cell = measure.key, row.cells.get(measure.key, _NONE)
    compared = cell.against != row_key(row) and cell.change is not None
    cells: tuple[Line, ...] = (
        line(clean(key, 60)),
        line(better(measure.direction), DIM),
        line(measured(measure.unit, cell.value) if key in row.cells else ""),
        line(uncertainty(measure.unit, cell.stderr), DIM),
        line(change(measure.unit, cell.change) if compared else ""),
        line(uncertainty(measure.unit, cell.change_stderr) if compared else "", DIM),
        line("" if cell.n is None else str(cell.n), DIM),
        sparkline([_value(other, key) for other in view.iterations], points, measure.direction),
    )
    return Row(key, cells, Figure(key, row.t, row.repeat, cell))


def _value(row: IterationRow, key: str) -> float | None:
    cell = row.cells.get(key)
    return cell.value if cell else None
