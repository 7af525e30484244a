"""pass@1, pass@k, cover@.5, and the mean over problems under them."""

from itertools import combinations
from math import comb, sqrt
from statistics import stdev

import pytest
from evaluations import judged, measured
from hypothesis import given
from hypothesis import strategies as st

from sirtui.core.errors import UsageError
from sirtui.recipes.measures.accuracy import MEASURE, ladder, pass_at_k
from sirtui.recipes.shelf import Evaluation


@pytest.mark.parametrize(
    ("n", "c", "k", "expected"),
    [(50, 5, 1, 0.1), (50, 5, 10, 0.689437), (10, 3, 5, 0.916667), (50, 0, 50, 0.0), (50, 1, 50, 1.0)],
)
def test_pass_at_k_is_the_unbiased_estimator(n, c, k, expected):
    """Worked example 1."""
    assert pass_at_k(n, c, k) == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(("n", "c", "k"), [(50, 0, 64), (50, 5, 0), (50, 51, 2), (50, -1, 2), (0, 0, 1)])
def test_pass_at_k_refuses_what_cannot_be_told(n, c, k):
    """Worked example 2: k > N is an error, never 1.0."""
    with pytest.raises(UsageError, match=f"pass@{k}"):
        pass_at_k(n, c, k)


@given(st.integers(1, 9), st.data())
def test_pass_at_k_is_the_share_of_subsets_with_a_correct_sample(n, data):
    """By enumeration of all k of n samples."""
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    subsets = list(combinations(range(n), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(min(each) < c for each in subsets) / len(subsets))


@pytest.mark.parametrize("n", [64, 200, 1000])
def test_pass_at_k_stays_exact_for_many_samples(n):
    """Between 0 and 1, rising in c and in k, and right where floats would cancel."""
    for k in (1, 2, n // 2, n - 1, n):
        row = [pass_at_k(n, c, k) for c in range(n + 1)]
        assert row == sorted(row)
        assert (row[0], row[n]) == (0.0, 1.0)
        assert row[1] == pytest.approx(k / n, rel=1e-15)
    assert pass_at_k(1000, 1, 500) == 0.5
    assert 1 - pass_at_k(1000, 500, 5) == pytest.approx(comb(500, 5) / comb(1000, 5), rel=1e-12)


def test_the_ladder_of_k():
    """Powers of two up to N."""
    assert ladder(1) == ()
    assert ladder(2) == (2,)
    assert ladder(50) == (2, 4, 8, 16, 32)
    assert ladder(64) == (2, 4, 8, 16, 32, 64)


def test_all_of_accuracy_on_a_small_evaluation():
    """Every key, in order, with value, standard error, n and the scores behind it."""
    now = Evaluation(1, [judged("a", "cciu", greedy="c"), judged("b", "iiii", greedy="i"), judged("d", "cccc", greedy="u")])
    found = measured(MEASURE, now)
    assert list(found) == ["pass@1.greedy", "pass@1.sampled", "pass@2", "pass@4", "cover@.5"]
    assert found["pass@1.greedy"].scores == {"fake/a": 1.0, "fake/b": 0.0, "fake/d": 0.0}
    sampled = found["pass@1.sampled"]
    assert sampled.scores == {"fake/a": 0.5, "fake/b": 0.0, "fake/d": 1.0}
    assert (sampled.value, sampled.n, sampled.direction, sampled.unit) == (0.5, 3, 1, "share")
    assert sampled.stderr == pytest.approx(stdev([0.5, 0.0, 1.0]) / sqrt(3))
    assert found["pass@2"].scores["fake/a"] == pytest.approx(5 / 6)
    assert found["pass@4"].value == pytest.approx(2 / 3)
    assert found["cover@.5"].scores == {"fake/a": 1.0, "fake/b": 0.0, "fake/d": 1.0}


def test_infra_marks_are_never_scored():
    """They leave N and c; a problem with none left is undefined, and so is a K above what is left."""
    now = Evaluation(1, [judged("a", "ccix", greedy="x"), judged("b", "xxxx", greedy="c"), judged("d", "cici", greedy="i")])
    found = measured(MEASURE, now)
    assert found["pass@1.sampled"].scores == {"fake/a": pytest.approx(2 / 3), "fake/d": 0.5}
    assert found["pass@1.greedy"].scores == {"fake/b": 1.0, "fake/d": 0.0}
    assert list(found["pass@4"].scores) == ["fake/d"]


def test_clusters_make_the_error_robust():
    """SE = sqrt(G/(G-1) sum_g (sum of deviations in g)^2)/n, and the plain one where each cluster is one problem."""
    scores, names = [1, 0, 1, 1, 0, 0], ["p", "p", "q", "q", "r", None]
    marks = ["c" if score else "i" for score in scores]
    problems = [judged(str(i), each, cluster=name) for i, (each, name) in enumerate(zip(marks, names, strict=True))]
    expected = sqrt(4 / 3 * (0**2 + 1**2 + 0.5**2 + 0.5**2)) / 6
    assert measured(MEASURE, Evaluation(1, problems))["pass@1.sampled"].stderr == pytest.approx(expected)
    alone = [judged(str(i), each, cluster=f"of-{i}") for i, each in enumerate(marks)]
    assert measured(MEASURE, Evaluation(1, alone))["pass@1.sampled"].stderr == pytest.approx(stdev(scores) / sqrt(6))


def test_one_cluster_has_no_error():
    """A single cluster, or a single problem, tells nothing of the error: None, not 0."""
    one = Evaluation(1, [judged("a", "c", cluster="p"), judged("b", "i", cluster="p")])
    assert measured(MEASURE, one)["pass@1.sampled"].stderr is None
    assert measured(MEASURE, Evaluation(1, [judged("a", "c")]))["pass@1.sampled"].stderr is None


def test_nothing_to_score_gives_no_keys():
    """An evaluation without answers is no error."""
    assert measured(MEASURE, Evaluation(1, [])) == {}
    assert list(measured(MEASURE, Evaluation(1, [judged("a", "", greedy="c")]))) == ["pass@1.greedy"]
