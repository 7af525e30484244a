"""What the kernel lets sirtui do: guard processes, open files, make sandboxes, watch folders."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from sirtui.cli.doctoring import cgroup
from sirtui.cli.doctoring.finding import Finding, Ground, Sign, nearest
from sirtui.cli.doctoring.sandbox import tried

_FILES, _PROCESSES = 1024, 512
_TRIED = {
    "subreaper": "PR_SET_CHILD_SUBREAPER",
    "parent_death": "PR_SET_PDEATHSIG",
    "pidfd": "pidfd_open",
}


def processes(ground: Ground) -> Finding:
    """Whether a stage's guard can do its work: end all that a stage started, and tell processes apart."""
    answer = tried()
    if not answer.fine:
        return Finding(
            Sign.NO,
            f"cannot be tried: {answer.trouble}",
            f"Runs start other processes in the same way: does `{sys.executable} -I -S -c 1` work?",
        )
    works = msgspec.json.decode(answer.text, type=dict[str, bool])
    missing = [name for key, name in _TRIED.items() if not works[key]]
    missing += [] if ground.text("proc/sys/kernel/random/boot_id") else ["/proc/sys/kernel/random/boot_id"]
    missing += [] if ground.text("proc/self/stat") else ["/proc"]
    if missing:
        advice = "A Linux kernel from 5.4 on has all of it: a container's seccomp profile, or gVisor, may take it away."
        return Finding(Sign.NO, f"without {', '.join(missing)}", advice)
    found = f"Linux {os.uname().release}: {', '.join(_TRIED.values())} work"
    return Finding(Sign.OK, f"{found}; other people's processes are hidden" if _hidden(ground) else found)


def _hidden(ground: Ground) -> bool:
    """Whether `/proc` shows a person their own processes only."""
    mounts = [line for line in ground.text("proc/self/mountinfo").splitlines() if line.split(" ")[4:5] == ["/proc"]]
    return bool(mounts) and any(
        f"hidepid={kind}" in mounts[-1] for kind in ("1", "2", "4", "noaccess", "invisible", "ptraceable")
    )


def limits(ground: Ground) -> Finding:
    """Open files, processes, size of files, and the cgroup's count of processes."""
    files, people, size = (
        resource.getrlimit(which)[0] for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE)
    )
    counted = cgroup.processes(ground)
    found = f"files {_limit(files)}, processes {_limit(people)}, size of a file {_limit(size)}"
    found += f", processes in the cgroup {counted[1]} of {counted[0]}" if counted else ""
    advice = []
    if 0 <= files < _FILES:
        advice.append(f"Raise the number of open files: ulimit -n {_FILES}.")
    if 0 <= people < _PROCESSES or (counted and counted[0] - counted[1] < _PROCESSES):
        advice.append(f"A run with its libraries' threads wants some {_PROCESSES} processes: ulimit -u, pids.max of the cgroup.")
    if size != resource.RLIM_INFINITY:
        advice.append("A checkpoint that is larger cannot be written: ulimit -f unlimited.")
    return Finding(Sign.WARN if advice else Sign.OK, found, " ".join(advice))


def _limit(value: int) -> str:
    return "unlimited" if value == resource.RLIM_INFINITY else f"{value}"


def notices(ground: Ground) -> Finding:
    """Whether the kernel tells of changes in a folder (inotify), and how much of that is in use."""
    most, instances = (ground.number(f"proc/sys/fs/inotify/max_user_{what}") for what in ("watches", "instances"))
    in_use, watches = _inotify_in_use(ground)
    found = f"inotify: {watches} of {most} watches, {in_use} of {instances} instances in use"
    if trouble := _watch(nearest(ground.store.path)):
        advice = "The screen looks every 1.5 s instead. As root: sysctl fs.inotify.max_user_watches=524288"
        return Finding(Sign.WARN, f"{found}; a watch: {trouble}", f"{advice} fs.inotify.max_user_instances=512")
    return Finding(Sign.OK, found)


def _watch(folder: Path) -> str:
    """Set a watch on `folder` and remove it again; why that fails, empty where it does not."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_CLOEXEC)
    if descriptor < 0:
        return os.strerror(ctypes.get_errno())
    try:
        set_ = libc.inotify_add_watch(descriptor, os.fsencode(folder), ctypes.c_uint32(_CREATED))
        return os.strerror(ctypes.get_errno()) if set_ < 0 else ""
    finally:
        os.close(descriptor)


_CREATED = 0x100


def _inotify_in_use(ground: Ground) -> tuple[int, int]:
    """How many instances and watches this person's processes have, as far as `/proc` shows them."""
    found = [count for process in _mine(ground.root / "proc") for count in _watches(ground, process)]
    return len(found), sum(found)


def _mine(processes: Path) -> Iterator[Path]:
    """The folders of this person's processes."""
    for process in processes.iterdir():
        with suppress(OSError):
            if process.name.isdecimal() and process.stat().st_uid == os.geteuid():
                yield process


def _watches(ground: Ground, process: Path) -> Iterator[int]:
    """How many watches each inotify instance of a process has, which may end or close it meanwhile."""
    descriptors: list[str] = []
    with suppress(OSError):
        descriptors = os.listdir(process / "fd")
    for descriptor in descriptors:
        with suppress(OSError):
            if str((process / "fd" / descriptor).readlink()) == "anon_inode:inotify":
                yield ground.text(f"proc/{process.name}/fdinfo/{descriptor}").count("inotify wd:")
