"""`?`: the keys that work here, from the key table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.screen import ModalScreen

from sirtui.tui.keys import KEYS, PLACES, Key, written
from sirtui.tui.paint import DIM, STRONG, Line, Span, line, wrapped
from sirtui.tui.widgets.painted import Painted

_WIDTH, _FRAME, _KEYS = 112, 4, 18


def help_lines(places: Sequence[str], cells: int = _WIDTH - _FRAME) -> list[Line]:
    """The keys of these places, under a heading each; what is longer than `cells` goes on below."""
    lines: list[Line] = []
    for place in dict.fromkeys(places):
        keys = [key for key in KEYS if key.where == place]
        if not keys:
            continue
        lines += [line(""), line(PLACES[place], STRONG)]
        lines += [told for key in keys for told in _told(key, cells)]
    return lines[1:]


def _told(key: Key, cells: int) -> list[Line]:
    first, *rest = wrapped(key.help, cells - _KEYS)
    head = (Span(f"  {written(key)}".ljust(_KEYS), STRONG), Span(first))
    return [head, *(line(" " * _KEYS + part) for part in rest)]


class Keys(Painted):
    """The lines of help, from the one at the top on."""

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._all: tuple[Line, ...] = ()
        self._top = 0

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines, from the first one on."""
        self._all, self._top = tuple(lines), 0
        self.styles.height = len(self._all) + 3
        self.repaint()

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
        self._places, self._keys = places, Keys()

    def compose(self) -> ComposeResult:
        """The keys."""
        self._keys.border_title = "keys"
        yield self._keys

    def on_resize(self, event: Resize) -> None:
        """As wide as the terminal lets it; what does not fit on a line goes on below."""
        width = min(_WIDTH, event.size.width)
        self._keys.styles.width = width
        self._keys.show(help_lines(self._places, width - _FRAME))

    def action_scroll(self, rows: int) -> None:
        """Move by rows."""
        self._keys.scroll_rows(rows)

    def action_close(self) -> None:
        """Go away."""
        self.dismiss(None)
