"""Sample: all the answers of one checkpoint that anything later asks for, with the model loaded once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from sirtui.core.events import Progress
from sirtui.core.samples import Answers, SampleSet
from sirtui.core.seeds import derive
from sirtui.core.spec import Spec
from sirtui.recipes.shelf import Emit, Request, Sampler, find
from sirtui.stages.context import Context
from sirtui.stages.shards import Shards, problems_a_shard


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


@dataclass(frozen=True)
class Shard:
    """Some problems of one set, drawn together."""

    which: SampleSet
    number: int
    requests: Sequence[Request]

    @property
    def answers(self) -> int:
        """How many there will be."""
        return sum(request.n for request in self.requests)

    def made_of(self, drawn: Sequence[Answers]) -> bool:
        """Whether these are the answers to its requests."""
        asked = [(request.problem, request.n, request.seed) for request in self.requests]
        return asked == [(each.problem, len(each.texts), each.seed) for each in drawn]


def work(at: Context) -> dict[str, Any]:
    """Leaves one file of Answers for each set, drawn shard by shard; those of an earlier attempt are taken as they are."""
    sampler: Sampler = find("samplers", at.spec.sampling.sampler)
    shards = {which: list(_shards(at, which, n)) for which, n in sets(at.spec, at.t, at.repeat).items()}
    every = [shard for of_set in shards.values() for shard in of_set]
    left = [shard for shard in every if not _file(at, shard.which).has(shard.number, shard.made_of)]
    total = sum(shard.answers for shard in every)
    told = _Told(at.emit, total, total - sum(shard.answers for shard in left))
    if left:
        with sampler.open(str(at.run.checkpoint(at.t)), at.spec.sampling) as engine:
            for shard in left:
                _file(at, shard.which).write(shard.number, told.counted(engine.sample(shard.requests), shard.which))
    for which, of_set in shards.items():
        _file(at, which).join(len(of_set), at.out / f"{which}.jsonl")
    return {"sampler": sampler.name, "sampling": msgspec.to_builtins(at.spec.sampling), "seed": at.spec.seed}


def _file(at: Context, which: SampleSet) -> Shards[Answers]:
    return Shards(at.partial / which, Answers)


def _shards(at: Context, which: SampleSet, n: int) -> Iterator[Shard]:
    requests, size = _requests(at, which, n), problems_a_shard(n, at.spec.sampling.batch_size)
    for number, first in enumerate(range(0, len(requests), size)):
        yield Shard(which, number, requests[first : first + size])


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
    """Counts answers as they pass, and tells of it at most about twice a percent; `done` of them are there already."""

    def __init__(self, emit: Emit, total: int, done: int) -> None:
        self._emit, self._total, self._done, self._last = emit, total, done, done
        if done:
            emit(Progress(done, total, "answers", "of an earlier attempt"))

    def counted(self, answers: Iterable[Answers], which: SampleSet) -> Iterator[Answers]:
        for each in answers:
            yield each
            self._done += len(each.texts)
            if self._done - self._last >= self._total / 200 or self._done == self._total:
                self._last = self._done
                self._emit(Progress(self._done, self._total, "answers", str(which)))
