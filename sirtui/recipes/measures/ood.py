"""`ood`: what happened to problems of another kind, and whether the hard ones paid more than the easy ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import fsum, sqrt

from sirtui.recipes.measures._mean import counts, greedy, mean, shares
from sirtui.recipes.shelf import Evaluation, Judged, Measured, Tools


class OutOfDistribution:
    """Accuracy on the tasks that were not trained on, by level, and the group disparity 1 - A_last/A_first."""

    name = "ood"

    def of(self, now: Evaluation, first: Evaluation, tools: Tools) -> Iterator[Measured]:
        """`ood.accuracy` (mean c/N), `.greedy` and `.level_L` of it, `ood.disparity`; the task in front if several."""
        by_task: dict[str, list[Judged]] = {}
        for each in now.ood:
            by_task.setdefault(each.task, []).append(each)
        for task, problems in by_task.items():
            front = f"{task}/" if len(by_task) > 1 else ""
            yield from _task(front, problems, tools.tasks[task].levels)


def _task(front: str, problems: Sequence[Judged], levels: Sequence[str]) -> Iterator[Measured]:
    key = f"{front}ood.accuracy"
    if sampled := shares(problems):
        yield mean(key, sampled, problems)
    if once := greedy(problems):
        yield mean(f"{key}.greedy", once, problems)
    by_level = {level: [each for each in problems if each.problem.level == level] for level in levels}
    for level, those in by_level.items():
        if scores := shares(those):
            yield mean(f"{key}.level_{level}", scores, those)
    if len(levels) > 1 and sampled:
        yield _disparity(f"{front}ood.disparity", levels[0], by_level[levels[0]], levels[-1], by_level[levels[-1]])


def _disparity(key: str, easiest: str, easy: Sequence[Judged], hardest: str, hard: Sequence[Judged]) -> Measured:
    """The group disparity with its counts: normal, one-sided by nature, and noisy where few hard problems are solved."""
    easy_scores, hard_scores = shares(easy), shares(hard)
    value, stderr = disparity(easy_scores, hard_scores)
    behind = _behind(easiest, easy) | _behind(hardest, hard)
    return Measured(key, value, stderr, len(easy_scores) + len(hard_scores), -1, "share", counts=behind)


def disparity(easy: Mapping[str, float], hard: Mapping[str, float]) -> tuple[float | None, float | None]:
    """R = 1 - A_hard/A_easy and its standard error; both None where A_easy is 0 or a level has no problems.

    By influence (the delta method for a ratio of independent means): a hard problem moves R by -(x - A_h)/(A_e n_h), an
    easy one by (A_h/A_e^2)(x - A_e)/n_e; SE^2 is the sum of their squares.
    """
    if not hard or not any(easy.values()):
        return None, None
    mean_easy, mean_hard = fsum(easy.values()) / len(easy), fsum(hard.values()) / len(hard)
    of_hard = fsum(((x - mean_hard) / (mean_easy * len(hard))) ** 2 for x in hard.values())
    of_easy = fsum((mean_hard / mean_easy**2 * (x - mean_easy) / len(easy)) ** 2 for x in easy.values())
    return 1 - mean_hard / mean_easy, sqrt(of_hard + of_easy)


def _behind(level: str, problems: Sequence[Judged]) -> dict[str, int]:
    """Of a level: correct samples of all, and problems solved at least once of all."""
    found = counts(problems).values()
    return {
        f"level_{level}.correct": sum(c for _, c in found),
        f"level_{level}.samples": sum(n for n, _ in found),
        f"level_{level}.solved": sum(c > 0 for _, c in found),
        f"level_{level}.problems": len(found),
    }


MEASURE = OutOfDistribution()
