"""An experiment checked before anything starts: names, models, and what the trainers' libraries say of their settings."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from sirtui.core.errors import NotFound, SpecError, UsageError
from sirtui.core.spec import Spec, load, wrong
from sirtui.core.text import clean
from sirtui.recipes.declare import check_measure
from sirtui.recipes.locate import locate
from sirtui.recipes.shelf import Shelf, Task, Trainer, find, problems_of
from sirtui.stages.settings import Complaint


def checked(path: Path) -> Spec:
    """The experiment in a file, with everything it names found.

    Raises:
        SpecError: something is wrong; nothing was started or written.
    """
    spec = load(path)
    check_names(spec, str(path))
    return spec


def check_names(spec: Spec, file: str) -> None:
    """Whether all that `spec` names is there, and fits together.

    Raises:
        SpecError: something does not, or a token stands in it.
    """
    _check_secrets(spec, file)
    _check_tasks(spec, file)
    for name in spec.evaluation.measures:
        _found("measures", name, file, "evaluation.measures")
    _found("samplers", spec.sampling.sampler, file, "sampling.sampler")
    check_rule(spec, file)
    trainers: list[Trainer] = [_found("trainers", name, file, "method") for name in spec.trainers]
    for name in spec.train:
        _found("trainers", name, file, f"train.{name}")
    if trainers[0].needs == "pairs":
        problem = f"M_1 cannot be made by {trainers[0].name!r}"
        raise wrong(file, "method", problem, "a first trainer that learns from correct answers")
    for key, name in (("base_model", spec.base_model), ("evaluation.embedder", spec.evaluation.embedder)):
        try:
            locate(name)
        except NotFound as error:
            raise SpecError(f"{file}: {key}: {error.message}", error.hint) from error


_SECRET_KEY = re.compile(
    r"(?:.*_)?(?:hub|auth|access|api|hf|bearer|secret)_?(?:token|key|secret)|token|(?:.*_)?(?:password|passwd|secret)"
)
_SECRET = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{30,}|gh[a-z]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|AKIA[A-Z0-9]{16})"
    r"|(?<![\w/.-])sk-[\w-]{30,}|://[^/\s:@]+:[^/\s@]+@"
)


def _check_secrets(spec: Spec, file: str) -> None:
    """Whether a token stands in the experiment: it would be kept in run.json, and be shown.

    Raises:
        SpecError: one does. What it is, is not said.
    """
    for key, name, value in _texts("", "", msgspec.to_builtins(spec)):
        named = key.startswith("train.") and _SECRET_KEY.fullmatch(name.lower())
        if value and (named or _SECRET.search(value)):
            hint = "Take it out, and set HF_TOKEN in the environment; who has this file may have read the token."
            raise SpecError(f"{file}: {key}: tokens do not belong into an experiment file", hint)


def _texts(key: str, name: str, value: object) -> Iterator[tuple[str, str, str]]:
    """Every text in nested tables and lists: its dotted key, the last name of it, itself."""
    if isinstance(value, dict):
        for inner, each in value.items():
            yield from _texts(f"{key}.{inner}" if key else str(inner), str(inner), each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(key, name, each)
    elif isinstance(value, str):
        yield key, name, value


def _check_tasks(spec: Spec, file: str) -> None:
    task: Task = _found("tasks", spec.task, file, "task")
    named = task.ood if spec.evaluation.ood is None else spec.evaluation.ood
    others: list[Task] = [_found("tasks", name, file, "evaluation.ood") for name in named]
    called = [each.name for each in (task, *others)]
    if len(set(called)) < len(called):
        raise wrong(file, "evaluation.ood", f"tasks of one name: {', '.join(called)}", "tasks other than the one trained on")
    try:
        if not problems_of(task, "train", spec.data):
            raise wrong(file, "task", f"{spec.task} has no training problems", "a task with a train split")
        for each in (task, *others):
            problems_of(each, "test", spec.data if each is task else None)
    except UsageError as error:
        raise SpecError(f"{file}: {'data' if spec.data else 'task'}: {error.message}", error.hint) from error


def check_rule(spec: Spec, file: str) -> None:
    """Whether the measures that the rule names can be had.

    Raises:
        SpecError: one cannot.
    """
    said = spec.verdicts
    deltas = tuple(said.delta) if isinstance(said.delta, dict) else ()
    parts = {"target": (said.target,), "essential": said.essential or (), "watch": said.watch or (), "delta": deltas}
    for part, keys in parts.items():
        for key in keys:
            try:
                check_measure(key, spec, decides=part in ("target", "essential"))
            except UsageError as error:
                raise SpecError(f"{file}: verdicts.{part}: {error.message}", error.hint) from error


def _found(shelf: Shelf, name: str, file: str, key: str) -> Any:
    try:
        return find(shelf, name)
    except NotFound as error:
        raise SpecError(f"{file}: {key}: {error.message}", error.hint) from error


def check_settings(spec: Spec, file: str) -> bool:
    """Ask the training interpreter whether it takes the trainers' settings; whether it could be asked.

    Raises:
        SpecError: it does not take them.
    """
    if sys.stderr.isatty():
        sys.stderr.write("asking the trainers whether they take their settings ...\n")
    asked = subprocess.run(
        [sys.executable, "-m", "sirtui.stages.settings"], input=msgspec.json.encode(spec), capture_output=True, check=False
    )
    try:
        complaints = msgspec.json.decode(asked.stdout.splitlines()[-1], type=list[Complaint] | None)
    except (msgspec.MsgspecError, IndexError):
        told = (asked.stderr.decode("utf-8", "replace").strip() or "no answer").splitlines()[-1]
        raise wrong(file, "train", f"the trainers' check failed: {clean(told, 300)}", "settings that can be checked") from None
    for each in complaints or []:
        name, _, problem = each.message.partition(": ")
        raise wrong(file, f"train.{each.trainer}.{name}", problem, each.expected)
    return complaints is not None
