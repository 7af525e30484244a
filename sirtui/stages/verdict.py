"""Verdict: did M_t become better or worse than M_1, or is it noise? Of M_1, what its coverage advises."""

from __future__ import annotations

from typing import Any

import msgspec

from sirtui.core.events import Comparison, Concluded
from sirtui.core.files import find_record, write_record
from sirtui.core.plan import evidence
from sirtui.core.rule import Declared
from sirtui.core.run import RunRecord, evaluation_id
from sirtui.core.verdict import Cell, VerdictRecord
from sirtui.stages.context import Context
from sirtui.stages.evidence import Subject, gather
from sirtui.verdicts.conclude import conclude

AGAINST = evaluation_id(1)
"""The evaluation that changes are measured from."""


def work(at: Context) -> dict[str, Any]:
    """Leaves `verdicts.json`, and tells each change and the verdict."""
    found = gather(Subject(at.run, at.spec, at.tasks), at.t, at.repeat)
    known = find_record(at.run.record, RunRecord)
    record = told_if_changed(conclude(found.course, found.evidence, at.t), known.rule if known else None)
    if at.repeat > 1:
        times = sum(s == 1 for s, _ in evidence(at.spec, at.t, at.repeat))
        again = f"a further look: M_{at.t} was evaluated {at.repeat} times for it, M_1 {times} times"
        record = msgspec.structs.replace(record, look=at.repeat, notes=(again, *record.notes))
    for cell in record.cells:
        if cell.against is not None:
            at.emit(comparison(cell))
    at.emit(Concluded(record=bare(record)))
    write_record(at.out / "verdicts.json", record)
    return {"against": AGAINST, "rule": msgspec.to_builtins(found.course.rule), "hash": record.rule.hash}


def told_if_changed(record: VerdictRecord, declared: Declared | None) -> VerdictRecord:
    """The record with a note where its rule is not the declared one."""
    if declared is None or declared.hash == record.rule.hash:
        return record
    note = f"the rule is not the declared one: {declared.hash} when the run was made, now {record.rule.hash}"
    return msgspec.structs.replace(record, declared=declared, notes=(note, *record.notes))


def comparison(cell: Cell) -> Comparison:
    """What is told of a measure."""
    against = cell.against
    assert against is not None
    return Comparison(
        key=cell.key,
        against=AGAINST,
        change=against.change,
        stderr=against.stderr,
        n=against.n,
        lo90=against.lo90,
        hi90=against.hi90,
        lo95=against.lo95,
        hi95=against.hi95,
        p=against.p if cell.role == "shown" else against.corrected,
        verdict=cell.verdict if cell.role != "shown" else "",
        trend=cell.trend if cell.role != "shown" else "",
        role=cell.role,
    )


def bare(record: VerdictRecord) -> VerdictRecord:
    """The record without what can be long."""
    few = msgspec.structs.replace(record.sets, named_gained=(), named_lost=()) if record.sets else None
    return msgspec.structs.replace(record, cells=(), sets=few, text=record.text[:2_000])
