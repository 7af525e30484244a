"""Everything there is to say of one iteration, in one record."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from courses import (
    DOWN,
    FLAT,
    MANY,
    OPEN,
    TARGET,
    UP,
    a_course,
    a_disparity,
    a_rule,
    drawn,
    even,
    groups,
    ids,
    moved,
    moving,
    noisy,
)

from sirtui.core.rule import declared
from sirtui.core.verdict import Kind, Sign, VerdictRecord
from sirtui.verdicts import problems
from sirtui.verdicts.cells import Course
from sirtui.verdicts.conclude import COVERAGE, GREEDY, Evidence, conclude
from sirtui.verdicts.series import Series, Shape

ALARMS = {Kind.REVERSAL, Kind.PAST_PEAK, Kind.REGRESSION, Kind.LOSS}


def again(record: VerdictRecord) -> VerdictRecord:
    return msgspec.json.decode(msgspec.json.encode(record), type=VerdictRecord)


def greedy(gained: int, lost: int) -> Series:
    """Marks of which so many were gained and lost, a hundred right at first."""
    first = groups((100, MANY), (0, 0))
    now = first.copy()
    now[100 : 100 + gained], now[:lost] = 1, 0
    return Series(GREEDY, 1, "share", {2: now}, (first,) * 3, Shape.MARKS)


@pytest.mark.parametrize(("value", "method"), [(0.49, "SFT "), (0.5, "DPO or SFT-DPO"), (0.61, "DPO or SFT-DPO")])
def test_of_m1_there_is_advice_with_its_caveat_and_no_verdict(value, method):
    """What coverage of the training problems suggests."""
    course = a_course(moving(), moving(COVERAGE, firsts=(even(base=value),)), rule=a_rule(), measured=(1,))
    found = conclude(course, Evidence(ids()), 1)
    assert (found.kind, found.cells, found.keep, found.sets, found.text) == (None, (), None, None, "")
    assert found.advice.startswith(f"coverage {value:.2f}, ")
    assert method in found.advice
    assert "a rule of thumb: it fails in 1 of its 12 rows" in found.advice
    assert found.rule == declared(course.rule)
    assert again(found) == found


@pytest.mark.parametrize("firsts", [None, (even() * np.nan,)])
def test_without_coverage_there_is_no_advice(firsts):
    """Nothing is made up."""
    coverage = () if firsts is None else (moving(COVERAGE, firsts=firsts),)
    assert conclude(a_course(moving(), *coverage, measured=(1,)), Evidence(ids()), 1).advice == ""


@pytest.mark.parametrize("seed", range(4))
def test_a_record_survives_its_json(seed):
    """Every number in it is one: nothing turns to null on the way."""
    course, evidence = noisy(seed)
    found = conclude(course, evidence, 3)
    assert again(found) == found
    assert found.keep
    assert found.sets


def test_a_record_full_of_gaps_survives_its_json():
    """Undefined now, at M_1, on one side of a disparity, in all but a few problems; one cluster alone."""
    gap = even() * np.nan
    few = np.where(np.arange(MANY) < 3, 0.5, np.nan)
    series = (
        Series(TARGET, 1, "share", {2: gap}, (even(),) * 3),
        Series("gone", 1, "tokens", {2: moved(0.1)}, (gap,) * 2),
        Series("few", 1, "share", {2: few}, (few,) * 2),
        Series("apart", 1, "share", {2: few}, (np.where(np.isnan(few), 0.5, np.nan),)),
        moving("alone", {2: UP}, clusters=np.zeros(MANY, dtype=np.int64)),
        a_disparity({2: groups((0, 100), (5, 156))}, groups((50, 100), (20, 156)), 100),
    )
    course = a_course(*series, rule=a_rule("gone", "few", "apart", "alone", "ood.disparity", "never"))
    found = conclude(course, Evidence(ids()), 2)
    assert again(found) == found
    assert found.kind is Kind.UNDECIDED
    assert all(each.why for each in found.cells)
    signs = {each.key: each.verdict for each in found.cells}
    assert {key for key, sign in signs.items() if sign is Sign.UNDEFINED} == {TARGET, "gone", "apart", "ood.disparity", "never"}


@pytest.mark.parametrize("change", [0.0, 0.01])
def test_a_record_of_a_shifted_null_survives_its_json(change):
    """M_1's second evaluation is .1 above its first for every problem: suspended, and no number is infinite."""
    course = a_course(moving(changes={2: (change, 0.001)}, firsts=(even(), even() + 0.1)))
    found = conclude(course, Evidence(ids()), 2)
    assert found.cells[0].verdict is Sign.SUSPENDED
    assert again(found) == found


def whole(seed: int) -> tuple[Course, Evidence]:
    """1,319 problems, ten iterations, eight measures, fifty samples a problem."""
    rng = np.random.default_rng(seed)
    n, last = 1319, 10
    chance = rng.beta(0.5, 0.5, n)
    drift = {t: 0.02 * (t - 1) for t in range(1, last + 1)}
    tallies = {t: drawn(rng, np.clip(chance + drift[t], 0, 1), 50) for t in drift}

    def measure(key: str, trend: float, direction: int = 1, **more) -> Series:
        rows = {t: rng.normal(0.5 + trend * drift[t], 0.2, n) for t in range(2, last + 1)}
        return Series(key, direction, "share", rows, tuple(rng.normal(0.5, 0.2, (3, n))), **more)

    marks = {t: (rng.random(n) < chance + drift[t]).astype(float) for t in drift}
    series = (
        measure(TARGET, 1.0, draws=dict.fromkeys(drift, 50) | {1: 150}),
        measure("pass@16", -1.0),
        measure("diversity.ngram.correct", 0.0),
        measure("diversity.semantic.correct", -0.1),
        measure("ood.accuracy", 0.2, clusters=rng.integers(0, 300, n)),
        measure("ood.disparity", 0.0, -1, shape=Shape.DISPARITY, levels=rng.integers(-1, 2, n)),
        measure("answers.unparsed", 0.1, -1),
        Series(GREEDY, 1, "share", {t: marks[t] for t in range(2, last + 1)}, (marks[1],) * 3, Shape.MARKS),
    )
    keys = tuple(each.key for each in series)
    rule = a_rule(*keys[1:5], watch=keys[5:], looks=tuple(range(2, last + 1)))
    return Course(series, rule, tuple(drift)), Evidence(ids(n), {}, tallies)


def test_a_whole_course_has_the_very_same_record_twice():
    """No randomness and no order of sets in it: the same bytes, with named lists and a reversal."""
    records = []
    for _ in range(2):
        problems._fisher_table.cache_clear()
        course, evidence = whole(0)
        records.append([msgspec.json.encode(conclude(course, evidence, t)) for t in range(1, 11)])
    assert records[0] == records[1]
    last = msgspec.json.decode(records[0][-1], type=VerdictRecord)
    assert (last.kind, last.measured) == (Kind.REVERSAL, tuple(range(1, 11)))
    assert len(last.sets.named_gained) > 20
    assert len(last.cells) == 8


def test_what_was_not_measured_or_not_declared_is_noted():
    """A missing iteration, a look that is none."""
    course = a_course(moving(changes={2: UP, 5: UP}), rule=a_rule(looks=(2, 4)), measured=(1, 2, 5))
    assert conclude(course, Evidence(ids()), 2).notes == ()
    missing, lean = conclude(course, Evidence(ids()), 5).notes
    assert missing == "not measured: it3, it4"
    assert lean.startswith("it5 is no declared look")


def crossed(*series: Series):
    rng = np.random.default_rng(0)
    tallies = {t: drawn(rng, even(), 16) for t in (1, 2)}
    return conclude(a_course(*series, greedy(10, 5), rule=a_rule("pass@16")), Evidence(ids(), {}, tallies), 2)


def test_a_crossing_is_claimed_where_the_target_is_up_and_pass_at_k_down():
    """From the smallest K on from which all are lower."""
    curve = (moving("pass@4", {2: (-0.01, 0.02)}), moving("pass@8", {2: (-0.02, 0.02)}), moving("pass@2", {2: (0.02, 0.02)}))
    found = crossed(moving(changes={2: UP}), moving("pass@16", {2: DOWN}), *curve)
    assert (found.kind, found.sets.crossing) == (Kind.REVERSAL, 4)


@pytest.mark.parametrize(("target", "essential"), [(FLAT, DOWN), (DOWN, DOWN), (OPEN, DOWN), (UP, FLAT), (UP, UP)])
def test_else_no_crossing_is_claimed(target, essential):
    """Curves cross in 30 % of frozen runs."""
    found = crossed(moving(changes={2: target}), moving("pass@16", {2: essential}), moving("pass@8", {2: DOWN}))
    assert found.sets.crossing is None


def test_no_crossing_is_claimed_where_pass_at_k_is_undecided():
    """It is named as what is undecided, not as what fell."""
    found = crossed(moving(changes={2: UP}), moving("pass@16", {2: (-0.01, 0.02)}))
    assert (found.kind, found.names) == (Kind.GAIN_UNDECIDED, ("pass@16",))
    assert found.sets.crossing is None


def test_sets_without_samples_or_greedy_marks():
    """Gross counts alone where samples are not there; without greedy marks on both sides no sets."""
    course = a_course(moving(changes={2: UP}), greedy(10, 5), rule=a_rule())
    found = conclude(course, Evidence(ids()), 2).sets
    assert (found.gained, found.lost, found.chance, found.gained_mass, found.named_gained) == (10, 5, 0.0, None, ())
    gone = replace(greedy(10, 5), rows={2: even() * np.nan})
    for others in ((), (gone,)):
        assert conclude(a_course(moving(changes={2: UP}), *others, rule=a_rule()), Evidence(ids()), 2).sets is None


def test_what_to_keep_looks_at_earlier_iterations_only():
    """Of M_2 there are two candidates, of M_3 three; one that lost something essential is none."""
    series = (moving(changes={2: UP, 3: (0.2, 0.01), 4: (0.3, 0.01)}), moving("ngram", {2: FLAT, 3: FLAT, 4: DOWN}))
    course = a_course(*series)
    assert [conclude(course, Evidence(ids()), t).keep.t for t in (2, 3, 4)] == [2, 3, 3]
    assert conclude(a_course(series[1]), Evidence(ids()), 2).keep is None


@pytest.mark.parametrize(
    ("target", "ngram", "kind"),
    [
        (UP, DOWN, Kind.REVERSAL),
        (UP, FLAT, Kind.PROGRESS),
        (UP, OPEN, Kind.GAIN_UNDECIDED),
        (DOWN, FLAT, Kind.REGRESSION),
        (FLAT, DOWN, Kind.LOSS),
        (OPEN, DOWN, Kind.LOSS),
        (FLAT, UP, Kind.GAIN_ELSEWHERE),
        (FLAT, FLAT, Kind.NO_CHANGE),
        (OPEN, UP, Kind.UNDECIDED),
    ],
)
def test_from_scores_to_the_verdict(target, ngram, kind):
    """The whole way, and whether it is an alarm."""
    found = conclude(a_course(moving(changes={2: target}), moving("ngram", {2: ngram})), Evidence(ids()), 2)
    assert found.kind is kind
    assert found.kind.alarm is (kind in ALARMS)
    assert found.cell("ngram").key == "ngram"
    assert found.cell("elsewhere") is None
