"""The app: it owns the feed and the screens, hands snapshots down and does what comes up. It owns nothing that must live."""

from __future__ import annotations

import asyncio
import select
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import msgspec
from textual.app import App
from textual.binding import BindingType
from textual.filter import LineFilter
from textual.message import Message
from textual.reactive import Reactive
from textual.screen import Screen

from sirtui.core.errors import SirtuiError
from sirtui.core.text import clean
from sirtui.store.rows import RunRow
from sirtui.tui.commands import Command, LazySupervision, Resume, Supervision, command
from sirtui.tui.feed import Feed, Follow, Snapshot, Source, follow_store
from sirtui.tui.keys import bindings
from sirtui.tui.looking import Look, look_at_machine
from sirtui.tui.screens.iterations import IterationsPage
from sirtui.tui.screens.page import Page
from sirtui.tui.wall import Wall
from sirtui.tui.widgets.grid import Grid
from sirtui.tui.widgets.log import LogView

_FIRST_READ_S = 0.25
_LOOK_AT_TERMINAL_S = 0.5
_PATIENCE_S = 3


def _logs() -> Screen[None]:
    """The Logs screen, imported when it is first gone to."""
    from sirtui.tui.screens.logs import LogsPage

    return LogsPage()


def _jobs() -> Screen[None]:
    """The Jobs screen, imported when it is first gone to."""
    from sirtui.tui.screens.jobs import JobsPage

    return JobsPage()


class SirtuiApp(App[int], inherit_bindings=False):
    """The screen on a store. `run`: which run to show first; `ascii`: draw with ASCII only; `look`: see `sirtui.tui.looking`."""

    CSS_PATH = Path(__file__).with_name("sirtui.tcss")
    BINDINGS: ClassVar[list[BindingType]] = bindings("everywhere")
    ENABLE_COMMAND_PALETTE = False
    DEFAULT_MODE = "iterations"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = {"iterations": IterationsPage, "logs": _logs, "jobs": _jobs}
    theme: Reactive[str] = Reactive("ansi-dark")

    class Changed(Message):
        """The feed has a new snapshot."""

        def __init__(self, snapshot: Snapshot) -> None:
            super().__init__()
            self.snapshot = snapshot

        def can_replace(self, message: Message) -> bool:
            """Bursts collapse: only the newest counts."""
            return isinstance(message, SirtuiApp.Changed)

    def __init__(  # noqa: PLR0913 (what it works with, to be played in tests)
        self,
        source: Source,
        run: str | None = None,
        *,
        ascii: bool = False,  # noqa: A002 (the option's name)
        follow: Follow = follow_store,
        supervision: Supervision | None = None,
        look: Look = look_at_machine,
    ) -> None:
        super().__init__()
        self.source, self.look, self._snapshot = source, look, Snapshot()
        self._refused = ""
        self._wall = Wall(ascii_only=ascii)
        self._supervision = supervision or LazySupervision(source.folder)
        self._feed = Feed(source, run, lambda snapshot: self.post_message(self.Changed(snapshot)), follow)
        self.animation_level = "none"

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own filters, and the wall."""
        return [*super().get_line_filters(), self._wall]

    def on_load(self) -> None:
        """Read while Textual sets itself up."""
        self._feed.start()

    def on_mount(self) -> None:
        """Live data come after the first frame; signals restore the terminal."""
        self.call_after_refresh(self._feed.painted)
        self.set_interval(_LOOK_AT_TERMINAL_S, self._look_at_terminal)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._leave_at_once, 128 + number)

    def on_unmount(self) -> None:
        """Let the feed end."""
        self._feed.stop()

    def _look_at_terminal(self) -> None:
        self._leave_if_terminal_is_gone()
        self._catch_up_with_size()

    def _catch_up_with_size(self) -> None:
        """Textual's timer for a new size never fires where a busy machine starts it late, and no later size is then seen."""
        if self._resize_event is not None:
            self._check_resize()

    def _leave_if_terminal_is_gone(self) -> None:
        """A terminal that hung up ends the screen, also where SIGHUP is ignored: Textual alone would spin."""
        if self.is_headless or sys.__stdin__ is None:
            return
        poll = select.poll()
        poll.register(sys.__stdin__.fileno(), select.POLLHUP)
        if any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0)):
            self._leave_at_once(128 + signal.SIGHUP)

    def _leave_at_once(self, code: int) -> None:
        """Restore the terminal and go; where even that hangs (nobody reads what is written) the alarm ends it."""
        signal.alarm(_PATIENCE_S)
        self.exit(None, code)

    @property
    def snapshot(self) -> Snapshot:
        """What is known now; the first frame waits a moment for the first read."""
        if not self._snapshot.read:
            self._snapshot = self._feed.first(_FIRST_READ_S)
        return self._snapshot

    @property
    def page(self) -> Page:
        """The screen under any overlay."""
        return next(screen for screen in reversed(self.screen_stack) if isinstance(screen, Page))

    def on_sirtui_app_changed(self, event: Changed) -> None:
        """Show the new snapshot."""
        if event.snapshot is not self._snapshot:
            self._snapshot = event.snapshot
            self.page.show(event.snapshot)

    def on_page_selected(self, event: Page.Selected) -> None:
        """Look at another run."""
        self._feed.select(event.run)

    def on_page_opened(self, event: Page.Opened) -> None:
        """Go to the log of a stage, or to the iterations of a run."""
        from sirtui.tui.screens.logs import LogsPage

        self._feed.select(event.run)
        self.action_go("logs" if event.stage else "iterations")
        page = self.page
        if isinstance(page, LogsPage):
            page.look_at(event.run, event.stage)

    def on_page_wanted(self, event: Page.Wanted) -> None:
        """Ask, then do."""
        home = self.page
        if event.run is not None:
            self._confirm(command(event.command, event.run), event.run)
        elif event.command == "start":
            self._ask("start the experiment in", self._refused, self._start)
        elif isinstance(home, IterationsPage):
            self._ask("filter the runs", home.filtered, home.filter)

    def on_log_view_asked(self) -> None:
        """Ask what to search."""
        view = self.page.query_one(LogView)
        self._ask("search", "", view.find)

    def _ask(self, prompt: str, text: str, then: Callable[[str], object]) -> None:
        from sirtui.tui.overlays.ask import Ask

        def answered(answer: str | None) -> None:
            if answer is not None:
                then(answer)

        self.push_screen(Ask(prompt, text), answered)

    def _confirm(self, wanted: Command, run: RunRow) -> None:
        """Say why it cannot be; else ask. What would be resumed with changes is asked with them: a thread looks for those."""
        if why := wanted.impossible(run):
            self.page.say(why)
        elif isinstance(wanted, Resume):
            work = partial(self._look_for_changes, wanted, run)
            threading.Thread(target=self._tell, args=(work, run.name), name="sirtui-changes", daemon=True).start()
        else:
            self._put(wanted, run, ())

    def _look_for_changes(self, wanted: Command, run: RunRow) -> str:
        changes = self._supervision.changes(self.source.folder.run(run.name))
        self.call_from_thread(self._put, wanted, run, changes)
        return ""

    def _put(self, wanted: Command, run: RunRow, changes: Sequence[str]) -> None:
        from sirtui.tui.overlays.confirm import Confirm

        question = Confirm(wanted.asks.format(clean(run.name, 50)), wanted.means(run), changes)
        self.push_screen(question, lambda yes: self._aside(partial(self._do, wanted, run), run.name) if yes else None)

    def _do(self, wanted: Command, run: RunRow) -> str:
        wanted.do(self._supervision, self.source.folder.run(run.name))
        return wanted.done

    def _start(self, file: str) -> None:
        """Start the experiment in this file; nothing where none was named."""
        if file := file.strip():
            self._refused = ""
            self.page.say(f"starting {file} ...")
            self._aside(partial(self._submit, file), file)

    def _submit(self, file: str) -> str:
        try:
            return f"started {', '.join(self._supervision.submit(Path(file).expanduser()).split())}"
        except SirtuiError as error:
            self.call_from_thread(self._refuse, file, error)
            return ""

    def _refuse(self, file: str, error: SirtuiError) -> None:
        """Say over the screen what is wrong with an experiment file, and offer its path again the next time."""
        from sirtui.tui.overlays.notice import Notice

        self._refused = file
        texts = [error.message if file in error.message else f"{file}: {error.message}", error.hint]
        if not Path(file).expanduser().is_absolute():
            texts.append(f"The path is taken from {Path.cwd()}.")
        self.page.say("not started")
        self.push_screen(Notice("The experiment was not started", texts))

    def _aside(self, work: Callable[[], str], about: str) -> None:
        """Do something in a thread, and tell what comes of it."""
        self.run_worker(partial(self._tell, work, about), thread=True, exit_on_error=False)

    def _tell(self, work: Callable[[], str], about: str) -> None:
        try:
            told = work()
        except SirtuiError as error:
            told = f"{error.message}. {error.hint}" if error.hint else error.message
        except Exception as error:  # noqa: BLE001 (a worker's border: it is told on the screen)
            told = f"{type(error).__name__}: {error}"
        if told:
            self.call_from_thread(lambda: self.page.say(f"{about}: {told}"))

    def on_grid_copied(self, event: Grid.Copied) -> None:
        """Copy by OSC 52, and say so: tmux must allow it."""
        text = event.text if event.record is None else msgspec.json.encode(event.record).decode()
        self.copy_to_clipboard(text)
        self.page.say(f"copied by OSC 52 (in tmux: set -s set-clipboard on): {text}")

    def action_go(self, page: str) -> None:
        """Go to a numbered screen."""
        self._feed.look_at_jobs(wanted=page == "jobs")
        self.switch_mode(page)

    def action_help(self) -> None:
        """Show the keys of the focused pane."""
        from sirtui.tui.overlays.help import Help

        self.push_screen(Help(self.page.places_here()))

    def action_reload(self) -> None:
        """Read everything again."""
        self._feed.reload()
        self.page.say("reading again")

    def action_leave(self) -> None:
        """Leave at once; runs keep running."""
        self.exit(0)
