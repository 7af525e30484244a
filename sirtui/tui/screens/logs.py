"""4 Logs: the log of any stage of the run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import Resize
from textual.widget import Widget

from sirtui.core.run import Status
from sirtui.core.text import clean
from sirtui.store.rows import RunView, StageRow
from sirtui.tui.feed import Snapshot
from sirtui.tui.figures import percent, span
from sirtui.tui.keys import bindings
from sirtui.tui.paint import STRONG, Line, line
from sirtui.tui.screens.page import Page
from sirtui.tui.tables.runs import sign, status_line
from sirtui.tui.tables.stages import linked, origin_id, stage_at_work
from sirtui.tui.tables.table import Column, Row, Table
from sirtui.tui.widgets.grid import Grid
from sirtui.tui.widgets.log import LogView
from sirtui.tui.widgets.peek import log_path

WIDE = 100
_COLUMNS = (
    Column("sign", gap=0, least=1),
    Column("stage", "stage", gap=1, flex=True, least=12, middle=True),
    Column("status", "status", gap=1, flex=True, least=9),
    Column("took", "took", gap=1, right=True, drop=1),
)


def listed_stages(view: RunView) -> tuple[StageRow, ...]:
    """The stages that began, as they did, linked ones first; the screen opens on the one that failed, is at work, or was last."""
    begun = [stage for stage in view.stages if stage.attempt or stage.origin]
    return tuple(sorted(begun, key=lambda stage: (stage.started or 0.0, stage.id)))


def stages_table(stages: Iterable[StageRow]) -> Table:
    """The list of stages."""
    return Table(_COLUMNS, tuple(_row(stage) for stage in stages), "no stage has begun")


def _row(stage: StageRow) -> Row:
    far = percent(stage.done, stage.total) if stage.status is Status.RUNNING else ""
    status: Line = line(far, STRONG) if far else line(f"= {origin_id(stage)}") if stage.origin else status_line(stage.status)
    return Row(stage.id, (sign(stage.status), line(clean(stage.id, 40)), status, line(span(stage.seconds))), stage)


class LogsPage(Page):
    """One stage's log, and at the left, where there is room, the stages to choose from."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("logs")
    name_in_tabs = "logs"
    places = ("logs",)
    AUTO_FOCUS = "#log"

    def __init__(self) -> None:
        super().__init__()
        self._stages, self._log = Grid("stages", "stages"), LogView()
        self._shown_run, self._wanted = "", ("", "")

    def look_at(self, run: str, stage: str) -> None:
        """Show this stage's log as soon as its run is there."""
        self._wanted = (run, stage)

    def body(self) -> Iterable[Widget]:
        """Stages and log."""
        yield Horizontal(self._stages, self._log, id="body")

    def on_mount(self) -> None:
        """Look at the log twice a second."""
        self.set_interval(0.5, self._tick)

    def _tick(self) -> None:
        if self.is_current:
            self._log.tick()

    def on_resize(self, event: Resize) -> None:
        """The list of stages needs room."""
        super().on_resize(event)
        self._stages.display = event.size.width >= WIDE

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot; the stage that is looked at stays."""
        super().show(snapshot)
        view = snapshot.view
        if view is None:
            self._log.show(None, "log", "no run to look at")
            return
        if view.run.name != self._shown_run:
            self._shown_run = view.run.name
            at_work = stage_at_work(view)
            self._stages.select(at_work.id if at_work else "")
        if self._wanted[0] == view.run.name:
            self._stages.select(self._wanted[1])
            self._wanted = ("", "")
        self._stages.show(stages_table(listed_stages(view)))
        self._show_log(view)

    def _show_log(self, view: RunView) -> None:
        stage = next((stage for stage in view.stages if stage.id == self._stages.selected), None)
        if stage is None:
            self._log.show(None, "log", "no stage has begun")
            return
        attempt = f" attempt {stage.attempt}" if stage.attempt > 1 else ""
        far = percent(stage.done, stage.total) if stage.status is Status.RUNNING else ""
        listed = [each.id for each in listed_stages(view)]
        place = f"stage {listed.index(stage.id) + 1} of {len(listed)}" if stage.id in listed else ""
        title = f"{stage.id}{attempt}  {far or stage.status}  {place}"
        empty = f"{linked(stage)}: its log lies there" if stage.origin else "nothing in this log yet"
        self._log.show(log_path(self.folder(view.run.name), stage), title, empty)

    def on_grid_moved(self) -> None:
        """Show the log of the stage under the cursor."""
        view = self.snapshot().view
        if view is not None:
            self._show_log(view)

    def action_step(self, stages: int) -> None:
        """To the next stage of the list."""
        self._stages.action_move(stages)

    def on_log_view_said(self, event: LogView.Said) -> None:
        """Tell it in the bottom line."""
        self.say(event.text)
