"""`sft`: supervised fine-tuning on correct answers, by TRL's SFTTrainer; the loss is on the answer alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from sirtui.recipes import trl as shared
from sirtui.recipes.shelf import Emit, Example, TrainJob

DEFAULTS: Mapping[str, Any] = {
    "num_train_epochs": 3,
    "learning_rate": 2e-5,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 0.03,
    "per_device_train_batch_size": 8,
    "gradient_accumulation_steps": 16,
    "max_length": 2048,
}
"""Where the paper is silent: the nearest published recipes (PAPER: 3 epochs, 2e-5 cosine, warm-up 3 %, batch 128)."""


class Sft:
    """Any `[train.sft]` setting of TRL's SFTConfig may be given."""

    name = "sft"
    needs: Literal["correct"] = "correct"

    def check(self, settings: Mapping[str, Any]) -> None:
        """By building the configuration.

        Raises:
            SirtuiError: TRL would not take them.
        """
        from trl import SFTConfig

        shared.check(SFTConfig, DEFAULTS, settings)

    def train(self, job: TrainJob, emit: Emit) -> Mapping[str, Any]:
        """One SFTTrainer run from `job.model` over `job.data` (Examples)."""
        from trl import SFTConfig, SFTTrainer

        rows = [{"prompt": each.prompt, "completion": each.completion} for each in job.data if isinstance(each, Example)]
        return shared.fit(SFTTrainer, SFTConfig, DEFAULTS, job, rows, emit)


TRAINER = Sft()
