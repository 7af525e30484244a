"""Where the screen's data come from: a thread reads the store and hands over frozen snapshots.

The first read happens at once and brings nothing up to date, so that the first frame is early. After that frame a second
thread follows the runs' files and catches up with them, so that a long catch-up holds up no reading. A snapshot is handed
over only when it differs from the last. The screen itself never touches the store.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from sirtui.core.errors import SirtuiError
from sirtui.core.layout import StoreFolder
from sirtui.core.text import clean
from sirtui.store.rows import RunRow, RunView
from sirtui.tui.tables.runs import first_choice

_EVERY_S = 0.5


class Source(Protocol):
    """What the screen reads from: `sirtui.store.Store`, or a play in tests."""

    @property
    def folder(self) -> StoreFolder:
        """Where the runs lie."""

    def catch_up(self) -> bool:
        """Bring the index up to date; whether anything was new."""

    def runs(self) -> tuple[RunRow, ...]:
        """All runs."""

    def run(self, name: str) -> RunView:
        """One run.

        Raises:
            SirtuiError: there is none of this name.
        """

    def version(self) -> object:
        """Differs whenever an answer may differ."""


Follow = Callable[[StoreFolder, threading.Event], Iterator[object]]
"""Yields whenever files under the store changed, until the event is set."""


@dataclass(frozen=True)
class Snapshot:
    """Everything the screen shows, at one moment. `problem`: why it could not be read anew.

    `read`: the index was; `empty`: there are no runs, in the files neither.
    """

    runs: tuple[RunRow, ...] = ()
    view: RunView | None = None
    problem: str = ""
    read: bool = False
    empty: bool = False


class Feed:
    """The thread that reads. `post` is called in it with each new snapshot."""

    def __init__(self, source: Source, run: str | None, post: Callable[[Snapshot], object], follow: Follow) -> None:
        self._source, self._wanted, self._post, self._follow = source, run, post, follow
        self._stop, self._wake, self._stale = threading.Event(), threading.Event(), threading.Event()
        self._first, self._painted = threading.Event(), threading.Event()
        self._snapshot = Snapshot()
        self._caught_up = False
        self._seen: tuple[object, str | None] = (object(), None)
        self._thread = threading.Thread(target=self._work, name="sirtui-feed", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def first(self, timeout: float) -> Snapshot:
        """The first snapshot, or what there is after `timeout` seconds."""
        self._first.wait(timeout)
        return self._snapshot

    def painted(self) -> None:
        """The first frame is on the screen: heavier work may begin."""
        self._painted.set()
        self._wake.set()

    def select(self, run: str) -> None:
        """Show this run from now on."""
        self._wanted = run
        self._wake.set()

    def reload(self) -> None:
        """Read everything again."""
        self._seen = (object(), None)
        self._stale.set()
        self._wake.set()

    def stop(self, timeout: float = 1.0) -> None:
        """End the thread, waiting for it at most `timeout` seconds: it owns nothing that must live."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _work(self) -> None:
        self._read()
        self._first.set()
        watching = False
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._painted.is_set() and not watching:
                watching = True
                threading.Thread(target=self._watch, name="sirtui-follow", daemon=True).start()
            if self._stale.is_set():
                self._stale.clear()
                self._catch_up()
            if not self._stop.is_set():
                self._read()

    def _watch(self) -> None:
        try:
            for _ in self._follow(self._source.folder, self._stop):
                if self._catch_up() and not self._caught_up:
                    self._caught_up, self._seen = True, (object(), None)
                self._wake.set()
        except Exception as error:  # noqa: BLE001 (a worker's border: the screen goes on without being live)
            self._say(f"not live: {error}")

    def _catch_up(self) -> bool:
        """Whether the index is up to date now."""
        try:
            self._source.catch_up()
        except Exception as error:  # noqa: BLE001 (a worker's border: what is in the index is shown all the same)
            self._say(f"the index is not up to date: {error}")
            return False
        return True

    def _read(self) -> None:
        try:
            seen = (self._source.version(), self._wanted)
            if seen != self._seen:
                self._seen = seen
                self._hand_over(self._look(seen[1]))
        except Exception as error:  # noqa: BLE001 (a worker's border: it is told on the screen)
            self._say(str(error))

    def _look(self, wanted: str | None) -> Snapshot:
        runs = self._source.runs()
        if wanted not in {run.name for run in runs}:
            wanted = first_choice(runs)
        if wanted is None:
            return Snapshot(read=True, empty=self._caught_up or not self._source.folder.runs.is_dir())
        try:
            view = self._source.run(wanted)
        except SirtuiError as error:
            return Snapshot(runs, None, error.message, read=True)
        self._wanted = self._wanted or wanted
        return Snapshot(runs, view, read=True)

    def _say(self, problem: str) -> None:
        self._hand_over(replace(self._snapshot, problem=clean(problem, 300), read=True))

    def _hand_over(self, snapshot: Snapshot) -> None:
        if snapshot != self._snapshot and not self._stop.is_set():
            self._snapshot = snapshot
            self._post(snapshot)


def follow_store(folder: StoreFolder, stop: threading.Event) -> Iterator[object]:
    """Follow the files of a store; imported only here, after the first frame."""
    from sirtui.store.follow import follow

    return follow(folder, stop, at_most_every_s=_EVERY_S)
