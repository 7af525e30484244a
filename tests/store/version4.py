"""The index as version 4 of it was, made from one of today with the same content."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec

from sirtui.store.packing import unpack
from sirtui.store.sqlite import sqlite3

TABLES = """
CREATE TABLE "meta" ("id" INTEGER PRIMARY KEY NOT NULL, "version" INTEGER NOT NULL);
CREATE TABLE "runs" (
   "id" INTEGER PRIMARY KEY NOT NULL, "name" TEXT NOT NULL, "ident" TEXT NOT NULL, "title" TEXT NOT NULL,
   "status" TEXT NOT NULL, "method" TEXT NOT NULL, "task" TEXT NOT NULL, "base_model" TEXT NOT NULL, "seed" TEXT NOT NULL,
   "iterations" INTEGER NOT NULL, "created" REAL NOT NULL, "ended" REAL, "reason" TEXT NOT NULL, "hint" TEXT NOT NULL,
   "spec" BLOB, "rule" BLOB, "mark" INTEGER
);
CREATE UNIQUE INDEX "idx_runs_name" ON "runs" ("name");
CREATE TABLE "stages" (
   "id" INTEGER PRIMARY KEY NOT NULL, "run" INTEGER NOT NULL, "t" INTEGER NOT NULL, "repeat" INTEGER NOT NULL,
   "kind" TEXT NOT NULL, "status" TEXT NOT NULL, "attempt" INTEGER NOT NULL, "started" REAL, "ended" REAL, "seconds" REAL,
   "cpu_seconds" REAL, "reason" TEXT NOT NULL, "hint" TEXT NOT NULL, "mark" INTEGER
);
CREATE UNIQUE INDEX "idx_stages_run_t_repeat_kind" ON "stages" ("run", "t", "repeat", "kind");
CREATE TABLE "journals" (
   "id" INTEGER PRIMARY KEY NOT NULL, "attempt" INTEGER NOT NULL, "inode" INTEGER NOT NULL, "offset" INTEGER NOT NULL,
   "lines" INTEGER NOT NULL, "garbage" INTEGER NOT NULL, "started" REAL, "done" REAL, "total" REAL, "unit" TEXT NOT NULL,
   "what" TEXT NOT NULL, "left" REAL, "seconds" REAL, "cpu_seconds" REAL, "reason" TEXT NOT NULL, "hint" TEXT NOT NULL
);
CREATE TABLE "keys" (
   "id" INTEGER PRIMARY KEY NOT NULL, "key" TEXT NOT NULL, "direction" INTEGER NOT NULL, "unit" TEXT NOT NULL
);
CREATE UNIQUE INDEX "idx_keys_key_direction_unit" ON "keys" ("key", "direction", "unit");
CREATE TABLE "scalars" (
   "stage" INTEGER NOT NULL, "key" INTEGER NOT NULL, "step" INTEGER NOT NULL, "value" REAL, PRIMARY KEY ("stage", "key", "step")
) WITHOUT ROWID;
CREATE TABLE "newest" (
   "stage" INTEGER NOT NULL, "key" INTEGER NOT NULL, "value" REAL, PRIMARY KEY ("stage", "key")
) WITHOUT ROWID;
CREATE TABLE "metrics" (
   "stage" INTEGER NOT NULL, "key" INTEGER NOT NULL, "line" INTEGER NOT NULL, "value" REAL, "stderr" REAL, "n" INTEGER,
   "counts" BLOB, PRIMARY KEY ("stage", "key")
) WITHOUT ROWID;
CREATE TABLE "comparisons" (
   "stage" INTEGER NOT NULL, "key" INTEGER NOT NULL, "against" TEXT NOT NULL, "change" REAL, "stderr" REAL, "n" INTEGER,
   "lo90" REAL, "hi90" REAL, "lo95" REAL, "hi95" REAL, "p" REAL, "verdict" TEXT NOT NULL, "trend" TEXT NOT NULL,
   "role" TEXT NOT NULL, PRIMARY KEY ("stage", "key", "against")
) WITHOUT ROWID;
CREATE TABLE "verdicts" ("stage" INTEGER PRIMARY KEY NOT NULL, "kind" TEXT NOT NULL, "record" BLOB NOT NULL);
CREATE TABLE "judged" ("run" INTEGER PRIMARY KEY NOT NULL, "verdict" BLOB NOT NULL);
PRAGMA user_version = 4;
"""
ALIKE = ("meta", "runs", "stages", "journals", "keys", "scalars", "newest", "verdicts", "judged")


def as_version_4(database: Path) -> None:
    """Put an index of version 4 in the place of this one; the store is closed."""
    former = database.with_name("former")
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(former),))
    for ending in ("", "-wal", "-shm"):
        database.with_name(database.name + ending).unlink(missing_ok=True)
    with closing(sqlite3.connect(database, isolation_level=None)) as new:
        new.executescript(TABLES)
        new.execute("ATTACH ? AS former", (str(former),))
        for table in ALIKE:
            names = ", ".join(f'"{row[1]}"' for row in new.execute(f"PRAGMA main.table_info({table})"))
            new.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM former.{table}")
        for stage, cells in new.execute("SELECT stage, cells FROM former.metrics").fetchall():
            rows = [(stage, *row[:-1], msgspec.json.encode(row[-1]) if row[-1] else None) for row in unpack(cells)]
            new.executemany(f"INSERT INTO main.metrics VALUES ({', '.join('?' * 7)})", rows)
        for stage, cells in new.execute("SELECT stage, cells FROM former.comparisons").fetchall():
            new.executemany(
                f"INSERT INTO main.comparisons VALUES ({', '.join('?' * 14)})", [(stage, *row) for row in unpack(cells)]
            )
        new.execute("DETACH former")
        new.execute("PRAGMA journal_mode = WAL")
    former.unlink()
    database.chmod(0o600)
