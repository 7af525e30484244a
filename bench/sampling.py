"""Tokens a second of the transformers sampler against a bare `generate` loop: one model, the same prompts, in turns.

    python bench/sampling.py [--problems 120] [--n 16] [--rounds 3]

Prints both rates and their ratio for each batch size. One thread, so that the ratio does not depend on idle cores.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from sirtui.core.seeds import derive
from sirtui.core.spec import Sampling
from sirtui.recipes.locate import locate
from sirtui.recipes.samplers.transformers import SAMPLER
from sirtui.recipes.shelf import Request
from sirtui.recipes.tasks.nano import TASK

MODEL = locate("package:sirtui/recipes/nano/model")
LONGEST = 110


def bare(prompts: list[str], batch: int) -> float:
    """Tokens a second of `generate` with left padding, the same temperature and nucleus."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(MODEL).eval(), AutoTokenizer.from_pretrained(MODEL)
    settings = {"max_new_tokens": LONGEST, "do_sample": True, "temperature": 0.75, "top_p": 0.95, "top_k": 0}
    began, tokens = time.perf_counter(), 0
    with torch.inference_mode():
        for start in range(0, len(prompts), batch):
            inputs = tokenizer(prompts[start : start + batch], return_tensors="pt", padding=True, return_token_type_ids=False)
            out = model.generate(**inputs, **settings)[:, inputs.input_ids.shape[1] :]
            tokens += int((out != tokenizer.pad_token_id).sum())
            tokenizer.batch_decode(out, skip_special_tokens=True)
    return tokens / (time.perf_counter() - began)


def ours(requests: list[Request], batch: int) -> float:
    """Tokens a second of the sampler."""
    with SAMPLER.open(MODEL, Sampling(max_new_tokens=LONGEST, batch_size=batch)) as engine:
        began = time.perf_counter()
        tokens = sum(sum(answers.tokens) for answers in engine.sample(requests))
        return tokens / (time.perf_counter() - began)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=120)
    parser.add_argument("--n", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    problems = TASK.problems("test")[: asked.problems]
    prompts = [TASK.prompt(problem) for problem in problems for _ in range(asked.n)]
    requests = [Request(each.id, TASK.prompt(each), asked.n, greedy=False, seed=derive(0, each.id)) for each in problems]
    print("batch  generate tok/s  sampler tok/s  ratio (median of rounds, min-max)")
    for batch in (16, 64, 256):
        pairs = [(bare(prompts, batch), ours(requests, batch)) for _ in range(asked.rounds)]
        ratios = [mine / theirs for theirs, mine in pairs]
        theirs, mine = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(f"{batch:5}  {theirs:14.0f}  {mine:13.0f}  {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")


if __name__ == "__main__":
    main()
