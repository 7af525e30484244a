"""Finding what a job started, however it hid: by the tag in its environment, and by its session."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from sirtui.core.process import alive, identify
from sirtui.core.run import Process
from sirtui.supervise.launchers import TAG, Handle


def tagged(tags: Collection[str]) -> dict[str, list[Process]]:
    """Per tag, the living processes that carry it, eldest first. A double fork and a session of its own change nothing."""
    wanted = {f"{TAG}={tag}".encode(): tag for tag in tags}
    found: dict[str, list[Process]] = {tag: [] for tag in tags}
    for pid in _pids():
        for variable in wanted.keys() & _environment(pid):
            process = identify(pid, 0)
            if alive(process):
                found[wanted[variable]].append(process)
    return {tag: sorted(processes, key=lambda process: process.ticks) for tag, processes in found.items()}


def of(handles: Collection[Handle]) -> set[Process]:
    """Everything living of these jobs: what carries a tag, and the sessions of leaders that live.

    A session's number says nothing once its leader is gone: then it may be another's.
    """
    leaders = {handle.guard for handle in handles if alive(handle.guard)}
    sessions = {leader.pid for leader in leaders}
    members = {identify(pid, 0) for pid in _pids() if _session(pid) in sessions} if sessions else set()
    return leaders.union(filter(alive, members), *tagged([handle.tag for handle in handles]).values())


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdecimal())


def _environment(pid: int) -> set[bytes]:
    """The variables a process was started with; none where it is gone, a kernel's thread, or someone else's."""
    with suppress(OSError):
        data = Path(f"/proc/{pid}/environ").read_bytes()
        return set(data.split(b"\0")) if TAG.encode() in data else set()
    return set()


def _session(pid: int) -> int | None:
    with suppress(OSError):
        return os.getsid(pid)
    return None
