"""Train: choose D_t, and make M_t from M_{t-1} with the iteration's trainer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from sirtui.core.disk import plain_errors
from sirtui.core.errors import StageError
from sirtui.core.files import write_lines
from sirtui.core.samples import SampleSet
from sirtui.core.seeds import derive
from sirtui.recipes.locate import locate
from sirtui.recipes.shelf import Example, Pair, Trainer, TrainJob, find
from sirtui.stages import select
from sirtui.stages.context import Context


class Chosen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of `selected.jsonl`: what was learnt for one problem (`rejected` where pairs were)."""

    problem: str
    completion: str
    rejected: str | None = None


def work(at: Context) -> dict[str, Any]:
    """Leaves `selected.jsonl` and `checkpoint/`.

    Raises:
        StageError: no answer could be used, the model does not load, or no checkpoint of an earlier attempt can be used.
    """
    name = at.spec.trainer(at.t)
    trainer: Trainer = find("trainers", name)
    chosen = [] if trainer.needs == "nothing" else list(_choose(at, trainer))
    if trainer.needs != "nothing" and not chosen:
        raise StageError(
            f"nothing to train M_{at.t} on: no {'pair' if trainer.needs == 'pairs' else 'correct answer'} from M_{at.t - 1}",
            "Draw more samples (sampling.n), or start from a model that solves some of the training problems.",
        )
    write_lines(at.out / "selected.jsonl", chosen)
    start = locate(at.spec.base_model) if at.t == 1 or at.spec.init == "base" else str(at.run.checkpoint(at.t - 1))
    settings = at.spec.train.get(name, {})
    seed = derive(at.spec.seed, "train", at.t) % 2**31
    data, out = _examples(at, chosen), at.out / "checkpoint"
    out.mkdir()
    job = TrainJob(
        at.t,
        start,
        data,
        settings,
        seed,
        out,
        at.scratch,
        at.partial,
        run=at.run.name,
        key=at.key,
        save_every_s=at.spec.resources.save_every_s,
        stopping=at.stopping,
    )
    with plain_errors(at.out):
        used = trainer.train(job, at.emit)
    if not any(out.iterdir()):
        raise StageError(f"trainer {name} left no checkpoint", f"It must save model and tokenizer in job.out ({out}).")
    return {"trainer": name, "start": start, "examples": len(chosen), "settings": dict(used)}


def _choose(at: Context, trainer: Trainer) -> Iterable[Chosen]:
    if at.t == 1:
        return [Chosen(problem.id, problem.reference) for problem in at.problems("train")]
    drawn, judged = at.answers(SampleSet.TRAIN, at.t - 1), at.marks(SampleSet.TRAIN, at.t - 1)
    problems = select.sort_out(drawn, judged, at.spec.selection, at.task.steps)
    most = at.spec.selection.per_problem
    if trainer.needs == "pairs":
        return [Chosen(*each) for each in select.pairs(problems, most)]
    return [Chosen(*each) for each in select.correct(problems, most)]


def _examples(at: Context, chosen: Sequence[Chosen]) -> Sequence[Example] | Sequence[Pair]:
    prompts = {problem.id: at.task.prompt(problem) for problem in at.problems("train")} if chosen else {}
    if any(each.rejected is not None for each in chosen):
        return [Pair(prompts[each.problem], each.completion, each.rejected or "") for each in chosen]
    return [Example(prompts[each.problem], each.completion) for each in chosen]
