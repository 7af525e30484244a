"""`python -I -S trial.py`: try what a stage's guard relies on, and say as JSON what works. Standard library only.

A child makes a grandchild that asks to die with its parent. The child is killed: then the grandchild must be dead, by that
signal (`parent_death`), this process must be the one to bury it (`subreaper`), and a pidfd must have told of it (`pidfd`).
Last it tries to make a user namespace (`namespace`).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
CLONE_NEWUSER = 0x10000000
WAIT_S = 1.0


def tried() -> dict[str, bool]:
    """What works here."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child, grandchild = _family(libc)
    found = {"pidfd": False}
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(grandchild)
        os.kill(child, signal.SIGKILL)
        found["pidfd"] = bool(select.select([descriptor], [], [], WAIT_S)[0])
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    status = _status(grandchild)
    found["subreaper"] = status is not None
    found["parent_death"] = status == signal.SIGTERM or (status is None and found["pidfd"])
    found["namespace"] = libc.unshare(CLONE_NEWUSER) == 0
    return found


def _family(libc: ctypes.CDLL) -> tuple[int, int]:
    """The pids of a child and of its child, both at rest."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        return child, int(os.read(reading, 32))
    if os.fork() == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        os.write(writing, str(os.getpid()).encode())
    time.sleep(2 * WAIT_S)
    os._exit(0)


def _status(grandchild: int) -> int | None:
    """By which signal the grandchild died, None where it is not ours to bury, or lives on."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        try:
            pid, status = os.waitpid(grandchild, os.WNOHANG)
        except ChildProcessError:
            return None
        if pid:
            return os.WTERMSIG(status)
        time.sleep(0.005)
    return None


if __name__ == "__main__":
    print(json.dumps(tried()))
