"""The rows of the index as the ingest reads and writes them; nothing here looks at a file, or begins a transaction."""

# ruff: noqa: S608 (the names of columns are constants here; values are always bound)

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import msgspec

from sirtui.core.run import Kind, Stage, Status
from sirtui.core.text import clean
from sirtui.store.journal import Journal, Points, Reading
from sirtui.store.scan import RunFacts, StageFacts
from sirtui.store.schema import POINTS
from sirtui.store.status import Standing, of_stage

Row: TypeAlias = tuple[Any, ...]

_RUN = "name, ident, title, status, method, task, base_model, seed, iterations, created, ended, reason, hint, spec, mark"
_STAGE = "t, repeat, kind, status, attempt, started, ended, seconds, cpu_seconds, reason, hint, mark"
_JOURNAL = ", ".join(field.name for field in fields(Journal))


def _upsert(table: str, columns: str, key: str) -> str:
    """Put a row in, or in the place of the row with its key; answers with the row's number."""
    names = columns.split(", ")
    rest = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key.split(", "))
    marks = ", ".join("?" for _ in names)
    return f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT ({key}) DO UPDATE SET {rest} RETURNING id"


_PUT_RUN = _upsert("runs", _RUN, "name")
_PUT_STAGE = _upsert("stages", f"run, {_STAGE}", "run, t, repeat, kind")


@dataclass(frozen=True)
class KnownStage:
    """What the index holds of one stage: its number, its row, how far its journal was read.

    `mark` is the mtime (ns) of the manifest of a stage that is over.
    """

    id: int
    row: Row
    journal: Journal | None

    @property
    def mark(self) -> int | None:
        """Where it is not None, the stage need not be looked at before its manifest has another."""
        mark: int | None = self.row[-1]
        return mark


def run_marks(connection: sqlite3.Connection) -> dict[str, int | None]:
    """The runs, and the mtimes (ns) of the folders of those that are over."""
    return dict(connection.execute("SELECT name, mark FROM runs").fetchall())


def known_run(connection: sqlite3.Connection, name: str) -> Row | None:
    """A run's row, if it has one."""
    row: Row | None = connection.execute(f"SELECT {_RUN} FROM runs WHERE name = ?", (name,)).fetchone()
    return row


def known_stages(connection: sqlite3.Connection, name: str) -> dict[Stage, KnownStage]:
    """The stages of a run."""
    mine = "SELECT stages.id FROM stages JOIN runs ON runs.id = run WHERE name = ?"
    told = connection.execute(f"SELECT id, {_JOURNAL} FROM journals WHERE id IN ({mine})", (name,))
    journals = {row[0]: Journal(*row[1:]) for row in told}
    rows = connection.execute(f"SELECT id, {_STAGE} FROM stages WHERE id IN ({mine})", (name,))
    return {Stage(row[1], Kind(row[3]), row[2]): KnownStage(row[0], row[1:], journals.get(row[0])) for row in rows}


def run_row(facts: RunFacts, standing: Standing, mark: int | None) -> Row:
    """What the index should hold of a run."""
    why = (standing.ended, clean(standing.reason, 1_000), clean(standing.hint, 1_000))
    if facts.record is None:
        title, _, ident = facts.name.rpartition("-")
        return (facts.name, ident, title or ident, standing.status, "", "", "", "0", 0, facts.created, *why, None, mark)
    spec = facts.record.spec
    what = (clean(spec.method_name, 200), clean(spec.task, 200), clean(spec.base_model, 1_000), str(spec.seed), spec.iterations)
    head = (facts.name, clean(facts.record.id, 200), spec.name, standing.status)
    return (*head, *what, facts.created, *why, msgspec.json.encode(spec), mark)


def stage_row(facts: StageFacts, journal: Journal | None, *, supervised: bool) -> Row:
    """What the index should hold of a stage, its journal read so far."""
    told = journal if journal and journal.attempt == facts.attempt else Journal(facts.attempt, 0)
    standing = of_stage(facts, told, supervised=supervised)
    stage, manifest = facts.stage, facts.manifest
    times = (manifest.seconds, manifest.cpu_seconds) if manifest else (told.seconds, told.cpu_seconds)
    started = facts.created if told.started is None else told.started
    why = (clean(standing.reason, 1_000), clean(standing.hint, 1_000))
    mark = facts.mark if standing.status is Status.FINISHED and not facts.locked else None
    head = (stage.t, stage.repeat, stage.kind, standing.status, facts.attempt)
    return (*head, started, standing.ended, *times, *why, mark)


def put_run(connection: sqlite3.Connection, row: Row) -> int:
    """Write a run's row and return its number."""
    return _number(connection.execute(_PUT_RUN, row))


def put_stage(connection: sqlite3.Connection, run: int, row: Row) -> int:
    """Write a stage's row and return its number."""
    return _number(connection.execute(_PUT_STAGE, (run, *row)))


def _number(cursor: sqlite3.Cursor) -> int:
    ((number,),) = cursor.fetchall()
    return int(number)


def put_reading(connection: sqlite3.Connection, stage: int, reading: Reading) -> None:
    """Write what a journal told, and how far it was read."""
    if reading.fresh:
        _drop_points(connection, stage)
    row = (stage, *vars(reading.journal).values())
    marks = ", ".join("?" for _ in row)
    connection.execute(f"INSERT OR REPLACE INTO journals (id, {_JOURNAL}) VALUES ({marks})", row)
    _put_points(connection, stage, reading.points)


def _put_points(connection: sqlite3.Connection, stage: int, points: Points) -> None:
    plain = {key for key, _ in points.comparisons} | points.newest.keys()
    keys = _keys(connection, {(key, 0, "") for key in plain} | points.metrics.keys())
    connection.executemany(
        "INSERT OR REPLACE INTO scalars VALUES (?, ?, ?, ?)",
        ((stage, keys[key, 0, ""], step, value) for key, step, value in points.scalars),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO newest VALUES (?, ?, ?)",
        ((stage, keys[key, 0, ""], value) for key, value in points.newest.items()),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (stage, keys[key], line, told.value, told.stderr, told.n, msgspec.json.encode(told.counts) if told.counts else None)
            for key, (line, told) in points.metrics.items()
        ),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO comparisons VALUES (?, ?, ?, ?, ?, ?)",
        (
            (stage, keys[key, 0, ""], against, told.change, told.stderr, told.n)
            for (key, against), told in points.comparisons.items()
        ),
    )


def _keys(connection: sqlite3.Connection, wanted: Iterable[tuple[str, int, str]]) -> dict[tuple[str, int, str], int]:
    """The numbers of keys, new ones given to those without."""
    return {key: _key(connection, key) for key in wanted}


def _key(connection: sqlite3.Connection, key: tuple[str, int, str]) -> int:
    found = connection.execute("SELECT id FROM keys WHERE key = ? AND direction = ? AND unit = ?", key).fetchone()
    return int(found[0]) if found else _number(connection.execute("INSERT INTO keys VALUES (NULL, ?, ?, ?) RETURNING id", key))


def drop_run(connection: sqlite3.Connection, name: str) -> None:
    """Remove a run and all that hangs on it."""
    for stage in known_stages(connection, name).values():
        drop_stage(connection, stage.id)
    connection.execute("DELETE FROM runs WHERE name = ?", (name,))


def drop_stage(connection: sqlite3.Connection, stage: int) -> None:
    """Remove a stage and what its journal told."""
    _drop_points(connection, stage)
    connection.execute("DELETE FROM journals WHERE id = ?", (stage,))
    connection.execute("DELETE FROM stages WHERE id = ?", (stage,))


def _drop_points(connection: sqlite3.Connection, stage: int) -> None:
    for table in POINTS:
        connection.execute(f"DELETE FROM {table} WHERE stage = ?", (stage,))


def count(connection: sqlite3.Connection) -> None:
    """Make the change known to whoever compares version numbers."""
    connection.execute("UPDATE meta SET version = version + 1")
