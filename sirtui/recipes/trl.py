"""What the trainers built on TRL share: settings and their check, the callback that tells of progress, saving.

Importing this module is light; TRL comes in with the first call.
"""

from __future__ import annotations

import time
import typing
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import msgspec

from sirtui.core.errors import SirtuiError, StageError
from sirtui.core.events import Progress, Scalars
from sirtui.recipes.checkpoint import load
from sirtui.recipes.resuming import interruptible, saving, start
from sirtui.recipes.shelf import Emit, TrainJob

if TYPE_CHECKING:
    from transformers import TrainerCallback

OURS = (
    *("output_dir", "seed", "data_seed", "report_to", "disable_tqdm", "do_train", "push_to_hub"),
    *("save_strategy", "save_only_model", "save_total_limit", "load_best_model_at_end", "enable_jit_checkpoint"),
    *("resume_from_checkpoint", "ignore_data_skip", "restore_callback_states_from_checkpoint"),
)
"""Settings that sirtui itself makes."""

_TOLD_EVERY_S = 0.5
_HIGHEST = "highest_learning_rate"


def settings(job: TrainJob, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """All that a TRL configuration is given: ours, the trainer's defaults, and over them the experiment's settings."""
    return {"seed": job.seed, "data_seed": job.seed, **_always(), **_for_this_machine(), **defaults, **job.settings}


def _always() -> dict[str, Any]:
    return {"report_to": "none", "disable_tqdm": True, "save_strategy": "no", "logging_steps": 5, "logging_first_step": True}


def _for_this_machine() -> dict[str, Any]:
    """On a CPU TRL's own defaults (bf16, activation checkpointing, pinned memory) are several times slower."""
    import torch

    if torch.cuda.is_available():
        return {}
    return {"use_cpu": True, "bf16": False, "activation_checkpointing": False, "dataloader_pin_memory": False}


def check(config: type, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Whether the TRL configuration class takes `settings` on top of `defaults`.

    Raises:
        SirtuiError: `NAME: what is wrong`, with what was expected as its hint.
    """
    kinds = typing.get_type_hints(config)
    for name, value in settings.items():
        _check_one(config.__name__, kinds, name, value)
    try:
        config(**{"output_dir": "unused", **_always(), **_for_this_machine(), **defaults, **settings})
    except (TypeError, ValueError, RuntimeError, ImportError) as error:
        raise SirtuiError(
            f"{', '.join(settings)}: {error}", f"Expected settings that {config.__name__} takes together."
        ) from error


def _check_one(config: str, kinds: Mapping[str, Any], name: str, value: object) -> None:
    if name in OURS:
        raise SirtuiError(f"{name}: is set by sirtui", "Expected this key to be left out.")
    if name not in kinds:
        near = get_close_matches(name, kinds, 1)
        raise SirtuiError(f"{name}: unknown key", f"Expected `{near[0]}`." if near else f"Expected a setting of TRL's {config}.")
    try:
        msgspec.convert(value, kinds[name])
    except msgspec.ValidationError as error:
        raise SirtuiError(f"{name}: got {value!r}", f"{error}.") from error
    except (TypeError, NotImplementedError):
        return  # a type that msgspec does not know: the configuration itself has the last word


def callback(emit: Emit) -> TrainerCallback:
    """A callback that turns TRL's logs into `Scalars` and its steps into `Progress`."""
    from transformers import TrainerCallback

    class Tell(TrainerCallback):  # type: ignore[misc]
        told = 0.0

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step:
                emit(Progress(state.global_step, state.max_steps, "steps", "of an earlier attempt"))

        def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
            told = ((key, value) for key, value in (logs or {}).items() if isinstance(value, int | float))
            values: dict[str, float | None] = {key: float(value) for key, value in told}
            if "train_runtime" not in values:  # the summary at the end is no point of a curve
                emit(Scalars(state.global_step, values))

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            now = time.monotonic()
            if now - self.told >= _TOLD_EVERY_S or state.global_step == state.max_steps:
                self.told = now
                emit(Progress(state.global_step, state.max_steps, "steps"))

    return Tell()


def learning() -> TrainerCallback:
    """A callback that fails a whole training in which nothing was learnt; what earlier attempts did counts.

    What it has to know of them it puts into the state that checkpoints are saved with, so it comes after `saving`.
    """
    from transformers import TrainerCallback

    class Learn(TrainerCallback):  # type: ignore[misc]
        highest = 0.0

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.highest = max((each.get(_HIGHEST, 0.0) for each in state.log_history), default=0.0)

        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.highest = max(self.highest, *kwargs["lr_scheduler"].get_last_lr())

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if control.should_save:
                state.log_history.append({"step": state.global_step, _HIGHEST: self.highest})

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if self.highest == 0 and state.global_step >= state.max_steps:
                raise StageError(
                    f"nothing was learnt: the learning rate was 0 in each of the {state.global_step} steps",
                    "Lower warmup_steps, or per_device_train_batch_size x gradient_accumulation_steps, or give more problems.",
                )

    return Learn()


def fit(  # noqa: PLR0913, PLR0917 - what differs between TRL's trainers
    trainer: type[Any],
    config: type[Any],
    defaults: Mapping[str, Any],
    job: TrainJob,
    rows: Sequence[Mapping[str, str]],
    emit: Emit,
    **more: Any,
) -> dict[str, Any]:
    """Train `job.model` on `rows` and leave model and tokenizer in `job.out`, without pickles; all settings used.

    Goes on from what an earlier attempt left, and ends with the same weights. `more` goes to the trainer as it is.

    Raises:
        StageError: the model does not load, nothing was learnt, or no checkpoint of an earlier attempt can be used.
    """
    from datasets import Dataset
    from transformers import PrinterCallback

    used, checkpoint = settings(job, defaults), start(job)
    model, tokenizer = load(job.model)
    made = trainer(
        model=model,
        args=config(output_dir=str(job.partial), **used),
        train_dataset=Dataset.from_list(list(rows)),
        processing_class=tokenizer,
        callbacks=[saving(job), learning(), callback(emit)],
        **more,
    )
    made.remove_callback(PrinterCallback)
    made.create_model_card = lambda **_: None
    with interruptible(job):
        made.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    made.accelerator.unwrap_model(made.model).eval().save_pretrained(job.out)
    tokenizer.save_pretrained(job.out)
    return used
