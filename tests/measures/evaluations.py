"""Evaluations to measure: problems and marks told in letters."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat

from sirtui.core.samples import Answers, Mark, Marks, Outcome, Problem
from sirtui.recipes.equations import equations
from sirtui.recipes.shelf import Evaluation, Judged, Measure, Measured, Tools

LETTERS = {
    "c": Outcome.CORRECT,
    "i": Outcome.INCORRECT,
    "u": Outcome.UNPARSED,
    "t": Outcome.TIMEOUT,
    "x": Outcome.INFRA,
}


class FakeTask:
    """A task with five levels whose steps are equations."""

    name = "fake"
    levels: tuple[str, ...] = ("1", "2", "3", "4", "5")
    ood = ()

    def steps(self, answer: str) -> tuple[str, ...]:
        """Its equations."""
        return equations(answer)


def mark(letter: str, read: str | None = None) -> Mark:
    """A mark by its letter; right answers read `1`, wrong ones `0` unless said otherwise."""
    outcome = LETTERS[letter]
    return Mark(outcome, read or {"c": "1", "i": "0"}.get(letter))


def judged(  # noqa: PLR0917
    problem: str,
    marks: str = "",
    texts: Sequence[str] | None = None,
    greedy: str = "",
    level: str | None = None,
    cluster: str | None = None,
    reads: Iterable[str | None] = repeat(None),
    logprobs: Sequence[float | None] | None = None,
    ended: Sequence[bool] | None = None,
) -> Judged:
    """A judged problem; `marks` and `greedy` by letters: correct, incorrect, unparsed, timeout, x for INFRA."""
    n = len(marks)
    name = problem if "/" in problem else f"fake/{problem}"
    texts = tuple(texts) if texts is not None else tuple("some text here" for _ in marks)
    samples = Answers(name, texts, (3,) * n, tuple(ended or (True,) * n), tuple(logprobs or (None,) * n))
    one = Answers(name, ("greedy text",), (2,), (True,), (None,)) if greedy else None
    return Judged(
        Problem(name, "question", "reference", level, cluster),
        samples,
        Marks(name, tuple(mark(letter, read) for letter, read in zip(marks, reads, strict=False))),
        one,
        mark(greedy) if greedy else None,
    )


def tools(embed=None, rarefied_to: int | None = 2, tasks: Mapping[str, FakeTask] | None = None, embedded: int = 16) -> Tools:
    """What measures may use, with the fake task."""
    return Tools(embed, embedded, rarefied_to, tasks or {"fake": FakeTask()})


def measured(
    measure: Measure, now: Evaluation, first: Evaluation | None = None, using: Tools | None = None
) -> dict[str, Measured]:
    """All that a measure gives, by key; a key given twice is an error."""
    found = list(measure.of(now, first or now, using or tools()))
    assert len({each.key for each in found}) == len(found)
    return {each.key: each for each in found}
