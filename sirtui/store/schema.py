"""The tables of the index, and how they are made: what stands in it, and nothing about the file it is.

Measures are named by number, curves clustered on their keys, and the measures of a stage packed into one value, so that 1,000
runs of 20 iterations with 200 judged measures stay below 400 MB (see `bench/store_load.py`). An index of an older `VERSION` is
migrated (`migrate`), one of a newer version is only read, where its `meta.readable_from` allows it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING, get_args, get_type_hints

from sirtui.store.journal import Journal

if TYPE_CHECKING:
    from sqlite_utils import Database

VERSION = 5
READABLE_FROM = 5
"""The oldest version that may still read an index of this one: raised where a column that readers ask for goes."""


@dataclass(frozen=True)
class Table:
    """One table: its columns and their types (`float | None` may be NULL), its key, and what else is unique.

    A key of several columns is what the rows are clustered on.
    """

    name: str
    columns: Mapping[str, type | UnionType]
    key: str | tuple[str, ...] = "id"
    unique: tuple[str, ...] = ()

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns, in the order of a row."""
        return tuple(self.columns)


META = Table("meta", {"id": int, "version": int, "readable_from": int})  # one row, whose version grows with every change
RUNS = Table(
    "runs",
    {
        "id": int,
        "name": str,
        "ident": str,
        "title": str,
        "status": str,
        "method": str,
        "task": str,
        "base_model": str,
        "seed": str,
        "iterations": int,
        "created": float,
        "ended": float | None,
        "reason": str,
        "hint": str,
        "spec": bytes | None,  # as JSON, NULL where run.json cannot be read
        "rule": bytes | None,  # a Declared as JSON
        "sweep": str,
        "slots": bytes,  # as JSON
        "mark": int | None,  # the folder's mtime in ns when the run is over, else NULL
    },
    unique=("name",),
)
STAGES = Table(
    "stages",
    {
        "id": int,
        "run": int,
        "t": int,
        "repeat": int,
        "kind": str,
        "status": str,
        "attempt": int,
        "started": float | None,
        "ended": float | None,
        "seconds": float | None,
        "cpu_seconds": float | None,
        "reason": str,
        "hint": str,
        "origin": str,
        "pruned": int,
        "mark": int | None,  # the manifest's mtime in ns (pruned.json's if newer) when the stage is over, else NULL
    },
    unique=("run", "t", "repeat", "kind"),
)
JOURNALS = Table("journals", {"id": int, **get_type_hints(Journal)})  # id is the stage's
KEYS = Table("keys", {"id": int, "key": str, "direction": int, "unit": str}, unique=("key", "direction", "unit"))
SCALARS = Table("scalars", {"stage": int, "key": int, "step": int, "value": float | None}, key=("stage", "key", "step"))
NEWEST = Table("newest", {"stage": int, "key": int, "value": float | None}, key=("stage", "key"))  # of each curve the last
# Packed (see `packing`), so that each stage has one row: (key, line, value, stderr, n, counts) of every measure
METRICS = Table("metrics", {"stage": int, "cells": bytes}, key="stage")
# (key, against, change, stderr, n, lo90, hi90, lo95, hi95, p, verdict, trend, role) of every comparison
COMPARISONS = Table("comparisons", {"stage": int, "cells": bytes}, key="stage")
VERDICTS = Table("verdicts", {"stage": int, "kind": str, "record": bytes}, key="stage")  # a VerdictRecord as JSON
JUDGED = Table("judged", {"run": int, "verdict": bytes}, key="run")  # a RunVerdict as JSON, made from VERDICTS
POINTS = (SCALARS, NEWEST, METRICS, COMPARISONS, VERDICTS)
"""The tables that hold what a stage's journal tells."""
TABLES = (META, RUNS, STAGES, JOURNALS, KEYS, *POINTS, JUDGED)


def create(db: Database) -> None:
    """Every table, whatever stood there before dropped.

    The counter starts at the clock, so that a rebuilt index repeats no number of the former one.
    """
    for former in db.tables:
        former.drop()
    for table in TABLES:
        _create(db, table)
    db.table(META.name).insert({"id": 1, "version": time.time_ns() // 1000, "readable_from": READABLE_FROM})
    db.execute(f"PRAGMA user_version = {VERSION}")


def _create(db: Database, table: Table) -> None:
    types = {name: next(iter(get_args(kind)), kind) for name, kind in table.columns.items()}
    filled = {name for name, kind in table.columns.items() if not isinstance(kind, UnionType)}
    plain = db.create_table_sql(table.name, types, pk=table.key, not_null=filled).rstrip("; \n")
    db.execute(plain if isinstance(table.key, str) else f"{plain} WITHOUT ROWID")  # which sqlite-utils cannot say
    if table.unique:
        db.table(table.name).create_index(table.unique, unique=True)
