"""Which checkpoint to keep, and how good it is for those who did not choose it."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest
from courses import MANY, TARGET, UP, a_course, a_rule, even, ids, moved, moving

from sirtui.verdicts.conclude import Evidence, conclude
from sirtui.verdicts.keep import Margin, halves, keep
from sirtui.verdicts.series import Series

HALF = np.arange(MANY) % 2 == 0
NEVER: dict[int, list[str]] = {1: [], 2: [], 3: []}
MARGIN = Margin(alpha=0.05, delta=0.02)


def kept(changes, down=NEVER, **more):
    return keep(moving(changes=changes, **more), down, HALF, MARGIN)


@pytest.mark.parametrize(
    ("changes", "t"),
    [
        ({2: UP, 3: (0.2, 0.01)}, 3),
        ({2: (0.2, 0.01), 3: UP}, 2),
        ({2: (-0.1, 0.01), 3: (-0.2, 0.01)}, 1),
        ({2: UP, 3: (0.11, 0.01)}, 2),
        ({2: (0.01, 0.02), 3: (0.015, 0.02)}, 1),
        ({2: (0.1, 0.0001), 3: (0.115, 0.0001)}, 2),
        ({2: UP, 3: (0.1, 0.01)}, 2),
    ],
)
@pytest.mark.parametrize("direction", [1, -1])
def test_the_highest_is_kept_and_of_those_equal_within_noise_the_earlier(changes, t, direction):
    """A later one must be better for sure, by delta at least; whichever direction is better."""
    oriented = {s: (direction * change, stderr) for s, (change, stderr) in changes.items()}
    found = kept(oriented, direction=direction)
    assert found.t == t
    assert found.value == pytest.approx(0.5 + oriented.get(t, (0, 0))[0])
    assert found.gain == pytest.approx(oriented.get(t, (0, 0))[0])


def test_what_lost_something_essential_is_not_kept():
    """However high its target; the sentence names what it lost."""
    found = kept({2: UP, 3: (0.3, 0.01)}, {1: [], 2: [], 3: ["diversity.ngram.correct"]})
    assert (found.t, found.reason) == (2, "highest pass@1 with no essential measure down; it3: ngram")


def test_where_every_later_one_lost_something_m1_is_kept():
    """Its gain is 0, on any half."""
    found = kept({2: UP, 3: (0.3, 0.01)}, {1: [], 2: ["ood.accuracy"], 3: ["diversity.ngram.correct", "ood.accuracy"]})
    assert (found.t, found.gain, found.fitted_gain) == (1, 0.0, 0.0)
    assert found.reason == "every later iteration lost something essential (OOD, ngram)"


def test_the_earlier_is_said_to_be_equal_within_noise():
    """And to which."""
    assert kept({2: UP, 3: (0.11, 0.01)}).reason.startswith("pass@1 equal within noise to it3, and earlier")


def test_the_fitted_value_by_hand():
    """One half sees it2 as best, the other it3: each reports what the other half chose."""
    rows = {2: np.where(HALF, 0.9, 0.6), 3: np.where(HALF, 0.7, 0.8)}
    found = keep(Series(TARGET, 1, "share", rows, (even(),)), NEVER, HALF, MARGIN)
    assert found.fitted == pytest.approx((0.6 + 0.7) / 2)
    assert found.fitted_gain == pytest.approx((0.1 + 0.2) / 2)
    assert (found.t, found.value, found.gain) == (2, pytest.approx(0.75), pytest.approx(0.25))


def test_a_winner_among_identical_models_looks_better_than_it_is():
    """The plain gain of the highest is above 0 on average, the cross-fitted one is not."""
    plain, fitted = [], []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        rows = rng.binomial(16, 0.5, (6, MANY)) / 16
        series = Series(TARGET, 1, "share", {t: rows[t - 1] for t in range(2, 7)}, (rows[0],))
        found = keep(series, {t: [] for t in range(1, 7)}, HALF, Margin(1.0, 0.0))
        plain.append(found.value - 0.5)
        fitted.append(found.fitted - 0.5)
    assert np.mean(plain) > 0.007
    assert abs(np.mean(fitted)) < 0.002


def test_too_few_problems_have_no_fitted_value():
    """Thirty in each half are the least."""
    series, down = moving(changes={2: UP}, n=64), {1: [], 2: []}
    few, enough = (keep(series, down, np.arange(64) < cut, MARGIN) for cut in (29, 32))
    assert (few.t, few.fitted, few.fitted_gain) == (2, None, None)
    assert few.gain == pytest.approx(0.1)
    assert enough.fitted_gain == pytest.approx(0.1, abs=0.02)


def test_of_too_few_problems_m1_is_kept():
    """Below thirty nothing is better for sure."""
    found = keep(moving(changes={2: UP}, n=16), {1: [], 2: []}, HALF[:16], MARGIN)
    assert (found.t, found.gain, found.fitted) == (1, 0.0, None)


def test_halves_go_by_the_hash_of_problem_or_cluster():
    """About half each, whatever the order; a cluster stays together."""
    problems = ids(400)
    half = halves(problems)
    assert 160 < half.sum() < 240
    assert halves(problems[::-1]).tolist() == half[::-1].tolist()
    together = halves(problems, {problem: f"c{i // 4}" for i, problem in enumerate(problems)}).reshape(100, 4)
    assert (together == together[:, :1]).all()
    assert 30 < together[:, 0].sum() < 70


def test_an_iteration_without_a_target_is_no_candidate():
    """One that was not measured, or is nowhere defined; with none left there is nothing to keep."""
    series = moving(changes={3: UP})
    assert keep(series, NEVER, HALF, MARGIN).t == 3
    assert keep(Series(TARGET, 1, "share", {2: even() * nan, 3: moved(0.1)}, (even(),)), NEVER, HALF, MARGIN).t == 3
    assert keep(Series(TARGET, 1, "share", {}, (even() * nan,)), {1: []}, HALF, MARGIN) is None


def test_where_m1_is_undefined_nothing_is_equal_to_it():
    """It2 is the only one there is."""
    found = keep(Series(TARGET, 1, "share", {2: even()}, (even() * nan,)), {1: [], 2: []}, HALF, MARGIN)
    assert (found.t, found.gain) == (2, None)
    assert found.reason.startswith("highest pass@1")


def test_noise_is_what_the_null_says_it_is():
    """Where lambda widens the error, +.03 is undecided in its cell, and so no ground to prefer it2."""
    repeats = tuple(moved(shift, 0.005, k=5 + i) for i, shift in enumerate((0.0, 0.0, 0.02)))
    course = a_course(moving(changes={2: (0.035, 0.01)}, firsts=repeats), rule=a_rule())
    (found,) = course.cells(2)
    assert (found.inflated, found.verdict) == (True, "undecided")
    assert found.against.p > 0.05
    assert conclude(course, Evidence(ids()), 2).keep.t == 1


def test_only_what_was_looked_at_is_kept():
    """It4 is highest, but was no declared look: nothing was tested there."""
    changes = {2: UP, 3: UP, 4: (0.3, 0.01), 5: (0.2, 0.01)}
    every = a_course(moving(changes=changes), rule=a_rule())
    last = a_course(moving(changes=changes), rule=a_rule(looks=(5,)))
    spent = replace(last, extra=4)
    assert [conclude(each, Evidence(ids()), 5).keep.t for each in (every, last, spent)] == [4, 5, 4]
    assert conclude(last, Evidence(ids()), 4).keep.t == 1
