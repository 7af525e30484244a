"""A problem, its answers and their marks: the lines of the files that sample and judge write."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """One problem of a benchmark.

    `id` is unique across the run's tasks (`nano/test-17`); `reference` is the benchmark's own solution, from which a
    task reads the right answer; `level` is one of the task's levels; problems of one `cluster` are not independent.
    """

    id: str
    question: str
    reference: str
    level: str | None = None
    cluster: str | None = None


class Answers(msgspec.Struct, frozen=True):
    """All answers of one model to one problem, in the order drawn: a line of `*-samples.jsonl` or `*-greedy.jsonl`.

    Per answer: the text without the end token, its length in tokens (end token included), whether it ended by itself,
    and the mean log-probability of its tokens under the model at temperature 1 (nats; None where not known).
    """

    problem: str
    texts: tuple[str, ...]
    tokens: tuple[int, ...]
    ended: tuple[bool, ...]
    logprobs: tuple[float | None, ...]
    seed: int = 0

    def first(self, count: int) -> Answers:
        """Only the first `count` answers."""
        return Answers(
            self.problem, self.texts[:count], self.tokens[:count], self.ended[:count], self.logprobs[:count], self.seed
        )


class Outcome(StrEnum):
    """What a judge found. `INFRA` (the judge itself failed) is never scored."""

    CORRECT = "correct"
    INCORRECT = "incorrect"
    UNPARSED = "unparsed"
    TIMEOUT = "timeout"
    INFRA = "infra"


class Mark(msgspec.Struct, frozen=True):
    """One judgement: the outcome, and what was read as the answer (None where nothing could be)."""

    outcome: Outcome
    read: str | None = None

    @property
    def correct(self) -> bool:
        """Whether the answer is right."""
        return self.outcome is Outcome.CORRECT


class Marks(msgspec.Struct, frozen=True):
    """The marks of one problem's answers, in the order of the answers: a line of a file in `judge/`."""

    problem: str
    marks: tuple[Mark, ...]

    def first(self, count: int) -> Marks:
        """Only the first `count` marks."""
        return Marks(self.problem, self.marks[:count])


class SampleSet(StrEnum):
    """The five sets of answers drawn from a model; each is a file `<name>.jsonl` in `sample/` and in `judge/`."""

    TRAIN = "train-samples"
    TEST_GREEDY = "test-greedy"
    TEST = "test-samples"
    OOD_GREEDY = "ood-greedy"
    OOD = "ood-samples"

    @property
    def part(self) -> str:
        """Which problems: `train`, `test` or `ood`."""
        return self.value.partition("-")[0]

    @property
    def greedy(self) -> bool:
        """Whether one greedy answer was taken, rather than N samples."""
        return self.value.endswith("greedy")
