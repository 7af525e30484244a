"""What experiments would take before they run: answers, disk, time, and what they wait for. For `sirtui check`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sirtui.cli.text import duration
from sirtui.core import sizes
from sirtui.core.errors import SirtuiError
from sirtui.core.files import find_record
from sirtui.core.machine import Machine
from sirtui.core.run import RunRecord, Status
from sirtui.core.samples import SampleSet
from sirtui.core.spec import Spec, label
from sirtui.recipes.locate import locate
from sirtui.recipes.shelf import tasks_of
from sirtui.stages.sample import sets
from sirtui.store import Store
from sirtui.supervise.room import written


class Answers:
    """How many answers experiments draw. Problems are counted once a task."""

    def __init__(self) -> None:
        self._known: dict[object, dict[str, int]] = {}

    def told(self, specs: Sequence[Spec]) -> str:
        """`1,000 in all, 200 in an iteration; problems: ...`."""
        total = f"{self.count(specs):,} in all"
        if len(specs) > 1:
            return f"{total}{', those of an M_1 that several share counted once' if len(_made_once(specs)) < len(specs) else ''}"
        (spec,) = specs
        problems = ", ".join(f"{size:,} {part}" for part, size in self._sizes(spec).items())
        return f"{total}, {self._of(spec, 2 if spec.iterations > 1 else 1, 1):,} in an iteration; problems: {problems}"

    def count(self, specs: Sequence[Spec]) -> int:
        """In all, those of a shared M_1 once."""
        later = sum(self._of(spec, t, 1) for spec in specs for t in range(2, spec.iterations + 1))
        first = sum(self._of(spec, 1, repeat) for spec in _made_once(specs) for repeat in _repeats(spec))
        return later + first

    def bytes(self, specs: Sequence[Spec]) -> int:
        """What they take at most."""
        return sizes.answers(specs[0], self.count(specs))

    def _of(self, spec: Spec, t: int, repeat: int) -> int:
        parts = self._sizes(spec)
        return sum(n * parts[which.part] for which, n in sets(spec, t, repeat).items())

    def _sizes(self, spec: Spec) -> dict[str, int]:
        """How many problems each split has."""
        key = (spec.task, spec.data)
        if key not in self._known:
            self._known[key] = _sizes(spec)
        return self._known[key]


def _repeats(spec: Spec) -> Iterable[int]:
    return range(1, spec.evaluation.repeats + 2)


def _sizes(spec: Spec) -> dict[str, int]:
    task, *others = tasks_of(spec).values()
    limits = spec.evaluation.problems
    return {
        SampleSet.TRAIN.part: len(task.problems("train", spec.data)[: limits.train]),
        SampleSet.TEST.part: len(task.problems("test", spec.data)[: limits.test]),
        SampleSet.OOD.part: sum(len(other.problems("test", None)[: limits.ood]) for other in others),
    }


def _made_once(specs: Sequence[Spec]) -> list[Spec]:
    """One experiment for each M_1 that is made: what they share is made once, where they may share."""
    if not specs[0].resources.share:
        return list(specs)
    return list({(spec.base_model, spec.task, spec.data, spec.seed, spec.trainer(1)): spec for spec in specs}.values())


def disk(specs: Sequence[Spec], answers: int, store: Path) -> Iterator[str]:
    """Checkpoints, what a training takes beside them, answers; and where the disk has less, that it has."""
    unknown = list(dict.fromkeys(spec.base_model for spec in specs if _model_bytes(spec) is None))
    shared = len(specs) - len(_made_once(specs))
    count = sum(map(sizes.checkpoints, specs)) - shared
    told = f"{count} checkpoints" + (f", {shared} of M_1 shared" if shared else "")
    if unknown:
        yield f"{told}, of the size of {', '.join(unknown)}; answers up to {written(answers)}"
        return
    kept, most = _kept(specs), max(_passing(spec) for spec in specs)
    yield f"{written(kept)} for {told}; {written(most)} more while one is trained; answers up to {written(answers)}"
    free, wanted = _free(store), kept + most + answers
    if free < wanted:
        yield f"TOO SMALL: {written(wanted)} may be needed, {written(free)} are free in {store}"


def check_room(specs: Sequence[Spec], store: Path) -> None:
    """Whether there is room for what is sure to stay: the checkpoints.

    Raises:
        SirtuiError: there is not.
    """
    kept, free = _kept(specs), _free(store)
    if free < kept:
        hint = 'Keep fewer (resources.retain = "keep+last"), name another disk by --store, or start it --anyway.'
        raise SirtuiError(f"{store}: the checkpoints alone take {written(kept)}, {written(free)} are free", hint)


def _kept(specs: Sequence[Spec]) -> int:
    """All checkpoints together; an M_1 that several share once."""
    all_of_them = sum(sizes.checkpoints(spec) * (_model_bytes(spec) or 0) for spec in specs)
    first = sum(_model_bytes(spec) or 0 for spec in specs) - sum(_model_bytes(spec) or 0 for spec in _made_once(specs))
    return all_of_them - first


def _passing(spec: Spec) -> int:
    return max(sizes.passing(spec, t, _model_bytes(spec) or 0) for t in range(1, spec.iterations + 1))


def _model_bytes(spec: Spec) -> int | None:
    """The size of the base model, None where it is not here yet."""
    folder = Path(locate(spec.base_model))
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else None


def _free(store: Path) -> int:
    """What is free for this person where the store is, or will be."""
    there = next(path for path in (store.absolute(), *store.absolute().parents) if path.exists())
    found = os.statvfs(there)
    return found.f_bavail * found.f_frsize


def time(specs: Sequence[Spec], answers: Answers, store: Store) -> str:
    """By the newest finished run of the same model, task and method; of several, as long as they take one after another."""
    found = [_expected(spec, answers, store) for spec in specs]
    known = [each for each in found if each is not None]
    if not known:
        return "not known: no such run has finished here yet"
    if len(specs) == 1:
        expected, by = known[0]
        return f"about {duration(expected)}, {by}"
    rest = len(specs) - len(known)
    more = f", and {rest} of which no like has finished here yet" if rest else ""
    return f"about {duration(sum(expected for expected, _ in known))} for {len(known)} of them one after another{more}"


def _expected(spec: Spec, answers: Answers, store: Store) -> tuple[float, str] | None:
    """How long it may take, and by what. That the other waited before its first stage does not count."""
    for run in store.runs():
        same = (run.base_model, run.task, run.method) == (spec.base_model, label(spec.task), spec.method_name)
        record = find_record(store.folder.run(run.name).record, RunRecord) if same else None
        if record is not None and run.status is Status.FINISHED and run.ended:
            began = min((stage.started for stage in store.run(run.name).stages if stage.started), default=run.created)
            took, before = run.ended - began, answers.count([record.spec])
            by = f"by the number of answers: {run.name} took {duration(took)} for {before:,}"
            return took * answers.count([spec]) / before, by
    return None


def machine(specs: Sequence[Spec], found: Machine) -> str:
    """What each run waits for, and that they wait for one another."""
    wants = specs[0].resources
    if wants.gpus and found.gpus:
        each = f"{wants.gpus} of {len(found.gpus)} GPUs"
    else:
        cpus = min(found.cpus, wants.threads * wants.parallel or found.cpus)
        each = f"{cpus} of {found.cpus} CPU slots" + (f" ({found.problem})" if wants.gpus and found.problem else "")
    line = f"; {len(found.queue)} wait already" if found.queue else ""
    return f"each waits for {each}, in the order above{line}" if len(specs) > 1 else f"waits for {each}{line}"
