"""The worked examples of the statistics that concern verdicts, to every printed digit; those on measures are with these."""

from math import inf

import numpy as np
import pytest
from courses import MANY, a_course, a_rule, cell, groups, moving
from scipy import stats

from sirtui.core.verdict import Kind, Sign
from sirtui.verdicts.cells import sign
from sirtui.verdicts.iteration import Decisive, Standing, verdict
from sirtui.verdicts.paired import Change, disparity, holm, mcnemar, paired, paired_marks
from sirtui.verdicts.problems import sets
from sirtui.verdicts.series import Series, Shape


@pytest.mark.parametrize(("b", "c", "told"), [(12, 3, "0.03515625"), (72, 30, "3.8850e-05"), (6, 0, "0.03125"), (0, 0, "1")])
def test_mcnemar(b, c, told):
    """Worked example 3: exact, and the same the other way round."""
    digits = ".4e" if "e" in told else ".8g"
    assert format(mcnemar(b, c), digits) == format(mcnemar(c, b), digits) == told


@pytest.mark.parametrize(("b", "c", "told"), [(12, 3, "0.03515625"), (72, 30, "3.8850e-05"), (6, 0, "0.03125")])
def test_mcnemar_reaches_the_cell(b, c, told):
    """Worked example 3 through everything that judges greedy marks: p stays exact."""
    first = (np.arange(MANY) >= MANY // 2).astype(float)
    now = first.copy()
    now[:b], now[MANY - c :] = 1, 0
    course = a_course(moving(), Series("pass@1.greedy", 1, "share", {2: now}, (first,) * 3, Shape.MARKS))
    found = cell(course, "pass@1.greedy").against
    assert format(found.p, ".4e" if "e" in told else ".8g") == told
    assert found.change == pytest.approx((b - c) / MANY)


def test_a_paired_change():
    """Worked example 4: twenty problems."""
    d = np.array([1, 0, 0, -1, 1, 1, 0, 0, 1, 0, 0, 1, -1, 0, 0, 1, 0, 0, 0, 1], dtype=float)
    reference = (d < 0).astype(float)
    found = paired(reference + d, reference)
    assert (found.change, found.n, found.df) == (0.25, 20, 19)
    assert (f"{found.stderr:.6f}", f"{found.p:.6f}") == ("0.142810", "0.096150")
    assert [f"{bound:.6f}" for bound in found.interval(0.95)] == ["-0.048905", "0.548905"]


def test_a_disparity():
    """Worked example 5: 40 of 100 easy problems, 10 of 200 hard ones."""
    scores = groups((40, 100), (10, 200))
    value, influence = disparity(scores[:100], scores[100:])
    stderr = float(np.sqrt(influence @ influence))
    assert (value, f"{stderr:.6f}") == (0.875, "0.041458")
    low, high = Change(value, stderr, 300, inf, None).interval(0.95)
    assert (f"{low:.6f}", f"{high:.6f}") == ("0.793744", "0.956256")


def test_holm_then_the_weight_of_a_look():
    """Worked example 6: five essentials whose changes have these p; T = 5 and no extra looks, so w = 1/4."""
    ps = [0.001, 0.01, 0.02, 0.04, 0.30]
    assert holm(ps) == pytest.approx([0.005, 0.04, 0.06, 0.08, 0.30], abs=1e-12)
    changes = {key: (0.1, 0.1 / stats.t.isf(p / 2, MANY - 1)) for key, p in zip("abcde", ps, strict=True)}
    course = a_course(moving(), *(moving(key, {2: change}) for key, change in changes.items()), rule=a_rule(*"abcde"))
    found = [cell(course, key).against for key in "abcde"]
    assert [each.p for each in found] == pytest.approx(ps)
    assert [each.corrected for each in found] == pytest.approx([0.02, 0.16, 0.24, 0.32, 1])


def test_an_interval_that_is_flat():
    """Worked example 9: the 90 % interval of the normal distribution."""
    change = Change(0.004, 0.006, 1000, inf, 0.5)
    assert [f"{bound:.5f}" for bound in change.interval(0.9)] == ["-0.00587", "0.01387"]
    assert sign(change, 1.0, 0.02, 1, 0.05) is Sign.FLAT


@pytest.mark.parametrize(
    ("change", "high", "corrected", "expected"),
    [
        (0.05, 0.07, 0.004, Sign.UP),
        (0.05, 0.09, 0.20, Sign.UNDECIDED),
        (0.01, 0.016, 0.001, Sign.FLAT),
        (0.015, 0.024, 0.003, Sign.UNDECIDED),
    ],
)
def test_the_verdict_on_a_cell(change, high, corrected, expected):
    """Worked example 10: flat before up, and no up without a change that matters."""
    found = Change(change, (high - change) / 1.6448536269514722, 1000, inf, corrected)
    low90, high90 = found.interval(0.9)
    assert (low90, high90) == pytest.approx((2 * change - high, high), abs=1e-12)
    assert sign(found, corrected, 0.02, 1, 0.05) is expected


@pytest.mark.parametrize(
    ("target", "diversity", "ood", "kind", "text"),
    [
        (Sign.UP, Sign.DOWN, Sign.DOWN, Kind.REVERSAL, "reversal: diversity, OOD"),
        (Sign.UP, Sign.FLAT, Sign.FLAT, Kind.PROGRESS, "progress"),
        (Sign.FLAT, Sign.DOWN, Sign.FLAT, Kind.LOSS, "loss without gain: diversity"),
        (Sign.UNDECIDED, Sign.FLAT, Sign.DOWN, Kind.LOSS, "loss, gain undecided: OOD"),
    ],
)
def test_the_verdict_on_an_iteration(target, diversity, ood, kind, text):
    """Worked example 11: in words too."""
    essential = [Decisive(key, each, each is Sign.FLAT) for key, each in (("diversity", diversity), ("ood.accuracy", ood))]
    found = verdict(Standing(Decisive("pass@1.sampled", target, holds=False), None, essential))
    assert (found.kind, found.text) == (kind, text)


def test_sets_against_the_null():
    """Worked example 12: what M_1 against itself shows is taken off."""
    n, first = 1319, (np.arange(1319) < 500).astype(float)
    now, again = first.copy(), first.copy()
    now[500:560], now[:31] = 1, 0
    again[600:613], again[100:112] = 1, 0
    found = sets(now, first, (first, again))
    assert (found.gained, found.lost, found.problems, found.chance, found.net_gained) == (60, 31, n, 12.5, 47.5)
    marks = paired_marks(now, first)
    assert f"{found.p:.6f}" == f"{marks.p:.6f}" == "0.003113"
    assert f"{marks.change:+.6f}" == "+0.021986"


def test_the_weight_is_what_cells_are_corrected_with():
    """Of two essentials Holm's p / w, with an extra look another w; the target is a family of its own."""
    series = (moving(changes={2: (0.03, 0.01)}), moving("a", {2: (0.03, 0.012)}), moving("b", {2: (0.03, 0.02)}))
    for extra, weight in ((0, 1 / 4), (1, 1 / 5)):
        course = a_course(*series, rule=a_rule("a", "b", extra_looks=extra))
        by_holm = holm([cell(course, key).against.p for key in ("a", "b")])
        assert [cell(course, key).against.corrected for key in ("a", "b")] == pytest.approx([min(1, p / weight) for p in by_holm])
        assert cell(course).against.corrected == pytest.approx(cell(course).against.p / weight)
        assert [(each.family, each.weight) for each in course.cells(2)] == [(1, weight), (2, weight), (2, weight)]
