"""Telling when to look into the store again.

Watched are the folder of the runs, each run's own folder, and in living runs the folders of iterations, stages and attempts:
never results in the making, never the index. The kernel's notices are only a shortcut: also without any, `follow` tells
to look every `RECHECK_S`, since a process that is killed changes no file and a network disk tells nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from threading import Event

from sirtui.core.files import is_locked
from sirtui.core.layout import StoreFolder

RECHECK_S = 1.5
_STEP_MS = 100
_TELLING = frozenset(
    ("run.json", "supervisor.json", "job.json", "state.json", "exit.json", "manifest.json", "events.jsonl", "notes.toml", "stop")
)


def follow(
    store_folder: StoreFolder, stop: Event, *, at_most_every_s: float = 0.5, recheck_s: float = RECHECK_S, polling: bool = False
) -> Iterator[None]:
    """Yield whenever it is time to look, until `stop` is set: after changes, and every `recheck_s` without any.

    Never more often than `at_most_every_s`. The store need not exist yet. Where the kernel has no watches left (or with
    `polling`), every `recheck_s` alone: looking costs less than any other way of finding out.
    """
    while not stop.is_set():
        if polling:
            yield from _tick(stop, recheck_s)
        ...
