"""`dpo`: direct preference optimization on pairs of a correct and an incorrect answer, by TRL's DPOTrainer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sirtui.recipes import trl as shared
from sirtui.recipes.checkpoint import load
from sirtui.recipes.shelf import Emit, Pair, TrainJob

DEFAULTS: Mapping[str, Any] = {
    "num_train_epochs": 1,
    "learning_rate": 5e-7,
    "beta": 0.1,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 0.03,
    "per_device_train_batch_size": 4,
    "gradient_accumulation_steps": 16,
    "max_length": 2048,
}
"""Where the paper is silent: the nearest published recipes (1 epoch, 5e-7, beta 0.1, batch 64)."""


class Dpo:
    """Any `[train.dpo]` setting of TRL's DPOConfig may be given. The reference is the model that training starts from.

    It is loaded explicitly: left to itself DPOTrainer takes whatever the configuration names as its origin, which for
    M_{t-1} is not M_{t-1}.
    """

    name = "dpo"
    needs: Literal["pairs"] = "pairs"

    def check(self, settings: Mapping[str, Any]) -> None:
        """By building the configuration.

        Raises:
            SirtuiError: TRL would not take them.
        """
        from trl import DPOConfig

        shared.check(DPOConfig, DEFAULTS, settings)

    def train(self, job: TrainJob, emit: Emit) -> Mapping[str, Any]:
        """One DPOTrainer run from `job.model` over `job.data` (Pairs)."""
        from trl import DPOConfig, DPOTrainer

        rows = [
            {"prompt": each.prompt, "chosen": each.chosen, "rejected": each.rejected}
            for each in job.data
            if isinstance(each, Pair)
        ]
        reference, _ = load(job.model)
        used = shared.fit(DPOTrainer, DPOConfig, DEFAULTS, job, rows, emit, ref_model=reference)
        return {**used, "reference": job.model}


TRAINER = Dpo()
