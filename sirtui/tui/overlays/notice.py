"""Something that went wrong, in full: for what is too long for the bottom line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.screen import ModalScreen

from sirtui.core.text import clean
from sirtui.tui.paint import DIM, FAIL, Line, line, wrapped
from sirtui.tui.widgets.painted import Painted

_WIDTH, _FRAME = 100, 4
_LONGEST = 4000


class Told(Painted):
    """A heading and texts, wrapped; below them how to close it."""

    def __init__(self, heading: str, texts: Sequence[str]) -> None:
        super().__init__(id="notice")
        self._heading = heading
        self._texts = [clean(part, _LONGEST) for text in texts for part in text.splitlines()]

    def all_lines(self, width: int) -> list[Line]:
        """The texts in this width."""
        heading = [line(part, FAIL) for part in wrapped(self._heading, width)]
        return [*heading, *(line(part) for text in self._texts for part in wrapped(text, width))]

    def lines(self) -> Sequence[Line]:
        """As much as fits, and the way out."""
        width, height = self.size
        return [*self.all_lines(width)[: height - 1], line("esc closes", DIM)]


class Notice(ModalScreen[None]):
    """The texts over the screen, until they are read."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "app.leave", "leave", show=False),
        Binding("escape,q,enter", "close", "close", show=False),
    ]
    AUTO_FOCUS: ClassVar[str | None] = ""

    def __init__(self, heading: str, texts: Sequence[str]) -> None:
        super().__init__()
        self._told = Told(heading, texts)

    def compose(self) -> ComposeResult:
        """The texts."""
        yield self._told

    def on_resize(self, event: Resize) -> None:
        """As wide as the terminal lets it, and as high as the texts are then."""
        width = min(_WIDTH, event.size.width)
        self._told.styles.width = width
        self._told.styles.height = len(self._told.all_lines(width - _FRAME)) + 3

    def action_close(self) -> None:
        """Go away."""
        self.dismiss(None)
