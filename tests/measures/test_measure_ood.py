"""Accuracy elsewhere, by level, and the group disparity."""

import pytest
from evaluations import FakeTask, judged, measured, tools

from sirtui.recipes.measures.ood import MEASURE, disparity
from sirtui.recipes.shelf import Evaluation


def level(name: str, solved: int, of: int, task: str = "fake") -> list:
    """So many problems of a level, so many of them solved by their one sample."""
    return [judged(f"{task}/{name}-{i}", "c" if i < solved else "i", level=name) for i in range(of)]


def test_the_disparity_of_the_worked_example():
    """Worked example 5: 40 of 100 against 10 of 200, with the counts behind it."""
    found = measured(MEASURE, Evaluation(1, [], ood=level("1", 40, 100) + level("5", 10, 200)))["ood.disparity"]
    assert found.value == pytest.approx(0.875)
    assert found.stderr == pytest.approx(0.041458, abs=5e-7)
    assert found.value - 1.959964 * found.stderr == pytest.approx(0.793744, abs=1e-6)
    assert found.value + 1.959964 * found.stderr == pytest.approx(0.956256, abs=1e-6)
    assert (found.n, found.direction, dict(found.scores)) == (300, -1, {})
    assert found.counts == {
        "level_1.correct": 40,
        "level_1.samples": 100,
        "level_1.solved": 40,
        "level_1.problems": 100,
        "level_5.correct": 10,
        "level_5.samples": 200,
        "level_5.solved": 10,
        "level_5.problems": 200,
    }


def test_sampled_answers_count_by_problem_and_by_sample():
    """One problem solved eight times is one problem solved."""
    problems = [judged("a", "cccccccc", level="5"), judged("b", "iiiiiiii", level="5"), judged("d", "ciiiiiii", level="1")]
    counts = measured(MEASURE, Evaluation(1, [], ood=problems))["ood.disparity"].counts
    assert (counts["level_5.correct"], counts["level_5.samples"]) == (8, 16)
    assert (counts["level_5.solved"], counts["level_5.problems"]) == (1, 2)


def test_accuracy_in_total_greedily_and_by_level():
    """Sampled accuracy first; the greedy one only where greedy answers were taken; levels without problems left out."""
    problems = [judged("a", "ci", level="1"), judged("b", "cc", level="1"), judged("d", "ii", level="4")]
    found = measured(MEASURE, Evaluation(1, [], ood=problems))
    assert list(found) == ["ood.accuracy", "ood.accuracy.level_1", "ood.accuracy.level_4", "ood.disparity"]
    assert found["ood.accuracy"].value == 0.5
    assert found["ood.accuracy.level_1"].scores == {"fake/a": 0.5, "fake/b": 1.0}
    greedily = [judged("a", "ci", greedy="c"), judged("b", "ci", greedy="i")]
    assert measured(MEASURE, Evaluation(1, [], ood=greedily))["ood.accuracy.greedy"].value == 0.5


def test_the_disparity_is_undefined_where_no_easy_problem_is_solved():
    """The key is there, its value None, and the counts say why."""
    found = measured(MEASURE, Evaluation(1, [], ood=level("1", 0, 10) + level("5", 3, 10)))["ood.disparity"]
    assert (found.value, found.stderr) == (None, None)
    assert found.counts["level_1.correct"] == 0
    assert disparity({"a": 1.0}, {}) == (None, None)


def test_several_tasks_put_their_names_in_front():
    """With one there is no name."""

    class Flat(FakeTask):
        levels = ()

    problems = [judged("math-algebra/1", "c", level="1"), judged("other/1", "i")]
    using = tools(tasks={"math-algebra": FakeTask(), "other": Flat()})
    found = measured(MEASURE, Evaluation(1, [], ood=problems), using=using)
    assert list(found) == [
        "math-algebra/ood.accuracy",
        "math-algebra/ood.accuracy.level_1",
        "math-algebra/ood.disparity",
        "other/ood.accuracy",
    ]


def test_infra_marks_are_left_out_of_accuracy_and_counts():
    """A problem without marks is no problem of its level."""
    problems = [judged("a", "cx", level="1"), judged("b", "xx", level="1"), judged("d", "cc", level="5")]
    found = measured(MEASURE, Evaluation(1, [], ood=problems))
    assert (found["ood.accuracy"].value, found["ood.accuracy"].n) == (1.0, 2)
    assert found["ood.disparity"].counts["level_1.problems"] == 1


def test_no_ood_task_gives_no_keys():
    """Nothing is made up."""
    assert measured(MEASURE, Evaluation(1, [judged("a", "c")])) == {}
