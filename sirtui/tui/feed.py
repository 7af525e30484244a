"""Where the screen's data come from: a thread reads the store and hands over frozen snapshots.

The first read happens at once and brings nothing up to date, so that the first frame is early. After that frame a second
thread follows the runs' files and catches up with them, so that a long catch-up holds up no reading. A snapshot is handed
over only when it differs from the last. The screen itself never touches the store.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sirtui.core.errors import SirtuiError
from sirtui.core.layout import StoreFolder
from sirtui.core.text import clean
from sirtui.store.rows import RunRow, RunView, StageRow
from sirtui.tui.figures import ATTENTION
from sirtui.tui.tables.runs import first_choice

_EVERY_S = 0.5
_JOBS = 64
"""Of how many runs that work or need someone, the newest first, the stages are read."""


class Source(Protocol):
    """What the screen reads from: `sirtui.store.Store`, or a play in tests."""

    @property
    def folder(self) -> StoreFolder:
        """Where the runs lie."""

    def catch_up(self) -> bool:
        """Bring the index up to date; whether anything was new."""

    def problems(self) -> tuple[str, ...]:
        """What stands between the files and whole, new answers, in sentences."""

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

    `read`: the index was; `empty`: there are no runs, in the files neither. `stages`: those of the runs that
    work or need someone, by the run's name; None while no jobs are looked at.
    """

    runs: tuple[RunRow, ...] = ()
    view: RunView | None = None
    problem: str = ""
    read: bool = False
    empty: bool = False
    stages: Mapping[str, tuple[StageRow, ...]] | None = None


class Feed:
    """The thread that reads. `post` is called in it with each new snapshot."""

    def __init__(self, source: Source, run: str | None, post: Callable[[Snapshot], object], follow: Follow) -> None:
        self._source, self._wanted, self._post, self._follow = source, run, post, follow
        self._stop, self._wake, self._stale = threading.Event(), threading.Event(), threading.Event()
        self._first, self._painted = threading.Event(), threading.Event()
        self._snapshot = Snapshot()
        self._caught_up = False
        self._standing = ""
        self._jobs = False
        self._seen: object = object()
        self._known: dict[str, tuple[RunRow, tuple[StageRow, ...]]] = {}
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

    def look_at_jobs(self, *, wanted: bool) -> None:
        """Read the stages of all runs that work or need someone, from now on, or no more."""
        if wanted != self._jobs:
            self._jobs = wanted
            self._wake.set()

    def reload(self) -> None:
        """Read everything again."""
        self._seen = object()
        self._known = {}
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
                    self._standing = clean("; ".join(self._source.problems()), 300)
                    self._caught_up, self._seen = True, object()
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
            _, wanted, jobs = seen = (self._source.version(), self._wanted, self._jobs)
            if seen != self._seen:
                self._seen = seen
                self._hand_over(self._look(wanted, jobs=jobs))
        except Exception as error:  # noqa: BLE001 (a worker's border: it is told on the screen)
            self._say(str(error))

    def _look(self, wanted: str | None, *, jobs: bool) -> Snapshot:
        runs = self._source.runs()
        if wanted not in {run.name for run in runs}:
            wanted = first_choice(runs)
        if wanted is None:
            empty = self._caught_up or not self._source.folder.runs.is_dir()
            return Snapshot(problem=self._standing, read=True, empty=empty, stages={} if jobs else None)
        stages = self._stages(runs) if jobs else None
        try:
            view = self._source.run(wanted)
        except SirtuiError as error:
            return Snapshot(runs, None, error.message, read=True, stages=stages)
        self._wanted = self._wanted or wanted
        return Snapshot(runs, view, self._standing, read=True, stages=stages)

    def _stages(self, runs: Sequence[RunRow]) -> dict[str, tuple[StageRow, ...]]:
        """Of the runs that work or need someone; of one that stands as it stood they are not read again."""
        busy = sorted((run for run in runs if run.status.alive or run.status in ATTENTION), key=lambda run: not run.status.alive)
        self._known = {run.name: (run, found) for run in busy[:_JOBS] if (found := self._stages_of(run)) is not None}
        return {name: stages for name, (_, stages) in self._known.items()}

    def _stages_of(self, run: RunRow) -> tuple[StageRow, ...] | None:
        known = self._known.get(run.name)
        if known and known[0] == run and not run.status.alive:
            return known[1]
        try:
            return self._source.run(run.name).stages
        except SirtuiError:
            return None

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
