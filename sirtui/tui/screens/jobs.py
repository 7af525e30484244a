"""5 Jobs: what runs, waits and needs someone, of all runs; why; and the GPUs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.message import Message
from textual.widget import Widget

from sirtui.store.rows import RunView
from sirtui.tui.feed import Snapshot
from sirtui.tui.keys import bindings
from sirtui.tui.looking import Looker, Seen
from sirtui.tui.screens.page import Page
from sirtui.tui.tables.gpus import gpus_table, gpus_title
from sirtui.tui.tables.jobs import Job, counts, jobs_table, listed_jobs, run_of, still
from sirtui.tui.widgets.grid import Grid
from sirtui.tui.widgets.peek import Peek

WIDE = 160
_LEAST_JOBS, _LEAST_GPUS, _LEAST_LOG = 6, 3, 3


class JobsPage(Page):
    """The jobs, the GPUs, and what there is to know of the selected job."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("jobs")
    name_in_tabs = "jobs"
    places = ("jobs",)
    AUTO_FOCUS = "#joblist"

    class Looked(Message):
        """The machine was looked at."""

        def __init__(self, seen: Seen) -> None:
            super().__init__()
            self.seen = seen

    def __init__(self) -> None:
        super().__init__()
        self._jobs, self._gpus, self._peek = Grid("joblist", "jobs", counted=True), Grid("gpus", "GPUs"), Peek(full=True)
        self._listed: tuple[Job, ...] = ()
        self._seen = Seen()
        self._looker: Looker | None = None

    def body(self) -> Iterable[Widget]:
        """Jobs and GPUs; the selected job below them, or beside them where there is room."""
        yield Horizontal(Vertical(self._jobs, self._gpus, id="left"), self._peek, id="body", classes="jobs")

    def on_mount(self) -> None:
        """Look at the machine, and once a second at the log."""
        app: Any = self.app
        self._looker = Looker(app.look, app.source.folder, lambda seen: self.post_message(self.Looked(seen)))
        self.set_interval(1.0, self._tick)

    def on_screen_resume(self) -> None:
        """Show what has come meanwhile, and look at once."""
        super().on_screen_resume()
        self._tick()

    def _tick(self) -> None:
        if self.is_current and self._looker:
            self._looker.look()
            self._peek.tick()

    def on_jobs_page_looked(self, event: Looked) -> None:
        """Show the machine as it is now."""
        if event.seen != self._seen:
            self._seen = event.seen
            self._show_all()

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot; the selected job stays selected, and where it has ended, its run."""
        super().show(snapshot)
        self._show_all()

    def _show_all(self) -> None:
        snapshot = self.snapshot()
        if snapshot.stages is not None:
            self._listed = listed_jobs(snapshot, self._seen.machine, time.time())
            self._keep_selected(snapshot.view)
            self._show_jobs()
        self._gpus.show(gpus_table(self._seen), title=gpus_title(self._seen))
        self._show_selected(snapshot.view)
        self._arrange()

    def _show_jobs(self) -> None:
        self._jobs.show(jobs_table(self._listed, time.time()), title="jobs", note=counts(self._listed))

    def _keep_selected(self, view: RunView | None) -> None:
        """Where the selected job is no more, go to another one of its run; at first, to one of the run that is looked at."""
        keys = [job.key for job in self._listed]
        if self._jobs.selected in keys:
            return
        wanted = run_of(self._jobs.selected) or (view.run.name if view else "")
        if found := next((key for key in keys if run_of(key) == wanted), ""):
            self._jobs.select(found)

    def _show_selected(self, view: RunView | None) -> None:
        job = self._selected()
        if job is None or view is None or view.run.name != job.run.name:
            self._peek.show(None, None)
        else:
            self._peek.show(view, self.folder(view.run.name), job.stage.id if job.stage else "")

    def _selected(self) -> Job | None:
        return next((job for job in self._listed if job.key == self._jobs.selected), None)

    def on_resize(self, event: Resize) -> None:
        """Make room by the new size."""
        super().on_resize(event)
        self._arrange()

    def _arrange(self) -> None:
        """Share the rows: reason and hint need theirs, then jobs (what has ended in one half) and GPUs, then the log."""
        width, height = self.size
        wide, room = width >= WIDE, height - 3
        self.set_class(wide, "-wide")
        side = max(50, width * 5 // 12)
        self._peek.styles.width = side if wide else width
        log = 0 if wide else min(room // 2, self._peek.wanted_height(width) + _LEAST_LOG)
        gpus = min(self._gpus.wanted_height(), max(_LEAST_GPUS, min((room - log) // 2, room - log - _LEAST_JOBS)))
        wanted = self._jobs.wanted_height()
        jobs = min(wanted, max(1, room - log - gpus))
        if not wide:
            jobs = min(jobs, max(height // 2, wanted - len(self._listed) + still(self._listed)))
        self._jobs.styles.height = jobs
        self._gpus.styles.height = gpus
        self._peek.styles.height = room if wide else max(1, room - jobs - gpus)

    def on_grid_moved(self, event: Grid.Moved) -> None:
        """Follow the cursor: what is known of another job."""
        if event.grid is not self._jobs:
            return
        view = self.snapshot().view
        if event.key and (view is None or view.run.name != run_of(event.key)):
            self.post_message(self.Selected(run_of(event.key)))
        self._show_selected(view)
        self._arrange()

    def action_open(self) -> None:
        """The log of the selected stage; of a run of which none is at work, its iterations."""
        if job := self._selected():
            self.post_message(self.Opened(job.run.name, job.stage.id if job.stage and job.stage.attempt else ""))

    def action_follow(self) -> None:
        """Follow the log, or stand still."""
        self._peek.follow()

    def action_start(self) -> None:
        """Ask for an experiment file."""
        self.post_message(self.Wanted("start"))

    def action_stop(self) -> None:
        """Ask to stop the run."""
        self._want("stop")

    def action_resume(self) -> None:
        """Ask to resume the run."""
        self._want("resume")

    def _want(self, command: str) -> None:
        if job := self._selected():
            self.post_message(self.Wanted(command, job.run))
