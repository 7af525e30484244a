"""Build M_0, the nano model every demo starts from: tokenizer, pretraining, and a record of what went in.

    python experiments/nano/build_m0.py OUT [--steps 4000] [--seed 11]

One schedule: AdamW, batch 32, linear warm-up over 100 steps, then cosine to zero from 3e-3; fresh problems each
step, 60 % word problems and 40 % algebra, loss on the solution only. Takes about eleven minutes on one CPU core.
OUT gets the Hugging Face checkpoint and `build.json`: the configuration, its hash, and that of the first 1,000 examples.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from sirtui.recipes.nano import algebra, words

CONFIG = {
    "schedule": {"steps": 4000, "batch": 32, "peak_lr": 3e-3, "warmup": 100, "weight_decay": 0.01, "clip": 1.0},
    "data": {
        "share_words": 0.6,
        "word_levels": {"1": 0.3, "2": 0.35, "3": 0.25, "4": 0.1},
        "word_mix": {"order": 0.28, "reorder": 0.18, "net": 0.12, "one": 0.42},
        "algebra_levels": [1, 2, 3, 4, 5],
        "algebra_mix": {"order": 0.8, "reorder": 0.15, "net": 0.05},
    },
    "model": {
        "hidden_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 256,
        "max_position_embeddings": 256,
        "tie_word_embeddings": True,
    },
}
SPLIT = r" ?<<|>>|\n#### |\d+| ?[A-Za-z]+|[^\sA-Za-z\d]|\s"


def examples(seed: int) -> Iterator[tuple[str, str]]:
    """An endless stream of (prompt, solution), the same for the same seed."""
    data = CONFIG["data"]
    random = Random(f"m0 {seed}")
    levels, weights = list(map(int, data["word_levels"])), list(data["word_levels"].values())
    while True:
        if random.random() < data["share_words"]:
            story = words.draw(random, random.choices(levels, weights)[0])
            yield f"{story.question}\n", words.solve(story, random, data["word_mix"])
        else:
            system = algebra.draw(random, random.choice(data["algebra_levels"]))
            yield f"{system.question}\n", algebra.solve(system, random, data["algebra_mix"])


def build_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """BPE over words, numbers and signs: every word and number of the nano world is one token."""
    stream = examples(seed)
    texts = ["".join(next(stream)) for _ in range(20_000)]
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(SPLIT), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=1000, special_tokens=["<pad>", "</s>"], show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", padding_side="left")
    assert all(fast.decode(fast.encode(text)) == text for text in texts[:1000]), "the tokenizer must round-trip"
    return fast


def batches(tokenizer: PreTrainedTokenizerFast, seed: int, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Token ids and labels, right-padded, -100 where there is no loss."""
    stream, eos = examples(seed), tokenizer.eos_token_id
    while True:
        pairs = [next(stream) for _ in range(size)]
        prompts = [tokenizer.encode(prompt) for prompt, _ in pairs]
        rows = [ids + tokenizer.encode(solution) + [eos] for ids, (_, solution) in zip(prompts, pairs)]
        width = max(map(len, rows))
        ids = torch.tensor([row + [tokenizer.pad_token_id] * (width - len(row)) for row in rows])
        labels = torch.tensor([[-100] * len(p) + r[len(p) :] + [-100] * (width - len(r)) for p, r in zip(prompts, rows)])
        yield ids, labels


def pretrain(tokenizer: PreTrainedTokenizerFast, seed: int) -> LlamaForCausalLM:
    """M_0 after the one schedule of CONFIG."""
    plan = CONFIG["schedule"]
    torch.manual_seed(seed)
    ids = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **CONFIG["model"], **ids))
    optimizer = torch.optim.AdamW(model.parameters(), lr=plan["peak_lr"], weight_decay=plan["weight_decay"], betas=(0.9, 0.98))
    began = time.monotonic()
    for step, (tokens, labels) in zip(range(plan["steps"]), batches(tokenizer, seed, plan["batch"])):
        progress = max(0, step - plan["warmup"]) / (plan["steps"] - plan["warmup"])
        for group in optimizer.param_groups:
            group["lr"] = plan["peak_lr"] * min(1, (step + 1) / plan["warmup"]) * 0.5 * (1 + math.cos(math.pi * progress))
        loss = model(input_ids=tokens, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), plan["clip"])
        optimizer.step()
        optimizer.zero_grad()
        if step % 100 == 0:
            print(f"step {step} loss {loss.item():.4f} {time.monotonic() - began:.0f} s", flush=True)
    return model.eval()


def fingerprint(seed: int) -> dict[str, str]:
    """Hashes of what decides M_0 besides the code: the configuration and the first 1,000 examples."""
    stream = examples(seed)
    data = "\0".join("\0".join(next(stream)) for _ in range(1000))
    config = json.dumps(CONFIG, sort_keys=True)
    return {"config": _sha256(config), "data": _sha256(data)}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def main() -> None:
    """Build and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=CONFIG["schedule"]["steps"])
    parser.add_argument("--seed", type=int, default=11)
    asked = parser.parse_args()
    CONFIG["schedule"]["steps"] = asked.steps
    torch.set_num_threads(1)
    tokenizer = build_tokenizer(asked.seed)
    print(f"{len(tokenizer)} tokens", flush=True)
    model = pretrain(tokenizer, asked.seed)
    model.save_pretrained(asked.out)
    tokenizer.save_pretrained(asked.out)
    record = {"seed": asked.seed, "config": CONFIG, "hashes": fingerprint(asked.seed), "torch": torch.__version__}
    (asked.out / "build.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
