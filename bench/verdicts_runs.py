"""Runs drawn for `verdicts.py`: what is assumed of problems, samples and effects stands here, what decides does not.

No verdict is taken here, and nothing is drawn but from the generator handed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from sirtui.core.rule import Rule, essential_pass, rule
from sirtui.core.spec import Evaluation, Spec, Verdicts
from sirtui.recipes.measures.accuracy import pass_at_k
from sirtui.stages.measure import rarefied_to
from sirtui.verdicts.cells import Course
from sirtui.verdicts.series import Series, Shape

Numbers = NDArray[np.float64]
TARGET, GREEDY, OOD = "pass@1.sampled", "pass@1.greedy", "ood.accuracy"
LOST = "diversity.ngram.correct"
DIVERSITIES = (LOST, "diversity.semantic.correct", "diversity.equations.correct")
REPEATS = 2
OOD_SAMPLES = 8
NOISE = 0.2 / sqrt(2)
"""sd of one evaluation's diversity of one problem: the difference of two has sd .2."""
FLIPS = 0.02


@dataclass(frozen=True)
class Setup:
    """A run to draw: `n` test and as many OOD problems, `samples` each of the former, M_1 ... M_`iterations`.

    `gain`: of M_T's solve rate, mean over problems; `loss`: of its n-gram diversity. Both vary between problems with an sd as
    large as they are. `drift`: the sd of what every evaluation adds to each measure of all problems alike.
    """

    n: int
    samples: int
    iterations: int
    gain: float = 0.0
    loss: float = 0.0
    drift: float = 0.0

    @property
    def evaluations(self) -> int:
        """M_1's come first."""
        return REPEATS + self.iterations

    def rule(self, delta: float | None = None) -> Rule:
        """The default rule of a run of this size; with `delta` for every measure where given."""
        return _rule(self.samples, self.iterations, delta)

    @cached_property
    def solving(self) -> Numbers:
        """pass@K, K being the essential one's, by the number of correct samples."""
        k = int((essential_pass(self.samples) or "").removeprefix("pass@"))
        return np.array([pass_at_k(self.samples, c, k) for c in range(self.samples + 1)])


@lru_cache
def _rule(samples: int, iterations: int, delta: float | None) -> Rule:
    evaluation = Evaluation(samples=samples, ood_samples=OOD_SAMPLES, repeats=REPEATS)
    verdicts = Verdicts() if delta is None else Verdicts(delta=delta)
    found = rule(Spec(name="frozen", base_model="m", task="t", iterations=iterations, evaluation=evaluation, verdicts=verdicts))
    assert found.essential == (essential_pass(samples), *DIVERSITIES, OOD), found.essential
    return found


def course(setup: Setup, rng: np.random.Generator) -> Course:
    """A run whose models are all M_1, save what `setup` says of M_T."""
    rates = rng.beta(0.5, 0.5, setup.n)
    chances = _drifted(np.tile(rates, (setup.evaluations, 1)), setup, rng)
    if setup.gain:
        chances[-1] = raised(rates, setup.gain, rng.normal(0, setup.gain, setup.n))
    correct = rng.binomial(setup.samples, chances.T).T
    elsewhere = _drifted(np.tile(rng.beta(0.5, 0.5, setup.n), (setup.evaluations, 1)), setup, rng)
    told = {
        TARGET: correct / setup.samples,
        essential_pass(setup.samples) or "": setup.solving[correct],
        **{key: _diversity(key, setup, correct, rng) for key in DIVERSITIES},
        OOD: rng.binomial(OOD_SAMPLES, elsewhere.T).T / OOD_SAMPLES,
        GREEDY: ((chances > 0.5) ^ (rng.random(chances.shape) < FLIPS)).astype(float),
    }
    drawn = {TARGET: setup.samples, OOD: OOD_SAMPLES}
    series = tuple(_series(key, rows, drawn.get(key)) for key, rows in told.items())
    return Course(series, setup.rule(), tuple(range(1, setup.iterations + 1)))


def raised(rates: Numbers, by: float, effects: Numbers | float = 0.0) -> Numbers:
    """Solve rates within [0, 1] that are higher by `by` in the mean of these very problems, effects varying as told.

    Clipping eats part of a shift, so all are moved by one more constant: that which makes the mean come out.
    """
    if not by:
        return rates
    more = brentq(lambda a: float(np.clip(rates + a + effects, 0, 1).mean() - rates.mean()) - by, -2, 2, xtol=1e-9)
    return np.clip(rates + more + effects, 0, 1)


def _drifted(chances: Numbers, setup: Setup, rng: np.random.Generator) -> Numbers:
    if not setup.drift:
        return chances
    return np.stack([raised(row, rng.normal(0, setup.drift)) for row in chances])


def _diversity(key: str, setup: Setup, correct: NDArray[np.int64], rng: np.random.Generator) -> Numbers:
    """A level for each problem and noise for each evaluation; defined where there are m correct samples."""
    rows = rng.uniform(0.2, 0.8, setup.n) + rng.normal(0, NOISE, (setup.evaluations, setup.n))
    if setup.drift:
        rows += rng.normal(0, setup.drift, (setup.evaluations, 1))
    if key == LOST and setup.loss:
        rows[-1] -= rng.normal(setup.loss, setup.loss, setup.n)
    return np.where(correct >= (rarefied_to(setup.samples) or 0), rows, np.nan)


def _series(key: str, rows: Numbers, drawn: int | None) -> Series:
    firsts, later = rows[: REPEATS + 1], rows[REPEATS + 1 :]
    counts = {1: len(firsts), **dict.fromkeys(range(2, 2 + len(later)), 1)}
    return Series(
        key=key,
        direction=1,
        unit="" if key in DIVERSITIES else "share",
        rows=dict(enumerate(later, 2)),
        firsts=tuple(firsts),
        shape=Shape.MARKS if key == GREEDY else Shape.MEAN,
        draws={t: drawn * count for t, count in counts.items()} if drawn else {},
        evaluations=counts,
    )
