"""The index as a file: how it is opened, read in one moment, written in one transaction, and thrown away.

Whoever reads opens it by the standard library. Whoever writes speaks through sqlite-utils, on a connection of the standard
library's too: sqlite-utils' own may be of pysqlite3, and of two copies of SQLite in one process the one that closes a file
takes the locks of the other (sqlite.org/howtocorrupt.html, 2.2.1), while this process goes on reading.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sirtui.store.schema import TABLES, VERSION, create

if TYPE_CHECKING:
    from sqlite_utils import Database

PATIENCE_S = 30.0


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether `error` says that the file is no database, or no longer a whole one."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def open_to_write(path: Path) -> sqlite3.Connection:
    """The index at `path`, made where it is missing (mode 0600, `-wal` and `-shm` take after it); any thread may use it.

    Only under the ingest lock. An index of another version, or without one of its tables, is deleted and begun anew.

    Raises:
        sqlite3.Error: it is not a database (see `is_damaged`), or cannot be written.
    """
    connection = _connect(path)
    if _version(connection) and not _fits(connection):
        connection.close()
        delete(path)
        connection = _connect(path)
    if _version(connection) == 0:
        with transaction(connection) as db:
            create(db)
    return connection


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
    """Whether it is of this version and has all tables: sqlite-utils makes a missing one from the rows, without its key."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return _version(connection) == VERSION and {name for (name,) in found} >= {table.name for table in TABLES}


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
    """One moment of the index at `path`; None where there is none of this version.

    Opening takes about 0.1 ms, so a reader keeps nothing open: any thread may read, and an index that was replaced is
    never read on. On a read-only disk the file is read as it lies.

    Raises:
        sqlite3.Error: see `is_damaged`.
    """
    if not path.exists():
        yield None
        return
    with closing(_connect_to_read(path)) as connection:
        if _version(connection) != VERSION:
            yield None
            return
        connection.execute("BEGIN")
        yield connection


def _connect_to_read(path: Path) -> sqlite3.Connection:
    uri = path.absolute().as_uri()
    connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=PATIENCE_S, isolation_level=None)
    try:
        _version(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        connection = sqlite3.connect(f"{uri}?immutable=1", uri=True, isolation_level=None)
    return connection


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def inode(path: Path) -> int | None:
    """Which file lies at `path`, None where none does."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def delete(path: Path) -> None:
    """Remove the index and its companions."""
    path.unlink(missing_ok=True)
    _delete_companions(path)


def set_aside(path: Path) -> None:
    """Move what is no database out of the way, to `<name>.broken-<n>`, for whoever wants to know what happened."""
    number = 1
    while (aside := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    with suppress(FileNotFoundError):
        path.rename(aside)
    _delete_companions(path)


def _delete_companions(path: Path) -> None:
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
