"""The one SQLite of this process: pysqlite3's where it is installed, else the standard library's.

Every connection and every exception class comes from here. Of two copies of SQLite in one process, the one that closes a
file takes the locks of the other (sqlite.org/howtocorrupt.html, 2.2.1). sqlite-utils chooses by the same rule. pysqlite3 brings
its own SQLite, which is newer than that of most systems and takes no longer to import (4 ms).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
else:
    try:
        import pysqlite3 as sqlite3
    except ImportError:
        import sqlite3

__all__ = ["has_wal_bug", "sqlite3", "sqlite_version"]

_MENDED = ((3, 44, 6), (3, 50, 7), (3, 51, 3))


def sqlite_version() -> tuple[str, bool]:
    """The version of the SQLite in use, and whether it has the WAL bug."""
    return sqlite3.sqlite_version, has_wal_bug(sqlite3.sqlite_version_info)


def has_wal_bug(version: tuple[int, ...]) -> bool:
    """Whether SQLite of this version may lose commits when two processes checkpoint at once.

    Mended in 3.51.3, and for those who stay with an older line in 3.50.7 and 3.44.6.
    """
    line = version[:2]
    return version < _MENDED[-1] and not any(line == mended[:2] and version >= mended for mended in _MENDED)
