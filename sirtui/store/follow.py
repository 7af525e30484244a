"""Telling when to look into the store again.

Watched are the folder of the runs, each run's own folder, and in living runs the folders of the stages not yet finished and
of their attempts: never results in the making, never the index. The kernel's notices are but a shortcut: also without any
it is time to look every `recheck_s`, since a process that is killed changes no file and a network disk tells nothing.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePath
from threading import Event

from sirtui.core.files import is_locked
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.run import Kind
from sirtui.core.safety import not_ours
from sirtui.store.place import on_network

_STEP_MS = 100
_MODIFIED = 2
_REST = 4  # how much longer the rechecks wait while no supervisor lives
_DEBUG, _POLL, _POLL_DELAY_MS, _RECURSIVE = False, False, 0, False
_IGNORE_DENIED = False  # watchfiles would then also say nothing when the kernel has no watches left
_TELLING = frozenset(
    ("run.json", "supervisor.json", "job.json", "state.json", "exit.json", "manifest.json", "events.jsonl", "notes.toml", "stop")
)
_BEGINS_OR_ENDS = frozenset(("supervisor.json", "supervisor.lock"))
_WATCHED = re.compile(rf"control|it\d+|repeat-\d+|attempt-\d+|{'|'.join(Kind)}")


def follow(
    store_folder: StoreFolder, stop: Event, *, at_most_every_s: float = 0.5, recheck_s: float = 1.5, polling: bool | None = None
) -> Iterator[None]:
    """Yield when it is time to look, until `stop` is set: at once, after changes, and every `recheck_s` without any.

    Never more often than `at_most_every_s`. The store need not exist yet. Where the kernel has no watches left, on a network
    file system, and with `polling`, it yields every `recheck_s`: to look is cheaper than any other way to find out whether to.
    """
    polling = on_network(store_folder.path) if polling is None else polling
    for _ in _occasions(store_folder, stop, int(1000 * at_most_every_s), recheck_s, polling=polling):
        yield
        if stop.wait(at_most_every_s):
            return


def _occasions(folder: StoreFolder, stop: Event, group_ms: int, recheck_s: float, *, polling: bool) -> Iterator[None]:
    """Something changed, or may have: also each time the watch had to be set up anew."""
    while not stop.is_set():
        if not polling:
            with suppress(OSError, RuntimeError):  # no store yet, a folder gone while it was listed, or no watches left
                yield from _watch(folder, stop, group_ms, recheck_s)
                continue
        yield
        stop.wait(recheck_s)


def _watch(folder: StoreFolder, stop: Event, group_ms: int, recheck_s: float) -> Iterator[None]:
    """Yield once the watch stands, after each change, and every `recheck_s`, until other folders are to be watched.

    The watch gathers while the consumer looks: nothing that happens meanwhile is missed.

    Raises:
        OSError, RuntimeError: a folder cannot be watched.
        KeyboardInterrupt: a signal came while the main thread waited.
    """
    from watchfiles._rust_notify import RustNotify

    around, living = _runs(folder)
    inside = _inside(living)
    pause_s = recheck_s if living else _REST * recheck_s
    with RustNotify([*around, *inside], _DEBUG, _POLL, _POLL_DELAY_MS, _RECURSIVE, _IGNORE_DENIED) as watcher:
        due = 0.0
        while not stop.is_set():
            if time.monotonic() >= due:
                due = time.monotonic() + pause_s
                yield
                if _inside(living) != inside:
                    return
            found = watcher.watch(group_ms, _STEP_MS, int(1000 * pause_s), stop)
            if found == "signal":
                raise KeyboardInterrupt
            changes = () if isinstance(found, str) else found
            if any(_restructures(kind, path) for kind, path in changes):
                return
            if any(PurePath(path).name in _TELLING for _, path in changes):
                due = 0.0


def _restructures(kind: int, path: str) -> bool:
    """Whether after this change other folders are to be watched: a run began or ended, a folder came or went."""
    place = PurePath(path)
    came_or_went = kind != _MODIFIED and ("runs" in (place.name, place.parent.name) or bool(_WATCHED.fullmatch(place.name)))
    return came_or_went or place.name in _BEGINS_OR_ENDS


def _runs(folder: StoreFolder) -> tuple[set[str], list[RunFolder]]:
    """The folders around all runs, and the runs with a living supervisor; links and other people's are left out."""
    found = (Path(entry.path) for entry in os.scandir(folder.runs) if entry.is_dir())
    runs = [RunFolder(path) for path in found if not not_ours(path)]
    return {str(folder.runs), *(str(run.path) for run in runs)}, [run for run in runs if is_locked(run.supervisor_lock)]


def _inside(runs: Iterable[RunFolder]) -> set[str]:
    """The folders within these runs where something may happen."""
    return {path for run in runs for path in _busy(str(run.path))}


def _busy(path: str) -> Iterator[str]:
    """Folders of iterations, stages and attempts below `path`, those of finished stages left out."""
    try:
        entries = {entry.name: entry.is_dir() for entry in os.scandir(path)}
    except OSError:
        return
    if "manifest.json" in entries:
        return
    yield path
    for name, is_folder in entries.items():
        if is_folder and _WATCHED.fullmatch(name):
            yield from _busy(f"{path}/{name}")
