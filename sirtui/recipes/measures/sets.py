"""`sets`: which test problems were gained and lost since M_1, and whether M_1 could solve the gained ones already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import fsum

from sirtui.recipes.measures._mean import counts, greedy, mean
from sirtui.recipes.measures.accuracy import ladder, pass_at_k
from sirtui.recipes.shelf import Evaluation, Judged, Measured, Tools


class Sets:
    """The improvement set IS(t) (solved greedily by M_t, not by M_1), the lost set (the other way round)."""

    name = "sets"

    def of(self, now: Evaluation, first: Evaluation, tools: Tools) -> Iterator[Measured]:
        """`sets.gained`, `sets.lost`: gross sizes; `sets.m1_pass@K`: M_1's pass@K, mean over IS(t), where t > 1.

        M_1 evaluated again (t = 1, another evaluation) has gross sizes too: they are what chance alone gives.
        """
        before, after = greedy(first.test), greedy(now.test)
        both = [problem for problem in after if problem in before]
        if not both:
            return
        gained = {problem: float(after[problem] > before[problem]) for problem in both}
        lost = {problem: float(after[problem] < before[problem]) for problem in both}
        yield _count("sets.gained", gained, now.test, 1)
        yield _count("sets.lost", lost, now.test, -1)
        if now.t > 1:
            yield from _within(first, {problem for problem, is_gained in gained.items() if is_gained})


def _count(key: str, scores: Mapping[str, float], problems: Sequence[Judged], direction: int) -> Measured:
    """How many problems score 1, with the standard error of a sum."""
    share = mean(key, scores, problems, direction=direction, unit="problems")
    stderr = None if share.stderr is None else share.stderr * len(scores)
    return replace(share, value=fsum(scores.values()), stderr=stderr, compared=False)


def _within(first: Evaluation, improved: set[str]) -> Iterator[Measured]:
    """M_1's pass@K over `improved`, from all the samples there are of it. No direction: near 1 means selection alone."""
    problems = first.further or first.test
    found = {problem: nc for problem, nc in counts(problems).items() if problem in improved}
    for k in ladder(max((n for n, _ in found.values()), default=0)):
        scores = {problem: pass_at_k(n, c, k) for problem, (n, c) in found.items() if n >= k}
        yield replace(mean(f"sets.m1_pass@{k}", scores, problems, direction=0), compared=False)


MEASURE = Sets()
