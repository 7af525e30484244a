"""The verdict on each measure of an iteration, and over time."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest
from courses import DOWN, FLAT, OPEN, TARGET, UP, a_course, a_disparity, a_rule, cell, even, groups, moved, moving
from scipy import stats

from sirtui.core.verdict import Kind, Sign, Trend
from sirtui.verdicts.cells import sign
from sirtui.verdicts.iteration import standing, verdict
from sirtui.verdicts.null import null
from sirtui.verdicts.paired import Change
from sirtui.verdicts.series import Series


def concluded(course, t=2):
    return verdict(standing(course.cells(t), course.rule.target, course.rule.essential))


@pytest.mark.parametrize(
    ("change", "corrected", "direction", "expected"),
    [
        (Change(0.0, 0.0, 30, 9, 1.0), 1.0, 1, Sign.FLAT),
        (Change(0.0, 0.0, 29, 9, 1.0), 1.0, 1, Sign.UNDECIDED),
        (Change(0.0, 0.0109, 30, 9, 1.0), 1.0, 1, Sign.FLAT),
        (Change(0.0, 0.0110, 30, 9, 1.0), 1.0, 1, Sign.UNDECIDED),
        (Change(0.5, 0.0, 30, 9, 0.0), 0.0, 1, Sign.UP),
        (Change(0.5, 0.0, 29, 9, 0.0), 0.0, 1, Sign.UNDECIDED),
        (Change(0.5, None, 30, 0, None), None, 1, Sign.UNDECIDED),
        (Change(0.02, 0.0, 30, 9, 0.0), 0.0, 1, Sign.UP),
        (Change(0.0199, 0.005, 30, 9, 0.0), 0.0, 1, Sign.UNDECIDED),
        (Change(0.5, 0.1, 30, 9, 0.01), 0.05, 1, Sign.UP),
        (Change(0.5, 0.1, 30, 9, 0.01), 0.0501, 1, Sign.UNDECIDED),
        (Change(0.5, 0.1, 30, 9, 0.01), None, 1, Sign.UNDECIDED),
        (Change(0.5, 0.1, 30, 9, 0.01), 0.01, -1, Sign.DOWN),
        (Change(-0.5, 0.1, 30, 9, 0.01), 0.01, -1, Sign.UP),
        (Change(0.5, 0.1, 30, 9, 0.01), 0.01, 0, Sign.UP),
        (Change(-0.5, 0.1, 30, 9, 0.01), 0.01, 0, Sign.DOWN),
    ],
)
def test_the_sign_at_its_edges(change, corrected, direction, expected):
    """|P| of 30, alpha and delta themselves count; a measure without a better direction goes up where its number does."""
    assert sign(change, corrected, 0.02, direction, 0.05) is expected


def test_too_few_problems_are_undecided_with_a_reason():
    """However large the change; and no number of samples would help."""
    few, enough = (cell(a_course(moving(changes={2: UP}, n=n))) for n in (16, 32))
    assert (few.verdict, few.why) == (Sign.UNDECIDED, "only 16 problems")
    assert (few.needed.problems, few.needed.samples) == (30, None)
    assert "more samples cannot help" in few.needed.text
    assert (enough.verdict, enough.why, enough.needed) == (Sign.UP, "", None)


def test_p_is_where_both_are_defined():
    """Values are over the problems defined there, the change over P."""
    row = np.where(np.arange(256) < 100, nan, moved(0.1))
    first = np.where(np.arange(256) >= 200, nan, even())
    found = cell(a_course(Series(TARGET, 1, "share", {2: row}, (first,) * 3)))
    assert (found.against.n, found.reference) == (100, 0.5)
    assert found.value == pytest.approx(row[100:].mean())
    apart = a_course(moving("ngram", firsts=(np.where(np.arange(256) < 5, 0.5, nan),), changes={2: UP}))
    apart.series[0].rows[2][:5] = nan
    found = cell(apart, "ngram")
    assert (found.verdict, found.why) == (Sign.UNDEFINED, "defined for 251 problems now and 5 before, for none on both sides")


def test_a_look_that_is_not_declared_tests_nothing():
    """Its p is not corrected, nothing goes up or down, and it says so; the declared look decides the same numbers."""
    rule = a_rule("ngram", looks=(3,))
    course = a_course(moving(changes={2: UP, 3: UP}), moving("ngram", {2: DOWN, 3: DOWN}), rule=rule)
    lean, decided = course.cells(2), course.cells(3)
    assert {each.verdict for each in lean} == {Sign.UNDECIDED}
    assert {each.why for each in lean} == {"not a declared look"}
    assert {each.against.corrected for each in lean} == {each.peak.corrected for each in lean} == {None}
    assert "declared look" in lean[0].needed.text
    assert concluded(course, 2).kind is Kind.UNDECIDED
    assert [each.verdict for each in decided] == [Sign.UP, Sign.DOWN]
    assert concluded(course, 3).kind is Kind.REVERSAL


def test_a_look_that_is_not_declared_calls_nothing_flat():
    """Nothing is decided there, so neither is `no change`."""
    course = a_course(moving(changes={2: FLAT}), moving("ngram", {2: FLAT}), rule=a_rule("ngram", looks=(3,)))
    assert concluded(course).kind is Kind.UNDECIDED


def test_an_extra_look_decides_where_it_is_spent():
    """Declared or not, and nowhere else; it has its share of alpha."""
    series = (moving(changes={2: UP, 3: UP}), moving("ngram", {2: DOWN, 3: DOWN}))
    course = replace(a_course(*series, rule=a_rule("ngram", looks=(5,), extra_looks=1)), extra=3)
    assert [concluded(course, t).kind for t in (2, 3)] == [Kind.UNDECIDED, Kind.REVERSAL]
    assert cell(course, t=3).weight == 1 / 2


def test_open_looks_cost_more_each_time():
    """The k-th has 1/(k(k + 1)) of alpha."""
    changes = dict.fromkeys((2, 3, 4), (0.03, 0.011))
    course = a_course(moving(changes=changes), rule=a_rule(is_open=True))
    for t, share in ((2, 2), (3, 6), (4, 12)):
        assert cell(course, t=t).against.corrected == pytest.approx(min(1, share * cell(course, t=t).against.p))
    assert [cell(course, t=t).verdict for t in (2, 3, 4)] == [Sign.UP, Sign.UP, Sign.UNDECIDED]


def repeats(*shifts: float, stderr: float = 0.01) -> tuple:
    """Evaluations of M_1 whose pairwise z is the difference of shifts."""
    half = stderr / np.sqrt(2)
    return tuple(moved(shift * stderr, half, k=5 + i) for i, shift in enumerate(shifts))


@pytest.mark.parametrize(("z", "suspended"), [(3.29, False), (3.31, True), (-3.31, True)])
def test_what_does_not_repeat_itself_is_suspended(z, suspended):
    """Beyond |z| = 3.3 there is no verdict: neither up nor progress, and it counts among the essentials."""
    series = (moving(changes={2: UP}), moving("ngram", {2: (0.3, 0.01)}, firsts=repeats(0, z)))
    course = a_course(*series)
    found = cell(course, "ngram")
    assert (found.verdict is Sign.SUSPENDED) is suspended
    assert ("does not repeat itself (|z| 3.3)" in found.why) is suspended
    assert (concluded(course).kind is Kind.PROGRESS) is not suspended
    assert (found.trend == Sign.SUSPENDED) is suspended
    if suspended:
        assert found.against.corrected is found.peak.corrected is None
        assert concluded(course).text.startswith("gain, undecided: ngram (M_1 does not repeat itself")


@pytest.mark.parametrize("repeated", [1, 2])
@pytest.mark.parametrize("above", [False, True])
def test_lambda_widens_only_above_the_99_percent_point(repeated, above):
    """Of chi^2_R / R: the mean z^2 of all pairs. Below it is shown only."""
    limit = stats.chi2.ppf(0.99, repeated) / repeated
    pairs = {1: 1.0, 2: 2 / 3}[repeated]
    z = np.sqrt((limit + (0.05 if above else -0.05)) / pairs)
    series = moving(changes={2: UP}, firsts=repeats(*[0.0] * repeated, z))
    found, plain = cell(a_course(series)), series.change(series.rows[2], series.first)
    assert found.inflation == pytest.approx(z * z * pairs)
    assert found.inflated is above
    assert found.against.stderr == pytest.approx(plain.stderr * (np.sqrt(found.inflation) if above else 1))
    assert found.against.df == plain.df
    assert null(series).worst == pytest.approx(z)


def test_one_evaluation_of_m1_is_no_null():
    """Nothing is widened, nothing suspended, and lambda is not known."""
    found = cell(a_course(moving(changes={2: UP}, firsts=(even(),))))
    assert (found.inflation, found.inflated, found.verdict) == (None, False, Sign.UP)


def disparities(first: tuple, **later: tuple):
    rows = {int(t[1:]): groups(*each) for t, each in later.items()}
    return a_disparity(rows, groups(*first), first[0][1])


@pytest.mark.parametrize(
    ("before", "now", "tested"), [(10, 10, True), (9, 80, False), (80, 9, False), (0, 0, False), (10, 90, True)]
)
def test_a_disparity_is_tested_from_ten_solved_on(before, now, tested):
    """On both sides; else it says how many there were."""
    rule = a_rule("ood.disparity", target="ood.disparity")
    series = disparities(((90, 100), (before, 100)), m2=((90, 100), (now, 100)))
    found = cell(a_course(series, rule=rule), "ood.disparity")
    assert (found.against.corrected is not None) is tested
    assert found.counts == {"solved": now, "solved_before": before}
    assert (found.why == f"{before} -> {now} problems of the last level solved: not tested below 10") is not tested
    if not tested:
        assert found.verdict not in (Sign.UP, Sign.DOWN)


def test_a_disparity_that_moved():
    """Lower is better; its delta is .03, its distribution the normal one."""
    series = disparities(((90, 100), (20, 100)), m2=((90, 100), (80, 100)))
    found = cell(a_course(moving(changes={2: UP}), series), "ood.disparity")
    assert (found.verdict, found.delta, found.against.df, found.against.n) == (Sign.UP, 0.03, None, 200)
    assert found.against.change == pytest.approx(-60 / 90)


def test_a_disparity_that_is_not_tested_is_not_flat():
    """No hard problem solved before or after: R is 1 on both sides, which says nothing."""
    series = disparities(((90, 100), (0, 100)), m2=((90, 100), (0, 100)))
    course = a_course(moving(changes={2: UP}), series)
    assert cell(course, "ood.disparity").verdict is Sign.UNDECIDED
    assert concluded(course).kind is Kind.GAIN_UNDECIDED


def test_a_disparity_is_not_tested_against_a_peak_below_ten_solved():
    """Either side counts there too."""
    series = disparities(((90, 100), (20, 100)), m2=((10, 100), (9, 100)), m3=((90, 100), (20, 100)))
    peak = cell(a_course(moving(changes={2: UP, 3: UP}), series), "ood.disparity", 3).peak
    assert (peak.t, peak.corrected) == (2, None)


def test_what_was_never_measured_counts():
    """A declared essential that is nowhere is undefined, with a reason; Holm's M counts it all the same."""
    series = (moving(changes={2: UP}), moving("ngram", {2: (0.03, 0.01)}))
    alone, beside = a_course(*series), a_course(*series, rule=a_rule("ngram", "ood.accuracy", "semantic"))
    absent = cell(beside, "ood.accuracy")
    assert (absent.verdict, absent.role, absent.why) == (Sign.UNDEFINED, "essential", "nowhere defined in this run")
    assert cell(beside, "ngram").against.corrected == pytest.approx(3 * cell(alone, "ngram").against.corrected)
    assert (cell(alone, "ngram").family, cell(beside, "ngram").family) == (1, 3)
    assert concluded(alone).kind is Kind.PROGRESS
    assert concluded(beside).text == (
        "gain, undecided: OOD (nowhere defined in this run), semantic (nowhere defined in this run)"
    )


def test_what_is_missing_in_one_iteration_is_told_as_that():
    """It was measured at it2."""
    course = a_course(moving(changes={2: UP, 3: UP}), moving("ngram", {2: FLAT}))
    found = cell(course, "ngram", 3)
    assert found.verdict is Sign.UNDEFINED
    assert "never" not in found.why


@pytest.mark.parametrize("firsts", [(even() * nan,) * 3, None])
def test_an_undefined_target_is_undecided_with_a_reason(firsts):
    """Undefined at M_1, or never measured: no crash, no progress, and essentials are judged all the same."""
    aim = () if firsts is None else (moving(changes={2: UP}, firsts=firsts),)
    course = a_course(*aim, moving("ngram", {2: FLAT}), rule=a_rule("ngram"))
    assert cell(course).verdict is Sign.UNDEFINED
    assert cell(course).why
    assert (concluded(course).kind, concluded(course).names) == (Kind.UNDECIDED, (TARGET,))
    fell = a_course(*aim, moving("ngram", {2: DOWN}), rule=a_rule("ngram"))
    assert concluded(fell).text == "loss, gain undecided: ngram"


@pytest.mark.parametrize(("change", "expected"), [(0.0, Sign.FLAT), (0.01, Sign.FLAT), (0.25, Sign.UP), (-0.25, Sign.DOWN)])
def test_all_problems_alike(change, expected):
    """Where every d is the same there is no error, and the change alone decides."""
    found = cell(a_course(Series(TARGET, 1, "share", {2: even() + change}, (even(),) * 3)))
    assert (found.verdict, found.against.stderr) == (expected, 0.0)
    assert (found.against.lo90, found.against.hi90) == (found.against.change,) * 2


def test_a_measure_that_is_always_zero_is_flat_or_says_why():
    """As the entropy of answers is at N = 1."""
    series = Series("answers.entropy", 0, "nats", {2: even(base=0.0)}, (even(base=0.0),) * 3)
    found = cell(a_course(moving(changes={2: UP}), series), "answers.entropy")
    assert found.verdict is Sign.FLAT or found.why


def test_one_sample_a_problem():
    """N = 1: scores are 0 or 1, nothing is rarefied, and a large change is seen all the same."""
    rng = np.random.default_rng(0)
    firsts = tuple((rng.random(256) < 0.3).astype(float) for _ in range(3))
    rows = {2: (rng.random(256) < 0.6).astype(float), 3: (rng.random(256) < 0.3).astype(float)}
    series = Series(TARGET, 1, "share", rows, firsts, draws={1: 3, 2: 1, 3: 1})
    course = a_course(series, rule=a_rule())
    assert [cell(course, t=t).verdict for t in (2, 3)] == [Sign.UP, Sign.UNDECIDED]
    assert concluded(course).text == "gain, undecided: no essential measure is declared"
    assert concluded(course, 3).kind is Kind.UNDECIDED
    assert cell(course, t=3).needed.text.startswith("needs ")


@pytest.mark.parametrize("change", [UP, DOWN, FLAT, OPEN])
def test_without_essentials_nothing_is_progress(change):
    """There is no verdict on what is not looked at."""
    kinds = {UP: Kind.GAIN_UNDECIDED, DOWN: Kind.REGRESSION, FLAT: Kind.UNDECIDED, OPEN: Kind.UNDECIDED}
    assert concluded(a_course(moving(changes={2: change}))).kind is kinds[change]


A_BIT, MORE = (0.105, 0.005), (0.20, 0.005)


@pytest.mark.parametrize(
    ("changes", "trend"),
    [
        ({2: UP, 3: DOWN}, Trend.REVERSED),
        ({2: UP, 3: OPEN, 4: DOWN}, Trend.REVERSED),
        ({2: DOWN}, Trend.DECLINED),
        ({2: FLAT, 3: DOWN}, Trend.DECLINED),
        ({2: (0.03, 0.02), 3: DOWN}, Trend.DECLINED),
        ({2: MORE, 3: UP}, Trend.PAST_PEAK),
        ({2: MORE, 3: OPEN}, Trend.PAST_PEAK),
        ({2: MORE, 3: FLAT}, Trend.PAST_PEAK),
        ({2: (0.1, 0.005), 3: A_BIT}, Trend.PLATEAU),
        ({2: MORE, 3: UP, 4: MORE}, Trend.PLATEAU),
        ({2: (0.13, 0.02), 3: (0.1, 0.003), 4: (0.1, 0.003)}, Trend.PLATEAU),
        ({2: UP}, Trend.IMPROVING),
        ({2: UP, 3: MORE}, Trend.IMPROVING),
        ({2: FLAT}, "flat"),
        ({2: OPEN}, "undecided"),
        ({2: UP, 3: (0.06, 0.05)}, "undecided"),
    ],
)
@pytest.mark.parametrize("direction", [1, -1])
def test_the_trend_row_by_row(changes, trend, direction):
    """The first row that fits, whichever direction is better."""
    oriented = {t: (direction * change, stderr) for t, (change, stderr) in changes.items()}
    course = a_course(moving(changes=oriented, direction=direction))
    assert cell(course, t=max(changes)).trend == trend


def test_a_measure_without_a_better_direction_has_no_trend():
    """Only that its number went up or down."""
    course = a_course(moving(changes={2: UP}), moving("answers.length", {2: UP, 3: DOWN}, direction=0))
    assert [cell(course, "answers.length", t).trend for t in (2, 3)] == ["up", "down"]
    assert cell(course, "answers.length", 3).peak is None


@pytest.mark.parametrize("t", [3, 4, 5])
def test_the_peak_costs_one_more_test_for_each_earlier_iteration(t):
    """Its p is min(1, (t-1) Holm(p)/w)."""
    changes = {2: (0.06, 0.01)} | dict.fromkeys(range(3, 6), (0.03, 0.01))
    course = a_course(moving(changes=changes), moving("a", changes), moving("b", changes), rule=a_rule("a", "b"))
    peak = cell(course, t=t).peak
    assert (peak.t, peak.corrected) == (2, pytest.approx(min(1, (t - 1) * peak.p * 4)))
    assert cell(course, "a", t).peak.corrected == pytest.approx(min(1, (t - 1) * 2 * peak.p * 4))
    assert cell(course, t=t).previous.corrected is None


def test_a_peak_not_far_enough_is_not_past():
    """What one comparison would call down, (t-1) of them at a look's share do not."""
    course = a_course(moving(changes={2: (0.13, 0.01), 3: (0.11, 0.01), 4: (0.10, 0.005)}))
    peak = cell(course, t=4).peak
    assert peak.p < 0.05 / 4 < peak.corrected
    assert (peak.sign, peak.corrected) == (Sign.UNDECIDED, pytest.approx(12 * peak.p))


def test_an_iteration_missing_in_the_middle():
    """The previous is the last that was measured; the peak still counts t - 1."""
    course = a_course(moving(changes={2: (0.1, 0.005), 4: A_BIT}), moving("ngram", {2: FLAT, 4: FLAT}), measured=(1, 2, 4))
    found = cell(course, t=4)
    assert (found.previous.t, found.peak.t, found.trend) == (2, 2, Trend.PLATEAU)
    assert found.peak.corrected == pytest.approx(min(1, 3 * found.peak.p * 4))
    assert concluded(course, 4).kind is Kind.PROGRESS


def test_the_earlier_of_equal_peaks_and_of_an_undefined_one_none():
    """A peak is a number."""
    series = moving(changes={2: UP, 3: UP, 4: FLAT})
    series.rows[3][:] = series.rows[2]
    assert cell(a_course(series), t=4).peak.t == 2
    series.rows[2][:] = nan
    assert cell(a_course(series), t=4).peak.t == 3


def test_compared_with_other_scores_there_is_no_peak():
    """Pinned to a reference of one's own: the change is from it, and neither previous nor peak nor trend is told."""
    series = moving(changes={2: UP, 3: MORE}).against(moved(0.2, 0.01, k=6))
    found = cell(a_course(series), t=3)
    assert found.against.change == pytest.approx(0.0)
    assert (found.peak, found.previous, found.trend) == (None, None, found.verdict)
    assert cell(replace(a_course(series), reference=2), t=3).against.t == 2


def test_cells_are_computed_once():
    """The very same cells again."""
    course = a_course(moving(changes={2: UP}))
    assert course.cells(2) is course.cells(2)


@pytest.mark.parametrize("lacking", [1, 2])
def test_what_only_one_side_lacks_is_undefined_there(lacking):
    """Its row is all gaps; a reason is told, and it is not said to be nowhere."""
    gap = even() * nan
    row, first = (gap, even()) if lacking == 2 else (moved(0.1), gap)
    found = cell(a_course(moving(changes={2: UP}), Series("ngram", 1, "", {2: row}, (first,) * 3)), "ngram")
    assert (found.verdict, found.against) == (Sign.UNDEFINED, None)
    assert found.why
    assert "nowhere" not in found.why


def test_a_reference_that_is_the_best_of_many_is_paid_for():
    """Corrected p times as many as there were to choose from; p itself stays."""
    course = a_course(moving(changes={2: (0.03, 0.01)}))
    one, best = cell(course), cell(replace(course, best_of=3))
    assert best.against.corrected == pytest.approx(3 * one.against.corrected)
    assert best.against.p == one.against.p
    assert cell(replace(course, best_of=10**6)).against.corrected == 1
