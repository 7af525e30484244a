"""What the run is doing now: the stage at work, its newest training figures, and the end of its log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sirtui.core.errors import NotFound
from sirtui.core.layout import RunFolder
from sirtui.core.run import Stage, Status
from sirtui.core.text import clean
from sirtui.store.rows import RunView, StageRow
from sirtui.tui.figures import number, progress, span
from sirtui.tui.logs.window import LogWindow
from sirtui.tui.paint import DIM, FAIL, Line, Span, line, wrapped
from sirtui.tui.tables.stages import linked, stage_at_work
from sirtui.tui.widgets.grid import pane_title
from sirtui.tui.widgets.painted import Painted

_SHORT = {"learning_rate": "lr", "num_tokens": "tokens", "rewards/margins": "margins", "rewards/accuracies": "acc"}
_FIRST = ("loss", "learning_rate")
_HIDDEN = ("epoch",)
_FULL = 2000


def log_path(run: RunFolder, stage: StageRow | None) -> Path | None:
    """Where a stage's log lies."""
    if stage is None or not stage.attempt:
        return None
    try:
        return run.stage(Stage.parse(stage.id)).attempt(stage.attempt).log
    except NotFound:
        return None


def scalars(view: RunView, stage: StageRow) -> list[str]:
    """The newest training figures of the stage's iteration: `loss .412`, `lr 1e-6` ..."""
    row = next((row for row in view.iterations if row.t == stage.t), None)
    if row is None or stage.kind != "train" or stage.status not in (Status.RUNNING, Status.STOPPING):
        return []
    names = [name for name in _FIRST if name in row.scalars]
    names += [name for name in row.scalars if name not in (*_FIRST, *_HIDDEN)]
    return [f"{clean(_SHORT.get(name, name), 20)} {number(row.scalars[name])}" for name in names]


class Peek(Painted):
    """A stage and the end of its log. With `full`: of which attempt, and reason and hint on as many lines as they take."""

    def __init__(self, *, full: bool = False) -> None:
        super().__init__(id="peek")
        self._full = full
        self._window: LogWindow | None = None
        self._view: RunView | None = None
        self._stage: StageRow | None = None

    def show(self, view: RunView | None, folder: RunFolder | None, stage: str = "") -> None:
        """Show the work of this run: the stage with this id, else the one that is most to be looked at."""
        named = next((each for each in view.stages if each.id == stage), None) if view else None
        self._view, self._stage = view, named or (stage_at_work(view) if view else None)
        path = log_path(folder, self._stage) if folder else None
        if (self._window.file.path if self._window else None) != path:
            self._close()
            self._window = LogWindow(path) if path else None
        self.repaint()

    def tick(self) -> None:
        """Show what has come since."""
        if self._window and self._window.poll():
            self.repaint()

    def follow(self) -> None:
        """Follow the log, or stand still."""
        if self._window:
            self._window.toggle_follow()
            self.repaint()

    def on_unmount(self) -> None:
        """Let go of the file."""
        self._close()

    def _close(self) -> None:
        if self._window:
            self._window.file.close()

    def lines(self) -> Sequence[Line]:
        """The stage and its progress; what went wrong; the end of the log."""
        width, height = self.size
        if self._view is None:
            return ()
        top = [self._heading(width), *self._trouble(width)]
        room = height - len(top)
        if self._window is None or room <= 0:
            return top
        if (width, room) != (self._window.width + 2, self._window.height):
            self._window.resize(width - 2, room)
        if not self._window.file.size:
            return [*top, line("  nothing in this log", DIM)]
        return [*top, *((Span(" "), *drawn) for drawn in self._window.lines())]

    def wanted_height(self, width: int) -> int:
        """How many rows show all there is above the log."""
        return 1 + len(self._trouble(width)) if self._view else 1

    def _heading(self, width: int) -> Line:
        if self._view is None:
            return ()
        if self._stage is None:
            return pane_title("no stage yet", "", width, focused=False)
        state = "" if self._window is None else "FOLLOW" if self._window.following else "PAUSED"
        attempt = f"attempt {self._stage.attempt}" if self._full and self._stage.attempt else ""
        parts = (self._stage.id, attempt, *self._how_far(self._stage), *scalars(self._view, self._stage))
        return pane_title(parts, state, width, focused=False)

    def _how_far(self, stage: StageRow) -> tuple[str, ...]:
        if stage.status is not Status.RUNNING:
            return (str(stage.status), linked(stage))
        left = span(stage.left)
        return (progress(stage.done, stage.total, clean(stage.unit, 12)), clean(stage.what, 30), f"{left} left" if left else "")

    def _trouble(self, width: int) -> list[Line]:
        """Why it does not go on, and what to do."""
        assert self._view is not None
        holder = self._stage if self._stage and self._stage.reason else self._view.run
        style = "" if self._view.run.status is Status.WAITING else FAIL
        if not self._full:
            shown = [line(f" {clean(holder.reason, 400)}", style)] if holder.reason else []
            return [*shown, line(f" {clean(holder.hint, 400)}")] if holder.hint else shown
        reasons = wrapped(clean(holder.reason, _FULL), width - 2)
        hints = wrapped(clean(holder.hint or self._view.run.hint, _FULL), width - 2)
        return [*(line(f" {text}", style) for text in reasons), *(line(f" {text}") for text in hints)]
