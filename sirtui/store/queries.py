"""What is asked of the index. Each answer is of one moment of it: the connection stands in a transaction."""

# ruff: noqa: S608 (the names of columns are constants here; values are always bound)

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from sirtui.core.layout import RunFolder
from sirtui.core.plan import plan
from sirtui.core.rule import Declared
from sirtui.core.run import Stage, Status
from sirtui.core.spec import Spec
from sirtui.core.verdict import VerdictRecord
from sirtui.store.packing import unpack
from sirtui.store.rows import Cell, MeasureRow, RunRow, RunVerdict, RunView, StageRow
from sirtui.store.sqlite import sqlite3
from sirtui.store.view import Told, at_work, view

_RUN = "name, title, status, method, task, base_model, seed, iterations, created, ended, reason, hint, sweep, slots, verdict"
_JUDGED = "LEFT JOIN judged ON judged.run = runs.id"
_decode_spec = msgspec.json.Decoder(Spec).decode
_decode_rule = msgspec.json.Decoder(Declared).decode
_decode_verdict = msgspec.json.Decoder(VerdictRecord).decode
_decode_run_verdict = msgspec.json.Decoder(RunVerdict).decode
_decode_slots = msgspec.json.Decoder(tuple[str, ...]).decode


def version(connection: sqlite3.Connection) -> int:
    """A number that grows with every change."""
    (number,) = connection.execute("SELECT version FROM meta").fetchone()
    return int(number)


def names(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """Full name, id and experiment name of every run, newest first."""
    return connection.execute("SELECT name, ident, title FROM runs ORDER BY created DESC, name").fetchall()


def runs(connection: sqlite3.Connection) -> tuple[RunRow, ...]:
    """All runs, newest first; those that are alive with what is at work."""
    found = connection.execute(f"SELECT id, spec, {_RUN} FROM runs {_JUDGED} ORDER BY created DESC, name").fetchall()
    reached = dict(connection.execute(_REACHED).fetchall())
    return tuple(_alive(connection, number, spec, _bare_run(columns, reached.get(number))) for number, spec, *columns in found)


_REACHED = "SELECT run, max(t) FROM stages WHERE attempt > 0 OR status = 'finished' GROUP BY run"


def _alive(connection: sqlite3.Connection, number: int, encoded: bytes | None, row: RunRow) -> RunRow:
    """The row, with what is at work."""
    if encoded is None or not (row.status.alive or row.status is Status.ORPHANED):
        return row
    spec = _decode_spec(encoded)
    return at_work(row, spec, _stages(connection, number, spec))


def _bare_run(columns: Sequence[Any], reached: int | None = None) -> RunRow:
    name, title, status, method, task, base_model, seed, iterations, created, ended, reason, hint, sweep, slots, judged = columns
    settings = (method, task, base_model, int(seed), iterations)
    row = RunRow(name, title, Status(status), *settings, created, ended=ended, t=reached, reason=reason, hint=hint, sweep=sweep)
    row = replace(row, slots=_decode_slots(slots))
    return replace(row, verdict=_decode_run_verdict(judged)) if judged else row


def run(connection: sqlite3.Connection, folder: RunFolder) -> RunView | None:
    """One run with everything the home screen shows of it; None where there is no such run."""
    found = connection.execute(f"SELECT id, spec, rule, {_RUN} FROM runs {_JUDGED} WHERE name = ?", (folder.name,)).fetchone()
    if found is None:
        return None
    number, encoded, rule, *columns = found
    if encoded is None:
        return RunView(_bare_run(columns), (), (), (), ())
    spec = _decode_spec(encoded)
    stages = _stages(connection, number, spec)
    cells, measures = _measured(connection, number)
    reached = max((stage.t for stage in stages if stage.attempt or stage.status is Status.FINISHED), default=None)
    verdicts, declared = _verdicts(connection, number), _decode_rule(rule) if rule else None
    told = Told(cells, measures, _newest(connection, number), verdicts, _pruned(connection, number), declared)
    return view(_bare_run(columns, reached), spec, stages, told, folder)


def _pruned(connection: sqlite3.Connection, number: int) -> frozenset[int]:
    """The iterations whose checkpoints were deleted."""
    return frozenset(t for (t,) in connection.execute("SELECT t FROM stages WHERE run = ? AND pruned", (number,)))


_VERDICTS = """
SELECT t, record FROM stages JOIN verdicts ON verdicts.stage = stages.id WHERE run = ? ORDER BY t, repeat
"""


def _verdicts(connection: sqlite3.Connection, number: int) -> dict[int, VerdictRecord]:
    """By iteration the verdict of the last look."""
    return {t: _decode_verdict(record) for t, record in connection.execute(_VERDICTS, (number,))}


_STAGES = """
SELECT t, repeat, kind, status, stages.attempt, stages.started, ended, done, total, coalesce(unit, ''), coalesce(what, ''), left,
    stages.seconds, stages.cpu_seconds, stages.reason, stages.hint, origin
FROM stages LEFT JOIN journals ON journals.id = stages.id AND journals.attempt = stages.attempt
WHERE run = ?
"""


def _stages(connection: sqlite3.Connection, number: int, spec: Spec) -> tuple[StageRow, ...]:
    """Every planned stage, most urgent first; those not begun are waiting."""
    begun = {(t, repeat, kind): rest for t, repeat, kind, *rest in connection.execute(_STAGES, (number,))}
    waiting = (Status.WAITING,)
    return tuple(_stage(stage, begun.get((stage.t, stage.repeat, stage.kind), waiting)) for stage in plan(spec))


def _stage(stage: Stage, columns: Sequence[Any]) -> StageRow:
    status, *rest = columns
    return StageRow(stage.id, stage.t, stage.repeat, stage.kind, Status(status), *rest)


_METRICS = """
SELECT t, repeat, cells FROM stages JOIN metrics ON metrics.stage = stages.id
WHERE run = ? AND kind = 'measure' ORDER BY repeat, t
"""
_CHANGE = ("change", "change_stderr", "change_n", "lo90", "hi90", "lo95", "hi95", "p", "verdict", "trend", "role")
_COMPARISONS = """
SELECT t, repeat, cells FROM stages JOIN comparisons ON comparisons.stage = stages.id WHERE run = ? ORDER BY repeat
"""


def _measured(
    connection: sqlite3.Connection, number: int
) -> tuple[dict[tuple[int, int], dict[str, Cell]], tuple[MeasureRow, ...]]:
    """The cells of each evaluation (iteration and repeat), and the measures in the order they first appeared."""
    told = [(t, repeat, sorted(unpack(cells), key=_line)) for t, repeat, cells in connection.execute(_METRICS, (number,))]
    changes = _changes(connection, number)
    keys = _keys(connection, {row[0] for _, _, rows in told for row in rows})
    cells: dict[tuple[int, int], dict[str, Cell]] = {}
    measures: dict[str, MeasureRow] = {}
    for t, repeat, rows in told:
        cells_of = cells.setdefault((t, repeat), {})
        for key, _, value, stderr, n, counts in rows:
            measure = keys[key]
            measures.setdefault(measure.key, measure)
            change = changes.get((t, measure.key), {}) if repeat == 1 else {}
            cells_of[measure.key] = Cell(value, stderr, n, **change, counts=counts or {})
    return cells, tuple(measures.values())


def _line(row: Sequence[Any]) -> int:
    return int(row[1])


def _changes(connection: sqlite3.Connection, number: int) -> dict[tuple[int, str], dict[str, Any]]:
    """The change of each measure at each iteration: of several looks the last, of several references the earliest."""
    told = [(t, unpack(cells)) for t, _, cells in connection.execute(_COMPARISONS, (number,))]
    keys = _keys(connection, {row[0] for _, rows in told for row in rows})
    by_reference = sorted(((row[1], t, row) for t, rows in told for row in rows), key=lambda item: item[0], reverse=True)
    return {
        (t, keys[key].key): dict(zip(_CHANGE, numbers, strict=True), against=against)
        for _, t, (key, against, *numbers) in by_reference
    }


_KEYS = "SELECT id, key, direction, unit FROM keys WHERE id IN (SELECT value FROM json_each(?))"


def _keys(connection: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, MeasureRow]:
    """The keys of these numbers."""
    return {number: MeasureRow(*named) for number, *named in connection.execute(_KEYS, (str(list(numbers)),))}


_NEWEST = """
SELECT t, keys.key, value
FROM stages JOIN newest ON newest.stage = stages.id JOIN keys ON keys.id = newest.key
WHERE run = ? AND kind = 'train' ORDER BY newest.key
"""


def _newest(connection: sqlite3.Connection, number: int) -> dict[int, dict[str, float | None]]:
    """Per iteration the last value of each training curve."""
    scalars: dict[int, dict[str, float | None]] = {}
    for t, key, value in connection.execute(_NEWEST, (number,)):
        scalars.setdefault(t, {})[key] = value
    return scalars


_CURVE = """
SELECT step, value
FROM runs JOIN stages ON stages.run = runs.id AND t = ? AND repeat = 1 AND kind = 'train'
    JOIN keys ON keys.key = ? AND direction = 0 AND unit = ''
    JOIN scalars ON scalars.stage = stages.id AND scalars.key = keys.id
WHERE name = ? ORDER BY step
"""


def curve(connection: sqlite3.Connection, name: str, t: int, key: str) -> tuple[tuple[int, float | None], ...]:
    """A training curve of M_t: step and value."""
    return tuple(connection.execute(_CURVE, (t, key, name)).fetchall())
