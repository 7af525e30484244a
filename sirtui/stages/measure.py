"""Measure: every measure of one evaluation, in total and per problem, with the counts behind it."""

from __future__ import annotations

import hashlib
import inspect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import Any

import msgspec
from msgspec.structs import replace

from sirtui.core.events import Metric, Progress
from sirtui.core.files import read_record, write_lines, write_record
from sirtui.core.measures import EvaluationRecord, Group, ProblemRecord, Total, TotalsRecord
from sirtui.core.run import Kind, Manifest, Stage
from sirtui.core.samples import Outcome, Problem, SampleSet
from sirtui.recipes.embedding import open_embedder
from sirtui.recipes.locate import locate
from sirtui.recipes.shelf import Evaluation, Judged, Measure, Measured, Tools, find, names
from sirtui.stages.context import Context


def work(at: Context) -> dict[str, Any]:
    """Leaves `problems.jsonl`, `measures.json` (the totals, told too) and `evaluation.json`."""
    now = evaluation(at, at.t, at.repeat)
    first = now if (at.t, at.repeat) == (1, 1) else evaluation(at, 1, 1)
    measures: list[Measure] = [find("measures", name) for name in (*names("measures"), *at.spec.evaluation.measures)]
    tools, found = _tools(at), list[Measured]()
    for number, measure in enumerate(measures):
        at.emit(Progress(number, len(measures), "measures", measure.name))
        found += measure.of(now, first, tools)
    at.emit(Progress(len(measures), len(measures), "measures"))
    totals = tuple(Total(m.key, m.value, m.stderr, m.n, m.direction, m.unit, dict(m.counts)) for m in found)
    for each in totals:
        at.emit(Metric(*msgspec.structs.astuple(each)))
    write_record(at.out / "measures.json", TotalsRecord(totals))
    write_lines(at.out / "problems.jsonl", records(now, found))
    record = _record(at, now)
    write_record(at.out / "evaluation.json", record)
    return {"measures": [measure.name for measure in measures], "evaluation": msgspec.to_builtins(record)}


def rarefied_to(samples: int) -> int | None:
    """To how many samples diversities are rarefied: 8 of 32 and more, 4 of 16, 2 of 8; fewer say too little."""
    return next((m for least, m in ((32, 8), (16, 4), (8, 2)) if samples >= least), None)


def _tools(at: Context) -> Tools:
    name = at.spec.evaluation.embedder
    embed = open_embedder(locate(name)) if name else None
    return Tools(embed, at.spec.evaluation.embedded, rarefied_to(at.spec.evaluation.samples), at.tasks)


def evaluation(at: Context, t: int, repeat: int) -> Evaluation:
    """The judged answers of one evaluation; of test problems as many samples each at every iteration."""
    every = _judged(at, t, repeat, SampleSet.TEST, SampleSet.TEST_GREEDY)
    same = [_first(each, at.spec.evaluation.samples) for each in every]
    ood = _judged(at, t, repeat, SampleSet.OOD, SampleSet.OOD_GREEDY)
    return Evaluation(t, same, ood, _judged(at, t, repeat, SampleSet.TRAIN, None), every)


def _first(each: Judged, count: int) -> Judged:
    samples, marks = each.samples.first(count), each.marks.first(count)
    return Judged(each.problem, samples, marks, each.greedy, each.greedy_mark)


def _judged(at: Context, t: int, repeat: int, which: SampleSet, greedy: SampleSet | None) -> Sequence[Judged]:
    answers, marks = at.answers(which, t, repeat), at.marks(which, t, repeat)
    problems = {problem.id: problem for problem in at.problems(which.part)} if answers else {}
    best = {each.problem: each for each in at.answers(greedy, t, repeat)} if greedy else {}
    best_marks = {each.problem: each.marks[0] for each in at.marks(greedy, t, repeat)} if greedy else {}
    return [
        Judged(problems[drawn.problem], drawn, judged, best.get(drawn.problem), best_marks.get(drawn.problem))
        for drawn, judged in zip(answers, marks, strict=True)
    ]


def records(now: Evaluation, found: Iterable[Measured]) -> Iterator[ProblemRecord]:
    """A line for each problem: its bits, its score on every measure, and the counts behind its diversities.

    A score that is no finite number is undefined: it is left out, never imputed.
    """
    scores: dict[tuple[str, bool], dict[str, float]] = defaultdict(dict)
    groups: dict[str, dict[str, Group]] = defaultdict(dict)
    for measured in found:
        for problem, score in measured.scores.items():
            if isfinite(score):
                scores[problem, measured.compared][measured.key] = float(score)
        for problem, own in measured.groups.items():
            groups[problem].update(own)
    further = {each.problem.id: each.bits[len(same.bits) :] for each, same in zip(now.further, now.test, strict=True)}
    for split, judged in (("test", now.test), ("ood", now.ood), ("train", now.train)):
        for each in judged:
            name = each.problem.id
            bare = _bare_record(split, each, further.get(name, ()))
            yield replace(bare, scores=scores[name, True], members=scores[name, False], groups=groups[name])


def _bare_record(split: str, each: Judged, further: tuple[bool, ...]) -> ProblemRecord:
    return ProblemRecord(
        problem=each.problem.id,
        split=split,
        level=each.problem.level,
        cluster=each.problem.cluster,
        greedy=each.greedy_mark.correct if each.greedy_mark else None,
        bits=each.bits,
        infra=tuple(index for index, mark in enumerate(each.marks.marks) if mark.outcome is Outcome.INFRA),
        further=further,
        truncated=sum(not ended for ended in each.samples.ended),
        unparsed=sum(mark.outcome is Outcome.UNPARSED for mark in each.marks.marks),
    )


def _record(at: Context, now: Evaluation) -> EvaluationRecord:
    control = at.spec.trainer(at.t) == "frozen"
    trained = read_record(at.run.stage(Stage(at.t, Kind.TRAIN)).manifest, Manifest)
    problems = [each.problem for each in (*now.test, *now.ood)]
    return EvaluationRecord(
        t=at.t,
        repeat=at.repeat,
        role="repeat" if at.repeat > 1 else "control" if control else "iteration",
        seed=at.spec.seed,
        rarefied_to=rarefied_to(at.spec.evaluation.samples),
        checkpoint=trained.digest("checkpoint/"),
        problems=_digest([(problem.id, problem.question, problem.reference) for problem in problems]),
        sampler=_digest(msgspec.to_builtins(at.spec.sampling)),
        grader=_digest(
            [(name, inspect.getsource(inspect.getmodule(type(task)) or type(task))) for name, task in at.tasks.items()]
        ),
        embedder=at.spec.evaluation.embedder,
        contaminated=contaminated(at.problems("train"), [each.problem for each in now.test]),
        tested=len(now.test),
    )


def contaminated(train: Iterable[Problem], test: Iterable[Problem]) -> int:
    """How many test problems have the question of a training problem, case and white space aside."""
    learnt = {_plain(problem.question) for problem in train}
    return sum(_plain(problem.question) in learnt for problem in test)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _digest(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()
