"""From the files of a run's evaluations to what verdicts are computed from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from sirtui.core.errors import StoreError
from sirtui.core.files import find_record, read_lines, read_record
from sirtui.core.layout import RunFolder
from sirtui.core.measures import EvaluationRecord, TotalsRecord
from sirtui.core.plan import evidence
from sirtui.core.rule import rule
from sirtui.core.spec import Spec
from sirtui.recipes.shelf import Task
from sirtui.verdicts.cells import Course
from sirtui.verdicts.conclude import Evidence
from sirtui.verdicts.paired import FIRST_LEVEL, LAST_LEVEL, Groups, Scores, pooled
from sirtui.verdicts.problems import Tally
from sirtui.verdicts.series import Series, Shape
from sirtui.verdicts.validity import Form


class Line(msgspec.Struct, frozen=True):
    """What a verdict reads of a `ProblemRecord`: decoding the counts too would take longer than all the statistics."""

    problem: str
    split: str
    level: str | None = None
    cluster: str | None = None
    bits: tuple[bool, ...] = ()
    infra: tuple[int, ...] = ()
    truncated: int = 0
    unparsed: int = 0
    scores: dict[str, float] = {}

    @property
    def scored(self) -> tuple[bool, ...]:
        """The marks of the samples that count, in the order drawn."""
        return tuple(bit for index, bit in enumerate(self.bits) if index not in self.infra) if self.infra else self.bits


Lines = Mapping[tuple[int, int], Sequence[Line]]
"""By evaluation: iteration and repeat."""


@dataclass(frozen=True)
class Gathered:
    """A run as far as the verdict on one iteration needs it."""

    course: Course
    evidence: Evidence


@dataclass(frozen=True)
class Subject:
    """The run in question; of its tasks the first is the one trained on."""

    run: RunFolder
    spec: Spec
    tasks: Mapping[str, Task]


def gather(of: Subject, t: int, look: int = 1, problems: Sequence[str] | None = None) -> Gathered:
    """What is known of M_1 ... M_t, M_t having been evaluated `look` times. An iteration without measures is left out.

    `problems`: whose scores to take, in this order; all of M_1's where None.

    Raises:
        StoreError: a file cannot be read.
    """
    there = [each for each in evidence(of.spec, t, look) if of.run.problems(*each).exists()]
    if (1, 1) not in there:
        raise StoreError(f"{of.run.problems(1)}: missing", "Without M_1's measures there is nothing to compare with.")
    lines = {each: list(read_lines(of.run.problems(*each), Line)) for each in there}
    ids = problems if problems is not None else [line.problem for line in lines[1, 1]]
    measured = tuple(sorted({s for s, _ in lines}))
    course = Course(_series(of, lines, ids), rule(of.spec), measured, extra=t if look > 1 else None)
    return Gathered(course, _evidence(of.run, lines, ids))


def rebased(mine: Gathered, other: Gathered, s: int, *, same: bool) -> Gathered:
    """The same run, compared with M_s of `other` in place of M_1; `same`: that is this run too."""
    rows = {each.key: row for each in other.course.series if (row := each.at(s)) is not None}
    series = tuple(each.against(rows[each.key]) for each in mine.course.series if each.key in rows)
    tallies = {**mine.evidence.tallies, 1: other.evidence.tallies[s]}
    forms = {**mine.evidence.forms, 1: other.evidence.forms[s]}
    ood_forms = {**mine.evidence.ood_forms, 1: other.evidence.ood_forms[s]}
    evidence = replace(mine.evidence, tallies=tallies, forms=forms, ood_forms=ood_forms)
    return Gathered(replace(mine.course, series=series, reference=s if same else 0), evidence)


def _evidence(run: RunFolder, lines: Lines, ids: Sequence[str]) -> Evidence:
    first = find_record(run.evaluation(1), EvaluationRecord)
    found = None if first is None or first.contaminated is None else (first.contaminated, first.tested)
    by_t = {t: [lines[each] for each in lines if each[0] == t] for t in {t for t, _ in lines}}
    return Evidence(
        problems=ids,
        cluster={line.problem: line.cluster for line in lines[1, 1] if line.cluster is not None},
        tallies={t: _tally(every, ids) for t, every in by_t.items()},
        forms={t: _form(every, "test") for t, every in by_t.items()},
        ood_forms={t: _form(every, "ood") for t, every in by_t.items()},
        contaminated=found,
    )


def _tally(every: Sequence[Sequence[Line]], ids: Sequence[str]) -> Tally:
    """Of the test problems; others have nothing drawn."""
    bits: dict[str, list[bool]] = defaultdict(list)
    for line in (line for lines in every for line in lines if line.split == "test"):
        bits[line.problem] += line.scored
    return Tally.of([bits.get(problem, []) for problem in ids])


def _form(every: Sequence[Sequence[Line]], split: str) -> Form:
    tested = [line for lines in every for line in lines if line.split == split]
    drawn = sum(len(line.bits) for line in tested)
    return Form(
        drawn=drawn,
        infra=sum(len(line.infra) for line in tested),
        unparsed=sum(line.unparsed for line in tested),
        ended=drawn - sum(line.truncated for line in tested),
        correct=sum(sum(line.scored) for line in tested),
    )


def _series(of: Subject, lines: Lines, ids: Sequence[str]) -> tuple[Series, ...]:
    place = {problem: index for index, problem in enumerate(ids)}
    rows = {each: _rows(those, place) for each, those in lines.items()}
    clusters = _clusters(lines[1, 1], ids)
    found: dict[str, Series] = {}
    for key, (direction, unit) in _kinds(of.run, lines).items():
        if not any(key in row for row in rows.values()):
            continue
        by_t: dict[int, list[Scores]] = defaultdict(list)
        for (t, _), row in rows.items():
            if key in row:
                by_t[t].append(row[key])
        nowhere = np.full(len(ids), np.nan)
        every_t = {t for t, _ in rows}
        counts = {t: len(by_t[t]) or 1 for t in every_t}
        firsts = tuple(by_t[1]) or (nowhere,)
        drawn = _drawn(key, of.spec)
        found[key] = Series(
            key=key,
            direction=direction,
            unit=unit,
            rows={t: pooled(by_t[t] or [nowhere]) for t in every_t if t > 1},
            firsts=firsts,
            shape=Shape.MARKS if key.endswith(".greedy") else Shape.MEAN,
            clusters=clusters,
            draws={t: drawn * count for t, count in counts.items()} if drawn else {},
            evaluations=counts,
        )
    return (*found.values(), *_disparities(of.tasks, found, lines[1, 1], ids))


def _rows(lines: Sequence[Line], place: Mapping[str, int]) -> dict[str, Scores]:
    """By key, the scores of one evaluation; of the keys that any problem has."""
    rows: dict[str, Scores] = {}
    for line in lines:
        index = place.get(line.problem)
        if index is None:
            continue
        for key, score in line.scores.items():
            if key not in rows:
                rows[key] = np.full(len(place), np.nan)
            rows[key][index] = score
    return rows


def _kinds(run: RunFolder, lines: Lines) -> dict[str, tuple[int, str]]:
    """By key, direction and unit, in the order the measures are shown."""
    kinds: dict[str, tuple[int, str]] = {}
    for each in lines:
        for total in read_record(run.totals(*each), TotalsRecord).measures:
            kinds.setdefault(total.key, (total.direction, total.unit))
    return kinds


def _drawn(key: str, spec: Spec) -> int | None:
    """How many samples of one evaluation are behind a score, where it is the share of correct ones."""
    if key in ("pass@1.sampled", "coverage.mass_test"):
        return spec.evaluation.samples
    if key == "coverage.mass_train":
        return spec.sampling.n
    name = key.rpartition("/")[2]
    sampled = name == "ood.accuracy" or name.startswith("ood.accuracy.level_")
    return spec.evaluation.ood_samples if sampled else None


def _clusters(lines: Sequence[Line], ids: Sequence[str]) -> Groups | None:
    """A number for each problem's cluster, a problem without one being one of its own; None where there are none at all."""
    named = {line.problem: line.cluster for line in lines if line.cluster is not None}
    if not named:
        return None
    numbers: dict[tuple[bool, str], int] = {}
    keys = [(problem in named, named.get(problem, problem)) for problem in ids]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _disparities(
    tasks: Mapping[str, Task], found: Mapping[str, Series], lines: Sequence[Line], ids: Sequence[str]
) -> Iterator[Series]:
    """The group disparity of each OOD task with levels: no mean of scores, but made of the accuracy's."""
    others = [task for name, task in tasks.items() if name != next(iter(tasks))]
    of_problem = {line.problem: line.level for line in lines}
    for task in others:
        front = f"{task.name}/" if len(others) > 1 else ""
        accuracy = found.get(f"{front}ood.accuracy")
        if accuracy is None or len(task.levels) < 2:
            continue
        numbers = {task.levels[0]: FIRST_LEVEL, task.levels[-1]: LAST_LEVEL}
        mine = [numbers.get(of_problem.get(each) or "", -1) if each.startswith(f"{task.name}/") else -1 for each in ids]
        yield Series(
            key=f"{front}ood.disparity",
            direction=-1,
            unit="share",
            rows=accuracy.rows,
            firsts=accuracy.firsts,
            shape=Shape.DISPARITY,
            levels=np.array(mine, dtype=np.int64),
            evaluations=accuracy.evaluations,
        )
