"""The index as a file: how it is opened, read in one moment, written in one transaction, and brought up to date in its form.

Every connection is of the one SQLite that `sqlite` chooses. Whoever writes speaks through sqlite-utils, on a connection made
here; whoever reads does without it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sirtui.store.aside import back_up, delete, move_to_backup
from sirtui.store.migrate import STEPS, is_known
from sirtui.store.schema import TABLES, VERSION, create
from sirtui.store.sqlite import sqlite3

if TYPE_CHECKING:
    from sqlite_utils import Database

PATIENCE_S = 30.0
_LONGEST_LOG = 8 * 2**20
_LOG_PATIENCE_MS = 1000
_AS_IT_LIES = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""Why it may have to be read as it lies: nothing may be written beside it, or there is no room for that."""


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether `error` says that the file is no database, or no longer a whole one."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


class Newer(Exception):
    """The index is of a newer version, its only argument: it is not for us to write."""


def open_to_write(path: Path) -> sqlite3.Connection:
    """The index at `path`, made where it is missing (mode 0600, `-wal` and `-shm` take after it); any thread may use it.

    Only under the ingest lock. One of an older version is copied to `<name>.v<version>.bak` and migrated, or moved there where
    it cannot be; one without one of its tables is deleted. Then it is begun anew.

    Raises:
        Newer: it is of a newer version; it is left as it is.
        sqlite3.Error: it is not a database (see `is_damaged`), or cannot be written.
    """
    version = version_at(path)
    if version > VERSION:
        raise Newer(version)
    if 0 < version < VERSION:
        _upgrade(path, version)
    connection = _connect(path)
    if version_of(connection) and not _fits(connection):
        connection.close()
        delete(path)
        connection = _connect(path)
    if version_of(connection) == 0:
        with transaction(connection) as db:
            create(db)
    return connection


def _upgrade(path: Path, version: int) -> None:
    """Bring an older index up to this version, or move it out of the way."""
    if is_known(version, VERSION) and _migrate(path, version):
        return
    move_to_backup(path, version)


def _migrate(path: Path, version: int) -> bool:
    """Back it up, then take step after step; whether it was what its version says."""
    with closing(_connect(path)) as connection:
        back_up(connection, path, version)
        try:
            for step in range(version, VERSION):
                with transaction(connection):
                    STEPS[step](connection)
                    connection.execute(f"PRAGMA user_version = {step + 1}")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_ERROR:
                raise
            return False
        with suppress(sqlite3.OperationalError):  # room is won by it, and may be wanting for it
            connection.execute("VACUUM")
    return True


def _connect(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _fits(connection: sqlite3.Connection) -> bool:
    """Whether it has all tables and columns: sqlite-utils makes a missing table from the rows, without its key."""
    found = set(connection.execute(_COLUMNS))
    return found >= {(table.name, column) for table in TABLES for column in table.header}


_COLUMNS = "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'"


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[Database]:
    """One `BEGIN IMMEDIATE`: everything inside is committed, or nothing. What sqlite-utils begins inside is a savepoint."""
    db = _sqlite_utils()(connection, recursive_triggers=False, execute_plugins=False)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield db
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def keep_small(connection: sqlite3.Connection, path: Path) -> None:
    """Empty a write-ahead log that has grown: with readers at every moment SQLite never gets round to it by itself.

    Waits a second at most for those who read at this moment; what they hold up now is done the next time.
    """
    with suppress(FileNotFoundError):
        if path.with_name(f"{path.name}-wal").stat().st_size > _LONGEST_LOG:
            connection.execute(f"PRAGMA busy_timeout = {_LOG_PATIENCE_MS}")
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                connection.execute(f"PRAGMA busy_timeout = {int(1000 * PATIENCE_S)}")


@cache
def _sqlite_utils() -> type[Database]:
    """sqlite-utils, imported at the first write and without pandas and numpy (50 ms and 10 MB, else 0.4 s and 94 MB).

    It imports both where they are installed, only to know their types, of which no row here has any. So for the moment of
    its import they are said to be missing, unless they are there already; nothing that writes the index needs them.
    """
    hidden = [name for name in ("pandas", "numpy") if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # makes its import raise ImportError
    try:
        from sqlite_utils import Database
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
    return Database


def check(connection: sqlite3.Connection) -> None:
    """Read the whole index.

    Raises:
        sqlite3.DatabaseError: it is damaged.
    """
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        error = sqlite3.DatabaseError(found)
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


@contextmanager
def open_to_read(path: Path) -> Iterator[sqlite3.Connection | None]:
    """One moment of the index at `path`; None where there is none that this version can read.

    Opening takes about 0.1 ms, so a reader keeps nothing open: any thread may read, and an index that was replaced is
    never read on. On a read-only disk the file is read as it lies.

    Raises:
        sqlite3.Error: see `is_damaged`.
    """
    if not path.exists():
        yield None
        return
    with closing(_connect_to_read(path)) as connection:
        connection.execute("BEGIN")
        yield connection if _is_readable(connection) else None


def _is_readable(connection: sqlite3.Connection) -> bool:
    """Whether it is of this version, or of a newer one that says that this one may still read it."""
    version = version_of(connection)
    if version <= VERSION:
        return version == VERSION
    try:
        found = connection.execute("SELECT readable_from FROM meta").fetchone()
    except sqlite3.OperationalError:
        return False
    return found is not None and isinstance(found[0], int) and found[0] <= VERSION


def _connect_to_read(path: Path) -> sqlite3.Connection:
    uri = path.absolute().as_uri()
    connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=PATIENCE_S, isolation_level=None)
    try:
        version_of(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in _AS_IT_LIES:
            raise
        connection = sqlite3.connect(f"{uri}?immutable=1", uri=True, isolation_level=None)
    return connection


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the index, 0 where it is not made yet."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def version_at(path: Path) -> int:
    """The version of the index at `path`, 0 where there is none, without touching it.

    Raises:
        sqlite3.Error: see `is_damaged`.
    """
    if not path.exists():
        return 0
    with closing(_connect_to_read(path)) as connection:
        return version_of(connection)


def inode(path: Path) -> int | None:
    """Which file lies at `path`, None where none does."""
    try:
        return path.stat().st_ino
    except OSError:
        return None
