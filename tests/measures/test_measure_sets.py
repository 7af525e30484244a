"""Gained and lost problems, and M_1's pass@K on what was gained."""

from math import sqrt

import pytest
from evaluations import judged, measured

from sirtui.recipes.measures.accuracy import pass_at_k
from sirtui.recipes.measures.sets import MEASURE
from sirtui.recipes.shelf import Evaluation

FIRST = Evaluation(
    1,
    [judged(name, "ci", greedy=greedy) for name, greedy in zip("abdef", "iicix", strict=True)],
    further=[judged(name, marks) for name, marks in zip("abdef", ["ciii", "iiii", "cccc", "cccc", "cccc"], strict=True)],
)
NOW = Evaluation(3, [judged(name, "ci", greedy=greedy) for name, greedy in zip("abdef", "ccuic", strict=True)])


def test_gained_and_lost_are_counts_of_problems():
    """Against M_1's greedy marks, over the problems that both have; scores are 0 or 1, the error that of a sum."""
    found = measured(MEASURE, NOW, FIRST)
    gained, lost = found["sets.gained"], found["sets.lost"]
    assert gained.scores == {"fake/a": 1.0, "fake/b": 1.0, "fake/d": 0.0, "fake/e": 0.0}
    assert (gained.value, gained.n, gained.unit, gained.direction) == (2.0, 4, "problems", 1)
    assert gained.stderr == pytest.approx(4 * sqrt((4 * 0.25 / 3) / 4))
    assert (lost.value, lost.direction) == (1.0, -1)


def test_m1_pass_at_k_is_over_the_improvement_set_and_all_samples_of_m1():
    """From `further`, only where M_t solved what M_1 did not."""
    found = measured(MEASURE, NOW, FIRST)
    assert [key for key in found if "m1" in key] == ["sets.m1_pass@2", "sets.m1_pass@4"]
    assert found["sets.m1_pass@2"].scores == {"fake/a": pass_at_k(4, 1, 2), "fake/b": 0.0}
    assert (found["sets.m1_pass@4"].value, found["sets.m1_pass@4"].direction) == (0.5, 0)


def test_without_further_samples_m1s_test_samples_serve():
    """Where no more than N were drawn of M_1."""
    found = measured(MEASURE, NOW, Evaluation(1, FIRST.test))
    assert found["sets.m1_pass@2"].scores == {"fake/a": 1.0, "fake/b": 1.0}


def test_m1_has_no_improvement_set_but_repeats_have_gross_sizes():
    """M_1 against itself gains nothing; evaluated again it flips by chance, and that is told too."""
    assert {key: each.value for key, each in measured(MEASURE, FIRST, FIRST).items()} == {"sets.gained": 0, "sets.lost": 0}
    again = Evaluation(1, NOW.test)
    assert {key: each.value for key, each in measured(MEASURE, again, FIRST).items()} == {"sets.gained": 2, "sets.lost": 1}


def test_an_empty_improvement_set_has_no_pass_at_k():
    """Left out, not zero."""
    worse = Evaluation(2, [judged(name, "ci", greedy="i") for name in "abde"])
    assert list(measured(MEASURE, worse, FIRST)) == ["sets.gained", "sets.lost"]


def test_without_greedy_answers_there_are_no_sets():
    """Nothing to compare."""
    assert measured(MEASURE, Evaluation(2, [judged("a", "ci")]), FIRST) == {}
