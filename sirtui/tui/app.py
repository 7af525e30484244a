"""The app: it owns the feed and the screens, hands snapshots down and does what comes up. It owns nothing that must live."""

from __future__ import annotations

import asyncio
import select
import signal
import sys
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
from sirtui.tui.commands import COMMANDS, Command, LazySupervision, Supervision
from sirtui.tui.feed import Feed, Follow, Snapshot, Source, follow_store
from sirtui.tui.keys import bindings
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


class SirtuiApp(App[int], inherit_bindings=False):
    """The screen on a store. `run`: which run to show first; `ascii`: draw with ASCII only."""

    CSS_PATH = Path(__file__).with_name("sirtui.tcss")
    BINDINGS: ClassVar[list[BindingType]] = bindings("everywhere")
    ENABLE_COMMAND_PALETTE = False
    DEFAULT_MODE = "iterations"
    MODES: ClassVar[dict[str, str | Callable[[], Screen[None]]]] = {"iterations": IterationsPage, "logs": _logs}
    theme: Reactive[str] = Reactive("ansi-dark")

    class Changed(Message):
        """The feed has a new snapshot."""

        def __init__(self, snapshot: Snapshot) -> None:
            super().__init__()
            self.snapshot = snapshot

        def can_replace(self, message: Message) -> bool:
            """Bursts collapse: only the newest counts."""
            return isinstance(message, SirtuiApp.Changed)

    def __init__(
        self,
        source: Source,
        run: str | None = None,
        *,
        ascii: bool = False,  # noqa: A002 (the option's name)
        follow: Follow = follow_store,
        supervision: Supervision | None = None,
    ) -> None:
        super().__init__()
        self.source, self._snapshot = source, Snapshot()
        self._wall = Wall(ascii_only=ascii)
        self._supervision = supervision or LazySupervision()
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

    def on_iterations_page_selected(self, event: IterationsPage.Selected) -> None:
        """Look at another run."""
        self._feed.select(event.run)

    def on_iterations_page_wanted(self, event: IterationsPage.Wanted) -> None:
        """Ask, then do."""
        if event.run is None:
            home = self.page
            assert isinstance(home, IterationsPage)
            self._ask("filter the runs", home.filtered, home.filter)
        else:
            self._confirm(COMMANDS[event.command], event.run)

    def on_log_view_asked(self) -> None:
        """Ask what to search."""
        view = self.page.query_one(LogView)
        self._ask("search", "", view.find)

    def _ask(self, prompt: str, text: str, then: object) -> None:
        from sirtui.tui.overlays.ask import Ask

        self.push_screen(Ask(prompt, text), lambda answer: None if answer is None else then(answer))  # type: ignore[operator]

    def _confirm(self, command: Command, run: RunRow) -> None:
        from sirtui.tui.overlays.confirm import Confirm

        if why := command.impossible(run):
            self.page.say(why)
            return
        question = Confirm(f"{command.name.capitalize()} {clean(run.name, 50)}?", command.__doc__ or "")
        self.push_screen(question, lambda yes: self._do(command, run) if yes else None)

    def _do(self, command: Command, run: RunRow) -> None:
        self.run_worker(partial(self._done, command, run), thread=True, exit_on_error=False)

    def _done(self, command: Command, run: RunRow) -> None:
        try:
            command.do(self._supervision, self.source.folder.run(run.name))
            told = f"{run.name}: {command.done}"
        except SirtuiError as error:
            told = f"{run.name}: {error.message}. {error.hint}"
        self.call_from_thread(self.page.say, told)

    def on_grid_copied(self, event: Grid.Copied) -> None:
        """Copy by OSC 52, and say so: tmux must allow it."""
        text = event.text if event.record is None else msgspec.json.encode(event.record).decode()
        self.copy_to_clipboard(text)
        self.page.say(f"copied by OSC 52 (in tmux: set -s set-clipboard on): {text}")

    def action_go(self, page: str) -> None:
        """Go to a numbered screen."""
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
