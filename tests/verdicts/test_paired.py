"""The paired change of a measure: against scipy's tests, by hand, and where there is little to go by."""

import warnings
from math import inf, nan, sqrt

import numpy as np
import pytest
from courses import TARGET, a_course, cell, groups
from scipy import stats

from sirtui.core.verdict import Sign
from sirtui.verdicts.paired import (
    Change,
    defined,
    disparity,
    holm,
    mcnemar,
    p_value,
    paired,
    paired_disparity,
    paired_marks,
    pooled,
)
from sirtui.verdicts.series import Series


def scores(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


@pytest.mark.parametrize("n", [2, 3, 30, 500])
def test_a_change_is_scipys_paired_t(n):
    """D, p and both intervals, of any number of problems."""
    now, reference = np.random.default_rng(n).random((2, n))
    found, expected = paired(now, reference), stats.ttest_rel(now, reference)
    assert (found.n, found.df) == (n, n - 1)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.change / found.stderr == pytest.approx(expected.statistic, rel=1e-9)
    one = stats.ttest_1samp(now - reference, 0)
    for level in (0.9, 0.95):
        assert found.interval(level) == pytest.approx(tuple(one.confidence_interval(level)), rel=1e-9)
    assert found.variance == pytest.approx((now - reference).var(ddof=1))


def test_clusters_by_hand():
    """Of d = 1, 3 and 2, 6: D = 3, the clusters' sums -2 and 2, SE = sqrt(2/1 (4 + 4))/4 = 1 with one degree of freedom."""
    found = paired(scores(1, 3, 2, 6), scores(0, 0, 0, 0), np.array([7, 7, 4, 4]))
    assert found == Change(3.0, 1.0, 4, 1, pytest.approx(2 * stats.t.sf(3, 1)))


def test_clusters_of_one_problem_change_nothing_and_copies_tell_nothing():
    """Each problem by itself is the plain test; every problem twice in its cluster has the error of the problems once."""
    now, reference = np.random.default_rng(0).random((2, 40))
    plain = paired(now, reference)
    apart = paired(now, reference, np.arange(40)[::-1])
    twice = paired(np.tile(now, 2), np.tile(reference, 2), np.tile(np.arange(40), 2))
    assert (apart.stderr, apart.df, apart.p) == pytest.approx((plain.stderr, plain.df, plain.p))
    assert (twice.stderr, twice.df, twice.n) == (pytest.approx(plain.stderr), 39, 80)


def test_a_cluster_outside_of_p_does_not_count():
    """Degrees of freedom are of the clusters that have a problem in P."""
    found = paired(scores(1, 2, nan, 4), scores(0, 0, 0, 0), np.array([0, 1, 2, 0]))
    assert (found.n, found.df) == (3, 1)


@pytest.mark.parametrize(("change", "p"), [(0.0, 1.0), (0.25, 0.0), (-0.25, 0.0)])
def test_where_every_problem_changed_alike_there_is_no_error(change, p):
    """SE is 0, the interval a point, and p says whether there was a change; of marks McNemar's p stays."""
    reference = np.linspace(0, 0.5, 40)
    reference = np.round(reference * 64) / 64
    found = paired(reference + change, reference)
    assert (found.change, found.stderr, found.p, found.variance) == (change, 0.0, p, 0.0)
    assert found.interval(0.9) == (change, change)
    assert paired_marks(np.ones(6), np.zeros(6)).p == 0.03125


def test_one_cluster_alone_is_no_ground_for_an_error():
    """There is a change, but neither error nor p nor interval; one problem likewise."""
    for found in (paired(scores(1, 2), scores(0, 0), np.array([3, 3])), paired(scores(1.5, nan), scores(0, 1))):
        assert (found.change, found.stderr, found.p, found.df) == (1.5, None, None, 0)
        assert found.interval(0.9) == (None, None)
        assert (found.inflated(2.0), found.variance) == (found, 0.0)


def test_nothing_in_common_is_no_change():
    """An empty P, or no problem at all."""
    assert paired(scores(1, nan), scores(nan, 1)) is None
    assert paired_marks(scores(1, nan), scores(nan, 1)) is None
    assert paired(scores(), scores()) is None


@pytest.mark.parametrize("odd", [nan, inf, -inf])
def test_what_is_no_number_is_left_out_on_either_side(odd):
    """P is where both are finite."""
    found = paired(scores(1, odd, 3, 5), scores(0, 0, odd, 1))
    assert (found.change, found.n) == (2.5, 2)
    assert defined(scores(1, odd), scores(1, 1)).tolist() == [True, False]


def test_mcnemar_is_the_exact_binomial_test():
    """For all small counts, and for large ones."""
    pairs = [(b, c) for b in range(16) for c in range(16) if b + c] + [(400, 310), (0, 1000), (1000, 999)]
    for b, c in pairs:
        assert mcnemar(b, c) == pytest.approx(stats.binomtest(b, b + c).pvalue, rel=1e-9), (b, c)


def test_marks_have_the_interval_of_the_t_test_and_mcnemars_p():
    """Whatever p the t test would have."""
    rng = np.random.default_rng(3)
    now, reference = (rng.random((2, 200)) < [[0.55], [0.4]]).astype(float)
    now[0] = nan
    found, plain = paired_marks(now, reference), paired(now, reference)
    gained = int(((now == 1) & (reference == 0)).sum())
    lost = int(((now == 0) & (reference == 1)).sum())
    assert (found.change, found.stderr, found.n) == (plain.change, plain.stderr, 199)
    assert found.p == pytest.approx(stats.binomtest(gained, gained + lost).pvalue)
    assert found.p != pytest.approx(plain.p, rel=1e-3)


def test_an_inflated_error_widens_the_interval_and_raises_p():
    """With the degrees of freedom that were."""
    plain = paired(*np.random.default_rng(0).normal([[0.3], [0]], 1, (2, 50)))
    wide = plain.inflated(2.0)
    assert (wide.change, wide.stderr, wide.df) == (plain.change, 2 * plain.stderr, 49)
    assert wide.p == pytest.approx(2 * stats.t.sf(abs(plain.change) / wide.stderr, 49))
    assert np.subtract(*wide.interval(0.9)) == pytest.approx(2 * np.subtract(*plain.interval(0.9)))
    assert p_value(1.0, 0.5, inf) == pytest.approx(2 * stats.norm.sf(2))


def test_evaluations_are_averaged_where_they_are_defined():
    """A problem is undefined only where no evaluation defines it, and nothing is imputed."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = pooled([scores(1, nan, nan, 0.5), scores(0, 0.25, nan, 0.5), scores(0.5, 0.75, nan, inf)])
    assert found[:2].tolist() == [0.5, 0.5]
    assert np.isnan(found[2])
    assert found[3] == 0.5
    assert pooled([scores(1, 2)]).tolist() == [1, 2]


def test_holm_never_reorders_and_never_exceeds_one():
    """Step down, monotone, ties included."""
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, 0.5]) == [1.0, 1.0]
    assert holm([]) == []


LEVELS = np.array([0] * 30 + [1] * 50 + [-1] * 5)


def ability(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).binomial(8, np.where(LEVELS == 0, 0.7, 0.3)) / 8


def weighted(values: np.ndarray, weights: np.ndarray) -> float:
    easy, hard = LEVELS == 0, LEVELS == 1
    return 1 - np.average(values[hard], weights=weights[hard]) / np.average(values[easy], weights=weights[easy])


def slopes(values: np.ndarray) -> np.ndarray:
    """How the disparity moves when one problem after the other weighs more: the delta method by finite differences."""
    step = 1e-5

    def nudged(index: int, by: float) -> float:
        weights = np.ones(len(values))
        weights[index] += by
        return weighted(values, weights)

    return np.array([(nudged(i, step) - nudged(i, -step)) / (2 * step) for i in range(len(values))])


def test_the_influence_on_a_disparity_is_its_slope():
    """Problem by problem; and the error of the change is that of the paired slopes."""
    now, reference = ability(1), ability(2)
    inside = LEVELS >= 0
    value, influence = disparity(now[LEVELS == 0], now[LEVELS == 1])
    assert value == pytest.approx(weighted(now, np.ones(len(now))))
    assert influence == pytest.approx(slopes(now)[inside], abs=1e-8)
    found = paired_disparity(now, reference, LEVELS)
    assert found.change == pytest.approx(value - weighted(reference, np.ones(len(now))))
    assert found.stderr == pytest.approx(sqrt(((slopes(now) - slopes(reference)) ** 2).sum()), rel=1e-6)
    assert (found.n, found.df) == (80, inf)
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(found.change) / found.stderr))


def test_pairing_takes_out_of_a_disparity_what_both_sides_share():
    """The same model again has no error, and less of one than two models have apart."""
    now = ability(1)
    assert paired_disparity(now, now, LEVELS) == Change(0.0, 0.0, 80, inf, 1.0)
    near = now.copy()
    near[LEVELS == 1] = np.roll(now, 1)[LEVELS == 1]
    apart = np.hypot(*(np.linalg.norm(slopes(each)) for each in (now, near)))
    both = paired_disparity(near, np.where(np.arange(85) % 9, near, ability(5)), LEVELS)
    assert both.stderr < 0.7 * apart


@pytest.mark.parametrize(
    ("now", "reference"),
    [
        (groups((0, 5), (2, 5)), groups((3, 5), (2, 5))),
        (groups((3, 5), (2, 5)), groups((0, 5), (2, 5))),
        (np.r_[np.ones(5), np.full(5, nan)], np.ones(10)),
        (np.r_[np.full(5, nan), np.ones(5)], np.ones(10)),
    ],
)
def test_a_disparity_is_undefined_without_easy_solves_or_a_level(now, reference):
    """No number is made up, and nothing is divided by zero."""
    assert paired_disparity(now, reference, np.repeat([0, 1], 5)) is None


def test_evaluations_that_agree_are_pooled_to_exactly_what_they_say():
    """Three times .1 in three is not .1 by plain sums; rounding must look like no change."""
    row = scores(*(k / 10 for k in range(11))).repeat(4)
    assert (pooled([row] * 3) == row).all()
    with_gap = np.where(np.arange(44) % 5 == 0, nan, row)
    np.testing.assert_array_equal(pooled([with_gap, row, row]), row)
    found = cell(a_course(Series(TARGET, 1, "share", {2: row}, (row,) * 3)))
    assert (found.against.change, found.against.p, found.verdict) == (0.0, 1.0, Sign.FLAT)


def test_without_widening_an_exact_p_stays():
    """With factor 1 nothing is touched; else p is of the wider error."""
    exact = paired_marks(np.repeat([1.0, 0, 0], [6, 1, 33]), np.repeat([0.0, 1, 0], [6, 1, 33]))
    assert exact.inflated(1) is exact
    assert exact.p == mcnemar(6, 1)
    assert exact.inflated(2.0).p == p_value(exact.change, 2 * exact.stderr, exact.df)
