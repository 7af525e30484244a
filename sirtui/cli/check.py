"""`sirtui check FILE`: what an experiment would run, how long by earlier runs, how much disk; nothing is started."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sirtui.cli.checked import check_settings, checked
from sirtui.cli.text import duration, folded, terminal_width
from sirtui.core.files import read_record
from sirtui.core.plan import plan
from sirtui.core.rule import declared, rule
from sirtui.core.run import RunRecord, Status
from sirtui.core.samples import SampleSet
from sirtui.core.spec import Spec
from sirtui.recipes.declare import resolved
from sirtui.recipes.locate import locate
from sirtui.recipes.shelf import tasks_of
from sirtui.stages.sample import sets
from sirtui.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE."""
    parser.add_argument("file", type=Path, metavar="FILE", help="an experiment file (TOML)")


def call(asked: argparse.Namespace) -> int:
    """Print what would happen."""
    spec = checked(asked.file)
    known = check_settings(spec, str(asked.file))
    store = Store(asked.store)
    store.catch_up(patience=5)
    told = [
        ("experiment", f"{spec.name}: {' -> '.join(spec.trainers)} on {spec.task}, seed {spec.seed}"),
        ("base model", locate(spec.base_model)),
        ("stages", f"{len(plan(spec))}, {spec.resources.parallel} at once that hold a model"),
        ("answers", _answers(spec)),
        ("settings", "taken by the trainers" if known else "not checked: the trainers' libraries are not installed here"),
        ("rule", _rule(spec)),
        ("a reversal", _REVERSAL[spec.verdicts.on_reversal]),
        ("disk", _disk(spec)),
        ("time", _time(spec, store)),
    ]
    sys.stdout.write(folded("\n".join(f"{name:<11} {text}" for name, text in told), terminal_width()) + "\n")
    return 0


def _rule(spec: Spec) -> str:
    said = declared(rule(resolved(spec)))
    return f"{said.sentence} [{said.hash}]"


_REVERSAL = {
    "continue": "is shown; the run goes on",
    "pause": "pauses the run until `sirtui resume`",
    "stop": "ends the run",
}


def _answers(spec: Spec) -> str:
    sizes = _sizes(spec)
    total = _total(spec)
    per_round = sum(n * sizes[which.part] for which, n in sets(spec, 2, 1).items()) if spec.iterations > 1 else total
    problems = ", ".join(f"{size:,} {part}" for part, size in sizes.items())
    return f"{total:,} in all, {per_round:,} in an iteration; problems: {problems}"


def _total(spec: Spec) -> int:
    """How many answers are drawn in all."""
    sizes = _sizes(spec)
    rounds = [(t, 1) for t in range(1, spec.iterations + 1)] + [(1, r + 2) for r in range(spec.evaluation.repeats)]
    return sum(n * sizes[which.part] for t, repeat in rounds for which, n in sets(spec, t, repeat).items())


def _sizes(spec: Spec) -> dict[str, int]:
    """How many problems each split has."""
    task, *others = tasks_of(spec).values()
    limits = spec.evaluation.problems
    return {
        SampleSet.TRAIN.part: len(task.problems("train", spec.data)[: limits.train]),
        SampleSet.TEST.part: len(task.problems("test", spec.data)[: limits.test]),
        SampleSet.OOD.part: sum(len(other.problems("test", None)[: limits.ood]) for other in others),
    }


def _disk(spec: Spec) -> str:
    """The checkpoints; answers are small beside them."""
    model = Path(locate(spec.base_model))
    if not model.is_dir():
        return f"{spec.iterations} checkpoints of the size of {spec.base_model}"
    size = sum(file.stat().st_size for file in model.rglob("*") if file.is_file())
    return f"{size * spec.iterations / 1e6:,.0f} MB for {spec.iterations} checkpoints, and the answers"


def _time(spec: Spec, store: Store) -> str:
    """By the newest finished run of the same model, task and method."""
    for run in store.runs():
        same = (run.base_model, run.task, run.method) == (spec.base_model, spec.task, spec.method_name)
        if same and run.status is Status.FINISHED and run.ended:
            took, before = run.ended - run.created, read_record(store.folder.run(run.name).record, RunRecord).spec
            expected = duration(took * _total(spec) / _total(before))
            return f"about {expected}, by the number of answers: {run.name} took {duration(took)} for {_total(before):,}"
    return "not known: no such run has finished here yet"
