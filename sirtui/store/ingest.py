"""Bringing the index up to date with the files.

Only under the ingest lock. What a run's files say is compared with what the index says of them; where they differ, the
rows, the points of the journals and the offsets up to which these were read are committed together: whoever is killed, at
whatever moment, has taken each line once or not at all. Runs that are over are not looked into before their folder changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.run import Stage
from sirtui.store import scan, status, write
from sirtui.store.database import transaction
from sirtui.store.journal import Reading, read_on
from sirtui.store.scan import RunFacts, StageFacts
from sirtui.store.sqlite import sqlite3
from sirtui.store.write import KnownStage, Row

if TYPE_CHECKING:
    from sqlite_utils import Database

BATCH = 2 * 1024 * 1024
"""About how many bytes of journals go into one transaction: enough to be fast, and no more memory than a screen has."""


@dataclass(frozen=True)
class Change:
    """What is to be written of one stage: its row, and its journal's news, if any."""

    row: Row
    reading: Reading | None

    def differs(self, known: KnownStage | None) -> bool:
        """Whether there is anything to write."""
        return known is None or self.row != known.row or self.reading is not None

    def shows(self, known: KnownStage | None) -> bool:
        """Whether a reader could tell: a mark (the row's last) is for the next ingest alone."""
        return known is None or self.row[:-1] != known.row[:-1] or self.reading is not None


def catch_up(connection: sqlite3.Connection, folder: StoreFolder, clock: Callable[[], float]) -> bool:
    """Take in what changed in the run folders since the last time. Whether anything did that a reader could tell.

    Raises:
        sqlite3.Error: the index cannot be written, or is damaged (see `database.is_damaged`).
    """
    marks = write.run_marks(connection)
    folders = scan.run_folders(folder)
    changed = _forget(connection, marks.keys() - folders.keys())
    for name, mtime_ns in folders.items():
        if marks.get(name) != mtime_ns:
            changed |= _take_in(connection, folder.run(name), mtime_ns, clock())
    return changed


def _forget(connection: sqlite3.Connection, names: Collection[str]) -> bool:
    """Drop the runs whose folders are gone."""
    for name in names:
        with transaction(connection) as db:
            write.drop_run(db, name)
            write.count(db)
    return bool(names)


def _take_in(connection: sqlite3.Connection, run: RunFolder, mtime_ns: int, now: float) -> bool:
    """Bring one run up to date. Whether a reader could tell."""
    changed, more = False, True
    while more:
        shows, more = _take_in_a_batch(connection, run, mtime_ns, now)
        changed |= shows
    return changed


def _take_in_a_batch(connection: sqlite3.Connection, run: RunFolder, mtime_ns: int, now: float) -> tuple[bool, bool]:
    """Bring one run up to date by at most about `BATCH` bytes. Whether a reader could tell, and whether more may wait."""
    former = write.known_run(connection, run.name)
    known = write.known_stages(connection, run.name)
    facts = scan.run_facts(run, mtime_ns)
    stages, unchanged = scan.stages_facts(run, facts.record, {stage: each.mark for stage, each in known.items() if each.mark})
    changes, more = _changes(stages, known, facts)
    standing = status.of_run(facts, stages, now)
    over = not more and status.is_over(standing, stages, mtime_ns, now)
    row = write.run_row(facts, standing, mtime_ns if over else None)
    there = unchanged | {each.stage for each in stages}
    gone = [each.id for stage, each in known.items() if stage not in there]
    shows = former is None or row[:-1] != former[:-1] or bool(gone) or _show(changes, known)
    if shows or changes or row != former:
        with transaction(connection) as db:
            _put(db, row, changes, gone)
            if shows:
                write.count(db)
    return shows, more


def _changes(stages: Sequence[StageFacts], known: dict[Stage, KnownStage], run: RunFacts) -> tuple[dict[Stage, Change], bool]:
    """What is to be written of the first of these stages, until a batch is full; and whether more may wait."""
    changes, size, more = dict[Stage, Change](), 0, False
    for facts in stages:
        if size >= BATCH:
            return changes, True
        change = _change(facts, known.get(facts.stage), run)
        if change.differs(known.get(facts.stage)):
            changes[facts.stage] = change
        if change.reading:
            size += change.reading.size
            more |= change.reading.more
    return changes, more


def _show(changes: dict[Stage, Change], known: dict[Stage, KnownStage]) -> bool:
    return any(change.shows(known.get(stage)) for stage, change in changes.items())


def _change(facts: StageFacts, known: KnownStage | None, run: RunFacts) -> Change:
    """What the index should hold of a stage from now on."""
    former = known.journal if known else None
    reading = read_on(former, facts.journal_attempt, facts.journal) if facts.journal else None
    journal = reading.journal if reading else former
    more = reading is not None and reading.more
    return Change(write.stage_row(facts, journal, run, more=more), reading)


def _put(db: Database, row: Row, changes: dict[Stage, Change], gone: Collection[int]) -> None:
    run = write.put_run(db, row)
    for stage in gone:
        write.drop_stage(db, stage)
    numbers = write.put_stages(db, run, {stage: change.row for stage, change in changes.items()})
    readings = {numbers[stage]: change.reading for stage, change in changes.items() if change.reading}
    write.put_readings(db, readings)
    if gone or any(reading.fresh or reading.points.verdict for reading in readings.values()):
        write.put_judged(db, run)
