"""`?`: the keys that work here, from the key table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from sirtui.tui.keys import KEYS, PLACES, written
from sirtui.tui.paint import DIM, STRONG, Line, Span, line
from sirtui.tui.widgets.painted import Painted


def help_lines(places: Sequence[str]) -> list[Line]:
    """The keys of these places, under a heading each."""
    lines: list[Line] = []
    for place in dict.fromkeys(places):
        keys = [key for key in KEYS if key.where == place]
        if not keys:
            continue
        lines += [line(""), line(PLACES[place], STRONG)]
        lines += [(Span(f"  {written(key):<16}", STRONG), Span(key.help)) for key in keys]
    return lines[1:]


class Keys(Painted):
    """The lines of help, from the one at the top on."""

    def __init__(self, lines: Sequence[Line]) -> None:
        super().__init__(id="keys")
        self._all, self._top = tuple(lines), 0

    def scroll_rows(self, rows: int) -> None:
        """Move by rows."""
        self._top = max(0, min(len(self._all) - self.size.height + 1, self._top + rows))
        self.repaint()

    def lines(self) -> Sequence[Line]:
        """The lines in sight; the last one says whether there are more."""
        shown = self._all[self._top : self._top + self.size.height - 1]
        more = len(self._all) - self._top - len(shown)
        return [*shown, line(f"{more} more: j" if more > 0 else "esc closes", DIM)]


class Help(ModalScreen[None]):
    """The help overlay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "app.leave", "leave", show=False),
        Binding("escape,question_mark,q,enter", "close", "close", show=False),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
        Binding("ctrl+d,pagedown", "scroll(8)", "down", show=False),
        Binding("ctrl+u,pageup", "scroll(-8)", "up", show=False),
    ]
    AUTO_FOCUS: ClassVar[str | None] = ""

    def __init__(self, places: Sequence[str]) -> None:
        super().__init__()
        self._lines = help_lines(places)

    def compose(self) -> ComposeResult:
        """The keys."""
        keys = Keys(self._lines)
        keys.styles.height = len(self._lines) + 3
        keys.border_title = "keys"
        yield keys

    def action_scroll(self, rows: int) -> None:
        """Move by rows."""
        self.query_one(Keys).scroll_rows(rows)

    def action_close(self) -> None:
        """Go away."""
        self.dismiss(None)
