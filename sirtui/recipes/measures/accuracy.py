"""`accuracy`: how many test problems are solved, greedily, by sampling, and within k samples."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import comb

from sirtui.core.errors import UsageError
from sirtui.recipes.measures._mean import counts, greedy, mean
from sirtui.recipes.shelf import Evaluation, Measured, Tools


@lru_cache(maxsize=1 << 16)
def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that k of n samples, drawn without replacement, hold one of the c correct: 1 - C(n-c, k)/C(n, k).

    Unbiased for the chance that k fresh samples hold one (Chen et al. 2021, arXiv 2107.03374, eq. 1). In whole numbers
    up to one correctly rounded division, so no n is too large.

    Raises:
        UsageError: k > n, where nothing unbiased exists, or not 0 <= c <= n, or k < 1.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise UsageError(
            f"pass@{k} cannot be told from {n} samples of which {c} are correct",
            "k may be 1 ... n and c may be 0 ... n: draw more samples, or ask for a smaller k.",
        )
    ways = comb(n, k)
    return (ways - comb(n - c, k)) / ways


def ladder(n: int) -> tuple[int, ...]:
    """The k that pass@k is told for: 2, 4, 8 ... up to n."""
    return tuple(1 << power for power in range(1, n.bit_length()))


class Accuracy:
    """pass@1 of the greedy answer and of the samples, pass@K, and the share of problems that guessing does not explain."""

    name = "accuracy"

    def of(self, now: Evaluation, first: Evaluation, tools: Tools) -> Iterator[Measured]:
        """`pass@1.greedy`, `pass@1.sampled`, `pass@K`, `cover@.5`: means over test problems.

        A problem that lost samples to INFRA marks is undefined at every K above what it has left.
        """
        if once := greedy(now.test):
            yield mean("pass@1.greedy", once, now.test)
        if not (found := counts(now.test)):
            return
        yield mean("pass@1.sampled", {problem: c / n for problem, (n, c) in found.items()}, now.test)
        for k in ladder(max(n for n, _ in found.values())):
            scores = {problem: pass_at_k(n, c, k) for problem, (n, c) in found.items() if n >= k}
            yield mean(f"pass@{k}", scores, now.test)
        yield mean("cover@.5", {problem: float(2 * c >= n) for problem, (n, c) in found.items()}, now.test)


MEASURE = Accuracy()
