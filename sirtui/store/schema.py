"""The tables of the index, and how the index is opened.

Plain SQL and the standard library: the screen opens this too, and sqlite-utils imports pandas and pyarrow where they are
installed (0.4 s and 98 MB, measured). Long tables are clustered on their keys (WITHOUT ROWID) and name a measure by number,
so that 1,000 runs of 20 iterations with 200 measures stay below 400 MB. There are no migrations: an index of another
`VERSION` is built again from the files.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

VERSION = 1
PATIENCE_S = 30.0

_TABLES = """
CREATE TABLE meta (version INTEGER NOT NULL);  -- grows with every commit
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, ident TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL,
    method TEXT NOT NULL, task TEXT NOT NULL, base_model TEXT NOT NULL, seed TEXT NOT NULL, iterations INTEGER NOT NULL,
    created REAL NOT NULL, ended REAL, reason TEXT NOT NULL, hint TEXT NOT NULL,
    spec BLOB,   -- as JSON, NULL where run.json cannot be read
    mark INTEGER -- the folder's mtime in ns when the run is over, else NULL
);
CREATE TABLE stages (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, t INTEGER NOT NULL, repeat INTEGER NOT NULL, kind TEXT NOT NULL,
    status TEXT NOT NULL, attempt INTEGER NOT NULL, started REAL, ended REAL, seconds REAL, cpu_seconds REAL,
    reason TEXT NOT NULL, hint TEXT NOT NULL,
    mark INTEGER, -- the manifest's mtime in ns when the stage is over, else NULL
    UNIQUE (run, t, repeat, kind)
);
CREATE TABLE journals (
    id INTEGER PRIMARY KEY, -- the stage's
    attempt INTEGER NOT NULL, inode INTEGER NOT NULL, offset INTEGER NOT NULL,
    lines INTEGER NOT NULL, garbage INTEGER NOT NULL, started REAL, done REAL, total REAL, unit TEXT NOT NULL,
    what TEXT NOT NULL, seconds REAL, cpu_seconds REAL, reason TEXT NOT NULL, hint TEXT NOT NULL
);
CREATE TABLE keys (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, direction INTEGER NOT NULL, unit TEXT NOT NULL,
    UNIQUE (key, direction, unit)
);
CREATE TABLE scalars (
    stage INTEGER NOT NULL, key INTEGER NOT NULL, step INTEGER NOT NULL, value REAL, PRIMARY KEY (stage, key, step)
) WITHOUT ROWID;
CREATE TABLE newest (
    stage INTEGER NOT NULL, key INTEGER NOT NULL, value REAL, PRIMARY KEY (stage, key)
) WITHOUT ROWID; -- the last value of each curve
CREATE TABLE metrics (
    stage INTEGER NOT NULL, key INTEGER NOT NULL, line INTEGER NOT NULL, value REAL, stderr REAL, n INTEGER, counts BLOB,
    PRIMARY KEY (stage, key)
) WITHOUT ROWID;
CREATE TABLE comparisons (
    stage INTEGER NOT NULL, key INTEGER NOT NULL, against TEXT NOT NULL, change REAL, stderr REAL, n INTEGER,
    PRIMARY KEY (stage, key, against)
) WITHOUT ROWID;
"""
POINTS = ("scalars", "newest", "metrics", "comparisons")
"""The tables that hold what a stage's journal tells."""


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether `error` says that the file is no database, or no longer a whole one."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)


def open_to_write(path: Path) -> sqlite3.Connection:
    """The index at `path`, made where it is missing (mode 0600, `-wal` and `-shm` take after it); any thread may use it.

    Only under the ingest lock. An index of another version is deleted and begun anew.

    Raises:
        sqlite3.Error: it is not a database (see `is_damaged`), or cannot be written.
    """
    connection = _connect(path)
    if _version(connection) not in (0, VERSION):
        connection.close()
        delete(path)
        connection = _connect(path)
    if _version(connection) == 0:
        with transaction(connection):
            _create(connection)
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


def _create(connection: sqlite3.Connection) -> None:
    """Every table, whatever stood there before dropped.

    The counter starts at the clock, so that a rebuilt index repeats no number of the former one.
    """
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        connection.execute(f'DROP TABLE "{name}"')
    for statement in _TABLES.split(";"):
        connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES (?)", (time.time_ns() // 1000,))
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


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


def inode(path: Path) -> int | None:
    """Which file lies at `path`, None where none does."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One `BEGIN IMMEDIATE`: everything inside is committed, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


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
