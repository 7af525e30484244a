"""Which problems were gained and lost: by chance, by how much, and by name."""

import numpy as np
import pytest
from courses import drawn, ids
from scipy import stats

from sirtui.verdicts import problems
from sirtui.verdicts.problems import Tally, crossing, fisher, masses, named, sets


def tally(*counts: tuple[int, int]) -> Tally:
    """Of each problem correct of drawn, the correct ones first."""
    return Tally.of([[place < correct for place in range(of)] for correct, of in counts])


def test_a_tally_halves_the_samples_in_turn():
    """Every second sample makes a half; sums and halves agree."""
    found = Tally.of([[True, False, True, True, True], [], [False]])
    assert found.correct.tolist() == [4, 0, 0]
    assert found.drawn.tolist() == [5, 0, 1]
    assert found.half_correct.tolist() == [[3, 0, 0], [1, 0, 0]]
    assert found.half_drawn.tolist() == [[3, 0, 1], [2, 0, 0]]


def test_fisher_is_scipys_for_many_counts():
    """Two-sided, for sides of equal and unequal size, ends included."""
    rng = np.random.default_rng(0)
    counts = [(a, 8, b, 8) for a in range(9) for b in range(9)] + [(0, 50, 5, 150), (50, 50, 150, 150), (0, 1, 1, 1)]
    for m, n in ((8, 24), (50, 192), (64, 5), (50, 50)):
        counts += [(int(rng.integers(m + 1)), m, int(rng.integers(n + 1)), n) for _ in range(25)]
    found = fisher(*np.array(counts).T)
    expected = [stats.fisher_exact([[a, m - a], [b, n - b]]).pvalue for a, m, b, n in counts]
    assert found == pytest.approx(expected, rel=1e-7, abs=1e-300)


def test_sets_without_a_second_evaluation_have_no_null():
    """Then the net is the gross; undefined marks are in no set."""
    first, now = np.array([0, 0, 1, 1, np.nan]), np.array([1, 0, 0, 1, 1.0])
    found = sets(now, first, (first,))
    assert (found.gained, found.lost, found.problems, found.chance, found.p) == (1, 1, 4, None, 1.0)
    assert (found.net_gained, found.net_lost) == (1, 1)


def test_chance_is_the_mean_over_evaluations_and_both_ways():
    """Flips of every further evaluation against the first."""
    first = np.array([0, 0, 1, 1.0])
    again = (np.array([1, 1, 1, 1.0]), np.array([0, 0, 0, 1.0]), first)
    assert sets(first, first, (first, *again)).chance == pytest.approx((2 / 2 + 1 / 2 + 0) / 3)


def test_masses_of_a_frozen_model_are_near_zero():
    """Averaged over many runs; the naive gain is clearly not."""
    chance = np.random.default_rng(0).beta(0.6, 0.6, 200)
    found, naive = [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        now, first = drawn(rng, chance, 16), drawn(rng, chance, 48)
        found.append(masses(now, first))
        naive.append(np.maximum(now.correct / now.drawn - first.correct / first.drawn, 0).mean())
    assert np.mean(found, axis=0) == pytest.approx([0, 0], abs=0.001)
    assert np.mean(naive) > 0.015


def test_masses_of_a_real_change_are_its_size():
    """A tenth of the problems gained .5, a fifth lost .25."""
    first = np.full(2000, 0.5)
    now = first.copy()
    now[:200], now[200:600] = 1.0, 0.25
    rng = np.random.default_rng(0)
    gain, loss = masses(drawn(rng, now, 200), drawn(rng, first, 200))
    assert (gain, loss) == pytest.approx((0.05, 0.05), abs=0.005)


def test_masses_by_hand():
    """Halves of one problem 2/2 and 1/2 against 0/2 and 2/2: d = 1, -1/2, so a gain of half of -1/2 and a loss of half of -1."""
    now, first = Tally.of([[True, True, True, False]]), Tally.of([[False, True, False, True]])
    assert masses(now, first) == (-0.25, -0.5)


def test_a_problem_without_both_halves_has_no_mass():
    """One sample cannot be split; with none left nothing is told."""
    assert masses(tally((1, 1)), tally((0, 4))) == (None, None)
    both = masses(tally((4, 4), (1, 1)), tally((0, 4), (0, 4)))
    assert both == (1.0, 0.0)


def test_named_lists_are_those_of_benjamini_and_hochberg():
    """Fisher's p of every problem, at .1; gained and lost apart, the surest first."""
    rng = np.random.default_rng(1)
    chance = rng.beta(0.6, 0.6, 300)
    later = np.where(np.arange(300) < 25, 1 - chance, chance)
    now, first = drawn(rng, later, 50), drawn(rng, chance, 150)
    gained, lost = named(ids(300), now, first)
    ps = [
        stats.fisher_exact([[a, 50 - a], [b, 150 - b]]).pvalue
        for a, b in zip(now.correct.tolist(), first.correct.tolist(), strict=True)
    ]
    qs = stats.false_discovery_control(ps)
    assert {each.problem for each in (*gained, *lost)} == {f"x/{i}" for i in np.flatnonzero(qs <= 0.1)}
    assert min(len(gained), len(lost)) >= 2
    for each in (*gained, *lost):
        i = int(each.problem[2:])
        assert (each.now, each.first) == ((now.correct[i], 50), (first.correct[i], 150))
        assert (each.p, each.q) == (pytest.approx(ps[i], rel=1e-6), pytest.approx(qs[i], rel=1e-6))
        assert (each.now[0] / 50 > each.first[0] / 150) is (each in gained)
    assert [each.p for each in gained] == sorted(each.p for each in gained)


def test_a_frozen_model_gains_and_loses_hardly_any_by_name():
    """The whole list is empty in nine of ten runs or more."""
    chance = np.random.default_rng(0).beta(0.6, 0.6, 200)
    rngs = [np.random.default_rng(seed) for seed in range(40)]
    runs = [named(ids(200), drawn(rng, chance, 50), drawn(rng, chance, 150)) for rng in rngs]
    assert sum(bool(gained or lost) for gained, lost in runs) <= 4


@pytest.mark.parametrize(("samples", "there"), [(8, False), (50, True)])
def test_eight_samples_are_too_few_to_name_a_problem(samples, there):
    """One problem from none to all, of 1,319."""
    now = tally((samples, samples), *[(samples // 2, samples)] * 1318)
    first = tally((0, samples), *[(samples // 2, samples)] * 1318)
    gained, lost = named(ids(1319), now, first)
    assert ([each.problem for each in gained], lost) == (["x/0"] if there else [], ())


def test_equally_sure_problems_stand_in_their_order():
    """So that the same run gives the same list; problems without samples are left out."""
    now = tally((0, 50), (50, 50), (50, 50), (0, 0), (50, 50))
    first = tally((50, 50), (0, 50), (0, 50), (1, 50), (0, 50))
    gained, lost = named(list("abcde"), now, first)
    assert [each.problem for each in gained] == ["b", "c", "e"]
    assert [each.problem for each in lost] == ["a"]
    assert named(["a"], tally((0, 0)), tally((1, 1))) == ((), ())


def test_fishers_table_is_kept_by_its_counts():
    """A second list costs no second table."""
    problems._fisher_table.cache_clear()
    counts = np.array([3] * 500), np.array([50] * 500), np.array([4] * 500), np.array([150] * 500)
    fisher(*counts)
    assert problems._fisher_table.cache_info().misses == 1


@pytest.mark.parametrize(
    ("now", "first", "expected"),
    [
        ({1: 0.6, 2: 0.7, 4: 0.8}, {1: 0.5, 2: 0.7, 4: 0.9}, 4),
        ({1: 0.6, 2: 0.6, 4: 0.8}, {1: 0.5, 2: 0.7, 4: 0.9}, 2),
        ({1: 0.6, 2: 0.6, 4: 0.9}, {1: 0.5, 2: 0.7, 4: 0.9}, None),
        ({2: 0.6, 4: 0.8}, {1: 0.9, 2: 0.7, 4: 0.9}, 2),
        ({}, {1: 0.5}, None),
    ],
)
def test_the_curves_cross_where_all_higher_k_are_lower(now, first, expected):
    """The smallest such K, of those that both have."""
    assert crossing(now, first) == expected
