"""Sample: all the answers of one checkpoint that anything later asks for, with the model loaded once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from sirtui.core.events import Progress
from sirtui.core.files import write_lines
from sirtui.core.samples import Answers, SampleSet
from sirtui.core.seeds import derive
from sirtui.core.spec import Spec
from sirtui.recipes.shelf import Emit, Request, Sampler, find
from sirtui.stages.context import Context


def sets(spec: Spec, t: int, repeat: int) -> dict[SampleSet, int]:
    """Which answers are drawn from M_t, and how many a problem.

    Training answers only where a next iteration learns from them; M_1 answers test problems more often, for its pass@K
    on the improvement sets.
    """
    first = t == 1 and repeat == 1
    counts = {
        SampleSet.TRAIN: spec.sampling.n if repeat == 1 and t < spec.iterations else 0,
        SampleSet.TEST_GREEDY: 1,
        SampleSet.TEST: spec.evaluation.first_samples if first else spec.evaluation.samples,
        SampleSet.OOD_GREEDY: 1,
        SampleSet.OOD: spec.evaluation.ood_samples,
    }
    return {which: count for which, count in counts.items() if count}


def work(at: Context) -> dict[str, Any]:
    """Leaves one file of Answers for each set."""
    sampler: Sampler = find("samplers", at.spec.sampling.sampler)
    asked = {which: _requests(at, which, n) for which, n in sets(at.spec, at.t, at.repeat).items()}
    told = _Told(at.emit, sum(request.n for requests in asked.values() for request in requests))
    with sampler.open(str(at.run.checkpoint(at.t)), at.spec.sampling) as engine:
        for which, requests in asked.items():
            write_lines(at.out / f"{which}.jsonl", told.counted(engine.sample(requests), which))
    return {"sampler": sampler.name, "sampling": msgspec.to_builtins(at.spec.sampling), "seed": at.spec.seed}


def _requests(at: Context, which: SampleSet, n: int) -> Sequence[Request]:
    tasks = at.tasks
    return [
        Request(
            problem=problem.id,
            prompt=tasks[problem.id.partition("/")[0]].prompt(problem),
            n=n,
            greedy=which.greedy,
            seed=0 if which.greedy else derive(at.spec.seed, at.t, at.repeat, which.part, problem.id),
        )
        for problem in at.problems(which.part)
    ]


class _Told:
    """Counts answers as they pass, and tells of it at most about twice a percent."""

    def __init__(self, emit: Emit, total: int) -> None:
        self._emit, self._total, self._done, self._last = emit, total, 0, 0

    def counted(self, answers: Iterable[Answers], which: SampleSet) -> Iterator[Answers]:
        for each in answers:
            yield each
            self._done += len(each.texts)
            if self._done - self._last >= self._total / 200 or self._done == self._total:
                self._last = self._done
                self._emit(Progress(self._done, self._total, "answers", str(which)))
