"""Who a process is: boot id, pid and start ticks together, since a pid alone is used again.

Linux only: it reads `/proc`.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from functools import cache
from pathlib import Path

from sirtui.core.run import Process

_PROC = Path("/proc")


@cache
def boot_id() -> str:
    """What the kernel calls the time since this boot."""
    return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None where none lives under this number (a zombie does not)."""
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    # The name, field 2, may hold blanks and parentheses: count from its end. The state is field 3, the start field 22.
    fields = stat[stat.rfind(b")") + 2 :].split()
    return None if fields[0] in b"ZX" else int(fields[19])


def current(now: float) -> Process:
    """The process that asks; `now`, in seconds since the epoch, is told as its start."""
    return identify(os.getpid(), now)


def identify(pid: int, now: float) -> Process:
    """The process with this number on this machine; its ticks are -1, which no process has, where it is gone."""
    ticks = start_ticks(pid)
    return Process(os.uname().nodename, boot_id(), pid, -1 if ticks is None else ticks, now)


def alive(process: Process) -> bool:
    """Whether this very process, not another with its number, lives on this machine since this boot."""
    return process.boot == boot_id() and process.host == os.uname().nodename and start_ticks(process.pid) == process.ticks


def signal_safely(process: Process, signum: int) -> bool:
    """Signal this very process, never another that got its number; whether it was there to be signalled.

    Raises:
        PermissionError: it belongs to someone else.
    """
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(process.pid)
        try:
            # Checked while the descriptor is held: from here on the number cannot change its meaning.
            if alive(process):
                signal.pidfd_send_signal(descriptor, signum)
                return True
        finally:
            os.close(descriptor)
    return False
