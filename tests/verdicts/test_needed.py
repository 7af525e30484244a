"""What would decide what is undecided: the closed formulas, and where nothing would."""

from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from courses import TARGET, a_course, a_disparity, a_rule, cell, even, groups, moved, moving
from scipy import stats

from sirtui.verdicts.needed import needed, sampling_noise
from sirtui.verdicts.paired import Scores
from sirtui.verdicts.series import Series, Shape

LEVEL = 0.05 / 4
DELTA = 0.02


def shares(seed: int, n: int, samples: int, gain: float = 0.0) -> Series:
    """One evaluation on each side, of so many samples."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(2, 2, n)
    first, now = (rng.binomial(samples, np.clip(p, 0, 1)) / samples for p in (chance, chance + gain))
    return Series(TARGET, 1, "share", {2: now}, (first,), draws={1: samples, 2: samples})


def noise(series: Series, samples: int) -> float:
    """W of the statistics."""
    now, first = series.rows[2], series.first
    return float((now * (1 - now) / (samples - 1) + first * (1 - first) / (samples - 1)).mean())


def planned(change, level=LEVEL) -> float:
    """SE* of the statistics."""
    size = abs(change.change)
    if size < DELTA:
        return DELTA / 2.927
    return max(size, 1.5 * DELTA) / (stats.norm.ppf(1 - level / 2) + 0.842)


def asked(series: Series, level=LEVEL):
    change = series.change(series.rows[2], series.first)
    return change, needed(series, 2, change, DELTA, level)


def more_evaluations(series: Series, change, n: int, samples: int) -> int | None:
    """ceil(N'/N) - 1 with N' = N w/(n SE*^2 - max(0, Var(d) - w)), None where that is no number above 0."""
    w, variance = noise(series, samples), (series.rows[2] - series.first).var(ddof=1)
    room = n * planned(change) ** 2 - max(0.0, variance - w)
    return ceil(samples * w / room / samples) - 1 if room > 0 else None


@pytest.mark.parametrize("seed", [0, 1, 2, 4, 5])
@pytest.mark.parametrize("gain", [0.0, 0.03])
def test_problems_and_samples_by_the_closed_formulas(seed, gain):
    """Problems n' = Var(d)/SE*^2, and as many further evaluations as N' takes."""
    n, samples = 80, 8
    series = shares(seed, n, samples, gain)
    change, found = asked(series)
    more = more_evaluations(series, change, n, samples)
    assert sum(sampling_noise(series, 2)) == pytest.approx(noise(series, samples))
    assert found.aim == ("detect" if abs(change.change) >= DELTA else "flat")
    assert found.problems == ceil(change.stderr**2 * n / planned(change) ** 2) > n
    assert (found.evaluations, found.samples) == (more, None if more is None else samples * (more + 1))
    assert f"needs {found.problems:,} problems" in found.text
    assert ("more samples cannot help" in found.text) is (more is None)
    assert more is None or f"{found.samples} samples" in found.text


def test_both_aims_and_both_ends_occur_above():
    """Else the formulas were not tested."""
    found = [asked(shares(seed, 80, 8, gain))[1] for seed in (0, 1, 2, 4, 5) for gain in (0.0, 0.03)]
    assert {each.aim for each in found} == {"detect", "flat"}
    assert 2 <= sum(each.samples is None for each in found) <= 6


def test_to_call_flat_and_to_detect_by_hand():
    """With an error of .02 = delta over 256 problems; D_plan is at least 1.5 delta, else what was seen."""
    _, flat = asked(moving(changes={2: (0.0, 0.02)}))
    assert (flat.aim, flat.problems) == ("flat", ceil(256 * 2.927**2))
    reach = stats.norm.ppf(1 - LEVEL / 2) + 0.842
    _, small = asked(moving(changes={2: (0.021, 0.02)}))
    assert (small.aim, small.problems) == ("detect", ceil(256 * (reach * 0.02 / 0.03) ** 2))
    _, large = asked(moving(changes={2: (0.05, 0.02)}))
    assert large.problems == ceil(256 * (reach * 0.02 / 0.05) ** 2)


def test_what_the_plan_says_is_enough_already_is_planned_by_what_was_seen():
    """A number of problems that there are would be no answer."""
    change, found = asked(moving(changes={2: (0.0201, 0.0086)}))
    assert ceil(change.variance / planned(change) ** 2) <= 256
    reach = stats.norm.ppf(1 - LEVEL / 2) + 0.842
    assert found.problems == ceil(256 * (reach * 0.0086 / 0.0201) ** 2)


def test_the_corrected_level_raises_what_detection_takes():
    """A smaller share of alpha, more essentials: more problems; calling flat costs the same."""
    detect, flat = moving(changes={2: (0.05, 0.02)}), moving(changes={2: (0.0, 0.02)})
    assert asked(detect, LEVEL)[1].problems < asked(detect, LEVEL / 5)[1].problems
    assert asked(flat, LEVEL)[1] == asked(flat, LEVEL / 5)[1]
    series = (moving(), replace(detect, key="a"))
    alone, beside = (cell(a_course(*series, rule=a_rule(*keys)), "a") for keys in ("a", "ab"))
    assert alone.needed == asked(detect, LEVEL)[1]
    assert beside.needed == asked(detect, LEVEL / 2)[1]


def test_greedy_marks_have_no_samples_to_add():
    """More samples cannot help."""
    marks = groups((100, 256), (0, 0))
    now = np.roll(marks, 9)
    series = Series("pass@1.greedy", 1, "share", {2: now}, (marks,) * 3, Shape.MARKS)
    change, found = asked(series)
    assert sampling_noise(series, 2) == (0.0, 0.0)
    assert found.problems == ceil(change.variance / planned(change) ** 2) > 256
    assert (found.samples, found.evaluations) == (None, None)
    assert found.text.endswith("; more samples cannot help")


def test_greedy_marks_at_the_edge_have_no_samples_to_add_either():
    """32 gained and 12 lost of 1,319: the interval ends just above delta, and evaluating again draws the same answers."""
    first = groups((12, 1319), (0, 0))
    now = np.roll(groups((32, 1319), (0, 0)), 100)
    _, found = asked(Series("pass@1.greedy", 1, "share", {2: now}, (first,) * 3, Shape.MARKS))
    assert (found.problems, found.evaluations) == (None, None)


def test_where_problems_differ_more_than_samples_do():
    """Half of the problems rose, half fell, for certain: sampling noise is none of it."""
    now = np.where(np.arange(256) % 2, 1.0, 0.0)
    series = Series(TARGET, 1, "share", {2: now}, (1 - now,), draws={1: 50, 2: 50})
    _, found = asked(series)
    assert sampling_noise(series, 2) == (0.0, 0.0)
    assert (found.samples, found.evaluations) == (None, None)
    assert found.problems > 256
    assert "more samples cannot help" in found.text


def test_many_evaluations_are_not_none():
    """With no variance between problems samples always help in the end."""
    now, first = even(40), even(40)
    now[:4], now[4:8] = 0.0, 1.0
    series = Series(TARGET, 1, "share", {2: now}, (first,), draws={1: 2, 2: 2})
    change, found = asked(series)
    assert sum(sampling_noise(series, 2)) > change.variance
    assert "more samples cannot help" not in found.text


def test_more_evaluations_of_m1_count_for_it():
    """Of a + k and b + k evaluations: the fewest k with which the error is small enough."""
    series = shares(0, 80, 8)
    firsts = tuple(np.random.default_rng(each).permutation(series.first) for each in range(3))
    more = Series(TARGET, 1, "share", series.rows, firsts, draws={1: 24, 2: 8}, evaluations={1: 3, 2: 1})
    change, found = asked(more)
    now, first = sampling_noise(more, 2)
    assert first == pytest.approx((more.first * (1 - more.first)).mean() / 23)
    allowed, fixed = 80 * planned(change) ** 2, max(0.0, change.variance - now - first)

    def left(k: int) -> float:
        return now / (1 + k) + first * 3 / (3 + k) + fixed

    if found.evaluations is None:
        assert left(64) > allowed
    else:
        assert left(found.evaluations) <= allowed < left(found.evaluations - 1)


def test_noise_of_other_measures_is_what_m1_shows_between_its_evaluations():
    """The mean variance problem by problem, of M_1's mean and of one evaluation of M_t; not known from one evaluation."""
    rng = np.random.default_rng(0)
    firsts: tuple[Scores, ...] = tuple(rng.normal(0.5, 0.1, 256) for _ in range(3))
    rows = {2: rng.normal(0.5, 0.1, 256)}
    between = np.var(firsts, axis=0, ddof=1).mean()
    assert sampling_noise(Series("ngram", 1, "", rows, firsts), 2) == pytest.approx((between, between / 3))
    twice = Series("ngram", 1, "", rows, firsts, evaluations={1: 3, 2: 2})
    assert sampling_noise(twice, 2) == pytest.approx((between / 2, between / 3))
    assert sampling_noise(Series("ngram", 1, "", rows, firsts[:1]), 2) is None
    _, found = asked(Series("ngram", 1, "", rows, firsts[:1]))
    assert found.text == f"needs {found.problems} problems"


def test_of_one_sample_a_problem_the_noise_is_not_in_the_share():
    """N = 1: s(1 - s)/(N - 1) is no number, the evaluations of M_1 are asked instead."""
    series = shares(0, 80, 1)
    assert sampling_noise(series, 2) is None
    again = Series(TARGET, 1, "share", series.rows, (series.first, 1 - series.first), draws={1: 2, 2: 1})
    assert sampling_noise(again, 2) == pytest.approx((0.5, 0.25))


def test_a_disparity_needs_problems():
    """How its error falls with samples is not known."""
    series = a_disparity({2: groups((50, 100), (22, 100))}, groups((50, 100), (20, 100)), 100)
    found = cell(a_course(moving(), series), "ood.disparity").needed
    assert found.text == f"needs {found.problems} problems"
    assert found.samples is None


def test_without_an_error_nothing_can_be_told():
    """All problems alike, or one cluster alone; the latter says so in its cell."""
    assert asked(Series(TARGET, 1, "share", {2: even()}, (even(),)))[1] is None
    alone = Series(TARGET, 1, "share", {2: moved(0.1)}, (even(),), clusters=np.zeros(256, dtype=np.int64))
    found = cell(a_course(alone))
    assert (found.why, found.needed.text) == ("one cluster alone", "needs problems of more than one cluster")


def test_a_relative_delta_of_nothing_is_that_of_a_share():
    """A signed measure around zero: 5 % of it is no size."""
    series = Series("margin", 1, "nats", {2: moved(0.0, base=0.0)}, (even(base=0.0),) * 3)
    found = cell(a_course(moving(changes={2: (0.1, 0.01)}), series), "margin")
    assert (found.verdict, found.delta, found.needed) == ("flat", 0.02, None)


@pytest.mark.parametrize(
    ("change", "aim", "text"),
    [
        (0.0195, "flat", "just below the smallest change that matters: nothing settles it soon"),
        (-0.0195, "flat", "just below the smallest change that matters: nothing settles it soon"),
        (0.0205, "detect", "at the edge of being told: a little more of anything may tip it"),
    ],
)
def test_what_problems_enough_do_not_decide(change, aim, text):
    """On which side of delta it lies says what may be hoped for."""
    series = Series(TARGET, 1, "share", {2: moved(change, 0.005)}, (even(),))
    found = needed(series, 2, series.change(series.rows[2], series.first), DELTA, LEVEL)
    assert (found.aim, found.problems, found.samples, found.evaluations, found.text) == (aim, None, None, None, text)
