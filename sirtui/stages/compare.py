"""`python -m sirtui.stages.compare FOLDER`: the verdicts that were asked for in the folder's `request.json`.

Of one run against another reference than M_1, or of runs that differ only in their seed as one group. What comes out is
kept with the request: the same question is answered once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_dataclass
from pathlib import Path

from msgspec.structs import replace

from sirtui.core.errors import SirtuiError, UsageError
from sirtui.core.files import read_record, write_record
from sirtui.core.layout import ComparisonFolder, RunFolder
from sirtui.core.measures import EvaluationRecord
from sirtui.core.plan import looks
from sirtui.core.run import Kind, RunRecord, Stage, evaluation_id
from sirtui.core.spec import Verdicts
from sirtui.core.verdict import ComparisonRecord, Request, VerdictRecord
from sirtui.recipes.shelf import tasks_of
from sirtui.stages.evidence import Gathered, Subject, gather, rebased
from sirtui.stages.verdict import told_if_changed
from sirtui.verdicts.conclude import conclude, of_group

SPANNED = "of two runs the intervals are what both runs' span: no interval over runs"
AFTERWARDS = "asked for afterwards: not among the looks that the declared error rate covers"


@dataclass(frozen=True)
class Asked:
    """A run in question, with what its run.json says."""

    subject: Subject
    record: RunRecord

    @property
    def measured(self) -> tuple[int, ...]:
        """Its iterations that are measured, in order."""
        return tuple(filter(self._has, range(1, self.subject.spec.iterations + 1)))

    def look(self, t: int) -> int:
        """The newest look at M_t that its measures allow."""
        there = [look for look in looks(self.subject.spec, t) if all(self._has(t, repeat) for repeat in range(1, look + 1))]
        return max(there, default=1)

    def _has(self, t: int, repeat: int = 1) -> bool:
        return self.subject.run.stage(Stage(t, Kind.MEASURE, repeat)).manifest.exists()


def answer(request: Request) -> ComparisonRecord:
    """The verdicts of a request, one for each iteration that can be compared.

    Raises:
        SirtuiError: a run cannot be read, or has nothing to compare.
    """
    runs = [_asked(Path(path), request.verdicts) for path in request.runs]
    verdicts = _group(runs) if len(runs) > 1 else _against(runs[0], request)
    if not verdicts:
        hint = "Both must be measured, and what is compared with comes first."
        raise UsageError(f"there is nothing to compare with {request.against.rpartition('/')[2]} yet", hint)
    return ComparisonRecord(request, tuple(verdicts))


def _asked(path: Path, rule: Verdicts | None) -> Asked:
    """`rule`: in place of the declared one."""
    run = RunFolder(path)
    record = read_record(run.record, RunRecord)
    spec = replace(record.spec, verdicts=rule) if rule else record.spec
    return Asked(Subject(run, spec, tasks_of(spec)), record)


def _group(runs: Sequence[Asked]) -> list[VerdictRecord]:
    common = sorted(set.intersection(*(set(each.measured) for each in runs)) - {1})
    seeds = ", ".join(str(each.subject.spec.seed) for each in runs)
    verdicts = []
    for t in common:
        every = [gather(each.subject, t, each.look(t)).course for each in runs]
        found = of_group([course.cells(t) for course in every], every[0].rule, t)
        notes = (f"{len(runs)} runs as one group, seeds {seeds}", *([SPANNED] if len(runs) == 2 else []))
        grouped = replace(found, notes=notes)
        verdicts.append(_with_changes(grouped, runs))
    return verdicts


def _with_changes(record: VerdictRecord, runs: Sequence[Asked]) -> VerdictRecord:
    """Told where the rule is not the one that a run declared."""
    told = (told_if_changed(record, each.record.rule) for each in runs)
    return next((each for each in told if each.declared), record)


def _against(run: Asked, request: Request) -> list[VerdictRecord]:
    found = (_one(run, request, t) for t in run.measured)
    return [record for record in found if record is not None]


def _one(run: Asked, request: Request, t: int) -> VerdictRecord | None:
    """The verdict on M_t; None where there is nothing to compare it with."""
    mine = gather(run.subject, t, run.look(t))
    found = _reference(run, mine, t, request.against)
    if found is None:
        return None
    other, s = found
    same = other.subject.run == run.subject.run
    name = evaluation_id(s) if same else f"{other.subject.run.name}/{evaluation_id(s)}"
    if not same or s > 1:
        mine = rebased(mine, _evaluated(other, s, mine.evidence.problems), s, same=same)
    if request.against == "peak":
        mine = replace_dataclass(mine, course=replace_dataclass(mine.course, best_of=t - 1))
    record = told_if_changed(conclude(mine.course, mine.evidence, t), run.record.rule)
    notes = (*record.notes, *([AFTERWARDS] if name != evaluation_id(1) else []))
    return replace(record, look=run.look(t), against=name, notes=notes)


def _reference(run: Asked, mine: Gathered, t: int, against: str) -> tuple[Asked, int] | None:
    """The run and the iteration that M_t is compared with; None where there is none."""
    before = [s for s in run.measured if s < t]
    folder, _, name = against.rpartition("/")
    if folder:
        other, s = _asked(Path(folder), None), int(name.removeprefix("it"))
        _check_comparable(run, t, other, s)
        return other, s
    if not before:
        return None
    if against == "previous":
        return run, before[-1]
    if against == "peak":
        return run, next((c.peak.t for c in mine.course.cells(t) if c.role == "target" and c.peak), before[0])
    s = int(name.removeprefix("it"))
    return (run, s) if s in before else None


def _evaluated(of: Asked, s: int, problems: Sequence[str]) -> Gathered:
    """M_s by all its evaluations; those of M_1 are all there for the last iteration's verdict."""
    t = of.measured[-1] if s == 1 else s
    return gather(of.subject, t, of.look(t), problems)


def _check_comparable(run: Asked, t: int, other: Asked, s: int) -> None:
    """Whether two evaluations were made on the same problems, by the same judge, rarefied alike.

    Raises:
        UsageError: they were not.
    """
    mine = read_record(run.subject.run.evaluation(t), EvaluationRecord)
    theirs = read_record(other.subject.run.evaluation(s), EvaluationRecord)
    names = {"problems": "problems", "grader": "judge", "rarefied_to": "number of samples", "sampler": "sampling settings"}
    other_ways = [told for name, told in names.items() if getattr(mine, name) != getattr(theirs, name)]
    if other_ways:
        what = f"{run.subject.run.name} and {other.subject.run.name} were evaluated in other ways: {', '.join(other_ways)}"
        raise UsageError(what, "Only evaluations made alike can be compared problem by problem.")


def main(folder: Path) -> int:
    """Answer the request in `folder`; the exit code. Where there is no answer, stderr says why: what, then a hint."""
    where = ComparisonFolder(folder)
    try:
        write_record(where.verdicts, answer(read_record(where.request, Request)))
    except SirtuiError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except ImportError as error:
        sys.stderr.write(f"{error.name} is not installed\nComparing needs the extra `train`: pip install -e '.[train]'.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
