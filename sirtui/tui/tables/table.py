"""A table of text: columns, rows known by a key, and how they are laid out in a given width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sirtui.tui.paint import DIM, Line, Span, beneath, clip, cut_middle, fit, join, line, over, plain, width

MEASURED = 200
"""How many rows decide how wide a column is: measuring a thousand takes longer than all else of the first frame."""


@dataclass(frozen=True)
class Column:
    """One column. The highest `drop` goes first when room runs out, 0 never; `flex` takes what is left, at least `least`.

    What is too long is cut at its end, or in the `middle`. `gap` is the room before it; `trend` is drawn under the title
    and may run on below the next title.
    """

    key: str
    title: str = ""
    right: bool = False
    drop: int = 0
    flex: bool = False
    middle: bool = False
    gap: int = 2
    least: int = 0
    trend: Line = ()


@dataclass(frozen=True)
class Row:
    """One row: who it is (`key`), a line per column, and the frozen value it was made from (`record`, to be copied)."""

    key: str
    cells: tuple[Line, ...]
    record: object = None


@dataclass(frozen=True)
class Table:
    """Rows under columns. `empty` is said where there are no rows, a sentence a line."""

    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    empty: str = ""

    def index(self, key: str) -> int | None:
        """Where the row with this key stands."""
        return next((index for index, row in enumerate(self.rows) if row.key == key), None)


@dataclass(frozen=True)
class Place:
    """Where a column is drawn: which one, from which cell, how wide."""

    column: int
    x: int
    width: int


@dataclass(frozen=True)
class Layout:
    """A table in a width: which columns are there and where."""

    table: Table
    width: int
    places: tuple[Place, ...]
    head: tuple[Line, ...] = field(default=())

    def drawn(self, row: Row) -> Line:
        """A row, drawn in this width."""
        return fit(join(part for _, part in self.parts(row)), self.width)

    def selected(self, row: Row, style: str, hole: int | None) -> Line:
        """A row in one style, but for the column `hole`: that one is the selected cell."""
        parts = [part if column is not None and column == hole else beneath(part, style) for column, part in self.parts(row)]
        return (*join(parts), Span(" " * (self.width - self.reach()), style))

    def parts(self, row: Row) -> list[tuple[int | None, Line]]:
        """The cells and what lies between them, and which columns they are."""
        parts: list[tuple[int | None, Line]] = []
        x = 0
        for place in self.places:
            parts += [(None, line(" " * (place.x - x))), (place.column, self._cell(row, place))]
            x = place.x + place.width
        return parts

    def _cell(self, row: Row, place: Place) -> Line:
        column, cell = self.table.columns[place.column], row.cells[place.column]
        if column.middle and cell:
            cell = line(cut_middle(plain(cell), place.width), cell[0].style)
        return fit(cell, place.width, right=column.right)

    def reach(self) -> int:
        """How many cells the columns take."""
        return max((place.x + place.width for place in self.places), default=0)


def lay_out(table: Table, cells: int) -> Layout:
    """Choose the columns that fit in `cells`, and their widths."""
    widths = [_natural(table, index) for index in range(len(table.columns))]
    kept = list(range(len(table.columns)))
    while kept and _needed(table, kept, widths) > cells:
        worst = max(table.columns[index].drop for index in kept)
        if worst == 0:
            break
        kept = [index for index in kept if table.columns[index].drop < worst]
    places = _placed(table, kept, widths, cells)
    return Layout(table, cells, places, _head(table, places, cells))


def _natural(table: Table, index: int) -> int:
    column = table.columns[index]
    longest = max((width(row.cells[index]) for row in table.rows[:MEASURED]), default=0)
    return max(longest, len(column.title), column.least)


def _smallest(column: Column, natural: int) -> int:
    return min(natural, max(column.least, len(column.title))) if column.flex else natural


def _needed(table: Table, kept: Sequence[int], widths: Sequence[int]) -> int:
    return sum(table.columns[index].gap + _smallest(table.columns[index], widths[index]) for index in kept)


def _placed(table: Table, kept: Sequence[int], widths: Sequence[int], cells: int) -> tuple[Place, ...]:
    spare = cells - _needed(table, kept, widths)
    places: list[Place] = []
    x = 0
    for index in kept:
        column = table.columns[index]
        size = _smallest(column, widths[index])
        if column.flex:
            more = max(0, min(spare, widths[index] - size))
            size, spare = size + more, spare - more
        size = min(size, cells - x - column.gap)
        if size > 0:
            places.append(Place(index, x + column.gap, size))
            x += column.gap + size
    return tuple(places)


def _head(table: Table, places: Sequence[Place], cells: int) -> tuple[Line, ...]:
    titles: list[Span] = []
    trends: list[Span] = []
    x = reached = 0
    for place in places:
        column = table.columns[place.column]
        titles += (Span(" " * (place.x - x)), *fit((Span(column.title),), place.width, right=column.right))
        x = place.x + place.width
        if column.trend:
            trends += (Span(" " * (place.x - reached)), *clip(column.trend, cells - place.x))
            reached = place.x + width(column.trend)
    head = (over(fit(tuple(titles), cells), DIM),)
    return (*head, fit(tuple(trends), cells)) if plain(tuple(trends)).strip() else head
