"""An experiment checked before anything starts: names, models, and what the trainers' libraries say of their settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from sirtui.core.errors import NotFound
from sirtui.core.spec import Spec, load, wrong
from sirtui.recipes.locate import locate
from sirtui.recipes.shelf import Shelf, Task, Trainer, find
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
    """Whether all that `spec` names is there.

    Raises:
        SpecError: something is not.
    """
    task: Task = _found("tasks", spec.task, file, "task")
    for name in spec.evaluation.ood or ():
        _found("tasks", name, file, "evaluation.ood")
    for name in spec.evaluation.measures:
        _found("measures", name, file, "evaluation.measures")
    _found("samplers", spec.sampling.sampler, file, "sampling.sampler")
    trainers: list[Trainer] = [_found("trainers", name, file, "method") for name in spec.trainers]
    for name in spec.train:
        _found("trainers", name, file, f"train.{name}")
    if trainers[0].needs == "pairs":
        raise wrong(
            file, "method", f"M_1 cannot be made by {trainers[0].name!r}", "a first trainer that learns from correct answers"
        )
    for key, name in (("base_model", spec.base_model), ("evaluation.embedder", spec.evaluation.embedder)):
        try:
            locate(name)
        except NotFound as error:
            raise wrong(
                file, key, error.message, error.hint.rstrip(".") or "a folder, a hub id, or package:NAME/folder"
            ) from error
    if not task.problems("train", spec.data):
        raise wrong(file, "task", f"{spec.task} has no training problems", "a task with a train split")


def _found(shelf: Shelf, name: str, file: str, key: str) -> Any:
    try:
        return find(shelf, name)
    except NotFound as error:
        raise wrong(file, key, error.message, f"another name. {error.hint}".rstrip(".")) from error


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
        return False
    if complaints:
        first = complaints[0]
        raise wrong(
            file, f"train.{first.trainer}.{first.message.partition(':')[0]}", first.message.partition(": ")[2], first.expected
        )
    return complaints is not None
