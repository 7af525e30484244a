"""A question before something that cannot be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from sirtui.core.text import clean
from sirtui.tui.paint import STRONG, Line, Span, cut, line, wrapped
from sirtui.tui.widgets.painted import Painted

_WIDTH, _FRAME, _MOST = 66, 2, 60


class Question(Painted):
    """What is asked, what was changed, and how to answer."""

    def __init__(self, question: str, detail: str, changes: Sequence[str] = ()) -> None:
        super().__init__(id="question")
        self._question, self._detail, self._changes = question, detail, changes
        self.styles.height = len(self._above(_WIDTH)) + len(changes[:_MOST]) + 2 + _FRAME

    def lines(self) -> Sequence[Line]:
        """Question, what it means, as many changes as fit, answers."""
        width, height = max(20, self.size.width), self.size.height
        above, answers = self._above(width), (Span("y", STRONG), Span(" yes   "), Span("n", STRONG), Span(" no"))
        room = height - len(above) - 2
        shown = self._changes if len(self._changes) <= room else self._changes[: max(0, room - 1)]
        more = len(self._changes) - len(shown)
        told = [line(f"  {cut(clean(change, 400), width - 2)}") for change in shown]
        return [*above, *told, *([line(f"  and {more} more")] if more else []), line(""), answers]

    def _above(self, width: int) -> list[Line]:
        texts = wrapped(self._detail, width)
        if self._changes:
            many = f"{len(self._changes)} change{'' if len(self._changes) == 1 else 's'}"
            texts += ["", *wrapped(f"{many} since it was last at work; yes goes on with them:", width)]
        return [line(self._question, STRONG), *map(line, texts)]


class Confirm(ModalScreen[bool]):
    """Yes or no, after the `changes` that come with a yes. Enter says nothing: it is pressed too easily."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "app.leave", "leave", show=False),
        Binding("y", "answer(True)", "yes", show=False),
        Binding("n,escape,q", "answer(False)", "no", show=False),
    ]
    AUTO_FOCUS: ClassVar[str | None] = ""

    def __init__(self, question: str, detail: str, changes: Sequence[str] = ()) -> None:
        super().__init__()
        self._question, self._detail, self._changes = question, detail, tuple(changes)

    def compose(self) -> ComposeResult:
        """The question."""
        yield Question(self._question, self._detail, self._changes)

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)
