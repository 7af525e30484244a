"""Looking at the machine: a thread a look, one at a time, so that a driver that hangs holds up nothing and nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sirtui.core.errors import SirtuiError
from sirtui.core.layout import StoreFolder
from sirtui.core.machine import Machine
from sirtui.core.text import clean

EVERY_S, PATIENCE_S = 2.0, 5.0

Look = Callable[[StoreFolder], Machine]
"""What a machine looks like now; it may raise anything, and may never return."""


@dataclass(frozen=True)
class Seen:
    """The machine as it was seen, or why it was not."""

    machine: Machine | None = None
    problem: str = ""


class Looker:
    """Looks when it is told to, at most every `EVERY_S`. `post` is called with what was seen, in any thread."""

    def __init__(self, look: Look, folder: StoreFolder, post: Callable[[Seen], object]) -> None:
        self._look, self._folder, self._post = look, folder, post
        self._began: float | None = None
        self._at_work, self._told = False, False

    def look(self) -> None:
        """Look, unless it is too early; where the last look has not come back for long, say so once."""
        now = time.monotonic()
        if self._began is not None and now - self._began < (PATIENCE_S if self._at_work else EVERY_S):
            return
        if not self._at_work:
            self._began, self._at_work, self._told = now, True, False
            threading.Thread(target=self._work, name="sirtui-look", daemon=True).start()
        elif not self._told:
            self._told = True
            self._post(Seen(problem=f"the GPUs have not answered for {PATIENCE_S:g} seconds: does `nvidia-smi` still answer?"))

    def _work(self) -> None:
        try:
            seen = Seen(self._look(self._folder))
        except SirtuiError as error:
            seen = Seen(problem=clean(f"{error.message}. {error.hint}", 400))
        except Exception as error:  # noqa: BLE001 (a worker's border: it is told on the screen)
            seen = Seen(problem=clean(f"the GPUs cannot be looked at: {str(error) or type(error).__name__}", 400))
        self._at_work = False
        with suppress(RuntimeError):  # the screen was left meanwhile
            self._post(seen)


def look_at_machine(folder: StoreFolder) -> Machine:
    """Look at this machine; what that takes is imported only here, in the thread that looks."""
    from sirtui.supervise.gpus import look

    return look(folder)
