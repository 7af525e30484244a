"""How a training by transformers' Trainer survives being interrupted: what it leaves, and what it goes on from.

Importing this module is light; torch comes in with the first call.
"""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sirtui.core.checkpoints import choose, drop_unsealed, prune, seal
from sirtui.core.disk import plain_errors
from sirtui.core.errors import StageError
from sirtui.core.run import Kind, Stage
from sirtui.recipes.shelf import TrainJob

if TYPE_CHECKING:
    from transformers import TrainerCallback

_PICKLED = (".bin", ".pt", ".pth")


def start(job: TrainJob) -> Path | None:
    """The newest checkpoint of an earlier attempt that can be used; None where there was none. Others are set aside.

    Raises:
        StageError: there were some, and none can be used.
    """
    chosen = choose(job.partial, job.key, refused)
    for name, wrong in chosen.set_aside:
        sys.stdout.write(f"set aside as {name}: {wrong}\n")
    if chosen.path is None and chosen.bad:
        stage = Stage(job.t, Kind.TRAIN).id
        what = f"none of the {chosen.bad} checkpoints of {stage} can be used"
        raise StageError(
            what if chosen.bad > 1 else f"the only checkpoint of {stage} cannot be used",
            f"`sirtui resume {job.run} --anew` starts this training from the beginning; what is wrong stands in the log.",
        )
    if chosen.path:
        sys.stdout.write(f"going on from {chosen.path.name}\n")
    return chosen.path


def refused(folder: Path) -> str:
    """Which pickled file of a checkpoint holds more than tensors and numbers, or is damaged; empty for none.

    No object is made of it, and no tensor is read.
    """
    import torch
    from transformers.trainer_pt_utils import safe_globals

    for path in sorted(each for each in folder.rglob("*") if each.suffix in _PICKLED):
        try:
            with safe_globals():
                torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except pickle.UnpicklingError:
            return f"{path.name} holds more than tensors, and was not opened"
        except (OSError, RuntimeError, ValueError, EOFError, KeyError) as error:
            return f"{path.name} is damaged: {str(error).partition(chr(10))[0]}"
    return ""


@contextmanager
def interruptible(job: TrainJob) -> Iterator[None]:
    """A block to train in: asked to stop it ends when the callback of `saving` says so; no half-written checkpoint stays.

    Raises:
        OSError: there is no room for a checkpoint.
    """
    try:
        with plain_errors(job.partial), job.stopping.politely():
            yield
    except BaseException:
        drop_unsealed(job.partial)
        raise


def saving(job: TrainJob) -> TrainerCallback:
    """A callback that leaves a checkpoint every `job.save_every_s` seconds, and one before it stops where someone asks.

    None after the last step: going on from there transformers would take one step more where `max_steps` is set.
    """
    from transformers import TrainerCallback

    class Save(TrainerCallback):  # type: ignore[misc]
        saved = time.monotonic()

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.saved = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step < state.max_steps:
                control.should_training_stop |= job.stopping.asked()
                control.should_save |= control.should_training_stop or time.monotonic() - self.saved >= job.save_every_s

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            folder = job.partial / f"checkpoint-{state.global_step}"
            (folder / "training_args.bin").unlink(missing_ok=True)  # a pickle that nothing needs
            seal(folder, job.key)
            prune(job.partial)
            self.saved = time.monotonic()

    return Save()
