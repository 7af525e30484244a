"""The card below the table: the verdict on the selected iteration, what it rests on, and which checkpoint to keep."""

from __future__ import annotations

from collections.abc import Sequence

from sirtui.store.rows import RunView
from sirtui.tui.paint import Line
from sirtui.tui.tables.card import Card, card
from sirtui.tui.widgets.painted import Painted


class CardView(Painted):
    """Shows the card of one iteration in the rows it is given."""

    def __init__(self) -> None:
        super().__init__(id="card")
        self._view: RunView | None = None
        self._key = ""

    def show(self, view: RunView | None, key: str) -> None:
        """Show the card of the iteration with this key."""
        self._view, self._key = view, key
        self.repaint()

    def card(self, width: int) -> Card:
        """What there is to show in this width."""
        return card(self._view, self._key, width) if self._view else Card()

    def lines(self) -> Sequence[Line]:
        """As much as there is room for: in one line the sentence, in more what it rests on above it."""
        width, height = self.size
        shown = self.card(width)
        return shown.lines[1:2] if height == 1 else (*shown.lines, *shown.further)
