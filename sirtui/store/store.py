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
from sirtui.core.safety import check_store
from sirtui.store.place import index_folder
from sirtui.store.rows import RunRow, RunView

if TYPE_CHECKING:
    from sirtui.store.sqlite import sqlite3

T = TypeVar("T")
_LOOK_EVERY_S = 0.01
_NOT_OURS = (errno.EROFS, errno.EACCES, errno.EPERM)
_HINT = "Is the disk full, or the file someone else's? It is an index only: `sirtui reindex` builds it again."


class Store:
    """The runs under `root`, which need not exist yet. Any thread may call; nothing is opened before it is asked.

    Readers answer from what was taken in last; whoever wants to know the newest calls `catch_up` first. An index that is
    damaged, or of an older version, reads as empty until the next `catch_up` has brought it in order; `problems` says what
    else stands in the way. The index lies in the store, or on local disk (see `place`; `index`: in this folder).

    Raises:
        StoreError: the store is on a network file system, and there is no local disk for its index.
    """

    def __init__(self, root: Path, now: Callable[[], float] = time.time, index: Path | None = None) -> None:
        self.folder = StoreFolder(root)
        self._index = StoreFolder(index or index_folder(root))
        self._now = now
        self._writer: tuple[sqlite3.Connection, int | None] | None = None
        self._damaged = False
        self._undecodable: int | None = None
        self._told = ""
        self._mine = Lock()

    @property
    def database(self) -> Path:
        """The index: a SQLite file, thrown away and built again at will."""
        return self._index.database

    def catch_up(self, patience: float = 0.0) -> bool:
        """Take in what the runs' files say; whether anything changed. Where another is at it, wait for `patience` seconds.

        Without patience the answer is then False at once: a screen looks again soon, a command waits to see what it did.

        A store on a read-only disk, or someone else's, is never written: it is read as it lies. So is an index of a newer
        version. A store that others could write is closed to them, which `problems` tells.

        Raises:
            StoreError: the index cannot be written (a full disk ...).
        """
        if not self._is_to_be_written():
            return False
        try:
            held = self._held(patience)
        except OSError as error:
            if error.errno in _NOT_OURS:
                return False
            raise StoreError(f"{self._index.ingest_lock}: {error.strerror}", _HINT) from error
        if held is None:
            return False
        try:
            return self._ingest()
        finally:
            os.close(held)

    def _is_to_be_written(self) -> bool:
        """Whether there is anything to take in, and the store is ours to write."""
        try:
            self._told = self._checked() or self._told
            return self.folder.runs.is_dir() or self.database.exists()
        except (StoreError, PermissionError):
            return False

    def _checked(self) -> str:
        """What had to be put right before the store and its index are written."""
        places = dict.fromkeys((self.folder.path, self._index.path))
        return "; ".join(filter(None, map(check_store, places)))

    def _held(self, patience: float) -> int | None:
        deadline = time.monotonic() + patience
        held = try_lock(self._index.ingest_lock)
        while held is None and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_S)
            held = try_lock(self._index.ingest_lock)
        return held

    def reindex(self) -> None:
        """Build the index again from the files, waiting for whoever is at it. One of a newer version is kept as a backup.

        Raises:
            StoreError: the index cannot be written, or the store is someone else's.
        """
        from sirtui.store.aside import delete, move_to_backup
        from sirtui.store.problems import version_or_none
        from sirtui.store.schema import VERSION

        self._told = self._checked() or self._told
        with self._telling(), lock(self._index.ingest_lock):
            self.close()
            if (version := version_or_none(self.database)) > VERSION:
                move_to_backup(self.database, version)
            else:
                delete(self.database)
            self._ingest()

    def problems(self) -> tuple[str, ...]:
        """What keeps the answers from being whole and new, and what was put right, each in a sentence; mostly nothing.

        An index of another version, a store that is someone else's, or that others could write, and runs that are left out:
        links, and those of others, whose recipes would be run.
        """
        from sirtui.store import problems

        with self._telling():
            return tuple(filter(None, (self._told, *problems.found(self.folder, self.database))))

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
            raise StoreError(f"{self.database}: damaged", "It is built again by the next look at the runs.")
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

    def _read(self, ask: Callable[[sqlite3.Connection], T], nothing: T) -> T:
        """The answer of one moment; `nothing` where there is no index, or no whole one."""
        from sirtui.store.database import inode, is_damaged, open_to_read
        from sirtui.store.packing import Damaged
        from sirtui.store.sqlite import sqlite3

        with self._telling():
            try:
                with open_to_read(self.database) as connection:
                    return nothing if connection is None else ask(connection)
            except sqlite3.DatabaseError as error:
                if not is_damaged(error):
                    raise
            except Damaged:
                self._undecodable = inode(self.database)
            self._damaged = True
            return nothing

    def _ingest(self) -> bool:
        """Take in what is new, under the ingest lock; a damaged index is moved aside and built again.

        Raises:
            StoreError: the index cannot be written.
        """
        from sirtui.store.aside import set_aside
        from sirtui.store.database import Newer, is_damaged
        from sirtui.store.packing import Damaged
        from sirtui.store.sqlite import sqlite3

        with self._mine, self._telling():
            try:
                return self._take_in()
            except Newer:
                return False
            except (sqlite3.DatabaseError, Damaged) as error:
                self._close()
                if isinstance(error, sqlite3.Error) and not is_damaged(error):
                    raise
            set_aside(self.database)
            return self._take_in()

    def _take_in(self) -> bool:
        from sirtui.store import ingest
        from sirtui.store.database import check, inode, keep_small
        from sirtui.store.packing import Damaged

        if self._undecodable is not None and self._undecodable == inode(self.database):
            self._undecodable = None
            raise Damaged
        if self._damaged:
            self._close()
            check(self._connection())
            self._damaged = False
        changed = ingest.catch_up(self._connection(), self.folder, self._now)
        keep_small(self._connection(), self.database)
        return changed

    def _connection(self) -> sqlite3.Connection:
        """The one connection that writes, kept open: closing the last one costs a checkpoint.

        Opened again after a `reindex`, or where a newer sirtui has migrated what lies there.
        """
        from sirtui.store.database import inode, open_to_write, version_of
        from sirtui.store.schema import VERSION

        if self._writer and (self._writer[1] != inode(self.database) or version_of(self._writer[0]) != VERSION):
            self._close()
        if self._writer is None:
            connection = open_to_write(self.database)
            self._writer = (connection, inode(self.database))
        return self._writer[0]

    def _close(self) -> None:
        if self._writer:
            self._writer[0].close()
        self._writer = None

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Say what went wrong, where, and what to do."""
        from sirtui.store.sqlite import sqlite3

        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self.database}: {error}", _HINT) from error
