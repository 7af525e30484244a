"""From one version of the index to the next, in place: a step is one transaction, on tables as they were then.

A step names tables and columns itself, never those of `schema`, which go on changing. What a version that knew less could not
see is read from the files again: the marks of what is over are taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from sirtui.store.packing import Row, pack

if TYPE_CHECKING:
    from sirtui.store.sqlite import sqlite3

_PACKED = "CREATE TABLE {} (stage INTEGER PRIMARY KEY NOT NULL, cells BLOB NOT NULL)"
_FROM_4 = (
    "ALTER TABLE meta ADD COLUMN readable_from INTEGER NOT NULL DEFAULT 5",
    "ALTER TABLE runs ADD COLUMN sweep TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE runs ADD COLUMN slots BLOB NOT NULL DEFAULT x'5b5d'",
    "ALTER TABLE stages ADD COLUMN origin TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE stages ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0",
    "UPDATE runs SET mark = NULL",
    "UPDATE stages SET mark = NULL",
    "UPDATE meta SET version = version + 1",
)
_CELLS_OF_4 = {
    "metrics": "key, line, value, stderr, n, counts",
    "comparisons": "key, against, change, stderr, n, lo90, hi90, lo95, hi95, p, verdict, trend, role",
}


def _from_4(connection: sqlite3.Connection) -> None:
    """Runs know their sweep and slots, stages what they were linked from and whether pruned; cells are packed by stage."""
    for statement in _FROM_4:
        connection.execute(statement)
    for table, columns in _CELLS_OF_4.items():
        connection.execute(f"ALTER TABLE {table} RENAME TO former_{table}")
        connection.execute(_PACKED.format(table))
        for (stage,) in connection.execute(f"SELECT DISTINCT stage FROM former_{table}").fetchall():  # noqa: S608 (constants)
            rows = connection.execute(f"SELECT {columns} FROM former_{table} WHERE stage = ?", (stage,))  # noqa: S608
            packed = pack(map(_with_counts, rows) if table == "metrics" else rows)
            connection.execute(f"INSERT INTO {table} VALUES (?, ?)", (stage, packed))  # noqa: S608
        connection.execute(f"DROP TABLE former_{table}")


def _with_counts(row: Row) -> Row:
    return (*row[:-1], msgspec.json.decode(row[-1]) if row[-1] else None)


STEPS: Mapping[int, Callable[[sqlite3.Connection], None]] = {4: _from_4}
"""By the version that they start from, the steps to the next one."""


def is_known(version: int, until: int) -> bool:
    """Whether there are steps all the way."""
    return all(step in STEPS for step in range(version, until))
