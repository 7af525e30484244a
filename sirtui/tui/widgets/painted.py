"""The base of all widgets here: it is given lines, and repaints the cells that changed and nothing else.

Textual's own DataTable, RichLog and Static repaint the whole widget for one changed cell: too much over SSH.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from sirtui.tui.paint import Line, changes, fit, style


class Painted(Widget):
    """A widget drawn from lines. Subclasses say what they show in `lines`, and call `repaint` when that changed."""

    ALLOW_SELECT = False

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()

    def lines(self) -> Sequence[Line]:
        """What to show in the present `size`; what is too wide or too much is cut."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Show what `lines` now says."""
        width, height = self.size
        if not width or not height:
            return
        new = tuple(fit(line, width) for line in self.lines()[:height])
        old, self._lines = self._lines, new
        regions = [
            Region(start, y, end - start, 1)
            for y in range(max(len(old), len(new)))
            for start, end in changes(old[y] if y < len(old) else (), new[y] if y < len(new) else ())
        ]
        if regions:
            self.refresh(*regions)

    def on_resize(self) -> None:
        """Draw everything for the new size."""
        self._lines = ()
        self.repaint()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line as Textual wants it."""
        width = self.size.width
        if y >= len(self._lines):
            return Strip.blank(width)
        return Strip([Segment(text, style(wanted)) for text, wanted in self._lines[y] if text]).adjust_cell_length(width)
