"""Verdict: how each measure of M_t changed against M_1, problem by problem.

So far the change and its standard error; tests and verdicts on them are yet to come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sirtui.core.events import Comparison
from sirtui.core.files import read_lines, write_lines
from sirtui.core.measures import ProblemRecord
from sirtui.core.run import evaluation_id
from sirtui.recipes.shelf import Task
from sirtui.stages.context import Context
from sirtui.verdicts.paired import Change, Levels, Scores, disparity_change, paired

AGAINST = evaluation_id(1)
"""The evaluation that changes are measured from."""


def work(at: Context) -> dict[str, Any]:
    """Leaves `comparisons.jsonl`, and tells each comparison."""
    found = [] if at.t == 1 else list(_comparisons(at))
    for each in found:
        at.emit(each)
    write_lines(at.out / "comparisons.jsonl", found)
    return {"against": AGAINST}


def _comparisons(at: Context) -> Iterator[Comparison]:
    records = list(read_lines(at.run.problems(at.t), ProblemRecord))
    now, reference = scores(records), scores(read_lines(at.run.problems(1), ProblemRecord))
    clusters = {each.problem: each.cluster for each in records if each.cluster is not None}
    for key in now:
        if change := paired(now[key], reference.get(key, {}), clusters):
            yield _told(key, change)
    others = [task for task in at.tasks.values() if task is not at.task]
    for task in others:
        front = f"{task.name}/" if len(others) > 1 else ""
        if change := _disparity(f"{front}ood.accuracy", task, now, reference):
            yield _told(f"{front}ood.disparity", change)


def scores(records: Iterable[ProblemRecord]) -> dict[str, dict[str, float]]:
    """Per measure key, the score of each problem that has one."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for record in records:
        for key, score in record.scores.items():
            found[key][record.problem] = score
    return found


def _disparity(key: str, task: Task, now: Mapping[str, Scores], reference: Mapping[str, Scores]) -> Change | None:
    if len(task.levels) < 2:
        return None
    ends = [f"{key}.level_{level}" for level in (task.levels[0], task.levels[-1])]
    return disparity_change(*(Levels(*(side.get(end, {}) for end in ends)) for side in (now, reference)))


def _told(key: str, change: Change) -> Comparison:
    return Comparison(key, AGAINST, change.change, change.stderr, change.n)
