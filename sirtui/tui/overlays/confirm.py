"""A question before something that cannot be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from sirtui.tui.paint import STRONG, Line, Span, line
from sirtui.tui.widgets.painted import Painted


class Question(Painted):
    """What is asked, and how to answer."""

    def __init__(self, question: str, detail: str) -> None:
        super().__init__(id="question")
        self._question, self._detail = question, detail

    def lines(self) -> Sequence[Line]:
        """Question, what it means, answers."""
        answers = (Span("y", STRONG), Span(" yes   "), Span("n", STRONG), Span(" no"))
        detail = [line(part) for part in wrap(self._detail, max(20, self.size.width))[:3]]
        return [line(self._question, STRONG), *detail, line(""), answers]


class Confirm(ModalScreen[bool]):
    """Yes or no. Enter says nothing: it is pressed too easily."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "app.leave", "leave", show=False),
        Binding("y", "answer(True)", "yes", show=False),
        Binding("n,escape,q", "answer(False)", "no", show=False),
    ]
    AUTO_FOCUS: ClassVar[str | None] = ""

    def __init__(self, question: str, detail: str) -> None:
        super().__init__()
        self._question, self._detail = question, detail

    def compose(self) -> ComposeResult:
        """The question."""
        yield Question(self._question, self._detail)

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)
