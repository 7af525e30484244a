"""What to say of an attempt that could not say itself how it ended."""

from __future__ import annotations

import signal
from pathlib import Path

from sirtui.core import files
from sirtui.core.layout import AttemptFolder
from sirtui.core.run import ExitRecord, Process, Status
from sirtui.core.text import clean

STOPPED = "stopped"
"""The reason a stage gives when it was asked to stop: no failure."""

_HINTS = {
    signal.SIGKILL: "The kernel does so when memory runs out (see dmesg): a smaller batch, or more memory.",
    signal.SIGBUS: "A file shrank while it was read, or a disk (often /dev/shm) is full.",
}
_CRASHED = "A library crashed. See the log: {log}"


def status(record: ExitRecord) -> Status:
    """How a run ends whose stage ended so, without a manifest."""
    return Status.STOPPED if record.reason == STOPPED else Status.FAILED


def reason(record: ExitRecord) -> str:
    """Why a stage that ended so, without a manifest, is not finished."""
    return record.reason or f"ended with code {record.code}, but left no manifest.json"


def unspoken(attempt: AttemptFolder, code: int | None, ended: float, *, stopped: bool = False) -> ExitRecord:
    """How a process ended that left no word: `code` as `waitpid` tells it, None where that is not known."""
    if code is None:
        code = -signal.SIGKILL
        why, hint = "ended without a word, as what is killed does", _HINTS[signal.SIGKILL]
    elif code < 0:
        why = f"killed by signal {-code} ({_signal_name(-code)})"
        hint = _HINTS.get(signal.Signals(-code), "") if -code in list(signal.Signals) else ""
        hint = hint or _CRASHED.format(log=attempt.log)
    else:
        why, hint = f"ended with code {code}: {_last_line(attempt.log)}", f"See the log: {attempt.log}"
    return ExitRecord(code, ended, STOPPED if stopped else why, "" if stopped else hint)


def lost(attempt: AttemptFolder, boot: str, ended: float) -> ExitRecord:
    """How an attempt ended that nobody watched; `boot` is this boot's id."""
    process = files.find_record(attempt.state, Process)
    if process is None:
        why = "lost before it began"
    else:
        why = "lost: it ended unseen" if process.boot == boot else "lost: the machine was started again"
    return ExitRecord(-signal.SIGKILL, ended, why)


def unlaunched(error: OSError, ended: float) -> ExitRecord:
    """Why no process was made."""
    return ExitRecord(1, ended, f"could not be launched: {error}")


def _signal_name(signum: int) -> str:
    try:
        return signal.Signals(signum).name
    except ValueError:
        return "unknown"


def _last_line(log: Path) -> str:
    """What the process said last, one clean line; often the exception that ended it."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4000))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        lines = []
    return clean(lines[-1], 200) if lines else "it said nothing"
