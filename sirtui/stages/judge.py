"""Judge: a mark for every answer, by the task each problem belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Any

from sirtui.core.errors import StageError
from sirtui.core.events import Progress
from sirtui.core.files import write_lines
from sirtui.core.samples import Answers, Marks, Problem, SampleSet
from sirtui.recipes.shelf import Task
from sirtui.stages.context import Context


def work(at: Context) -> dict[str, Any]:
    """Leaves one file of Marks for each set of answers there is."""
    for number, which in enumerate(SampleSet, 1):
        answers = at.answers(which, at.t, at.repeat)
        if answers:
            problems = {problem.id: problem for problem in at.problems(which.part)}
            write_lines(at.out / f"{which}.jsonl", judged(answers, problems, at.tasks))
        at.emit(Progress(number, len(SampleSet), "sets", str(which)))
    return {"graders": sorted(at.tasks)}


def judged(answers: Sequence[Answers], problems: Mapping[str, Problem], tasks: Mapping[str, Task]) -> Iterator[Marks]:
    """The marks of each problem's answers, in order; each task is asked once for all answers that stand together.

    Raises:
        StageError: a task gave fewer marks than there were answers.
    """
    for name, together in groupby(answers, lambda each: each.problem.partition("/")[0]):
        group = list(together)
        marks = tasks[name].judge((problems[each.problem], text) for each in group for text in each.texts)
        for each in group:
            own = tuple(islice(marks, len(each.texts)))
            if len(own) < len(each.texts):
                raise StageError(f"the judge of {name} gave too few marks", "A task's judge must yield one mark an answer.")
            yield Marks(each.problem, own)
