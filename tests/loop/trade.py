"""A toy loop that trades one thing for another: from M_2 on answers are right more often, and never funny any more.

The model is a number, its skill: the chance that an answer is right, and that it is not funny.
"""

import json
from contextlib import contextmanager
from pathlib import Path
from random import Random

from sirtui.core.samples import Answers, Mark, Outcome, Problem
from sirtui.core.seeds import derive
from sirtui.recipes.shelf import Measured


class Doubling:
    name = "doubling"
    levels = ()
    ood = ()

    def problems(self, split, data):
        return [
            Problem(f"doubling/{split}-{n}", f"{split} {n}: 2 * {n} =", str(2 * n)) for n in range(40 if split == "test" else 4)
        ]

    def prompt(self, problem):
        return problem.question

    def judge(self, answers):
        for problem, answer in answers:
            right = answer.rstrip("!") == problem.reference
            yield Mark(Outcome.CORRECT if right else Outcome.INCORRECT, answer)

    def steps(self, answer):
        return ()


class Trading:
    name = "trading"
    needs = "nothing"

    def check(self, settings):
        pass

    def train(self, job, emit):
        (job.out / "skill.json").write_text(json.dumps(0.3 if job.t == 1 else 0.9))
        return {}


class Joking:
    name = "joking"

    @contextmanager
    def open(self, model, settings):
        yield _Joker(json.loads((Path(model) / "skill.json").read_text()))


class _Joker:
    def __init__(self, skill):
        self.skill = skill

    def sample(self, requests):
        for request in requests:
            right, n = str(2 * int(request.prompt.split()[1].rstrip(":"))), request.n
            draws = [Random(derive(request.seed, sample)) for sample in range(n)]
            texts = tuple((right if draw.random() < self.skill else "?") + "!" * (draw.random() > self.skill) for draw in draws)
            yield Answers(request.problem, texts, (1,) * n, (True,) * n, (None,) * n, request.seed)


class Wit:
    name = "wit"

    def of(self, now, first, tools):
        scores = {each.problem.id: sum(text.endswith("!") for text in each.samples.texts) / 8 for each in now.test}
        yield Measured("trade.wit", sum(scores.values()) / len(scores), n=len(scores), direction=1, unit="share", scores=scores)


TASK, TRAINER, SAMPLER, MEASURE = Doubling(), Trading(), Joking(), Wit()
