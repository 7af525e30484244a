"""M_1 against itself: what is suspended, and what only shown."""

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
from courses import TARGET, a_disparity, even, groups, moved, moving
from scipy import stats

from sirtui.verdicts.null import Null, null
from sirtui.verdicts.series import Series, Shape


def test_lambda_is_the_mean_square_of_all_pairs():
    """Of three evaluations three pairs, each with the z of its own paired change."""
    firsts = tuple(np.random.default_rng(0).random((3, 200)))
    zs = [stats.ttest_rel(firsts[a], firsts[b]).statistic for a, b in ((0, 1), (0, 2), (1, 2))]
    found = null(Series(TARGET, 1, "share", {}, firsts))
    assert found.inflation == pytest.approx(np.mean(np.square(zs)))
    assert found.worst == pytest.approx(max(map(abs, zs)))


@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_lambda_acts_in_one_of_a_hundred_frozen_measures(repeats):
    """Under chance it is chi^2_R / R, so the 99 % point is passed as often; suspended are about as few."""
    rng = np.random.default_rng(repeats)
    found = [null(Series(TARGET, 1, "share", {}, tuple(rng.normal(0, 1, (repeats + 1, 60))))) for _ in range(1500)]
    assert np.mean([each.acts for each in found]) == pytest.approx(0.01, abs=0.008)
    assert np.mean([each.suspended for each in found]) < 0.015
    assert np.mean([each.inflation for each in found]) == pytest.approx(1, abs=0.12)


@pytest.mark.parametrize(
    ("found", "suspended", "factor"),
    [
        (Null(), False, 1.0),
        (Null(3.3, 4.0, acts=False), False, 1.0),
        (Null(3.3, 4.0, acts=True), False, 2.0),
        (Null(3.31, 4.0, acts=True), True, 2.0),
    ],
)
def test_what_a_null_does(found, suspended, factor):
    """3.3 itself is not beyond 3.3; an error is widened by the root of lambda only where lambda acts."""
    assert (found.suspended, found.factor) == (suspended, factor)


@pytest.mark.parametrize("firsts", [(even(),), (even(), even() * nan), (even(1), even(1, 0.7))])
def test_without_a_pair_or_an_error_there_is_no_null(firsts):
    """One evaluation, none in common, one problem alone."""
    assert null(Series(TARGET, 1, "share", {}, firsts)) == Null()


def test_the_very_same_evaluation_again():
    """Greedy marks repeat themselves: z is 0, whatever the shape."""
    marks = groups((50, 100), (20, 100))
    for series in (moving(), Series("greedy", 1, "share", {}, (marks,) * 3, Shape.MARKS), a_disparity({}, marks, 100)):
        assert null(series) == Null(0.0, 0.0, acts=False)


def test_greedy_marks_are_never_widened():
    """Their test is exact: what differs between evaluations is shown, and suspends them where it is too much."""
    marks, again = groups((50, 100), (0, 0)), groups((58, 100), (0, 0))
    as_marks, as_shares = (Series("greedy", 1, "share", {}, (marks, again), shape) for shape in (Shape.MARKS, Shape.MEAN))
    assert null(as_shares).acts
    assert null(as_marks) == replace(null(as_shares), acts=False)
    assert null(replace(as_marks, firsts=(marks, groups((70, 100), (0, 0))))).suspended


def test_all_problems_shifted_alike_do_not_repeat_themselves():
    """A change without any error is no chance."""
    found = null(Series(TARGET, 1, "share", {}, (even(), even() + 0.1)))
    assert (found.worst, found.suspended) == (inf, True)


def test_reference_is_the_mean_of_all_evaluations_of_marks_the_first():
    """Sampled measures are compared with the mean over R + 1 evaluations."""
    firsts = (even(), moved(0.3, 0.0), even() * nan)
    series = moving(firsts=firsts)
    assert series.reference == pytest.approx(even() + 0.15)
    assert Series("greedy", 1, "share", {}, firsts, Shape.MARKS).reference is firsts[0]
    assert series.against(firsts[1]).reference is firsts[1]
    assert (series.at(1), series.at(2)) == (series.first, None)
