"""One recipe of each kind in one file, without any heavy library: a whole loop in a second or two.

The toy model is a number, its skill: the chance that an answer is right. Training raises it.
"""

import json
import os
import time
from contextlib import contextmanager
from pathlib import Path
from random import Random

from sirtui.core.events import Progress, Scalars
from sirtui.core.samples import Answers, Mark, Outcome, Problem
from sirtui.core.seeds import derive
from sirtui.recipes.shelf import Measured


class Adding:
    name = "adding"
    levels = ("1", "2")
    ood = ()

    def problems(self, split, data):
        return [Problem(f"adding/{split}-{n}", f"{n}+{n}=", str(2 * n), str(n % 2 + 1)) for n in range(12)]

    def prompt(self, problem):
        return problem.question

    def judge(self, answers):
        for problem, answer in answers:
            yield Mark(Outcome.CORRECT if answer == problem.reference else Outcome.INCORRECT, answer)

    def steps(self, answer):
        return (answer,)


class Practice:
    name = "practice"
    needs = "correct"

    def check(self, settings):
        pass

    def train(self, job, emit):
        before = Path(job.model) / "skill.json"
        skill = json.loads(before.read_text())["skill"] if before.exists() else 0.3
        for step in range(3):
            emit(Scalars(step + 1, {"loss": float("nan") if step == 1 else 1 / (step + 1)}))
            emit(Progress(step + 1, 3, "steps"))
            time.sleep(float(os.environ.get("PYTHON_TOY_PAUSE", "0")))
        print(f"learnt from {len(job.data)} examples [bold]\x1b[31mnot markup\x1b[0m")
        (job.out / "skill.json").write_text(json.dumps({"skill": min(0.95, skill + 0.1)}))
        return {"step": 0.1}


class Guessing:
    name = "guessing"

    @contextmanager
    def open(self, model, settings):
        yield _Guesser(json.loads((Path(model) / "skill.json").read_text())["skill"])


class _Guesser:
    def __init__(self, skill):
        self.skill = skill

    def sample(self, requests):
        for request in requests:
            right = str(2 * int(request.prompt.partition("+")[0]))
            draws = [Random(derive(request.seed, sample)).random() for sample in range(request.n)]
            texts = tuple(right if draw < self.skill else f"{right}?" for draw in draws)
            n = request.n
            yield Answers(request.problem, texts, (1,) * n, (True,) * n, (None,) * n, request.seed)


class Questioning:
    name = "questioning"

    def of(self, now, first, tools):
        scores = {each.problem.id: sum(text.endswith("?") for text in each.samples.texts) / 8 for each in now.test}
        yield Measured("toy.doubt", sum(scores.values()) / len(scores), n=len(scores), direction=-1, unit="share", scores=scores)
        broken = dict(zip(scores, [float("nan"), float("inf"), *[0.5] * 10], strict=True))
        yield Measured("toy.broken", float("nan"), float("inf"), n=12, scores=broken)


TASK, TRAINER, SAMPLER, MEASURE = Adding(), Practice(), Guessing(), Questioning()
