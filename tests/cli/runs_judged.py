"""A run with a verdict of every kind on its measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from builders import NOW, RunBuilder, make_run, moved

from sirtui.core.run import Status

TARGET, NGRAM = "pass@1.sampled", "diversity.ngram.correct"


def a_run(root: Path, ident: str, seed: int = 0, change: float = 0.1, **spec: Any) -> RunBuilder:
    """Three iterations of 64 problems. At the third the target is up and the n-gram diversity down.

    Of the other essential measures one is flat, one undecided, one does not repeat itself, one was never measured.
    """
    evaluation = {"samples": 8, "first_samples": 16, "repeats": 1, "embedder": "", "ood": []}
    fields = {"name": "toy", "task": "nano", "method": "sft", "iterations": 3, "evaluation": evaluation, "seed": seed}
    rule = {"essential": ["pass@4", NGRAM, "pass@2", "odd.one", "never"], "watch": ["answers.length", "answers.unparsed"]}
    run = make_run(root, ident, NOW + seed, **{**fields, "verdicts": rule, **spec})
    greedy = [0.0] * 32 + [1.0] * 32
    for repeat in (1, 2):
        scores = {TARGET: moved(k=1 + repeat), "pass@4": moved(stderr=0), NGRAM: moved(stderr=0)}
        noisy = {"pass@2": moved(0, 0.006, 1 + repeat), "odd.one": moved(0.1 * repeat, 0.001, k=1 + repeat)}
        more = {"answers.length": [100.0] * 64, "answers.unparsed": [0.25] * 64, "pass@1.greedy": greedy}
        run.measured(1, {**scores, **noisy, **more, "coverage.mass_train": [0.75] * 64}, repeat=repeat)
    for t, lost in ((2, 0.0), (3, -change)):
        scores = {TARGET: moved(change, k=4), "pass@4": moved(0.001, 0.001, k=5), NGRAM: moved(lost, k=4)}
        noisy = {"pass@2": moved(0.015, 0.006, k=5), "odd.one": moved(0.1, 0.001, k=3)}
        more = {"answers.length": [120.0] * 64, "answers.unparsed": [0.125] * 64, "pass@1.greedy": [*greedy[:-9], *[0.0] * 9]}
        run.measured(t, {**scores, **noisy, **more})
    for t in (1, 2, 3):
        run.judged(t)
    return run.supervisor(Status.FINISHED, ended=NOW + 100)
