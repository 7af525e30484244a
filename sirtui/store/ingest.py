"""Bringing the index up to date with the files.

Only under the ingest lock. What a run's files say is compared with what the index says of them; where they differ, the
rows, the points of the journals and the offsets up to which these were read are committed together: whoever is killed, at
whatever moment, has taken each line once or not at all. Runs that are over are not looked into before their folder changes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.run import Stage
from sirtui.store import scan, write
from sirtui.store.journal import Reading, read_on
from sirtui.store.scan import StageFacts
from sirtui.store.schema import transaction
from sirtui.store.write import KnownStage, Row


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
        sqlite3.Error: the index cannot be written, or is damaged (see `schema.is_damaged`).
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
        with transaction(connection):
            write.drop_run(connection, name)
            write.count(connection)
    return bool(names)


def _take_in(connection: sqlite3.Connection, run: RunFolder, mtime_ns: int, now: float) -> bool:
    """Bring one run up to date. Whether a reader could tell."""
    changed, more = False, True
    while more:
        shows, more = _take_in_a_chunk(connection, run, mtime_ns, now)
        changed |= shows
    return changed


def _take_in_a_chunk(connection: sqlite3.Connection, run: RunFolder, mtime_ns: int, now: float) -> tuple[bool, bool]:
    """Bring one run up to date by at most a chunk of each journal. Whether a reader could tell, and whether more waits."""
    number, former = write.known_run(connection, run.name)
    known = write.known_stages(connection, number)
    facts = scan.run_facts(run, mtime_ns)
    stages, unchanged = scan.stages_facts(run, facts.record, {stage: each.mark for stage, each in known.items() if each.mark})
    row = write.run_row(facts, stages, mtime_ns, now)
    found = {each.stage: _change(each, known.get(each.stage), supervised=facts.supervised) for each in stages}
    changes = {stage: each for stage, each in found.items() if each.differs(known.get(stage))}
    gone = [each.id for stage, each in known.items() if stage not in found and stage not in unchanged]
    shows = former is None or row[:-1] != former[:-1] or bool(gone) or _show(changes, known)
    if shows or changes or row != former:
        with transaction(connection):
            _put(connection, row, changes, gone)
            if shows:
                write.count(connection)
    return shows, any(each.reading is not None and each.reading.more for each in changes.values())


def _show(changes: dict[Stage, Change], known: dict[Stage, KnownStage]) -> bool:
    return any(change.shows(known.get(stage)) for stage, change in changes.items())


def _change(facts: StageFacts, known: KnownStage | None, *, supervised: bool) -> Change:
    """What the index should hold of a stage from now on."""
    former = known.journal if known else None
    reading = read_on(former, facts.journal_attempt, facts.journal) if facts.journal else None
    journal = reading.journal if reading else former
    return Change(write.stage_row(facts, journal, supervised=supervised), reading)


def _put(connection: sqlite3.Connection, row: Row, changes: dict[Stage, Change], gone: Collection[int]) -> None:
    run = write.put_run(connection, row)
    for stage in gone:
        write.drop_stage(connection, stage)
    for change in changes.values():
        stage = write.put_stage(connection, run, change.row)
        if change.reading:
            write.put_reading(connection, stage, change.reading)
