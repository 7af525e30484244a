"""A table one can walk in. It remembers who is selected, not where: a refresh never moves the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from sirtui.tui.keys import bindings
from sirtui.tui.paint import CURSOR, DIM, STRONG, Line, Span, ends, line, over, plain, wrapped
from sirtui.tui.tables.table import Layout, Row, Table, lay_out
from sirtui.tui.widgets.painted import Painted


class Grid(Painted, can_focus=True):
    """A titled pane with a table in it. `place` names its keys in the key table; `counted`: rows out of sight are told of."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("list")

    class Moved(Message):
        """Another row is selected now."""

        def __init__(self, grid: Grid, key: str) -> None:
            super().__init__()
            self.grid, self.key = grid, key

    class Copied(Message):
        """A cell, or a row's `record`, is to be copied."""

        def __init__(self, text: str, record: object = None) -> None:
            super().__init__()
            self.text, self.record = text, record

    def __init__(self, place: str, title: str, *, counted: bool = False) -> None:
        super().__init__(id=place)
        self.place, self._title, self._counted = place, title, counted
        self._note: str | Sequence[str] = ""
        self._table, self._selected = Table(), ""
        self._trends = True
        self._laid: dict[int, Layout] = {}
        self._column, self._top = 0, 0

    @property
    def places(self) -> tuple[str, ...]:
        """Which parts of the key table hold here."""
        return (self.place, "list")

    @property
    def selected(self) -> str:
        """The key of the selected row, empty where there is none."""
        return self._selected

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self._table.rows)

    @property
    def row(self) -> Row | None:
        """The selected row."""
        index = self._table.index(self._selected)
        return None if index is None else self._table.rows[index]

    def show(self, table: Table, *, title: str = "", note: str | Sequence[str] = "") -> None:
        """Show this table; the selected row stays selected, or else the one now in its place."""
        before = self._table.index(self._selected) or 0
        if table != self._table:
            self._laid = {}
        self._table, self._title, self._note = table, title or self._title, note
        if table.rows and table.index(self._selected) is None:
            self.select(table.rows[min(before, len(table.rows) - 1)].key)
        self.repaint()

    def select(self, key: str) -> None:
        """Put the cursor on the row with this key."""
        if key != self._selected:
            self._selected = key
            self.post_message(self.Moved(self, key))
            self.repaint()

    def wanted_height(self, *, trends: bool = True) -> int:
        """How many rows would show everything, with or without the curves under the titles."""
        width = self.size.width or 80
        if not self._table.rows:
            return 1 + max(1, len(self._said(width)))
        return 1 + len(self._head(self._layout(width), trends=trends)) + len(self._table.rows)

    def _said(self, width: int) -> list[Line]:
        """What stands where there are no rows, one sentence a line or more."""
        return [line(f"  {part}", DIM) for text in self._table.empty.splitlines() for part in wrapped(text, width - 3)]

    def show_trends(self, *, wanted: bool) -> None:
        """Show the curves under the titles, or save their line."""
        if wanted != self._trends:
            self._trends = wanted
            self.repaint()

    @staticmethod
    def _head(layout: Layout, *, trends: bool) -> Sequence[Line]:
        return layout.head if trends else layout.head[:1]

    def _layout(self, width: int) -> Layout:
        if width not in self._laid:
            self._laid[width] = lay_out(self._table, width)
        return self._laid[width]

    def lines(self) -> Sequence[Line]:
        """The pane's title, the table's head, and the rows that fit, the selected one among them."""
        width, height = self.size
        layout = self._layout(width)
        if not self._table.rows:
            return (self._heading(width), *self._said(width))
        head = self._head(layout, trends=self._trends)
        shown = height - 1 - len(head)
        self._keep_in_sight(shown)
        rows = self._table.rows[self._top : self._top + max(0, shown)]
        return (self._heading(width, len(rows)), *head, *(self._drawn(layout, row) for row in rows))

    def _heading(self, width: int, shown: int = 0) -> Line:
        some = self._counted and shown < self.count
        title = f"{self._title} {shown} of {self.count}" if some else self._title
        return pane_title(title, self._note, width, focused=self.has_focus)

    def _keep_in_sight(self, shown: int) -> None:
        index, last = self._table.index(self._selected) or 0, len(self._table.rows) - 1
        beside = 1 if shown > 2 else 0
        before, after = max(0, index - beside), min(last, index + beside)
        self._top = max(min(self._top, before, last + 1 - shown), after - shown + 1, 0)

    def _drawn(self, layout: Layout, row: Row) -> Line:
        if row.key != self._selected:
            return layout.drawn(row)
        if not self.has_focus:
            return over(layout.drawn(row), STRONG)
        return layout.selected(row, CURSOR, self._place(layout))

    def _place(self, layout: Layout) -> int | None:
        """Which column the cell cursor is on; None while the whole row is selected."""
        return layout.places[self._column].column if 0 < self._column < len(layout.places) else None

    def on_resize(self) -> None:
        """In another height as much as can be is shown above the cursor; then, in `Painted`, all of it is drawn."""
        self._top = 0

    def on_focus(self) -> None:
        """Show the cursor."""
        self.repaint()

    def on_blur(self) -> None:
        """Show the cursor as one that is elsewhere."""
        self.repaint()

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        if self._table.rows:
            index = (self._table.index(self._selected) or 0) + rows
            self.select(self._table.rows[max(0, min(len(self._table.rows) - 1, index))].key)

    def action_page(self, direction: int) -> None:
        """Move the cursor by half a page."""
        self.action_move(direction * max(1, self.size.height // 2))

    def action_edge(self, direction: int) -> None:
        """Move the cursor to the first or the last row."""
        self.action_move(direction * len(self._table.rows))

    def action_cell(self, columns: int) -> None:
        """Move among the cells of the row; left of the first one the whole row is selected again."""
        places = self._layout(self.size.width).places
        self._column = max(0, min(len(places) - 1, self._column + columns))
        self.repaint()

    def action_copy_cell(self) -> None:
        """Copy the cell, or the row's key while the whole row is selected."""
        if row := self.row:
            column = self._place(self._layout(self.size.width))
            self.post_message(self.Copied(row.key if column is None else plain(row.cells[column]).strip()))

    def action_copy_row(self) -> None:
        """Copy what the row was made from, as JSON."""
        if row := self.row:
            self.post_message(self.Copied(row.key, row.record))


def pane_title(title: str | Sequence[str], note: str | Sequence[str], width: int, *, focused: bool) -> Line:
    """The line above a pane; it is bold where the keys go. Of several parts the last ones give way, the title's first."""
    parts, notes = _parts(title), _parts(note)
    while len("  ".join((*parts, *notes))) + 8 > width and len(parts) + len(notes) > 1:
        (parts if len(parts) > 1 else notes).pop()
    left = (Span("─ ", DIM), Span(f"{'  '.join(parts)} ", STRONG if focused else DIM))
    right = (Span(f" {'  '.join(notes)} ", DIM), Span("─", DIM)) if notes else ()
    return ends(left, right, width, "─", DIM)


def _parts(text: str | Sequence[str]) -> list[str]:
    return [part for part in ([text] if isinstance(text, str) else text) if part]
