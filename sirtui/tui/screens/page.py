"""What all screens share: title, tabs, hints, and a plain sentence where the terminal is too small."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.events import Resize
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from sirtui.core.layout import RunFolder
from sirtui.store.rows import RunRow
from sirtui.tui.feed import Snapshot
from sirtui.tui.keys import hints
from sirtui.tui.paint import Line, line
from sirtui.tui.widgets.bars import Hints, Tabs, Title
from sirtui.tui.widgets.painted import Painted

SMALLEST = (60, 15)


class TooSmall(Painted):
    """Said instead of everything else where there is no room for it."""

    def lines(self) -> Sequence[Line]:
        """One sentence, word by word."""
        words, rows = f"sirtui needs {SMALLEST[0]}x{SMALLEST[1]} cells. `sirtui status` says it in a line.".split(), [""]
        for word in words:
            joined = f"{rows[-1]} {word}".strip()
            rows = [*rows[:-1], joined] if len(joined) <= self.size.width else [*rows, word]
        return [line(row) for row in rows]


class Page(Screen[None]):
    """One of the numbered screens. Subclasses say what stands between the bars in `body`."""

    name_in_tabs = ""
    places: tuple[str, ...] = ()

    class Selected(Message):
        """Another run is to be shown."""

        def __init__(self, run: str) -> None:
            super().__init__()
            self.run = run

    class Wanted(Message):
        """A command on a run, `stop` or `resume`; or, of no run, an overlay that asks: `filter` or `start`."""

        def __init__(self, command: str, run: RunRow | None = None) -> None:
            super().__init__()
            self.command, self.run = command, run

    class Opened(Message):
        """A stage's log is to be shown, or, without a stage, the run's iterations."""

        def __init__(self, run: str, stage: str = "") -> None:
            super().__init__()
            self.run, self.stage = run, stage

    def __init__(self) -> None:
        super().__init__()
        self._title, self._tabs, self._hints = Title(), Tabs(self.name_in_tabs), Hints()

    def compose(self) -> ComposeResult:
        """Bars around the body."""
        yield TooSmall(id="too-small")
        yield self._title
        yield self._tabs
        yield from self.body()
        yield self._hints

    def body(self) -> Iterable[Widget]:
        """What stands between the bars."""
        raise NotImplementedError

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot."""
        self._title.show(snapshot)
        self._tabs.show(snapshot.problem)

    def say(self, text: str) -> None:
        """Tell something in the bottom line."""
        self._hints.say(text)

    def on_screen_resume(self) -> None:
        """Show what has come while another screen was in front."""
        self.show(self.snapshot())

    def snapshot(self) -> Snapshot:
        """What the app showed last."""
        app: Any = self.app
        found: Snapshot = app.snapshot
        return found

    def folder(self, run: str) -> RunFolder:
        """Where a run lies."""
        app: Any = self.app
        found: RunFolder = app.source.folder.run(run)
        return found

    def on_resize(self, event: Resize) -> None:
        """Choose between the screen and the sentence."""
        self.set_class(event.size.width < SMALLEST[0] or event.size.height < SMALLEST[1], "-too-small")

    def on_descendant_focus(self) -> None:
        """Show the keys of the focused pane."""
        self._hints.show(hints(self.places_here()))

    def places_here(self) -> tuple[str, ...]:
        """The parts of the key table that hold now, the nearest first."""
        near: tuple[str, ...] = getattr(self.focused, "places", ())
        return (*near, *self.places, "everywhere")
