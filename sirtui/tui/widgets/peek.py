"""What the run is doing now: the stage at work, its newest training figures, and the end of its log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sirtui.core.errors import NotFound
from sirtui.core.layout import RunFolder
from sirtui.core.run import Stage, Status
from sirtui.core.text import clean
from sirtui.store.rows import RunView, StageRow
from sirtui.tui.figures import ATTENTION, number, progress, span
from sirtui.tui.logs.window import LogWindow
from sirtui.tui.paint import DIM, FAIL, Line, Span, line
from sirtui.tui.widgets.grid import pane_title
from sirtui.tui.widgets.painted import Painted

_SHORT = {"learning_rate": "lr", "num_tokens": "tokens", "rewards/margins": "margins", "rewards/accuracies": "acc"}
_FIRST = ("loss", "learning_rate")
_HIDDEN = ("epoch",)


def stage_at_work(view: RunView) -> StageRow | None:
    """The stage to look at: the one that failed, else the one at work, else the last one that began."""
    begun = [stage for stage in view.stages if stage.attempt]
    if view.run.status in ATTENTION:
        failed = [stage for stage in begun if stage.status in ATTENTION]
        if failed or view.run.status is not Status.PAUSED:
            return failed[-1] if failed else None
    named = [stage for stage in begun if stage.id == view.run.stage]
    running = [stage for stage in begun if stage.status is Status.RUNNING]
    latest = sorted(begun, key=lambda stage: stage.started or 0.0)[-1:]
    return next(iter((*named, *running, *latest)), None)


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
    """The lower pane of the Iterations screen."""

    def __init__(self) -> None:
        super().__init__(id="peek")
        self._window: LogWindow | None = None
        self._view: RunView | None = None
        self._stage: StageRow | None = None

    def show(self, view: RunView | None, folder: RunFolder | None) -> None:
        """Show the work of this run."""
        self._view, self._stage = view, stage_at_work(view) if view else None
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
        top = [self._heading(width), *self._trouble()]
        room = height - len(top)
        if self._window is None or room <= 0:
            return top
        if (width, room) != (self._window.width + 2, self._window.height):
            self._window.resize(width - 2, room)
        if not self._window.file.size:
            return [*top, line("  nothing in this log", DIM)]
        return [*top, *((Span(" "), *drawn) for drawn in self._window.lines())]

    def _heading(self, width: int) -> Line:
        if self._stage is None or self._view is None:
            return pane_title("no stage yet", "", width, focused=False)
        state = "" if self._window is None else "FOLLOW" if self._window.following else "PAUSED"
        parts = (self._stage.id, *self._how_far(self._stage), *scalars(self._view, self._stage))
        return pane_title(parts, state, width, focused=False)

    def _how_far(self, stage: StageRow) -> tuple[str, ...]:
        if stage.status is not Status.RUNNING:
            return (str(stage.status),)
        left = span(stage.left)
        return (progress(stage.done, stage.total, clean(stage.unit, 12)), clean(stage.what, 30), f"{left} left" if left else "")

    def _trouble(self) -> list[Line]:
        assert self._view is not None
        holder = self._stage if self._stage and self._stage.reason else self._view.run
        shown = [line(f" {clean(holder.reason, 400)}", FAIL)] if holder.reason else []
        return [*shown, line(f" {clean(holder.hint, 400)}")] if holder.hint else shown
