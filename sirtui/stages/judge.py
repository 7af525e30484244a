"""Judge: a mark for every answer, by the task each problem belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby, islice
from typing import Any

from sirtui.core.errors import StageError
from sirtui.core.events import Progress
from sirtui.core.samples import Answers, Marks, Problem, SampleSet
from sirtui.recipes.shelf import Task
from sirtui.stages.context import Context
from sirtui.stages.sample import sets
from sirtui.stages.shards import Shards, cut


def work(at: Context) -> dict[str, Any]:
    """Leaves one file of Marks for each set of answers there is, judged shard by shard; what is judged is not judged again."""
    expected = {which: n * len(at.problems(which.part)) for which, n in sets(at.spec, at.t, at.repeat).items()}
    done, total = 0, sum(expected.values())
    for which in expected:
        answers = at.answers(which, at.t, at.repeat)
        for more in _judge(at, which, answers) if answers else ():
            done += more
            at.emit(Progress(done, total, "answers", str(which)))
    return {"graders": sorted(at.tasks)}


def _judge(at: Context, which: SampleSet, answers: Sequence[Answers]) -> Iterator[int]:
    """Make the set's file; how many answers each shard has, when it is judged."""
    problems = {problem.id: problem for problem in at.problems(which.part)}
    shards, pieces = Shards(at.partial / which, Marks), cut(answers, lambda each: len(each.texts))
    for number, piece in enumerate(pieces):
        if not shards.has(number, partial(_made_of, piece)):
            shards.write(number, judged(piece, problems, at.tasks))
        if number + 1 == len(pieces):
            shards.join(len(pieces), at.out / f"{which}.jsonl")
        yield sum(len(each.texts) for each in piece)


def _made_of(answers: Sequence[Answers], marks: Sequence[Marks]) -> bool:
    """Whether these are the marks of these answers, one for each."""
    return [(each.problem, len(each.texts)) for each in answers] == [(each.problem, len(each.marks)) for each in marks]


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
