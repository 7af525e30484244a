"""One measure over the iterations of a run, problem by problem: what verdicts are computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property
from math import nan

import numpy as np

from sirtui.verdicts.paired import (
    FIRST_LEVEL,
    LAST_LEVEL,
    Change,
    Groups,
    Scores,
    disparity,
    paired,
    paired_disparity,
    paired_marks,
    pooled,
)

LEAST_SOLVED = 10
"""A disparity is not tested where fewer problems of the last level are solved (at least once) on either side."""


class Shape(Enum):
    """How a measure's value comes from its scores: their mean, the mean of 0/1 marks, or the disparity of two levels."""

    MEAN = "mean"
    MARKS = "marks"
    DISPARITY = "disparity"


@dataclass(frozen=True)
class Series:
    """One measure.

    `rows`: scores of M_2 and on by t, shape (problems,), NaN where undefined, the mean over the evaluations of M_t; `firsts`:
    those of M_1's evaluations, the first one first. `draws`: by t, how many samples are behind a score that is a share of
    correct samples (of M_1: in all its evaluations). `evaluations`: by t, how many were averaged. `clusters`: of each problem;
    `levels`: 0 at the first level, 1 at the last, for a disparity. `pinned`: scores to compare with in place of M_1's.
    """

    key: str
    direction: int
    unit: str
    rows: Mapping[int, Scores]
    firsts: tuple[Scores, ...]
    shape: Shape = Shape.MEAN
    clusters: Groups | None = None
    levels: Groups | None = None
    draws: Mapping[int, int] = field(default_factory=dict)
    evaluations: Mapping[int, int] = field(default_factory=dict)
    pinned: Scores | None = None

    @cached_property
    def first(self) -> Scores:
        """M_1: the mean over its evaluations; of greedy marks the first alone."""
        return self.firsts[0] if self.shape is Shape.MARKS else pooled(self.firsts)

    @property
    def reference(self) -> Scores:
        """What changes are measured from."""
        return self.first if self.pinned is None else self.pinned

    def at(self, t: int) -> Scores | None:
        """The scores of M_t, None where it has none."""
        return self.first if t == 1 else self.rows.get(t)

    def value(self, scores: Scores) -> float:
        """The measure's value over the problems that have a score; NaN where there is none."""
        there = np.isfinite(scores)
        if self.shape is not Shape.DISPARITY:
            return float(scores[there].mean()) if there.any() else nan
        assert self.levels is not None
        easy, hard = scores[there & (self.levels == FIRST_LEVEL)], scores[there & (self.levels == LAST_LEVEL)]
        return disparity(easy, hard)[0] if len(easy) and len(hard) and easy.mean() else nan

    def change(self, now: Scores, reference: Scores) -> Change | None:
        """The change between two rows, None where it is undefined."""
        match self.shape:
            case Shape.MEAN:
                return paired(now, reference, self.clusters)
            case Shape.MARKS:
                return paired_marks(now, reference, self.clusters)
            case Shape.DISPARITY:
                assert self.levels is not None
                return paired_disparity(now, reference, self.levels)

    def solved(self, scores: Scores) -> int | None:
        """Problems of the last level solved at least once, where that decides whether there is a test."""
        if self.shape is not Shape.DISPARITY:
            return None
        assert self.levels is not None
        return int((scores[self.levels == LAST_LEVEL] > 0).sum())

    def against(self, reference: Scores) -> Series:
        """The same measure, compared with these scores."""
        return replace(self, pinned=reference)
