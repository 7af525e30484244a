"""Which problems were gained and lost: how many, how much, and by name where that can be told from chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sirtui.core.verdict import Named, Sets
from sirtui.verdicts.paired import Scores, defined, mcnemar

FALSE_DISCOVERIES = 0.1
"""The expected share of problems on a named list that are there by chance (Benjamini-Hochberg)."""


@dataclass(frozen=True)
class Tally:
    """The samples of one model: correct and drawn, shape (problems,); both again by halves, shape (2, problems)."""

    correct: NDArray[np.int64]
    drawn: NDArray[np.int64]
    half_correct: NDArray[np.int64]
    half_drawn: NDArray[np.int64]

    @classmethod
    def of(cls, bits: Sequence[Sequence[bool]]) -> Tally:
        """Of each problem the marks in the order drawn; every second one makes a half."""
        halves = [[marks[start::2] for marks in bits] for start in (0, 1)]
        correct = np.array([[sum(marks) for marks in half] for half in halves], dtype=np.int64).reshape(2, len(bits))
        drawn = np.array([[len(marks) for marks in half] for half in halves], dtype=np.int64).reshape(2, len(bits))
        return cls(correct.sum(axis=0), drawn.sum(axis=0), correct, drawn)


def sets(now: Scores, reference: Scores, firsts: Sequence[Scores]) -> Sets:
    """Problems gained and lost greedily; by chance as many as M_1's other evaluations show against its first."""
    both = defined(now, reference)
    gained, lost = _flips(now, reference)
    again = [sum(_flips(each, firsts[0])) / 2 for each in firsts[1:]]
    chance = sum(again) / len(again) if again else None
    return Sets(gained, lost, int(both.sum()), chance, mcnemar(gained, lost), None, None)


def _flips(now: Scores, before: Scores) -> tuple[int, int]:
    both = defined(now, before)
    d = now[both] - before[both]
    return int((d > 0).sum()), int((d < 0).sum())


def masses(now: Tally, first: Tally) -> tuple[float | None, float | None]:
    """Cross-fitted gain and loss: on which problems one half of the samples rose, by how much did the other half rise?

    mean(1[d^A > 0] d^B) and mean(1[d^A < 0] -d^B), symmetrised over the halves A and B; 0 on average where nothing changed.
    """
    there = (now.half_drawn > 0).all(axis=0) & (first.half_drawn > 0).all(axis=0)
    if not there.any():
        return None, None
    d = _shares(now)[:, there] - _shares(first)[:, there]
    gain = np.mean([np.where(d[a] > 0, d[1 - a], 0.0).mean() for a in (0, 1)])
    loss = np.mean([np.where(d[a] < 0, -d[1 - a], 0.0).mean() for a in (0, 1)])
    return float(gain), float(loss)


def _shares(tally: Tally) -> NDArray[np.float64]:
    return tally.half_correct / np.maximum(tally.half_drawn, 1)


def named(problems: Sequence[str], now: Tally, first: Tally) -> tuple[tuple[Named, ...], tuple[Named, ...]]:
    """The problems gained and lost by name, the surest first: Fisher's exact test, then Benjamini-Hochberg over all problems."""
    there = np.flatnonzero((now.drawn > 0) & (first.drawn > 0))
    if not len(there):
        return (), ()
    ps = fisher(now.correct[there], now.drawn[there], first.correct[there], first.drawn[there])
    qs = stats.false_discovery_control(ps)
    gained, lost = list[Named](), list[Named]()
    for place in np.lexsort((there, ps)):
        if qs[place] > FALSE_DISCOVERIES:
            break
        i = int(there[place])
        after, before = (int(now.correct[i]), int(now.drawn[i])), (int(first.correct[i]), int(first.drawn[i]))
        found = Named(problems[i], before, after, float(ps[place]), float(qs[place]))
        (gained if after[0] * before[1] > before[0] * after[1] else lost).append(found)
    return tuple(gained), tuple(lost)


def fisher(c1: NDArray[np.int64], n1: NDArray[np.int64], c2: NDArray[np.int64], n2: NDArray[np.int64]) -> NDArray[np.float64]:
    """Fisher's exact two-sided p of c1 of n1 against c2 of n2, all of shape (problems,)."""
    found = np.ones(len(c1))
    for place, (a, m, b, n) in enumerate(zip(c1.tolist(), n1.tolist(), c2.tolist(), n2.tolist(), strict=True)):
        found[place] = _fisher_table(m, n, a + b)[a]
    return found


@lru_cache(maxsize=4096)
def _fisher_table(m: int, n: int, k: int) -> Mapping[int, float]:
    """By how many of the k correct fell to the m: the probability of all splits that are no likelier."""
    support = np.arange(max(0, k - n), min(k, m) + 1)
    chances = stats.hypergeom.pmf(support, m + n, k, m)
    likelier = chances[None, :] > chances[:, None] * (1 + 1e-7)
    ps = np.where(likelier, 0.0, chances[None, :]).sum(axis=1)
    return dict(zip(support.tolist(), np.minimum(ps, 1.0).tolist(), strict=True))


def crossing(now: Mapping[int, float], first: Mapping[int, float]) -> int | None:
    """The smallest K from which on M_t's pass@K is below M_1's. Claim it only where the target is up and pass@K down."""
    found = None
    for k in sorted(now.keys() & first.keys(), reverse=True):
        if now[k] >= first[k]:
            break
        found = k
    return found
