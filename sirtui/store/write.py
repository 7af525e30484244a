"""The rows of the index as the ingest reads and writes them; nothing here looks at a file, or begins a transaction."""

# ruff: noqa: S608 (the names of columns are constants here; values are always bound)

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from sirtui.core.run import Kind, Stage, Status
from sirtui.core.spec import label
from sirtui.core.text import clean, clean_record
from sirtui.core.verdict import Kind as Verdict
from sirtui.core.verdict import VerdictRecord
from sirtui.store.journal import Journal, Key, Points, Reading
from sirtui.store.packing import pack, unpack
from sirtui.store.rows import RunVerdict
from sirtui.store.scan import RunFacts, StageFacts
from sirtui.store.schema import (
    COMPARISONS,
    JOURNALS,
    JUDGED,
    KEYS,
    METRICS,
    NEWEST,
    POINTS,
    RUNS,
    SCALARS,
    STAGES,
    VERDICTS,
    Table,
)
from sirtui.store.sqlite import sqlite3
from sirtui.store.status import Standing, of_stage

if TYPE_CHECKING:
    from sqlite_utils import Database

Row: TypeAlias = tuple[Any, ...]

_RUN = RUNS.header[1:]
_STAGE = STAGES.header[2:]  # all but its number and its run's
_MOST = 999  # rows a statement; sqlite-utils takes as many of them as have 999 values


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
    row: Row | None = connection.execute(f"SELECT {', '.join(_RUN)} FROM runs WHERE name = ?", (name,)).fetchone()
    return row


def known_stages(connection: sqlite3.Connection, name: str) -> dict[Stage, KnownStage]:
    """The stages of a run."""
    mine = "SELECT stages.id FROM stages JOIN runs ON runs.id = run WHERE name = ?"
    told = connection.execute(f"SELECT {', '.join(JOURNALS.header)} FROM journals WHERE id IN ({mine})", (name,))
    journals = {row[0]: Journal(*row[1:]) for row in told}
    rows = connection.execute(f"SELECT id, {', '.join(_STAGE)} FROM stages WHERE id IN ({mine})", (name,))
    return {Stage(row[1], Kind(row[3]), row[2]): KnownStage(row[0], row[1:], journals.get(row[0])) for row in rows}


def run_row(facts: RunFacts, standing: Standing, mark: int | None) -> Row:
    """What the index should hold of a run."""
    why = (standing.ended, clean(standing.reason, 1_000), clean(standing.hint, 1_000))
    if facts.record is None:
        title, _, ident = facts.name.rpartition("-")
        bare = (facts.name, ident, title or ident, standing.status, "", "", "", "0", 0, facts.created)
        return (*bare, *why, None, None, "", b"[]", mark)
    spec = facts.record.spec
    what = (
        clean(spec.method_name, 200),
        clean(label(spec.task), 200),
        clean(spec.base_model, 1_000),
        str(spec.seed),
        spec.iterations,
    )
    head = (facts.name, clean(facts.record.id, 200), spec.name, standing.status)
    rule = msgspec.json.encode(facts.record.rule) if facts.record.rule else None
    shared = (clean(facts.record.sweep, 200), msgspec.json.encode([clean(slot, 200) for slot in facts.slots]))
    return (*head, *what, facts.created, *why, msgspec.json.encode(spec), rule, *shared, mark)


def stage_row(facts: StageFacts, journal: Journal | None, run: RunFacts, *, more: bool) -> Row:
    """What the index should hold of a stage of `run`, its journal read so far; `more` of it may wait."""
    told = journal if journal and journal.attempt == facts.attempt else Journal(facts.attempt, 0)
    standing = of_stage(facts, told, run)
    stage, manifest = facts.stage, facts.manifest
    times = (manifest.seconds, manifest.cpu_seconds) if manifest else (told.seconds, told.cpu_seconds)
    started = facts.created if told.started is None else told.started
    why = (clean(standing.reason, 1_000), clean(standing.hint, 1_000))
    mark = facts.mark if standing.status is Status.FINISHED and not facts.locked and not more else None
    head = (stage.t, stage.repeat, stage.kind, standing.status, facts.attempt)
    result = (clean(manifest.origin, 400) if manifest else "", int(facts.pruned))
    return (*head, started, standing.ended, *times, *why, *result, mark)


def put_run(db: Database, row: Row) -> int:
    """Write a run's row and return its number."""
    number = "SELECT id FROM runs WHERE name = ?"
    known = db.execute(number, row[:1]).fetchone() or (None,)
    _put(db, RUNS, [(*known, *row)])
    return int(db.execute(number, row[:1]).fetchone()[0])


def put_stages(db: Database, run: int, rows: Mapping[Stage, Row]) -> dict[Stage, int]:
    """Write the rows of these stages of a run and return the numbers of all its stages."""
    known = _stage_numbers(db, run)
    _put(db, STAGES, ((known.get(stage), run, *row) for stage, row in rows.items()))
    return _stage_numbers(db, run)


def _stage_numbers(db: Database, run: int) -> dict[Stage, int]:
    found = db.execute("SELECT id, t, kind, repeat FROM stages WHERE run = ?", (run,))
    return {Stage(t, Kind(kind), repeat): number for number, t, kind, repeat in found}


def put_readings(db: Database, readings: Mapping[int, Reading]) -> None:
    """Write what the journals of these stages told, and how far they were read."""
    for stage, reading in readings.items():
        if reading.fresh:
            _drop_points(db, stage)
    _put(db, JOURNALS, ((stage, *vars(reading.journal).values()) for stage, reading in readings.items()))
    told = [(stage, reading.points) for stage, reading in readings.items()]
    keys = _keys(db, dict.fromkeys(key for _, points in told for key in points.named()))
    _put(db, SCALARS, ((stage, keys[key, 0, ""], step, value) for stage, points in told for key, step, value in points.scalars))
    _put(db, NEWEST, ((stage, keys[key, 0, ""], value) for stage, points in told for key, value in points.newest.items()))
    for stage, points in told:
        _put_cells(db, METRICS, stage, _metrics(points, keys), 1)
        _put_cells(db, COMPARISONS, stage, _comparisons(points, keys), 2)
    _put(db, VERDICTS, (_verdict(stage, points.verdict) for stage, points in told if points.verdict))


def _put_cells(db: Database, table: Table, stage: int, told: Iterable[Row], width: int) -> None:
    """Add cells to those of a stage, in the place of those with their keys: the first `width` numbers of a row."""
    if new := {row[:width]: row for row in told}:
        found = db.execute(f"SELECT cells FROM {table.name} WHERE stage = ?", (stage,)).fetchone()
        former = {row[:width]: row for row in unpack(found[0])} if found else {}
        _put(db, table, [(stage, pack((former | new).values()))])


def _metrics(points: Points, keys: Mapping[Key, int]) -> Iterator[Row]:
    for key, (line, told) in points.metrics.items():
        yield keys[key], line, told.value, told.stderr, told.n, told.counts or None


def _comparisons(points: Points, keys: Mapping[Key, int]) -> Iterator[Row]:
    for (key, against), told in points.comparisons.items():
        numbers = (told.change, told.stderr, told.n, told.lo90, told.hi90, told.lo95, told.hi95, told.p)
        yield keys[key, 0, ""], against, *numbers, clean(told.verdict, 40), clean(told.trend, 40), clean(told.role, 40)


def _verdict(stage: int, record: VerdictRecord) -> Row:
    return stage, record.kind or "", msgspec.json.encode(clean_record(record))


_LOOKS = """
SELECT t, verdicts.kind, record FROM stages JOIN verdicts ON verdicts.stage = stages.id
WHERE run = ? AND verdicts.kind <> '' ORDER BY t, repeat
"""
_decode_verdict = msgspec.json.Decoder(VerdictRecord).decode


def put_judged(db: Database, run: int) -> None:
    """Write the run's verdict: that of its last measured iteration, of several looks the last."""
    looks = {t: (kind, record) for t, kind, record in db.execute(_LOOKS, (run,))}
    db.table(JUDGED.name).delete_where("run = ?", (run,))
    if looks:
        last = _decode_verdict(looks[max(looks)][1])
        alarms = sum(Verdict(kind).alarm for kind, _ in looks.values())
        _put(db, JUDGED, [(run, msgspec.json.encode(_of_run(last, alarms)))])


def _of_run(last: VerdictRecord, alarms: int) -> RunVerdict:
    assert last.kind is not None
    keep = last.keep.t if last.keep else None
    return RunVerdict(last.kind, last.names, last.past_peak, clean(last.text, 1_000), alarms, keep)


def _put(db: Database, table: Table, rows: Iterable[Row]) -> None:
    """Put rows in, or in the place of those with their keys; where `id` is None, a new number is given.

    `replace` and not `upsert`, before whose first time sqlite-utils makes and drops a table to see what SQLite can. It
    takes tuples after a header as it takes dicts.
    """
    db.table(table.name).insert_all(chain([table.header], rows), replace=True, batch_size=_MOST)


def _keys(db: Database, wanted: Collection[Key]) -> dict[Key, int]:
    """The numbers of keys, new ones given to those without."""
    db.table(KEYS.name).insert_all([KEYS.header[1:], *wanted], ignore=True, batch_size=_MOST)
    number = "SELECT id FROM keys WHERE key = ? AND direction = ? AND unit = ?"
    return {key: db.execute(number, key).fetchone()[0] for key in wanted}


def drop_run(db: Database, name: str) -> None:
    """Remove a run and all that hangs on it."""
    for stage in known_stages(db.conn, name).values():
        drop_stage(db, stage.id)
    db.execute(f"DELETE FROM {JUDGED.name} WHERE run IN (SELECT id FROM runs WHERE name = ?)", (name,))
    db.table(RUNS.name).delete_where("name = ?", (name,))


def drop_stage(db: Database, stage: int) -> None:
    """Remove a stage and what its journal told."""
    _drop_points(db, stage)
    db.table(JOURNALS.name).delete_where("id = ?", (stage,))
    db.table(STAGES.name).delete_where("id = ?", (stage,))


def _drop_points(db: Database, stage: int) -> None:
    for table in POINTS:
        db.table(table.name).delete_where("stage = ?", (stage,))


def count(db: Database) -> None:
    """Make the change known to whoever compares version numbers."""
    db.execute("UPDATE meta SET version = version + 1")
