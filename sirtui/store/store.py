"""The door to the index."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from sirtui.core.errors import StoreError
from sirtui.core.files import lock, try_lock
from sirtui.core.layout import StoreFolder
from sirtui.store.rows import RunRow, RunView

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")
_LOOK_EVERY_S = 0.01
_NOT_OURS = (errno.EROFS, errno.EACCES, errno.EPERM)


class Store:
    """The runs under `root`, which need not exist yet. Any thread may call; nothing is opened before it is asked.

    Readers answer from what was taken in last; whoever wants to know the newest calls `catch_up` first. An index that is
    damaged, or of another version, reads as empty until the next `catch_up` has built it again.
    """

    def __init__(self, root: Path, now: Callable[[], float] = time.time) -> None:
        self.folder = StoreFolder(root)
        self._now = now
        self._writer: tuple[Connection, int | None] | None = None
        self._damaged = False
        self._mine = Lock()

    def catch_up(self, patience: float = 0.0) -> bool:
        """Take in what the runs' files say; whether anything changed. Where another is at it, wait for `patience` seconds.

        Without patience the answer is then False at once: a screen looks again soon, a command waits to see what it did.

        A store on a read-only disk is never written: it is read as it lies.

        Raises:
            StoreError: the index cannot be written (a full disk ...).
        """
        if not self.folder.runs.is_dir() and not self.folder.database.exists():
            return False
        try:
            held = self._held(patience)
        except OSError as error:
            if error.errno in _NOT_OURS:
                return False
            raise StoreError(f"{self.folder.ingest_lock}: {error.strerror}") from error
        if held is None:
            return False
        try:
            return self._ingest()
        finally:
            os.close(held)

    def _held(self, patience: float) -> int | None:
        deadline = time.monotonic() + patience
        held = try_lock(self.folder.ingest_lock)
        while held is None and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_S)
            held = try_lock(self.folder.ingest_lock)
        return held

    def reindex(self) -> None:
        """Build the index again from the files, waiting for whoever is at it.

        Raises:
            StoreError: the index cannot be written.
        """
        from sirtui.store.database import delete

        with lock(self.folder.ingest_lock):
            self.close()
            delete(self.folder.database)
            self._ingest()

    def close(self) -> None:
        """Close what is open. The store can still be used, and opens again."""
        with self._mine:
            self._close()

    def version(self) -> int:
        """A number that changes whenever an answer could; 0 where there is no index."""
        from sirtui.store import queries

        return self._read(queries.version, 0)

    def runs(self) -> tuple[RunRow, ...]:
        """All runs, newest first."""
        from sirtui.store import queries

        return self._read(queries.runs, ())

    def run(self, name: str) -> RunView:
        """The run of this full name, with everything the home screen shows of it.

        Raises:
            NotFound: there is none.
            StoreError: the index is damaged there.
        """
        from sirtui.store import queries
        from sirtui.store.find import not_found

        view = self._read(lambda connection: queries.run(connection, self.folder.run(name)), None)
        if view is None and self._damaged:
            raise StoreError(f"{self.folder.database}: damaged", "It is built again by the next look at the runs.")
        if view is None:
            raise not_found(name, [each for each, _, _ in self._names()])
        return view

    def find(self, text: str) -> str:
        """The full name of the run meant by a full name, an id, `latest`, an experiment's name (its newest run), or a beginning.

        Raises:
            NotFound: nothing fits, or several do.
        """
        from sirtui.store.find import find

        return find(text, self._names())

    def curve(self, name: str, t: int, key: str) -> tuple[tuple[int, float | None], ...]:
        """A training curve of M_t: optimizer step and value, None where it was not finite; empty where there is none."""
        from sirtui.store import queries

        return self._read(lambda connection: queries.curve(connection, name, t, key), ())

    def _names(self) -> list[tuple[str, str, str]]:
        from sirtui.store import queries

        return self._read(queries.names, [])

    def _read(self, ask: Callable[[Connection], T], nothing: T) -> T:
        """The answer of one moment; `nothing` where there is no index, or no whole one."""
        import sqlite3

        from sirtui.store.database import is_damaged, open_to_read

        with self._telling():
            try:
                with open_to_read(self.folder.database) as connection:
                    return nothing if connection is None else ask(connection)
            except sqlite3.DatabaseError as error:
                if not is_damaged(error):
                    raise
            self._damaged = True
            return nothing

    def _ingest(self) -> bool:
        """Take in what is new, under the ingest lock; a damaged index is moved aside and built again.

        Raises:
            StoreError: the index cannot be written.
        """
        import sqlite3

        from sirtui.store.database import is_damaged, set_aside

        with self._mine, self._telling():
            try:
                return self._take_in()
            except sqlite3.DatabaseError as error:
                self._close()
                if not is_damaged(error):
                    raise
            set_aside(self.folder.database)
            return self._take_in()

    def _take_in(self) -> bool:
        from sirtui.store import ingest
        from sirtui.store.database import check

        if self._damaged:
            self._close()
            check(self._connection())
            self._damaged = False
        return ingest.catch_up(self._connection(), self.folder, self._now)

    def _connection(self) -> Connection:
        """The one connection that writes, kept open: closing the last one costs a checkpoint. Reopened after a `reindex`."""
        from sirtui.store.database import inode, open_to_write

        path = self.folder.database
        if self._writer and self._writer[1] != inode(path):
            self._close()
        if self._writer is None:
            connection = open_to_write(path)
            self._writer = (connection, inode(path))
        return self._writer[0]

    def _close(self) -> None:
        if self._writer:
            self._writer[0].close()
        self._writer = None

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say what went wrong, where, and what to do."""
        import sqlite3

        try:
            yield
        except (sqlite3.Error, OSError) as error:
            hint = "Is the disk full, or the file someone else's? It is an index only: `sirtui reindex` builds it again."
            raise StoreError(f"{self.folder.database}: {error}", hint) from error
