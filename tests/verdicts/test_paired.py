"""Paired changes and their errors."""

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sirtui.verdicts.paired import Change, Levels, disparity_change, paired

D = [1, 0, 0, -1, 1, 1, 0, 0, 1, 0, 0, 1, -1, 0, 0, 1, 0, 0, 0, 1]
scores = st.dictionaries(st.sampled_from([f"p{i}" for i in range(12)]), st.floats(0, 1), min_size=1)


def test_the_paired_change_of_the_worked_example():
    """Worked example 4: D, SE, and what Student's t makes of them."""
    change = paired({str(i): (d + 1) / 2 for i, d in enumerate(D)}, {str(i): (1 - d) / 2 for i, d in enumerate(D)})
    assert change.change == pytest.approx(0.25)
    assert change.stderr == pytest.approx(0.142810, abs=5e-7)
    assert (change.n, change.df) == (20, 19)
    assert stats.t.interval(0.95, change.df, change.change, change.stderr) == pytest.approx((-0.048905, 0.548905), abs=1e-6)
    assert 2 * stats.t.sf(change.change / change.stderr, change.df) == pytest.approx(0.096150, abs=1e-6)


@given(scores, scores)
def test_only_problems_defined_on_both_sides_count(now, reference):
    """P is the intersection; what is missing is never imputed."""
    change, both = paired(now, reference), now.keys() & reference.keys()
    if not both:
        assert change is None
        return
    d = [now[problem] - reference[problem] for problem in both]
    assert (change.n, change.df) == (len(both), len(both) - 1)
    assert change.change == pytest.approx(np.mean(d), abs=1e-12)
    if len(both) > 1:
        assert change.stderr == pytest.approx(np.std(d, ddof=1) / math.sqrt(len(d)), abs=1e-12)


@given(scores, scores)
def test_the_change_back_is_the_negative(now, reference):
    """Not oriented: now - reference."""
    there, back = paired(now, reference), paired(reference, now)
    assert (there is None) == (back is None)
    if there is not None:
        assert back.change == pytest.approx(-there.change)
        assert back.stderr == pytest.approx(there.stderr)


def test_changes_all_alike_have_no_error():
    """SE 0, exactly, whether the change is 0 or not."""
    reference = {str(i): i / 7 for i in range(9)}
    assert paired(reference, reference) == Change(0.0, 0.0, 9, 8)
    assert paired(dict.fromkeys("abc", 0.1), dict.fromkeys("abc", 0.3)) == Change(0.1 - 0.3, 0.0, 3, 2)
    assert paired(dict.fromkeys("abc", 0.1), dict.fromkeys("abc", 0.3), dict.fromkeys("ab", "g")).stderr == 0


def test_one_problem_or_one_cluster_is_no_ground_for_an_error():
    """None, so that nobody divides by a zero that is none."""
    assert paired({"a": 1.0}, {"a": 0.0}) == Change(1.0, None, 1, 0)
    assert paired({"a": 1.0, "b": 0.0}, {"a": 0.0, "b": 0.0}, {"a": "g", "b": "g"}) == Change(0.5, None, 2, 0)


def test_clusters_make_the_error_robust():
    """G/(G-1) over the sums of deviations in each cluster, df = G - 1; who has none is one alone."""
    now, zero = dict(zip("abcdef", [1, 0, 1, 1, 0, 0], strict=True)), dict.fromkeys("abcdef", 0)
    change = paired(now, zero, {"a": "p", "b": "p", "c": "q", "d": "q", "e": "r"})
    assert change.stderr == pytest.approx(math.sqrt(4 / 3 * (0 + 1 + 0.25 + 0.25)) / 6)
    assert (change.n, change.df) == (6, 3)


@given(st.lists(st.tuples(st.floats(-1, 1), st.sampled_from("pqrst")), min_size=2, max_size=20))
def test_clusters_of_one_change_nothing(pairs):
    """The robust formula contains the plain one."""
    now, zero = {str(i): y for i, (y, _) in enumerate(pairs)}, {str(i): 0.0 for i in range(len(pairs))}
    plain, alone = paired(now, zero), paired(now, zero, {problem: f"of {problem}" for problem in now})
    assert alone.stderr == pytest.approx(plain.stderr, abs=1e-12)
    assert alone.df == plain.df


def level(solved: int, of: int, prefix: str) -> dict[str, float]:
    """So many of so many problems solved."""
    return {f"{prefix}{i}": float(i < solved) for i in range(of)}


FIRST = Levels(level(40, 100, "e"), level(10, 200, "h"))


def test_the_disparity_against_nothing_changing_is_zero():
    """The same evaluation on both sides."""
    change = disparity_change(FIRST, FIRST)
    assert (change.change, change.stderr, change.n, change.df) == (0.0, 0.0, 300, math.inf)


def test_the_error_of_a_change_of_disparity_is_of_the_differences_of_influence():
    """By hand, problem by problem."""
    now = Levels(level(45, 100, "e"), level(6, 200, "h"))
    change = disparity_change(now, FIRST)
    assert change.change == pytest.approx((1 - 0.03 / 0.45) - 0.875)
    squares = 0.0
    for i in range(100):
        squares += (0.03 / 0.45**2 * ((i < 45) - 0.45) / 100 - 0.05 / 0.4**2 * ((i < 40) - 0.4) / 100) ** 2
    for i in range(200):
        squares += (-((i < 6) - 0.03) / (0.45 * 200) + ((i < 10) - 0.05) / (0.4 * 200)) ** 2
    assert change.stderr == pytest.approx(math.sqrt(squares))


def test_independent_sides_add_up_to_the_worked_example():
    """Worked example 5: a side without noise leaves the SE of the other."""
    even = Levels(dict.fromkeys(FIRST.first, 0.5), dict.fromkeys(FIRST.last, 0.1))
    change = disparity_change(FIRST, even)
    assert change.change == pytest.approx(0.875 - 0.8)
    assert change.stderr == pytest.approx(0.041458, abs=5e-7)


def test_the_disparity_is_over_problems_of_both_sides():
    """Each level over its own P; None where one is empty or no easy problem is solved."""
    fewer = Levels({k: v for k, v in FIRST.first.items() if k != "e0"}, FIRST.last)
    assert disparity_change(fewer, FIRST).n == 299
    assert disparity_change(Levels({}, FIRST.last), FIRST) is None
    assert disparity_change(Levels(FIRST.first, {}), FIRST) is None
    assert disparity_change(Levels(dict.fromkeys(FIRST.first, 0.0), FIRST.last), FIRST) is None
    assert disparity_change(FIRST, Levels(dict.fromkeys(FIRST.first, 0.0), FIRST.last)) is None


def test_the_disparitys_interval_covers_as_it_should():
    """Sampled again and again with nothing changed, |z| > 1.96 in about 5 %."""
    random = np.random.default_rng(0)
    easy, hard = random.beta(2, 2, 120), random.beta(1, 6, 250)

    def draw() -> Levels:
        first, last = random.binomial(8, easy) / 8, random.binomial(8, hard) / 8
        return Levels({f"e{i}": x for i, x in enumerate(first)}, {f"h{i}": x for i, x in enumerate(last)})

    changes = [disparity_change(draw(), draw()) for _ in range(600)]
    alarms = np.mean([abs(each.change) > 1.96 * each.stderr for each in changes])
    assert 0.025 < alarms < 0.085


def test_a_change_is_frozen():
    """Values are not edited on their way."""
    with pytest.raises(FrozenInstanceError):
        paired({"a": 1.0}, {"a": 0.0}).n = 2


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from(["p", "q", "r", None])), min_size=2, max_size=15))
def test_verdicts_and_measures_agree_on_the_error_of_a_mean(pairs):
    """The rooms may not import each other, so the formula stands twice: it must be one formula."""
    from sirtui.recipes.measures._mean import standard_error

    now = {str(i): y for i, (y, _) in enumerate(pairs)}
    clusters = {str(i): name for i, (_, name) in enumerate(pairs) if name}
    expected, found = standard_error(now, clusters), paired(now, dict.fromkeys(now, 0.0), clusters).stderr
    assert (expected is None) == (found is None)
    if found is not None:
        assert found == pytest.approx(expected, abs=1e-12)
