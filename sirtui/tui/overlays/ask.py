"""A line to fill in at the bottom: what to search, what to filter by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Input

from sirtui.tui.paint import STRONG, Line, line
from sirtui.tui.widgets.painted import Painted


class Prompt(Painted):
    """What is asked for."""

    def __init__(self, text: str) -> None:
        super().__init__(id="prompt")
        self._text = f" {text}: "
        self.styles.width = len(self._text)

    def lines(self) -> Sequence[Line]:
        """One line."""
        return [line(self._text, STRONG)]


class Ask(ModalScreen[str | None]):
    """One line of text; escape gives none."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,ctrl+c", "close", "close", show=False, priority=True)]
    AUTO_FOCUS: ClassVar[str | None] = "Input"

    def __init__(self, prompt: str, text: str) -> None:
        super().__init__()
        self._prompt, self._text = prompt, text

    def compose(self) -> ComposeResult:
        """The line; its cursor does not blink."""
        field = Input(self._text, compact=True, id="field", select_on_focus=False)
        field.cursor_blink = False
        yield Horizontal(Prompt(self._prompt), field, id="ask")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the text."""
        self.dismiss(event.value)

    def action_close(self) -> None:
        """Close with nothing."""
        self.dismiss(None)
