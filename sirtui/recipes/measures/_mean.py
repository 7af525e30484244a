"""What the measures share: counting the marks of a problem, and the mean over problems with its standard error.

Two rules hold for every measure. An INFRA mark is never scored: its sample leaves both N and c, and a problem with no
mark left is undefined, never imputed. A key is left out where an evaluation holds nothing it could be made of (no
training answers, no embedder); where it holds something but the value is undefined, the key is there, with value None.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import fsum, sqrt
from types import MappingProxyType

from sirtui.core.measures import Group
from sirtui.core.samples import Mark, Outcome
from sirtui.recipes.shelf import Judged, Measured

NO_GROUPS: Mapping[str, Mapping[str, Group]] = MappingProxyType({})


def scored(judged: Judged) -> tuple[Mark, ...]:
    """The marks of the problem's samples that count, in the order drawn."""
    return tuple(mark for mark in judged.marks.marks if mark.outcome is not Outcome.INFRA)


def counts(problems: Iterable[Judged]) -> dict[str, tuple[int, int]]:
    """Per problem id: N and c, how many samples were scored and how many of them are correct. Only where N > 0."""
    marks = {each.problem.id: scored(each) for each in problems}
    return {problem: (len(these), sum(mark.correct for mark in these)) for problem, these in marks.items() if these}


def shares(problems: Iterable[Judged]) -> dict[str, float]:
    """Per problem id: c/N."""
    return {problem: c / n for problem, (n, c) in counts(problems).items()}


def greedy(problems: Iterable[Judged]) -> dict[str, float]:
    """Per problem id: 1 where the greedy answer is correct, else 0. Only where one was taken and scored."""
    marks = ((each.problem.id, each.greedy_mark) for each in problems)
    return {problem: float(mark.correct) for problem, mark in marks if mark and mark.outcome is not Outcome.INFRA}


def clusters(problems: Iterable[Judged]) -> dict[str, str]:
    """Per problem id: its cluster. Only where it has one."""
    return {each.problem.id: each.problem.cluster for each in problems if each.problem.cluster is not None}


def standard_error(scores: Mapping[str, float], clusters: Mapping[str, str]) -> float | None:
    """Of the mean of `scores`, n of them in G clusters: sqrt(G/(G-1) sum_g (sum_{i in g} (y_i - mean))^2) / n.

    A problem outside `clusters` is a cluster of its own; with such problems alone this is sd/sqrt(n). None where G < 2.
    Source: cluster-robust standard errors, arXiv 2411.00640, section 2.2, with the small-sample factor G/(G-1).
    """
    if not scores:
        return None
    mean, sums = fsum(scores.values()) / len(scores), defaultdict[tuple[bool, str], list[float]](list)
    for problem, score in scores.items():
        sums[problem in clusters, clusters.get(problem, problem)].append(score - mean)
    if len(sums) < 2:
        return None
    squares = fsum(fsum(deviations) ** 2 for deviations in sums.values())
    return sqrt(len(sums) / (len(sums) - 1) * squares) / len(scores)


def mean(  # noqa: PLR0913 - a measure has that many sides
    key: str,
    scores: Mapping[str, float],
    problems: Sequence[Judged],
    *,
    direction: int = 1,
    unit: str = "share",
    groups: Mapping[str, Mapping[str, Group]] = NO_GROUPS,
) -> Measured:
    """The mean of `scores` over the problems that have one; `problems` tell the clusters. None where there is none."""
    value = fsum(scores.values()) / len(scores) if scores else None
    stderr = standard_error(scores, clusters(problems))
    return Measured(key, value, stderr, len(scores), direction, unit, scores, groups)
