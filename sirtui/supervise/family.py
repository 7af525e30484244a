"""Finding what a job started, however it hid: by the tag in its environment, and by its session."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress

from sirtui.core.process import alive, identify, pids, tagged
from sirtui.core.run import Process
from sirtui.supervise.launchers import Handle

__all__ = ["of", "tagged"]


def of(handles: Collection[Handle]) -> set[Process]:
    """Everything living of these jobs: what carries a tag, and the sessions of leaders that live.

    A session's number says nothing once its leader is gone: then it may be another's.
    """
    leaders = {handle.guard for handle in handles if alive(handle.guard)}
    sessions = {leader.pid for leader in leaders}
    members = {identify(pid, 0) for pid in pids() if _session(pid) in sessions} if sessions else set()
    return leaders.union(filter(alive, members), *tagged([handle.tag for handle in handles]).values())


def _session(pid: int) -> int | None:
    with suppress(OSError):
        return os.getsid(pid)
    return None
