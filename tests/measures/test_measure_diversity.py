"""Rarefied and raw diversities."""

from itertools import combinations
from pathlib import Path

import msgspec
import numpy as np
import pytest
from evaluations import judged, measured, tools
from hypothesis import given
from hypothesis import strategies as st

from sirtui.core.errors import UsageError
from sirtui.core.measures import Group
from sirtui.recipes.measures import diversity
from sirtui.recipes.measures.diversity import (
    MEASURE,
    alpha,
    dissimilarity,
    distinct,
    distinct_raw,
    equations,
    gamma,
    meaning,
    tokens,
    turnover,
    wording,
)
from sirtui.recipes.shelf import Evaluation

CATS = ["the cat sat on the mat", "the cat sat on the rug", "a dog ran"]
GENERATIONS = Path(__file__).parents[2].parent / "shared" / "data" / "generations" / "math_qwen_60x8.jsonl"
words = st.lists(st.sampled_from("abcdef"), min_size=0, max_size=8).map(" ".join)


def test_tokens_are_words_and_single_signs_in_lower_case():
    """As for every n-gram here."""
    assert tokens("The cat's 3.5 <<1+1=2>>!\n") == ["the", "cat", "'", "s", *"3.5<<1+1=2>>!"]


def test_distinct_n_of_the_worked_example():
    """Worked example 7: 9 of 15 words and 8 of 12 pairs are distinct."""
    unigrams, bigrams, *_ = wording(CATS)
    assert (distinct_raw([unigrams]), distinct_raw([bigrams])) == (9 / 15, 8 / 12)
    assert (unigrams.total, bigrams.total) == (15, 12)


def test_gamma_of_the_worked_example():
    """Worked example 8: df = [3, 1], c = 4, m = 2 gives 1.5 types."""
    assert gamma(Group(4, {"1": 1, "3": 1}), 2) == pytest.approx(1.5)
    assert alpha(Group(4, {"1": 1, "3": 1})) == 1.0


def test_rarefying_to_more_than_there_is_is_an_error():
    """Never extrapolated."""
    with pytest.raises(UsageError):
        gamma(Group(3, {"1": 1}), 4)


@given(st.lists(words, min_size=2, max_size=6), st.data())
def test_gamma_is_the_mean_over_all_subsets_of_m(texts, data):
    """Rarefaction is exact: what m of the samples show, over all ways to take m; so for every order."""
    m = data.draw(st.integers(1, len(texts)))
    subsets = [wording(each) for each in combinations(texts, m)]
    for n, whole in enumerate(wording(texts)):
        shown = [sum(groups[n].types.values()) for groups in subsets]
        assert gamma(whole, m) == pytest.approx(sum(shown) / len(shown))


@given(st.lists(st.lists(st.sampled_from("abcd"), min_size=5, max_size=8).map(" ".join), min_size=4, max_size=7))
def test_a_sub_group_has_the_same_expectation(texts):
    """The size of the group does not move `distinct_n` rarefied, texts being of one length, nor the semantic one."""
    texts = [" ".join((each.split() * 2)[:5]) for each in texts]
    for size in (3, len(texts)):
        of_subsets = [distinct(wording(each), 2) for each in combinations(texts, size)]
        assert np.mean(of_subsets) == pytest.approx(distinct(wording(texts), 2))


@given(st.lists(words, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(texts, random):
    """Counts, and so every diversity, are those of a set of samples."""
    shuffled = random.sample(texts, len(texts))
    assert wording(shuffled) == wording(texts)


def test_raw_falls_with_the_size_of_the_group_and_rarefied_does_not():
    """Samples of one source, more of them: the paper's ratio drops by half, the rarefied ones stay."""
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice([*"abcdefghijkl"], 30)) for _ in range(48)]
    few, many = wording(texts[:8]), wording(texts)
    assert distinct_raw(few) - distinct_raw(many) > 0.1
    assert distinct(few, 4) == pytest.approx(distinct(many, 4), abs=0.02)
    assert turnover(few, 4) == pytest.approx(turnover(many, 4), abs=0.02)


@given(st.integers(2, 8), st.integers(2, 8), words.filter(lambda text: len(text) >= 9))
def test_ngram_is_0_where_all_samples_are_the_same(c, m, text):
    """Whatever the text, c and m."""
    assert turnover(wording([text] * max(c, m)), m) == pytest.approx(0)


@given(st.integers(2, 8), st.integers(0, 4), st.integers(5, 9))
def test_ngram_is_1_where_samples_share_nothing(m, more, length):
    """Whatever m, c and the length."""
    texts = [" ".join(f"w{sample}x{i}" for i in range(length)) for sample in range(m + more)]
    assert turnover(wording(texts), m) == pytest.approx(1)


def test_texts_too_short_for_an_order_are_samples_without_types():
    """They stay in c; an order that no text has is left out of the mean."""
    unigrams, bigrams, trigrams, *_ = wording(["5", "5", "a b"])
    assert (unigrams.samples, bigrams.samples) == (3, 3)
    assert (bigrams.types, bigrams.total) == ({"1": 1}, 1)
    assert (trigrams.types, trigrams.total) == ({}, 0)
    assert turnover(wording(["5", "5", "5"]), 2) == 0
    assert turnover(wording(["5", "6", "7"]), 2) == 1
    assert turnover(wording(["", ""]), 2) is None
    assert distinct(wording(["", ""]), 2) is None


def test_equations_are_lists_and_samples_without_any_are_left_out():
    """One list, one type: two of the same and one other among three is half way between the same and different."""
    group = equations([("1+1=2", "2+2=4"), ("1+1=2", "2+2=4"), ("2+2=4", "1+1=2"), ()])
    assert group == Group(3, {"1": 1, "2": 1}, 3)
    assert turnover([group], 2) == pytest.approx(2 / 3)
    assert distinct_raw([group]) == pytest.approx(2 / 3)


@given(st.integers(2, 7), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_pairwise_cosines_need_no_matrix(n, dimensions, seed):
    """|sum u|^2 gives what the pairs give."""
    vectors = np.random.default_rng(seed).normal(size=(n, dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = [float(a @ b) for a, b in combinations(vectors, 2)]
    group = meaning(vectors, n)
    assert group.cosines == pytest.approx(sum(pairs))
    assert group.pairs == len(pairs)
    assert dissimilarity([group]) == pytest.approx(max(0, 1 - np.mean(pairs)))


class Embedder:
    """Vectors by the first letter, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, texts):
        """Shape (texts, 2)."""
        self.asked.append(list(texts))
        return np.array([[1.0, 0.0] if text.startswith("a") else [0.0, 1.0] for text in texts])


def test_all_keys_of_diversity():
    """Correct and incorrect apart, rarefied and raw; `ngram` has no raw one in the paper."""
    both = judged("p", "ccii", ["a 1+1=2", "b 1+1=2", "a 2+2=4", "a 2*2=4"])
    found = measured(MEASURE, Evaluation(1, [both]), using=tools(Embedder()))
    kinds = ("ngram", "distinct_n", "distinct_n.raw", "semantic", "semantic.raw", "equations", "equations.raw")
    expected = {
        f"diversity.{kind.removesuffix('.raw')}.{subset}{'.raw' if kind.endswith('.raw') else ''}"
        for kind in kinds
        for subset in ("correct", "incorrect")
    }
    assert set(found) == expected
    assert {(each.direction, each.n) for each in found.values()} == {(1, 1)}
    assert found["diversity.semantic.correct"].value == 1.0
    assert found["diversity.semantic.incorrect"].value == 0.0
    assert found["diversity.equations.correct"].value == 0.0
    assert found["diversity.equations.incorrect"].value == 1.0
    assert found["diversity.equations.correct.raw"].value == 0.5


def test_incorrect_are_wrong_unread_and_timed_out_answers_but_not_infra():
    """The judge's own failures belong to neither subset."""
    now = Evaluation(1, [judged("p", "iutxxc", ["a", "b", "d", "e", "f", "g"])])
    found = measured(MEASURE, now, using=tools(rarefied_to=None))
    assert found["diversity.distinct_n.incorrect.raw"].groups["fake/p"]["ngram.1.incorrect"] == Group(3, {"1": 3}, 3)
    assert found["diversity.distinct_n.correct.raw"].groups["fake/p"]["ngram.1.correct"].samples == 1


def test_a_problem_is_defined_where_its_group_has_m_samples():
    """The semantic one too, so that the sets of problems are the same; raw ones have what they can."""
    now = Evaluation(1, [judged("p", "ccci", ["a x", "b x", "a y", "a"]), judged("q", "ccii", ["a", "b", "a", "b"])])
    found = measured(MEASURE, now, using=tools(Embedder(), rarefied_to=3))
    assert set(found["diversity.ngram.correct"].scores) == {"fake/p"}
    assert set(found["diversity.semantic.correct"].scores) == {"fake/p"}
    assert set(found["diversity.semantic.correct.raw"].scores) == {"fake/p", "fake/q"}
    assert set(found["diversity.distinct_n.incorrect.raw"].scores) == {"fake/p", "fake/q"}
    nowhere = found["diversity.ngram.incorrect"]
    assert (nowhere.value, nowhere.stderr, nowhere.n) == (None, None, 0)


def test_every_distinct_text_is_embedded_once_in_one_call():
    """Correct and incorrect together; groups without a pair need no vectors."""
    embedder = Embedder()
    now = Evaluation(1, [judged("p", "cciii", ["a", "b", "a", "b", "d"]), judged("q", "ci", ["never", "asked"])])
    measured(MEASURE, now, using=tools(embedder))
    assert [sorted(asked) for asked in embedder.asked] == [["a", "b", "d"]]


def test_only_the_first_answers_of_a_group_are_embedded():
    """The group's c stays what it is, so that the problems defined are those of the n-grams."""
    embedder = Embedder()
    now = Evaluation(1, [judged("p", "cccci", ["a", "ab", "b", "bb", "d"])])
    found = measured(MEASURE, now, using=tools(embedder, 4, embedded=2))["diversity.semantic.correct"]
    assert embedder.asked == [["a", "ab"]]
    assert found.scores == {"fake/p": 0.0}
    assert found.groups["fake/p"]["semantic.correct"] == Group(4, cosines=1.0, pairs=1)
    assert "diversity.semantic.correct" not in measured(MEASURE, now, using=tools(embedder, 4, embedded=1))


def test_what_cannot_be_had_is_left_out():
    """No embedder: no semantic keys. No equations anywhere: none of theirs. m is None: raw ones alone."""
    now = Evaluation(1, [judged("p", "ccii", ["a", "b", "a", "b"])])
    assert not [key for key in measured(MEASURE, now) if "semantic" in key or "equations" in key]
    assert {key[-4:] for key in measured(MEASURE, now, using=tools(Embedder(), None))} == {".raw"}
    assert measured(MEASURE, Evaluation(1, [])) == {}


@given(st.lists(st.lists(words, min_size=4, max_size=4), min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_problems_does_not_matter(groups, random):
    """Values are means over problems, summed exactly."""
    problems = [judged(f"p{i}", "ccci", texts) for i, texts in enumerate(groups)]
    one = measured(MEASURE, Evaluation(1, problems))
    other = measured(MEASURE, Evaluation(1, random.sample(problems, len(problems))))
    assert {key: (each.value, each.n) for key, each in one.items()} == {key: (each.value, each.n) for key, each in other.items()}


def test_all_can_be_computed_again_from_the_stored_counts():
    """The groups, written as JSON and read again, give the same scores."""
    texts = ["we have 1+1=2", "so 1+1=2 it is", "no 2+2=4", "we have 3*1=3", "first 1+1=2"]
    found = measured(MEASURE, Evaluation(1, [judged("p", "ccccc", texts)]), using=tools(Embedder(), 3))
    stored = {name: group for each in found.values() for name, group in each.groups.get("fake/p", {}).items()}
    read = msgspec.json.decode(msgspec.json.encode(stored), type=dict[str, Group])
    assert set(read) == {*(f"ngram.{n}.correct" for n in range(1, 6)), "semantic.correct", "equations.correct"}
    ngrams = [read[f"ngram.{n}.correct"] for n in range(1, 6)]
    again = {
        "ngram.correct": turnover(ngrams, 3),
        "distinct_n.correct": distinct(ngrams, 3),
        "distinct_n.correct.raw": distinct_raw(ngrams),
        "semantic.correct": dissimilarity([read["semantic.correct"]]),
        "equations.correct": turnover([read["equations.correct"]], 3),
    }
    for key, value in again.items():
        assert found[f"diversity.{key}"].scores["fake/p"] == value, key


@pytest.mark.skipif(not GENERATIONS.exists(), reason="the shared data is not here")
def test_halving_real_answers_moves_ngram_less_than_distinct_n():
    """480 MATH answers cut to half their tokens: distinct-n rises by about .025 though nothing became more diverse."""
    rows = [msgspec.json.decode(line) for line in GENERATIONS.read_bytes().splitlines()]
    whole = [wording(row["code"]) for row in rows]
    half = [wording([_half(text) for text in row["code"]]) for row in rows]
    raw = np.mean([distinct_raw(b) - distinct_raw(a) for a, b in zip(whole, half, strict=True)])
    steady = np.mean([turnover(b, 8) - turnover(a, 8) for a, b in zip(whole, half, strict=True)])
    assert raw == pytest.approx(0.0247, abs=0.001)
    assert abs(steady) < 0.009


def _half(text: str) -> str:
    split = diversity.tokens(text)
    return " ".join(split[: len(split) // 2])
