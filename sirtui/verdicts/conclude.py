"""Everything there is to say of one iteration, from what was measured of it and of those before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from sirtui.core.rule import Rule, declared
from sirtui.core.verdict import Cell, Keep, Kind, Sets, Sign, VerdictRecord
from sirtui.verdicts.cells import Course
from sirtui.verdicts.iteration import Verdict, standing, verdict
from sirtui.verdicts.keep import Margin, halves, keep
from sirtui.verdicts.paired import defined
from sirtui.verdicts.problems import Tally, crossing, masses, named, sets
from sirtui.verdicts.seeds import group
from sirtui.verdicts.series import Series
from sirtui.verdicts.validity import Form, Forms, strip

GREEDY = "pass@1.greedy"
COVERAGE = "coverage.mass_train"
LIKES_SFT_BELOW = 0.5


@dataclass(frozen=True)
class Evidence:
    """What a verdict needs beyond scores, of the evaluations by t (1: all of M_1's together).

    `problems`: ids, in the order of the arrays; `cluster`: of those that have one; `contaminated`: test problems that occur
    in training, of how many.
    """

    problems: Sequence[str]
    cluster: Mapping[str, str] = field(default_factory=dict)
    tallies: Mapping[int, Tally] = field(default_factory=dict)
    forms: Mapping[int, Form] = field(default_factory=dict)
    ood_forms: Mapping[int, Form] = field(default_factory=dict)
    contaminated: tuple[int, int] | None = None


def conclude(course: Course, evidence: Evidence, t: int) -> VerdictRecord:
    """The verdict on M_t; of M_1 there is none, but advice. Which look it is, the caller adds.

    A verdict that rests on a broken part of the validity strip says so.
    """
    rule = course.rule
    bare = VerdictRecord(t, 1, "it01", declared(rule), measured=course.measured, alpha=rule.alpha)
    if t == 1:
        return msgspec.structs.replace(bare, advice=advice(course))
    cells = course.cells(t)
    how = standing(cells, rule.target, rule.essential)
    found = verdict(how)
    forms = _forms(evidence, t)
    parts = strip(course, t, forms, evidence.contaminated)
    record = msgspec.structs.replace(
        bare,
        kind=found.kind,
        names=found.names,
        past_peak=how.past_peak,
        text=found.text,
        cells=cells,
        validity=parts,
        sets=_sets(course, evidence, t, found, cells),
        keep=_keep(course, evidence, t),
        notes=_notes(course, t),
    )
    if not record.broken:
        return record
    return msgspec.structs.replace(record, text=f"{found.text}; rests on a broken part: {', '.join(record.broken)}")


def _forms(evidence: Evidence, t: int) -> Forms | None:
    if not {1, t} <= evidence.forms.keys():
        return None
    other = (evidence.ood_forms[t], evidence.ood_forms[1]) if {1, t} <= evidence.ood_forms.keys() else None
    return Forms((evidence.forms[t], evidence.forms[1]), other)


def of_group(runs: Sequence[Sequence[Cell]], rule: Rule, t: int) -> VerdictRecord:
    """The verdict on M_t of several runs that differ only in their seed."""
    cells = group(runs, rule)
    how = standing(cells, rule.target, rule.essential)
    found = verdict(how)
    return VerdictRecord(
        t, 1, "it01", declared(rule), found.kind, found.names, found.text, cells, past_peak=how.past_peak, alpha=rule.alpha
    )


def _notes(course: Course, t: int) -> tuple[str, ...]:
    missing = sorted(set(range(2, t)) - set(course.measured))
    told = [f"not measured: {', '.join(f'it{s}' for s in missing)}"] if missing else []
    if not course.is_look(t):
        told.append(f"it{t} is no declared look: its measures lean, nothing is decided")
    return tuple(told)


def _sets(course: Course, evidence: Evidence, t: int, found: Verdict, cells: Sequence[Cell]) -> Sets | None:
    greedy = next((each for each in course.series if each.key == GREEDY), None)
    now, first = evidence.tallies.get(t), evidence.tallies.get(1)
    row = greedy.at(t) if greedy else None
    drawn = now is not None and first is not None and bool(((now.drawn > 0) & (first.drawn > 0)).any())
    gross = Sets(None, None, 0, None, None, None, None)
    if greedy is not None and row is not None and defined(row, greedy.reference).any():
        gross = sets(row, greedy.reference, greedy.firsts)
    elif not drawn:
        return None
    if now is None or first is None or not drawn:
        return gross
    gained_mass, lost_mass = masses(now, first)
    gained, lost = named(evidence.problems, now, first)
    return msgspec.structs.replace(
        gross,
        gained_mass=gained_mass,
        lost_mass=lost_mass,
        named_gained=gained,
        named_lost=lost,
        crossing=_crossing(course, t, found, cells),
    )


def _crossing(course: Course, t: int, found: Verdict, cells: Sequence[Cell]) -> int | None:
    """Claimed only where the target is up and the essential pass@K is down."""
    fell = any(_is_pass(cell.key) and cell.role == "essential" and cell.verdict is Sign.DOWN for cell in cells)
    if found.kind is not Kind.REVERSAL or not fell:
        return None
    curves = [each for each in course.series if _is_pass(each.key)]
    now = {int(each.key[5:]): each.value(row) for each in curves if (row := each.at(t)) is not None}
    return crossing(now, {int(each.key[5:]): each.value(each.reference) for each in curves})


def _is_pass(key: str) -> bool:
    return key.startswith("pass@") and key[5:].isdecimal()


def _keep(course: Course, evidence: Evidence, t: int) -> Keep | None:
    target = next((each for each in course.series if each.key == course.rule.target), None)
    if target is None or target.pinned is not None:
        return None
    down = {1: list[str]()}
    for s in (s for s in course.measured if 1 < s <= t and course.is_look(s)):
        essential = [cell for cell in course.cells(s) if cell.role == "essential"]
        down[s] = [cell.key for cell in essential if cell.verdict is Sign.DOWN]
    margin = Margin(course.rule.alpha, course.deltas[target.key], course.nulls[target.key].factor)
    return keep(target, down, halves(evidence.problems, evidence.cluster), margin)


def advice(course: Course) -> str:
    """What coverage suggests after M_1, with its caveat; empty where coverage was not measured."""
    found: Series | None = next((each for each in course.series if each.key == COVERAGE), None)
    value = np.nan if found is None else found.value(found.first)
    if np.isnan(value):
        return ""
    method, how = ("SFT", "below") if value < LIKES_SFT_BELOW else ("DPO or SFT-DPO", "above")
    return (
        f"coverage {value:.2f}, {how} one half: {method} led to the best model in the paper's rows of that kind "
        "(a rule of thumb: it fails in 1 of its 12 rows)"
    )
