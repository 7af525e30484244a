"""Several runs that differ only in their seed, as one group."""

import numpy as np
import pytest
from courses import LEANING, TARGET, UP, a_course, a_rule, moving, told
from msgspec.structs import replace
from scipy import stats

from sirtui.core.verdict import Against, Kind, Sign
from sirtui.verdicts.conclude import of_group
from sirtui.verdicts.iteration import standing, verdict
from sirtui.verdicts.seeds import group

RULE = a_rule()
U, D, F, N = Sign.UP, Sign.DOWN, Sign.FLAT, Sign.UNDECIDED


def together(*cells):
    return group([[each] for each in cells], RULE)[0]


@pytest.mark.parametrize("runs", [[], [[told(U)]]])
def test_one_run_is_no_group(runs):
    """It speaks of its checkpoint, never of the method."""
    with pytest.raises(ValueError, match="at least two"):
        group(runs, RULE)


@pytest.mark.parametrize(
    ("signs", "expected"),
    [((U, U), U), ((D, D), D), ((F, F), F), ((U, N), N), ((U, F), N), ((U, D), N), ((U, Sign.SUSPENDED), N), ((N, N), N)],
)
def test_two_must_agree(signs, expected):
    """Else it says what they say."""
    changes = {U: 0.1, D: -0.1}
    found = together(*(told(sign, changes.get(sign, 0.0)) for sign in signs))
    assert (found.verdict, found.against.sign) == (expected, expected)
    assert bool(found.needed) is (expected is N)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([(U, 0.10), (U, 0.11), (U, 0.12)], U),
        ([(U, 0.10), (U, 0.11), (N, 0.09)], U),
        ([(D, -0.10), (D, -0.11), (N, -0.09)], D),
        ([(U, 0.10), (N, 0.11), (N, 0.12)], N),
        ([(U, 0.10), (U, 0.11), (D, -0.20)], N),
        ([(U, 0.05), (U, 0.30), (N, 0.01)], N),
        ([(U, 0.021), (U, 0.021), (N, 0.015)], N),
        ([(U, 0.1), (U, 0.11), (U, 0.12), (N, 0.09)], U),
        ([(U, 0.1), (U, 0.11), (N, 0.12), (N, 0.1)], N),
        ([(F, 0.001), (F, 0.002), (N, 0.003)], F),
        ([(F, 0.001), (F, 0.002), (N, 0.05)], N),
    ],
)
def test_three_and_more_may_have_one_that_does_not_say_so(runs, expected):
    """At least R - 1 of them, an interval that excludes 0, and a mean of at least delta."""
    found = together(*(told(*each) for each in runs))
    assert found.verdict is expected
    changes = [change for _, change in runs]
    interval = stats.ttest_1samp(changes, 0).confidence_interval(0.95)
    assert (found.against.lo95, found.against.hi95) == pytest.approx(tuple(interval))
    assert (found.against.change, found.against.n) == (pytest.approx(np.mean(changes)), len(runs))
    if expected in (U, D):
        assert interval.low * interval.high > 0
        assert abs(np.mean(changes)) >= 0.02


def test_a_lower_is_better_measure():
    """Down is worse: the numbers rose."""
    cells = [replace(told(D, change), direction=-1) for change in (0.1, 0.11, 0.12)]
    assert together(*cells).verdict is D


def test_what_is_missing_in_one_run_is_undefined():
    """Never filled in from the others; each measure has its cell."""
    runs = [[told(U, 0.1), told(F, key="ngram")], [told(U, 0.1)], [told(U, 0.1), told(F, key="ngram")]]
    found = {each.key: each for each in group(runs, a_rule("ngram"))}
    assert (found[TARGET].verdict, found[TARGET].role) == (U, "target")
    assert (found["ngram"].verdict, found["ngram"].role) == (Sign.UNDEFINED, "essential")
    assert found["ngram"].why == "defined in 2 of 3 runs"


def test_past_the_peak_as_a_group():
    """Where at least all but one are; the peak is the one that most have."""
    fallen = Against(3, 200, -0.1, None, None, None, None, None, None, None, None, D)
    cells = [told(U, 0.1 + i / 100, peak=fallen) for i in range(2)]
    assert together(*cells, told(U, 0.1)).peak.t == 3
    assert together(cells[0], told(U, 0.1), told(U, 0.11)).peak is None


def test_the_verdict_of_a_group():
    """As of one run, by the same table."""
    runs = [a_course(moving(changes={2: UP}), moving("ngram", {2: change})).cells(2) for change in ((0.0, 0.005), (0.001, 0.005))]
    found = of_group(runs, a_rule("ngram"), 2)
    assert (found.kind, found.text, found.t) == (Kind.PROGRESS, "progress", 2)
    apart = of_group(
        [runs[0], a_course(moving(changes={2: (-0.1, 0.01)}), moving("ngram", {2: (0, 0.005)})).cells(2)], a_rule("ngram"), 2
    )
    assert apart.kind is Kind.UNDECIDED


def test_a_group_whose_runs_are_all_progress_is_progress():
    """An undecided essential whose loss each run excludes, and the group too."""
    runs = []
    for further in (0.0, 0.0005, 0.001):
        essential = moving("ngram", {2: (LEANING[0] + further, LEANING[1])})
        runs.append(a_course(moving(changes={2: (UP[0] + further, UP[1])}), essential).cells(2))
    assert {verdict(standing(cells, TARGET, ["ngram"])).kind for cells in runs} == {Kind.PROGRESS}
    assert of_group(runs, a_rule("ngram"), 2).kind is Kind.PROGRESS
