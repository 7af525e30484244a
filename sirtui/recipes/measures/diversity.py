"""`diversity`: how much a problem's samples differ in wording, meaning and equations; correct and incorrect apart.

A ratio of distinct things falls by itself as a group grows, and correct groups grow when training works. So the counts
are rarefied: what m samples drawn from the group would show. That is rarefaction by samples as ecologists do it (Colwell,
Mao and Chang 2004, Ecology 85:2717), where a sampling unit may be empty: a text too short for an n-gram is a sample
without types, and an order of which a group has no n-gram at all is left out of the mean over orders.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from math import fsum, isfinite
from typing import TYPE_CHECKING, NamedTuple

from sirtui.core.measures import Group
from sirtui.core.samples import Outcome
from sirtui.recipes.measures._mean import mean
from sirtui.recipes.measures.accuracy import pass_at_k
from sirtui.recipes.shelf import Evaluation, Judged, Measured, Tools

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ORDERS = (1, 2, 3, 4, 5)
SUBSETS: Mapping[str, frozenset[Outcome]] = {
    "correct": frozenset({Outcome.CORRECT}),
    "incorrect": frozenset({Outcome.INCORRECT, Outcome.UNPARSED, Outcome.TIMEOUT}),
}
_TOKEN = re.compile(r"\w+|[^\w\s]")

Steps = Callable[[str], tuple[str, ...]]
Vectors = Mapping[str, "NDArray[np.float64]"]
Counted = dict[str, list[Group]]
"""The counts of one family (n-grams: one group an order), by problem id."""


class Diversity:
    """The paper's three diversities, rarefied to m samples, and as the paper has them (`.raw`)."""

    name = "diversity"

    def of(self, now: Evaluation, first: Evaluation, tools: Tools) -> Iterator[Measured]:
        """`diversity.{ngram,distinct_n,semantic,equations}.{correct,incorrect}`, and `.raw`: means over test problems.

        Semantic ones are left out without an embedder, equations where no sample has any, rarefied ones where m is None.
        """
        picked = {subset: _pick(now.test, outcomes) for subset, outcomes in SUBSETS.items()}
        vectors = _embedded([texts for subset in picked.values() for texts in subset.values()], tools)
        steps = {each.problem.id: tools.tasks[each.task].steps for each in now.test}
        counted = {subset: _count(texts, vectors, tools.embedded, steps) for subset, texts in picked.items()}
        had = {family for families in counted.values() for family, problems in families.items() if problems}
        for subset, families in counted.items():
            for kind in KINDS:
                if kind.family in had:
                    yield from _tell(kind, subset, families[kind.family], now.test, tools.rarefied_to)


def tokens(text: str) -> list[str]:
    """Words, and every other visible character by itself, in lower case."""
    return _TOKEN.findall(text.lower())


def wording(texts: Sequence[str]) -> list[Group]:
    """The n-grams of a group of texts, one `Group` for each order."""
    split = [tokens(text) for text in texts]
    return [_types([zip(*(words[i:] for i in range(n)), strict=False) for words in split]) for n in ORDERS]


def equations(lists: Iterable[tuple[str, ...]]) -> Group:
    """The equation lists of a group, each list one type; samples without any are left out."""
    return _types([(each,) for each in lists if each])


def meaning(vectors: NDArray[np.float64], c: int) -> Group:
    """The cosines of n unit vectors, shape (n, dimensions), n of the group's c samples.

    Their sum over pairs is (|sum u|^2 - sum |u|^2)/2: no n x n matrix.
    """
    total = vectors.sum(axis=0)
    n = len(vectors)
    return Group(c, cosines=float(total @ total - (vectors * vectors).sum()) / 2, pairs=n * (n - 1) // 2)


def _types(samples: Sequence[Iterable[Hashable]]) -> Group:
    holding: Counter[Hashable] = Counter()
    total = 0
    for sample in samples:
        things = list(sample)
        total += len(things)
        holding.update(set(things))
    sizes = sorted(Counter(holding.values()).items())
    return Group(len(samples), {str(df): count for df, count in sizes}, total)


def gamma(group: Group, m: int) -> float:
    """The types expected in m of the group's c samples: sum over types of 1 - C(c - df, m)/C(c, m).

    Raises:
        UsageError: m > c.
    """
    return fsum(count * pass_at_k(group.samples, int(df), m) for df, count in group.types.items())


def alpha(group: Group) -> float:
    """The mean number of types in one sample."""
    return sum(int(df) * count for df, count in group.types.items()) / group.samples


def turnover(groups: Sequence[Group], m: int) -> float | None:
    """(gamma/alpha - 1)/(m - 1), mean over orders: 0 where all samples are the same, 1 where they share nothing."""
    return _average([(gamma(group, m) / alpha(group) - 1) / (m - 1) for group in groups if group.types])


def distinct(groups: Sequence[Group], m: int) -> float | None:
    """`gamma` over the n-grams, repeated ones too, of m mean samples; mean over orders."""
    return _average([gamma(group, m) * group.samples / (m * group.total) for group in groups if group.total])


def distinct_raw(groups: Sequence[Group]) -> float | None:
    """Distinct n-grams (or equation lists) over all of them, mean over orders: falls as the group grows."""
    return _average([sum(group.types.values()) / group.total for group in groups if group.total])


def dissimilarity(groups: Sequence[Group]) -> float | None:
    """1 - mean pairwise cosine, over as many of the group's samples as were embedded: their number makes no bias."""
    (group,) = groups
    found = None if group.cosines is None else 1 - group.cosines / group.pairs
    return max(0.0, found) if found is not None and isfinite(found) else None


def _average(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


class Kind(NamedTuple):
    """A diversity: the family of counts it is made of, and its rarefied and raw formulas."""

    name: str
    family: str
    rarefied: Callable[[Sequence[Group], int], float | None]
    raw: Callable[[Sequence[Group]], float | None] | None


KINDS = (
    Kind("ngram", "ngram", turnover, None),
    Kind("distinct_n", "ngram", distinct, distinct_raw),
    Kind("semantic", "semantic", lambda groups, _: dissimilarity(groups), dissimilarity),
    Kind("equations", "equations", turnover, distinct_raw),
)


def _pick(problems: Iterable[Judged], outcomes: frozenset[Outcome]) -> dict[str, list[str]]:
    """Per problem id: the texts of its samples with one of the outcomes. Only where there are some."""
    picked = {}
    for each in problems:
        pairs = zip(each.samples.texts, each.marks.marks, strict=True)
        if texts := [text for text, mark in pairs if mark.outcome in outcomes]:
            picked[each.problem.id] = texts
    return picked


def _embedded(groups: Iterable[Sequence[str]], tools: Tools) -> Vectors:
    """Every distinct text of the groups' first ones, with its vector, where they make pairs: one call of the embedder."""
    firsts = (group[: tools.embedded] for group in groups)
    texts = list(dict.fromkeys(text for first in firsts if len(first) > 1 for text in first))
    return dict(zip(texts, tools.embed(texts), strict=True)) if tools.embed and texts else {}


def _count(
    picked: Mapping[str, Sequence[str]], vectors: Vectors, embedded: int, steps: Mapping[str, Steps]
) -> dict[str, Counted]:
    lists = {problem: equations(map(steps[problem], texts)) for problem, texts in picked.items()}
    paired = {problem: texts for problem, texts in picked.items() if vectors and len(texts[:embedded]) > 1}
    return {
        "ngram": {problem: wording(texts) for problem, texts in picked.items()},
        "semantic": {problem: [_meaning(texts, vectors, embedded)] for problem, texts in paired.items()},
        "equations": {problem: [group] for problem, group in lists.items() if group.samples},
    }


def _meaning(texts: Sequence[str], vectors: Vectors, embedded: int) -> Group:
    import numpy as np

    return meaning(np.array([vectors[text] for text in texts[:embedded]], dtype=np.float64), len(texts))


def _tell(kind: Kind, subset: str, counted: Counted, problems: Sequence[Judged], m: int | None) -> Iterator[Measured]:
    """The rarefied measure, defined where c >= m, and the raw one, defined where there is anything to count."""
    key, groups = f"diversity.{kind.name}.{subset}", _named(kind.family, subset, counted)
    if m is not None:
        enough = {problem: kind.rarefied(those, m) for problem, those in counted.items() if those[0].samples >= m}
        yield mean(key, _defined(enough), problems, unit="", groups=groups)
    if kind.raw is not None:
        whole = {problem: kind.raw(those) for problem, those in counted.items()}
        yield mean(f"{key}.raw", _defined(whole), problems, unit="", groups=groups)


def _named(family: str, subset: str, counted: Counted) -> dict[str, dict[str, Group]]:
    """The counts by problem id, then as `ProblemRecord` names them: `ngram.3.correct`, `semantic.correct`."""
    names = [f"ngram.{n}.{subset}" for n in ORDERS] if family == "ngram" else [f"{family}.{subset}"]
    return {problem: dict(zip(names, those, strict=True)) for problem, those in counted.items()}


def _defined(scores: Mapping[str, float | None]) -> dict[str, float]:
    return {problem: score for problem, score in scores.items() if score is not None}


MEASURE = Diversity()
