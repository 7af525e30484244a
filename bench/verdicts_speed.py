"""How long the verdicts of a whole run take, and whether they come out the same again.

`python bench/verdicts_speed.py`: 1,319 problems, 10 iterations, 8 measures, M_1 evaluated three times, the verdict on each of
M_2 ... M_10 concluded with sets, named lists and keep, from arrays in memory. Five times, each with a course of its own; the
first one also fills the cache of Fisher's test. Ends with 1 if the median is above 1 s, or if any record, one made by another
process included, differs in a byte.
"""

from __future__ import annotations

import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from hashlib import sha256
from multiprocessing import get_context

import msgspec
import numpy as np
from verdicts_runs import OOD, TARGET, Numbers, Setup, course

from sirtui.core.verdict import VerdictRecord
from sirtui.verdicts.cells import Course
from sirtui.verdicts.conclude import Evidence, conclude
from sirtui.verdicts.problems import Tally
from sirtui.verdicts.series import Series, Shape
from sirtui.verdicts.validity import Form

SETUP = Setup(n=1319, samples=50, iterations=10, gain=0.05, loss=0.25)
REPETITIONS = 5
LIMIT = 1.0


def run() -> tuple[Course, Evidence]:
    """The same run each time: the last iteration gains 5 points and loses diversity."""
    rng = np.random.default_rng(0)
    drawn = course(SETUP, rng)
    series = {each.key: each for each in drawn.series}
    levels = rng.choice([0, -1, -1, -1, 1], SETUP.n)
    accuracy = series[OOD]
    disparity = replace(accuracy, key="ood.disparity", direction=-1, shape=Shape.DISPARITY, levels=levels, draws={})
    ids = [f"problem/{number}" for number in range(SETUP.n)]
    tallies = _tallies(series[TARGET], rng)
    forms = {t: Form(int(each.drawn.sum()), 0, 0, int(each.drawn.sum()), int(each.correct.sum())) for t, each in tallies.items()}
    return replace(drawn, series=(*drawn.series, disparity)), Evidence(ids, {}, tallies, forms, (0, SETUP.n))


def _tallies(target: Series, rng: np.random.Generator) -> dict[int, Tally]:
    first = np.concatenate([_bits(row, rng) for row in target.firsts], axis=1)
    return {1: Tally.of(first.tolist()), **{t: Tally.of(_bits(row, rng).tolist()) for t, row in target.rows.items()}}


def _bits(row: Numbers, rng: np.random.Generator) -> np.ndarray:
    correct = np.rint(row * SETUP.samples)[:, None] > np.arange(SETUP.samples)
    return rng.permuted(correct, axis=1)


def concluded(course: Course, evidence: Evidence) -> list[VerdictRecord]:
    """M_2's verdict to M_T's, of one course."""
    return [conclude(course, evidence, t) for t in course.measured[1:]]


def digest(records: list[VerdictRecord]) -> str:
    """sha256 of the records as they are stored."""
    return sha256(msgspec.json.encode(records)).hexdigest()


def again() -> str:
    """The digest, from the start."""
    return digest(concluded(*run()))


def main() -> int:
    """Measure and print."""
    course, evidence = run()
    seconds, digests = list[float](), set[str]()
    for _ in range(REPETITIONS):
        fresh = Course(tuple(replace(each) for each in course.series), course.rule, course.measured)
        began = time.perf_counter()
        records = concluded(fresh, evidence)
        seconds.append(time.perf_counter() - began)
        digests.add(digest(records))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as elsewhere:
        digests.add(elsewhere.submit(again).result())
    last = records[-1]
    assert last.sets is not None
    named = len(last.sets.named_gained), len(last.sets.named_lost)
    print(f"{SETUP.n:,} problems x {SETUP.iterations} iterations x {len(course.series)} measures, {len(records)} verdicts")
    print(f"it{last.t:02}: {last.text}; {named[0]} problems gained by name, {named[1]} lost")
    print(f"median of {REPETITIONS}: {statistics.median(seconds):.3f} s (min {min(seconds):.3f}, max {max(seconds):.3f})")
    print(f"first, with an empty cache: {seconds[0]:.3f} s")
    print(f"records: {'identical' if len(digests) == 1 else 'they differ'}, here and in another process")
    return 0 if len(digests) == 1 and statistics.median(seconds) < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
