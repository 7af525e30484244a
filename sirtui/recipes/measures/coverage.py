"""`coverage`: how much of the problems' answer space the samples already cover."""

from __future__ import annotations

from collections.abc import Iterator

from sirtui.recipes.measures._mean import counts, mean, shares
from sirtui.recipes.shelf import Evaluation, Measured, Tools


class Coverage:
    """The paper's answer coverage, and its relatives.

    The paper's is, as far as its tables tell, the share of a training problem's samples that are correct. A rule of thumb
    there: above .5 DPO or SFT-DPO gives the best model, else SFT. It fails in 1 of 12 published rows.
    """

    name = "coverage"

    def of(self, now: Evaluation, first: Evaluation, tools: Tools) -> Iterator[Measured]:
        """`coverage.mass_train`, `coverage.mass_test`: mean c/N; `coverage.any`: training problems with any correct."""
        if found := counts(now.train):
            yield mean("coverage.mass_train", {problem: c / n for problem, (n, c) in found.items()}, now.train)
        if tested := shares(now.test):
            yield mean("coverage.mass_test", tested, now.test)
        if found:
            yield mean("coverage.any", {problem: float(c > 0) for problem, (_, c) in found.items()}, now.train)


MEASURE = Coverage()
