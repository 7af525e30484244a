"""A log on the screen: follows the end, or really stands still."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.worker import get_current_worker

from sirtui.tui.keys import bindings
from sirtui.tui.logs.file import LogFile
from sirtui.tui.logs.search import pattern, search
from sirtui.tui.logs.window import LogWindow
from sirtui.tui.paint import DIM, Line, Span, line
from sirtui.tui.widgets.grid import Grid, pane_title
from sirtui.tui.widgets.painted import Painted


class LogView(Painted, can_focus=True):
    """A pane with a log in it. `tick` looks at the file; nothing else does."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("log")
    places = ("log",)

    class Said(Message):
        """Something to be told in the bottom line."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Asked(Message):
        """The person wants to search."""

    def __init__(self) -> None:
        super().__init__(id="log")
        self.window: LogWindow | None = None
        self._title, self._empty = "log", ""

    def show(self, path: Path | None, title: str, empty: str) -> None:
        """Show the log at `path`; the same log stays where it is. `empty` is said where there is nothing in it."""
        self._title, self._empty = title, empty
        if (self.window.file.path if self.window else None) != path:
            self.close()
            self.window = LogWindow(path) if path else None
            self._fit()
        self.repaint()

    def close(self) -> None:
        """Let go of the file."""
        if self.window:
            self.window.file.close()
        self.window = None

    def on_unmount(self) -> None:
        """Let go of the file."""
        self.close()

    def tick(self) -> None:
        """Show what has come since."""
        if self.window and self.window.poll():
            self.repaint()

    def on_resize(self) -> None:
        """Give the window the new room."""
        self._fit()
        super().on_resize()

    def _fit(self) -> None:
        if self.window and self.size.height > 1:
            self.window.resize(self.size.width - 2, self.size.height - 1)

    def lines(self) -> Sequence[Line]:
        """The pane's title, and the lines in sight."""
        heading = pane_title(self._title, self._state(), self.size.width, focused=self.has_focus)
        if self.window is None or not self.window.file.size:
            return (heading, line(f"  {self._empty}", DIM))
        return (heading, *((Span(" "), *drawn) for drawn in self.window.lines()))

    def _state(self) -> str:
        if self.window is None:
            return ""
        parts = ["FOLLOW"] if self.window.following else ["PAUSED", f"{self.window.share()}%"]
        if self.window.wrapped:
            parts.append("wrap")
        if self.window.x and not self.window.wrapped:
            parts.append(f"col {self.window.x}")
        if self.window.wanted:
            parts.append(f"/{self.window.wanted}")
        return " ".join(parts)

    def on_focus(self) -> None:
        """Show that keys go here."""
        self.repaint()

    def on_blur(self) -> None:
        """Show that keys go elsewhere."""
        self.repaint()

    def action_scroll(self, rows: int) -> None:
        """Move by rows."""
        if self.window:
            self.window.scroll(rows)
            self.repaint()

    def action_page(self, direction: int) -> None:
        """Move by half a page."""
        self.action_scroll(direction * max(1, self.size.height // 2))

    def action_top(self) -> None:
        """To the beginning."""
        if self.window:
            self.window.go_top()
            self.repaint()

    def action_bottom(self) -> None:
        """To the end."""
        if self.window:
            self.window.go_bottom()
            self.repaint()

    def action_follow(self) -> None:
        """Follow or pause."""
        if self.window:
            self.window.toggle_follow()
            self.repaint()

    def action_pan(self, cells: int) -> None:
        """Move sideways."""
        if self.window:
            self.window.pan(cells)
            self.repaint()

    def action_wrap(self) -> None:
        """Wrap or cut."""
        if self.window:
            self.window.toggle_wrap()
            self.repaint()

    def action_copy(self) -> None:
        """Copy the line at the top."""
        if self.window:
            self.post_message(Grid.Copied(self.window.top_line()))

    def action_clear(self) -> None:
        """Forget what was searched for."""
        if self.window:
            self.window.wanted = ""
            self.repaint()

    def action_search(self) -> None:
        """Ask what to look for."""
        self.post_message(self.Asked())

    def action_again(self, direction: int) -> None:
        """The next place, or the previous one."""
        if self.window and self.window.wanted:
            self._search(self.window.found + (direction > 0), forward=direction > 0)

    def find(self, wanted: str) -> None:
        """Look for `wanted` from here on, towards the beginning."""
        if self.window and wanted:
            self.window.wanted = wanted
            self._search(self.window.bottom(), forward=False)

    def _search(self, start: int, *, forward: bool) -> None:
        window = self.window
        assert window is not None

        def look() -> None:
            worker = get_current_worker()
            file = LogFile(window.file.path)
            offset = search(file, pattern(window.wanted), start, forward=forward, given_up=lambda: worker.is_cancelled)
            file.close()
            if not worker.is_cancelled:
                self.app.call_from_thread(self._found, window, offset)

        self.run_worker(look, thread=True, exclusive=True, group="search", exit_on_error=False)

    def _found(self, window: LogWindow, offset: int | None) -> None:
        if window is not self.window:
            return
        if offset is None:
            self.post_message(self.Said(f"{window.wanted!r}: no further place"))
        else:
            window.show(offset)
        self.repaint()
