"""The shelves: what a task, a trainer, a sampler and a measure must offer, and how one is found by name.

A choice is a module in `recipes/<shelf>/` that holds an object named like the shelf in capitals (`TASK`, `TRAINER`,
`SAMPLER`, `MEASURE`). Modules are listed without importing them; a dash in a name is an underscore in the module's.
A private choice is named `path/to/file.py`, or `path/to/file.py:NAME`.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from sirtui.core.errors import NotFound, UsageError
from sirtui.core.events import Event
from sirtui.core.measures import Group
from sirtui.core.samples import Answers, Mark, Marks, Problem
from sirtui.core.spec import Sampling, Spec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Emit = Callable[[Event], None]
"""How a recipe tells of its progress: the stage's journal."""


class Task(Protocol):
    """A benchmark. `levels` from easy to hard, empty where there are none; `ood`: the tasks to test forgetting on."""

    name: str
    levels: tuple[str, ...]
    ood: tuple[str, ...]

    def problems(self, split: Literal["train", "test"], data: str | None) -> Sequence[Problem]:
        """All problems of a split, in an order in which the first n are a fair sample; `data`: a local copy, or None.

        Ids are `<name of the task>/...`, each used once; reads of a split give the same problems each time.

        Raises:
            SirtuiError: they cannot be had.
        """

    def prompt(self, problem: Problem) -> str:
        """What the model is given. It ends where a token ends (with a line break, say): the answer begins a new one."""

    def judge(self, answers: Iterable[tuple[Problem, str]]) -> Iterator[Mark]:
        """A mark for each answer, in order."""

    def steps(self, answer: str) -> tuple[str, ...]:
        """What the answer does, wording aside (its equations, its statements): for dedup and diversity."""


@dataclass(frozen=True)
class Example:
    """A prompt and an answer to be learnt."""

    prompt: str
    completion: str


@dataclass(frozen=True)
class Pair:
    """A prompt with an answer to be preferred over another."""

    prompt: str
    chosen: str
    rejected: str


class Stop(Protocol):
    """How a recipe hears that someone wants it to stop: left alone, the process simply ends at once."""

    def politely(self) -> AbstractContextManager[None]:
        """A block that is not ended at once: `asked` tells, and the process ends when the block is left."""

    def asked(self) -> bool:
        """Whether someone asked. A stage that takes longer than `resources.grace_s` over it is killed."""


class _Nobody:
    """Nobody asks."""

    def politely(self) -> AbstractContextManager[None]:
        return nullcontext()

    def asked(self) -> bool:
        return False


@dataclass(frozen=True)
class TrainJob:
    """All that a trainer needs. `model`: where training starts; `settings`: the experiment's `[train.<name>]`.

    The checkpoint goes to `out`, an empty folder; scratch files to `scratch`. What a trainer leaves in `partial` is there when
    an interrupted training is tried again from the same data (`key` names them): a trainer may leave something to go on from
    every `save_every_s` seconds and when `stopping` says so, or leave all three alone. `run`: the run's name, for messages.
    """

    t: int
    model: str
    data: Sequence[Example] | Sequence[Pair]
    settings: Mapping[str, Any]
    seed: int
    out: Path
    scratch: Path
    partial: Path
    run: str = "RUN"
    key: str = ""
    save_every_s: float = 600.0
    stopping: Stop = field(default_factory=_Nobody)


class Trainer(Protocol):
    """One way of making M_t from M_{t-1}; `needs` says from what."""

    name: str
    needs: Literal["correct", "pairs", "nothing"]

    def check(self, settings: Mapping[str, Any]) -> None:
        """Say whether `settings` would be taken, without training.

        Raises:
            SirtuiError: a setting is unknown or wrong; the message starts with its name.
        """

    def train(self, job: TrainJob, emit: Emit) -> Mapping[str, Any]:
        """Train, and leave a checkpoint that `from_pretrained` loads, tokenizer included, in `job.out`.

        Answers with all settings that were used, defaults included: they are recorded with the result.
        """


@dataclass(frozen=True)
class Request:
    """One prompt and how many answers to draw; `greedy` takes the likeliest token each time and ignores the seed."""

    problem: str
    prompt: str
    n: int
    greedy: bool
    seed: int


class Sampler(Protocol):
    """One way of drawing answers from a checkpoint."""

    name: str

    def open(self, model: str, settings: Sampling) -> AbstractContextManager[Engine]:
        """Load the checkpoint; on leaving, everything is released."""


class Engine(Protocol):
    """A loaded model that answers."""

    def sample(self, requests: Sequence[Request]) -> Iterator[Answers]:
        """The answers to each request, in order, as they come.

        A request gives the same answers whatever others it is drawn with: requests come in shards, several calls a set.
        """


@dataclass(frozen=True)
class Judged:
    """One problem of one evaluation: the greedy answer where one was taken, the samples, and their marks."""

    problem: Problem
    samples: Answers
    marks: Marks
    greedy: Answers | None = None
    greedy_mark: Mark | None = None

    @property
    def task(self) -> str:
        """The task the problem belongs to: what stands before the slash of its id."""
        return self.problem.id.partition("/")[0]

    @property
    def bits(self) -> tuple[bool, ...]:
        """Correctness of the samples, in the order drawn."""
        return tuple(mark.correct for mark in self.marks.marks)


@dataclass(frozen=True)
class Evaluation:
    """All judged answers of one checkpoint. `train` is empty where no training answers were drawn.

    `test` holds as many samples a problem at every iteration; M_1's further ones are in `further` alone (all its test
    samples, the first ones included), for its pass@K on the improvement set.
    """

    t: int
    test: Sequence[Judged]
    ood: Sequence[Judged] = ()
    train: Sequence[Judged] = ()
    further: Sequence[Judged] = ()


@dataclass(frozen=True)
class Tools:
    """What measures may use.

    `embed`: texts to unit vectors, shape (texts, dimensions), None where no embedder was chosen; it is slow, so at most
    `embedded` answers per problem and subset, the first drawn, are given to it. `rarefied_to` is m, to how many samples
    diversities are rarefied: None where too few are drawn (N < 8). `tasks`: the run's tasks by name, as `Judged.task`
    gives it.
    """

    embed: Callable[[Sequence[str]], NDArray[np.float64]] | None
    embedded: int
    rarefied_to: int | None
    tasks: Mapping[str, Task]


@dataclass(frozen=True)
class Measured:
    """One measure of one evaluation in total, and per problem where it is a mean over problems.

    `value` None where undefined; `stderr` its standard error; `n` how many problems it is over; `direction` +1 where
    higher is better, -1 where lower is, 0 where neither; `scores` by problem id; `groups` by problem id, then name.
    `compared`: whether a change of `value` is the mean change of its scores; not so where it compares with M_1 by itself.
    """

    key: str
    value: float | None
    stderr: float | None = None
    n: int | None = None
    direction: int = 0
    unit: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, Group]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    compared: bool = True


class Measure(Protocol):
    """A family of measures, computed together."""

    name: str

    def of(self, now: Evaluation, first: Evaluation, tools: Tools) -> Iterable[Measured]:
        """The measures of `now`; `first` is M_1's evaluation (itself, at t = 1)."""


Shelf = Literal["tasks", "trainers", "samplers", "measures"]
_KINDS: Mapping[Shelf, type] = {"tasks": Task, "trainers": Trainer, "samplers": Sampler, "measures": Measure}


def problems_of(task: Task, split: Literal["train", "test"], data: str | None) -> Sequence[Problem]:
    """The task's problems, their ids checked: everything that is stored of a problem hangs on its id.

    Raises:
        UsageError: an id is used twice, or does not begin with the task's name and a slash.
    """
    problems = task.problems(split, data)
    ids = [problem.id for problem in problems]
    for wrong in (each for each in ids if not each.startswith(f"{task.name}/")):
        raise UsageError(f"a problem of task {task.name!r} has the id {wrong!r}", f"Expected ids like {task.name}/{split}-0.")
    if len(set(ids)) < len(ids):
        raise UsageError(f"task {task.name!r} gives several problems one id", "Expected an id of its own for each problem.")
    return problems


def names(shelf: Shelf) -> tuple[str, ...]:
    """What stands on a shelf, by name, nothing imported."""
    package = importlib.util.find_spec(f"sirtui.recipes.{shelf}")
    places = package.submodule_search_locations if package else None
    modules = [module.name for module in pkgutil.iter_modules(places)]
    return tuple(sorted(name.replace("_", "-") for name in modules if not name.startswith("_")))


def find(shelf: Shelf, name: str) -> Any:
    """The choice called `name` on a shelf, or in a file of one's own.

    Raises:
        NotFound: there is none; the message names what there is.
    """
    wanted = shelf.removesuffix("s").upper()
    if ".py" in name:
        file, _, other = name.partition(":")
        return _offered(_from_file(Path(file)), shelf, other or wanted, name)
    if name not in names(shelf):
        near = get_close_matches(name, names(shelf), 1)
        guess = f"Did you mean {near[0]}? " if near else ""
        raise NotFound(f"no {wanted.lower()} is called {name!r}", f"{guess}There are: {', '.join(names(shelf))}.")
    return _offered(importlib.import_module(f"sirtui.recipes.{shelf}.{name.replace('-', '_')}"), shelf, wanted, name)


def tasks_of(spec: Spec) -> Mapping[str, Task]:
    """The tasks of an experiment by name: the one trained on, then those that forgetting is tested on."""
    task: Task = find("tasks", spec.task)
    named = spec.evaluation.ood
    others: list[Task] = [find("tasks", name) for name in (task.ood if named is None else named)]
    return {each.name: each for each in (task, *others)}


def _offered(module: object, shelf: Shelf, wanted: str, name: str) -> Any:
    if not hasattr(module, wanted):
        raise NotFound(f"{name} holds no {wanted}", f"A recipe's file must define {wanted}.")
    found, kind = getattr(module, wanted), _KINDS[shelf]
    asked = [each for each in (*kind.__annotations__, *vars(kind)) if not each.startswith("_")]
    if missing := [each for each in asked if not hasattr(found, each)]:
        raise NotFound(
            f"{name}: {wanted} has no {', '.join(missing)}", f"sirtui/recipes/shelf.py, {kind.__name__}, says what it needs."
        )
    return found


def _from_file(path: Path) -> object:
    path = path.expanduser().resolve()
    module_name = f"sirtui_private_{path.stem}_{abs(hash(path))}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise NotFound(f"{path}: no such recipe file", "Name a Python file, or one of the shelf's own choices.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        raise NotFound(f"{path}: {type(error).__name__}: {error}", "Its own code fails when it is imported.") from error
    return module
