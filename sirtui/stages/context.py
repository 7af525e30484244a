"""What every stage is given, and the reading that several of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sirtui.core.files import read_lines
from sirtui.core.layout import RunFolder
from sirtui.core.run import JobRecord
from sirtui.core.samples import Answers, Marks, Problem, SampleSet
from sirtui.core.spec import Spec
from sirtui.recipes.shelf import Emit, Task, find, problems_of, tasks_of
from sirtui.stages.partial import claim, key_of
from sirtui.stages.stopping import Stopping


@dataclass(frozen=True)
class Context:
    """One attempt at a stage. Results are made in `out`; `scratch` is for what need not last.

    `stopping`: what happens when someone asks the stage to stop.
    """

    job: JobRecord
    run: RunFolder
    out: Path
    scratch: Path
    emit: Emit
    stopping: Stopping = field(default_factory=Stopping)

    @cached_property
    def key(self) -> str:
        """Names all that goes into the stage: what another attempt left may be used where it had the same."""
        return key_of(self.job, self.run)

    @cached_property
    def partial(self) -> Path:
        """A folder, made when it is first asked for, that the next attempt finds as this one leaves it."""
        return claim(self.run.stage(self.job.stage), self.key)

    @property
    def spec(self) -> Spec:
        """The experiment."""
        return self.job.spec

    @property
    def t(self) -> int:
        """The iteration."""
        return self.job.stage.t

    @property
    def repeat(self) -> int:
        """1, or more where M_t is evaluated again."""
        return self.job.stage.repeat

    @cached_property
    def task(self) -> Task:
        """The task trained on."""
        return find("tasks", self.spec.task)  # type: ignore[no-any-return]

    @cached_property
    def tasks(self) -> Mapping[str, Task]:
        """By name: the task trained on, then those that forgetting is tested on."""
        return tasks_of(self.spec)

    def problems(self, part: str) -> Sequence[Problem]:
        """The problems of `train`, `test` or `ood`, as many as the experiment asks for."""
        if part not in self._problems:
            self._problems[part] = self._read_problems(part)
        return self._problems[part]

    @cached_property
    def _problems(self) -> dict[str, Sequence[Problem]]:
        """Those asked for so far."""
        return {}

    def _read_problems(self, part: str) -> Sequence[Problem]:
        limits = self.spec.evaluation.problems
        if part == "train":
            return problems_of(self.task, "train", self.spec.data)[: limits.train]
        if part == "test":
            return problems_of(self.task, "test", self.spec.data)[: limits.test]
        others = [task for task in self.tasks.values() if task is not self.task]
        return [problem for task in others for problem in problems_of(task, "test", None)[: limits.ood]]

    def answers(self, which: SampleSet, t: int, repeat: int = 1) -> Sequence[Answers]:
        """A set of answers as sampled; empty where none was drawn."""
        path = self.run.answers(t, repeat, which)
        return list(read_lines(path, Answers)) if path.exists() else []

    def marks(self, which: SampleSet, t: int, repeat: int = 1) -> Sequence[Marks]:
        """A set of marks as judged; empty where there is none."""
        path = self.run.marks(t, repeat, which)
        return list(read_lines(path, Marks)) if path.exists() else []
