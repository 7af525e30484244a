"""Trainings that are asked to stop, for tests: one attempt after the other until one reaches the end."""

from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256

from sirtui.core.events import Progress
from sirtui.recipes.locate import locate
from sirtui.recipes.shelf import Example, Pair, TrainJob, find
from sirtui.recipes.tasks.nano import TASK

MODEL = locate("package:sirtui/recipes/nano/model")
PROBLEMS = TASK.problems("train")[:20]
DATA = {
    "sft": [Example(TASK.prompt(each), each.reference) for each in PROBLEMS],
    "dpo": [Pair(TASK.prompt(each), each.reference, "It is unknown.\n#### 0") for each in PROBLEMS],
}
SETTINGS = {"per_device_train_batch_size": 4, "learning_rate": 1e-3, "gradient_accumulation_steps": 2, "num_train_epochs": 2}
"""Six steps: of two batches, two and one in each epoch."""


class Stopped(BaseException):
    """As in a stage: what leaves the block when someone asked."""


class After:
    """Asked to stop when `steps` steps are done; 0 for never."""

    def __init__(self, steps):
        self.steps, self.done = steps, 0

    def asked(self):
        self.done += 1
        return self.done == self.steps

    @contextmanager
    def politely(self):
        yield
        if self.steps and self.done >= self.steps:
            raise Stopped


def job(folder, name, model=MODEL, **settings):
    """A training whose `partial/` lies in `folder`."""
    (folder / "partial").mkdir(parents=True, exist_ok=True)
    used = {**SETTINGS, **settings}
    out = folder / "out"
    return TrainJob(2, str(model), DATA[name], used, 3, out, folder / "scratch", folder / "partial", key="key")


def attempt(job, name, steps=0, save_every_s=1e9, told=None):
    """One attempt, asked to stop after so many steps; the hash of the weights, None where it was stopped."""
    job.out.mkdir(exist_ok=True)
    asked = replace(job, stopping=After(steps), save_every_s=save_every_s)
    try:
        find("trainers", name).train(asked, told.append if told is not None else lambda event: None)
    except Stopped:
        return None
    return sha256((job.out / "model.safetensors").read_bytes()).hexdigest()


def steps_done(told):
    """How many steps an attempt found done, and how many there were when it ended."""
    steps = [event for event in told if isinstance(event, Progress)]
    return int(steps[0].done), int(steps[-1].done)
