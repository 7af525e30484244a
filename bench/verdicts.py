"""How often verdicts cry wolf over a frozen model, and how often they find what is there.

    python bench/verdicts.py [--runs 1000] [--seed 0] [--processes N] [--quick] [--markdown]

Runs are drawn (`verdicts_runs.py`) and judged by the project's own code, beside two simpler rules (`verdicts_judged.py`). What
is drawn depends on the seed, the configuration and the number of the run, not on how many processes there are. Ends with 1 if a
stated limit does not hold: of a frozen model's runs at most 1 % called reversal and at most 5 % with an essential measure down,
at any iteration; +5 points with n-gram diversity -.25 called a reversal in 9 of 10 runs at n = 500 and above.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass
from itertools import product

import numpy as np
import scipy
from verdicts_judged import Study, drifting, frozen, power
from verdicts_runs import Setup
from verdicts_table import Table, at_least, at_most, share

from sirtui.core.seeds import derive
from sirtui.core.verdict import Kind, Sign

EFFECTS = ((0.05, 0.25), (0.03, 0.05), (0.02, 0.03))
DRIFTS = (0.005, 0.01)
MOST_REVERSALS, MOST_DOWN, LEAST_POWER, POWER_FROM = 0.01, 0.05, 0.9, 500
CHUNK = 25

Found = Mapping[Setup, Counter[str]]
"""Of each configuration, in how many of its runs each label occurred."""


@dataclass(frozen=True)
class Job:
    """Some runs of one configuration."""

    study: Study
    setup: Setup
    seed: int
    runs: range

    def counted(self) -> Counter[str]:
        """In how many runs each label occurred."""
        found: Counter[str] = Counter()
        for number in self.runs:
            seed = derive(self.seed, self.study.__name__, *map(str, astuple(self.setup)), number)
            found.update(self.study(self.setup, np.random.Generator(np.random.PCG64(seed))))
        return found


@dataclass(frozen=True)
class Bench:
    """How much to draw, and how many work on it."""

    runs: int
    seed: int
    processes: int

    def counts(self, study: Study, setups: Iterable[Setup]) -> Found:
        """The runs of all these configurations, drawn and judged."""
        parts = [range(start, min(start + CHUNK, self.runs)) for start in range(0, self.runs, CHUNK)]
        jobs = [Job(study, setup, self.seed, part) for setup in setups for part in parts]
        found: dict[Setup, Counter[str]] = {}
        for job, counted in zip(jobs, self._worked(jobs), strict=True):
            found.setdefault(job.setup, Counter()).update(counted)
        return found

    def _worked(self, jobs: list[Job]) -> Iterator[Counter[str]]:
        if self.processes == 1:
            yield from map(Job.counted, jobs)
            return
        with ProcessPoolExecutor(self.processes) as pool:
            yield from pool.map(Job.counted, jobs)


def alarms(found: Found, runs: int) -> Table:
    """Of frozen runs, what the project's rule says."""
    labels = (Kind.REVERSAL, f"last {Kind.REVERSAL}", f"essential {Sign.DOWN}", "alarm", f"target {Sign.UP}")
    return Table(
        f"Frozen model, the rule: % of {runs:,} runs (upper 95 % bound)",
        ("n", "N", "T", "reversal ever", "reversal last", "essential down ever", "alarm ever", "target up ever"),
        [[*_size(setup), *(at_most(counts[label], runs) for label in labels)] for setup, counts in found.items()],
        ["ever: at any of the T - 1 iterations; last: at the last, which is the run's verdict."],
    )


def beside(found: Found, runs: int) -> Table:
    """Of the same runs, what simpler rules say."""
    labels = (Kind.REVERSAL, "naive", "last naive", "paired", "last paired", "paired down")
    return Table(
        f"The same runs, simpler rules: % of {runs:,} runs called reversal",
        ("n", "N", "T", "the rule ever", "naive ever", "naive last", "paired ever", "paired last", "paired: essential down ever"),
        [[*_size(setup), *(share(counts[label], runs) for label in labels)] for setup, counts in found.items()],
        [
            "naive: the target's mean is higher than M_1's first and an essential one's lower.",
            "paired: the same by paired t tests at .05 each, uncorrected.",
        ],
    )


def ends(found: Found, runs: int) -> Table:
    """Of the same runs, what the run's verdict is, and what the null does."""
    columns = {
        "no change": (Kind.NO_CHANGE,),
        "undecided": (Kind.UNDECIDED,),
        "a gain": (Kind.PROGRESS, Kind.GAIN_UNDECIDED, Kind.GAIN_ELSEWHERE),
        "loss": (Kind.LOSS,),
        "regression": (Kind.REGRESSION,),
        "reversal, past the peak": (Kind.REVERSAL, Kind.PAST_PEAK),
    }
    rows = [
        [
            *_size(setup),
            *(share(sum(counts[f"last {kind}"] for kind in kinds), runs) for kinds in columns.values()),
            *(share(counts[label], runs) for label in ("widened", "suspended")),
        ]
        for setup, counts in found.items()
    ]
    return Table(
        f"The same runs, the run's verdict by the rule: % of {runs:,} runs",
        ("n", "N", "T", *columns, "widened", "suspended"),
        rows,
        ["widened, suspended: the null did so to at least one declared measure."],
    )


def powers(found: Found, runs: int) -> Table:
    """Of runs in which something is there, whether it is found."""
    labels = ("found", f"target {Sign.UP}", f"ngram {Sign.DOWN}")
    return Table(
        f"Power at the last of 5 iterations: share of {runs:,} runs (lower 95 % bound)",
        ("target", "ngram", "n", "N", "reversal naming ngram", "target up", "ngram down"),
        [
            [f"{setup.gain:+.2f}", f"{-setup.loss:+.2f}", *_size(setup)[:2], *(at_least(counts[label], runs) for label in labels)]
            for setup, counts in found.items()
        ],
    )


def drifts(found: Found, runs: int) -> Table:
    """Of frozen runs whose evaluations drift, what lambda and delta do."""
    kinds = {
        "lambda, delta": "the rule",
        "no lambda, delta": "delta alone",
        "lambda, no delta": "lambda alone",
        "no lambda, no delta": "neither",
    }
    labels = (Kind.REVERSAL, f"essential {Sign.DOWN}", "pass@K down", "alarm", f"target {Sign.UP}", "widened", "suspended")
    return Table(
        f"Frozen model whose evaluations drift, T = 10: % of {runs:,} runs, at any iteration",
        ("drift sd", "n", "N", "acts", "reversal", "essential down", "pass@K down", "alarm", "target up", "widened", "suspended"),
        [
            [f"{setup.drift}", *_size(setup)[:2], words, *(share(counts[f"{kind}: {label}"], runs) for label in labels)]
            for setup, counts in found.items()
            for kind, words in kinds.items()
        ],
        ["drift: what each evaluation adds to each measure, alike for all problems. lambda: with the suspension at |z| > 3.3."],
    )


def _size(setup: Setup) -> list[str]:
    return [f"{setup.n:,}", str(setup.samples), str(setup.iterations)]


def broken(still: Found, moved: Found, runs: int) -> Iterator[str]:
    """What does not hold of what is promised."""
    for setup, counts in still.items():
        if counts[Kind.REVERSAL] > MOST_REVERSALS * runs:
            yield f"{setup}: {share(counts[Kind.REVERSAL], runs)} % of frozen runs called reversal"
        if counts[f"essential {Sign.DOWN}"] > MOST_DOWN * runs:
            yield f"{setup}: {share(counts[f'essential {Sign.DOWN}'], runs)} % of frozen runs with an essential measure down"
    for setup, counts in moved.items():
        if (setup.gain, setup.loss) == EFFECTS[0] and setup.n >= POWER_FROM and counts["found"] < LEAST_POWER * runs:
            yield f"{setup}: power {counts['found'] / runs:.3f}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000, help="of each configuration; of drift half as many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--quick", action="store_true", help="20 runs of few configurations, for a look")
    parser.add_argument("--markdown", action="store_true")
    asked = parser.parse_args()
    if asked.quick:
        asked.runs = 20
    return asked


def main() -> int:
    """Draw, judge, tell."""
    asked = _arguments()
    sizes, samples = ((200, 500), (8, 50)) if asked.quick else ((200, 500, 1319), (8, 16, 50))
    bench = Bench(asked.runs, asked.seed, asked.processes)
    halved = Bench(max(1, asked.runs // 2), asked.seed, asked.processes)
    began = time.perf_counter()

    def tell(*tables: Table) -> None:
        print("\n".join(table.told(markdown=asked.markdown) for table in tables), flush=True)
        print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)

    still = bench.counts(frozen, [Setup(n, each, last) for n, each, last in product(sizes, samples, (5, 10))])
    tell(alarms(still, bench.runs), beside(still, bench.runs), ends(still, bench.runs))
    shifts = [Setup(n, each, 5, gain, loss) for (gain, loss), n, each in product(EFFECTS, sizes, samples)]
    moved = bench.counts(power, shifts)
    tell(powers(moved, bench.runs))
    shaken = halved.counts(drifting, [Setup(n, each, 10, drift=sd) for sd, n, each in product(DRIFTS, sizes, (8, 50))])
    tell(drifts(shaken, halved.runs))
    failures = list(broken(still, moved, bench.runs))
    print("\n".join(["limits that do not hold:", *failures]) if failures else "all stated limits hold")
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}"
    print(f"seed {asked.seed}, {asked.processes} processes, {time.perf_counter() - began:.0f} s; {versions}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
