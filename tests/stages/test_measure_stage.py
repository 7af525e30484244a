"""The measure stage: totals on the disk as in the journal, and the test problems that occur in training."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from builders import NOW, RunBuilder, make_run

from sirtui.core.events import Event, Metric
from sirtui.core.files import read_lines, read_record, write_lines
from sirtui.core.measures import EvaluationRecord, ProblemRecord, TotalsRecord
from sirtui.core.run import JobRecord, Kind, Stage
from sirtui.core.samples import Answers, Mark, Marks, Outcome, Problem, SampleSet
from sirtui.stages import measure
from sirtui.stages.context import Context
from sirtui.stages.measure import contaminated

TASK = """
from sirtui.core.samples import Problem

class Task:
    name, levels, ood = "mine", (), ()

    def problems(self, split, data):
        tested = ["what  is\\t1 + 1? ", "What is 3 + 3?", "WHAT IS 2 + 2?"]
        questions = {"train": ["What is 1 + 1?", "What is 2 + 2?"], "test": tested}
        return [Problem(f"mine/{split}-{n}", each, "2") for n, each in enumerate(questions[split])]

    def prompt(self, problem): ...
    def judge(self, answers): ...
    def steps(self, answer): return ()

TASK = Task()
"""
OUTCOMES = (Outcome.CORRECT, Outcome.INFRA, Outcome.INCORRECT, Outcome.UNPARSED)


@pytest.fixture
def run(tmp_path: Path) -> RunBuilder:
    """M_1, trained, with four samples of three test problems sampled and judged; of each the judge failed on one."""
    (tmp_path / "mine.py").write_text(TASK)
    evaluation = {"samples": 4, "embedder": "", "repeats": 0}
    run = make_run(tmp_path / "store", task=f"{tmp_path}/mine.py", evaluation=evaluation).finish("it01/train")
    ids = [f"mine/test-{n}" for n in range(3)]
    drawn = [Answers(each, ("a b", "c", "d", "e"), (2,) * 4, (True, True, True, False), (None,) * 4) for each in ids]
    write_lines(run.folder.answers(1, 1, SampleSet.TEST), drawn)
    write_lines(run.folder.marks(1, 1, SampleSet.TEST), [Marks(each, tuple(map(Mark, OUTCOMES))) for each in ids])
    return run


def work(run: RunBuilder) -> tuple[list[Event], Path]:
    """What the stage tells, and where it leaves the rest."""
    told: list[Event] = []
    out = run.folder.path.parent
    measure.work(
        Context(JobRecord(str(run.folder.path), Stage(1, Kind.MEASURE), 1, run.spec, NOW), run.folder, out, out, told.append)
    )
    return told, out


def test_measures_are_kept_as_they_are_told(run):
    """The same numbers in the same order, in a file that outlives the journal's reader."""
    told, out = work(run)
    kept = read_record(out / "measures.json", TotalsRecord).measures
    metrics = [each for each in told if isinstance(each, Metric)]
    assert [Metric(*msgspec.structs.astuple(each)) for each in kept] == metrics
    by_key = {each.key: each for each in kept}
    assert by_key["pass@1.sampled"].value == pytest.approx(1 / 3)
    assert (by_key["pass@1.sampled"].n, by_key["pass@1.sampled"].direction, by_key["pass@1.sampled"].unit) == (3, 1, "share")


def test_a_problem_keeps_what_its_scores_are_made_of(run):
    """All marks in the order drawn, and which of them are no marks."""
    _, out = work(run)
    for line in read_lines(out / "problems.jsonl", ProblemRecord):
        assert (line.bits, line.infra, line.unparsed, line.truncated) == ((True, False, False, False), (1,), 1, 1)
        assert line.scores["pass@1.sampled"] == pytest.approx(1 / 3)


def test_contamination_is_on_record(run):
    """Two of three test questions are training questions, but for case and white space."""
    _, out = work(run)
    record = read_record(out / "evaluation.json", EvaluationRecord)
    assert (record.contaminated, record.tested) == (2, 3)


def asking(*questions: str) -> list[Problem]:
    return [Problem(f"mine/{n}", each, "1") for n, each in enumerate(questions)]


@pytest.mark.parametrize(
    ("train", "test", "count"),
    [
        ([], ["a"], 0),
        (["a"], [], 0),
        (["a b"], ["a b", "A  B", "\ta\nb ", "ab", "a b."], 3),
        (["STRASSE"], ["straße", "Strasse"], 2),
        (["a", "a", "b"], ["b", "c"], 1),
    ],
)
def test_a_question_is_the_same_case_and_white_space_aside(train, test, count):
    """Each test problem counts once, however often it occurs in training."""
    assert contaminated(asking(*train), asking(*test)) == count
