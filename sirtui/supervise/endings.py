"""What to say of an attempt whose guard could not say how it ended."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from sirtui.core import files
from sirtui.core.layout import AttemptFolder
from sirtui.core.run import NO_ROOM, STOPPED, ExitRecord, StateRecord, Status


def status(record: ExitRecord) -> Status:
    """How a run ends whose stage ended so, without a manifest."""
    return Status.STOPPED if record.reason == STOPPED else Status.FAILED


def reason(record: ExitRecord) -> str:
    """Why a stage that ended so, without a manifest, is not finished."""
    return record.reason or f"ended with code {record.code}, but left no manifest.json"


def found_no_room(record: ExitRecord) -> bool:
    """Whether it failed for nothing but a full disk."""
    return record.code == NO_ROOM


def unguarded(attempt: AttemptFolder, ended: float, *, stopped: bool = False) -> ExitRecord:
    """How an attempt ended whose guard was there a moment ago, and left no word: on a full disk for want of room."""
    if not stopped and _is_full(attempt.path):
        return ExitRecord(NO_ROOM, ended, "the disk is full", "The run goes on when there is room again.")
    killed = "its guard was killed, which ended it too" if attempt.state.exists() else "its guard ended before it began"
    hint = "" if stopped else f"Someone did, or the kernel, when memory ran out (see dmesg). The log: {attempt.log}"
    return ExitRecord(-signal.SIGKILL, ended, STOPPED if stopped else killed, hint)


def _is_full(folder: Path) -> bool:
    with suppress(OSError):
        return os.statvfs(folder).f_bavail == 0
    return False


def lost(attempt: AttemptFolder, boot: str, ended: float, *, swept: int = 0) -> ExitRecord:
    """How an attempt ended that nobody watched; `boot` is this boot's id, `swept` how many processes it had left."""
    state = files.find_record(attempt.state, StateRecord)
    if state is None:
        why = "lost before it began"
    elif state.guard.boot != boot:
        why = "lost: the machine was started again"
    else:
        why = "lost: its guard died" if swept else "lost: it ended unseen"
    return ExitRecord(-signal.SIGKILL, ended, why, swept=swept)


def unlaunched(error: OSError, ended: float) -> ExitRecord:
    """Why no process was made."""
    return ExitRecord(1, ended, f"could not be launched: {error}")
