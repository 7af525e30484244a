"""What must hold of every course: orders, orientations and families."""

from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from courses import TARGET, UP, a_course, a_rule, cell, moved, moving, noisy
from hypothesis import given, settings
from hypothesis import strategies as some

from sirtui.core.verdict import Kind, Sign
from sirtui.verdicts.cells import Course
from sirtui.verdicts.conclude import Evidence, conclude
from sirtui.verdicts.paired import Scores, paired, paired_disparity, paired_marks
from sirtui.verdicts.problems import Tally
from sirtui.verdicts.series import Series, Shape

few = settings(derandomize=True, max_examples=12, deadline=None, database=None)
SEEDS = some.integers(0, 10_000)
TURNED = {Sign.UP: Sign.DOWN, Sign.DOWN: Sign.UP}


def changed(course: Course, change: Callable[[Scores], Scores], **more) -> tuple[Series, ...]:
    """Every measure with all its scores changed."""

    def of(series: Series) -> Series:
        rows = {t: change(row) for t, row in series.rows.items()}
        return replace(series, rows=rows, firsts=tuple(map(change, series.firsts)), **more)

    return tuple(map(of, course.series))


def rounded(value):
    """To nine decimals, lists of problems as sets."""
    if isinstance(value, float):
        return round(value, 9) + 0.0
    if isinstance(value, dict):
        named = {"named_gained", "named_lost"}
        return {key: sorted(map(str, rounded(each))) if key in named else rounded(each) for key, each in value.items()}
    return [rounded(each) for each in value] if isinstance(value, list | tuple) else value


@few
@given(SEEDS)
def test_the_order_of_problems_does_not_matter(seed):
    """Clusters, levels, halves and named lists included."""
    course, evidence = noisy(seed)
    order = np.random.default_rng(seed).permutation(len(evidence.problems))

    def taken(tally: Tally) -> Tally:
        return Tally(tally.correct[order], tally.drawn[order], tally.half_correct[:, order], tally.half_drawn[:, order])

    series = tuple(
        replace(
            each,
            clusters=None if each.clusters is None else each.clusters[order],
            levels=None if each.levels is None else each.levels[order],
        )
        for each in changed(course, lambda row: row[order])
    )
    mixed = Evidence(
        [evidence.problems[i] for i in order],
        evidence.cluster,
        {t: taken(tally) for t, tally in evidence.tallies.items()},
        evidence.forms,
        evidence.ood_forms,
        evidence.contaminated,
    )
    for t in (2, 3):
        one, other = conclude(course, evidence, t), conclude(replace(course, series=series), mixed, t)
        assert rounded(msgspec.to_builtins(one)) == rounded(msgspec.to_builtins(other))


def test_named_lists_are_there_above():
    """Else their order was not tested."""
    found = [conclude(*noisy(seed), 3).sets for seed in range(5)]
    assert any(each.named_gained for each in found)
    assert any(each.named_lost for each in found)


@few
@given(SEEDS)
def test_the_better_direction_is_only_a_sign(seed):
    """Scores and directions negated: every verdict, trend and peak as before, and the same checkpoint to keep."""
    course, evidence = noisy(seed)
    course = replace(course, series=tuple(each for each in course.series if each.shape is not Shape.DISPARITY))
    turned = tuple(replace(each, direction=-each.direction, draws={}) for each in changed(course, lambda row: -row))
    other = replace(course, series=turned)
    for t in (2, 3):
        for one, two in zip(course.cells(t), other.cells(t), strict=True):
            assert (one.verdict, one.trend, one.key) == (two.verdict, two.trend, two.key)
            if one.against and two.against:
                assert one.against.change == pytest.approx(-two.against.change, abs=1e-12)
                assert one.against.p == pytest.approx(two.against.p, abs=1e-12)
                assert (one.peak.t, one.peak.sign) == (two.peak.t, two.peak.sign)
        first, second = conclude(course, evidence, t), conclude(other, evidence, t)
        assert (first.kind, first.names, first.keep.t) == (second.kind, second.names, second.keep.t)


@few
@given(SEEDS)
def test_now_and_before_exchanged(seed):
    """The change has the other sign, the same error and p; what was up is down."""
    course, _ = noisy(seed, last=2)
    once = tuple(replace(each, firsts=each.firsts[:1]) for each in course.series)
    back = tuple(replace(each, rows={2: each.firsts[0]}, firsts=(each.rows[2],)) for each in once)
    there, again = replace(course, series=once), replace(course, series=back)
    for one, two in zip(there.cells(2), again.cells(2), strict=True):
        assert one.verdict is TURNED.get(two.verdict, two.verdict)
        if one.against and two.against:
            assert one.against.change == pytest.approx(-two.against.change, abs=1e-12)
            assert (one.against.stderr, one.against.p) == pytest.approx((two.against.stderr, two.against.p))


def test_something_is_decided_above():
    """Else signs were compared with signs of nothing."""
    signs = {each.verdict for seed in range(8) for each in noisy(seed)[0].cells(2)}
    assert signs >= {Sign.UP, Sign.DOWN, Sign.UNDECIDED}


@few
@given(some.integers(2, 40), SEEDS)
def test_each_change_is_antisymmetric(n, seed):
    """The functions themselves, with gaps and clusters."""
    rng = np.random.default_rng(seed)
    now, reference = np.where(rng.random((2, n)) < 0.1, np.nan, rng.integers(0, 3, (2, n)) / 2)
    groups, levels = rng.integers(0, 4, n), rng.integers(0, 2, n)
    for change in (
        paired,
        lambda a, b: paired(a, b, groups),
        paired_marks,
        lambda a, b: paired_disparity(a, b, levels),
    ):
        one, two = change(now, reference), change(reference, now)
        assert (one is None) == (two is None)
        if one and two:
            assert one.change == pytest.approx(-two.change, abs=1e-12)
            assert (one.n, one.df) == (two.n, two.df)
            assert (one.stderr is None) == (two.stderr is None)
            if one.stderr is not None:
                assert (one.stderr, one.p) == pytest.approx((two.stderr, two.p))


@few
@given(some.lists(some.floats(-0.2, 0.2), min_size=1, max_size=6), some.floats(-0.2, 0.2))
def test_one_more_essential_makes_no_p_smaller(changes, added):
    """Measured or not; the target's is what it was."""
    series = [moving(changes={2: UP}), *(moving(f"m{i}", {2: (each, 0.03)}) for i, each in enumerate(changes))]
    keys = [each.key for each in series[1:]]
    before = a_course(*series, rule=a_rule(*keys))
    wider = (
        a_course(*series, moving("new", {2: (added, 0.03)}), rule=a_rule(*keys, "new")),
        a_course(*series, rule=a_rule("nowhere", *keys)),
    )
    for after in wider:
        for key in keys:
            assert cell(after, key).against.corrected >= cell(before, key).against.corrected
        assert cell(after).against == cell(before).against


def test_a_frozen_run_is_not_reversed_where_the_naive_rule_says_so():
    """Forty frozen runs: never reversed, alarms within 5 % for each family; yet something is lower than at M_1 in most."""
    kinds, naive = list[Kind](), 0
    for seed in range(40):
        course, evidence = noisy(seed, frozen=True)
        kinds.append(conclude(course, evidence, 3).kind)
        lower = [each.direction * (each.value(each.rows[3]) - each.value(each.first)) < 0 for each in course.series[:3]]
        naive += any(lower)
    assert not {Kind.REVERSAL, Kind.PROGRESS, Kind.PAST_PEAK} & set(kinds)
    assert sum(kind.alarm for kind in kinds) <= 2 * 0.05 * 40
    assert naive > 20


def test_a_real_change_is_seen():
    """The same code with a target that fell."""
    assert cell(a_course(Series(TARGET, 1, "share", {2: moved(-0.1, 0.02)}, (moved(0),)))).verdict is Sign.DOWN
