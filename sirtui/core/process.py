"""Who a process is: boot id, pid and start ticks together, since a pid alone is used again; and which job it works for.

Linux only: it reads `/proc`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from sirtui.core.run import JobRecord, Process

TAG = "SIRTUI_JOB"
"""The environment variable by which everything that a stage started can be found."""
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


def tag(job: JobRecord) -> str:
    """What a job's processes carry in `SIRTUI_JOB`: `<the run's folder>/<stage id>#<attempt>`."""
    return f"{job.run}/{job.stage.id}#{job.attempt}"


def tagged(tags: Collection[str]) -> dict[str, list[Process]]:
    """Per tag, the living processes that carry it, eldest first. A double fork and a session of its own change nothing.

    It looks at every process of the machine: some milliseconds.
    """
    wanted = {f"{TAG}={tag}".encode(): tag for tag in tags}
    found: dict[str, list[Process]] = {tag: [] for tag in tags}
    for pid in pids():
        for variable in wanted.keys() & _environment(pid):
            process = identify(pid, 0)
            if alive(process):
                found[wanted[variable]].append(process)
    return {tag: sorted(processes, key=lambda process: process.ticks) for tag, processes in found.items()}


def pids() -> Iterator[int]:
    """The number of every process."""
    return (int(name) for name in os.listdir(_PROC) if name.isdecimal())


def _environment(pid: int) -> set[bytes]:
    """The variables a process was started with; none where it is gone, a kernel's thread, or someone else's."""
    with suppress(OSError):
        data = (_PROC / str(pid) / "environ").read_bytes()
        return set(data.split(b"\0")) if TAG.encode() in data else set()
    return set()
