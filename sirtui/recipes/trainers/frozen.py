"""`frozen`: no training. M_t is M_{t-1}; whatever the measures then show is noise."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any, Literal

from sirtui.core.errors import SirtuiError
from sirtui.core.events import Progress
from sirtui.recipes.shelf import Emit, TrainJob


class Frozen:
    """The control experiment: everything but the training."""

    name = "frozen"
    needs: Literal["nothing"] = "nothing"

    def check(self, settings: Mapping[str, Any]) -> None:
        """There is nothing to set.

        Raises:
            SirtuiError: something was.
        """
        for name in settings:
            raise SirtuiError(f"{name}: unknown key", "Expected no settings: the frozen control does not train.")

    def train(self, job: TrainJob, emit: Emit) -> Mapping[str, Any]:
        """Copy the checkpoint; a file system that can shares its blocks."""
        shutil.copytree(job.model, job.out, dirs_exist_ok=True)
        emit(Progress(1, 1, "copies"))
        return {}


TRAINER = Frozen()
