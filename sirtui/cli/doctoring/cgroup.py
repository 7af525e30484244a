"""What the control group of this process leaves it of the machine: both generations of cgroups, on Linux."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sirtui.cli.doctoring.finding import Ground


def folders(ground: Ground, controller: str) -> Iterator[str]:
    """The folders (below the root) of the groups that `controller` counts this process in, from its own one upwards."""
    paths = {names: path for _, names, path in (line.split(":", 2) for line in ground.text("proc/self/cgroup").splitlines())}
    for mounted, kind, root, options in _mounts(ground):
        first = kind == "cgroup" and controller in options
        path = next((path for names, path in paths.items() if controller in names.split(",")), "") if first else paths.get("")
        if path and (first or kind == "cgroup2"):
            yield from _upwards(mounted, path, root)


def _upwards(mounted: str, path: str, root: str) -> Iterator[str]:
    inside = path.removeprefix(root.rstrip("/")).strip("/")
    here = Path(mounted.lstrip("/")) / inside
    for folder in (here, *here.parents):
        yield str(folder)
        if str(folder) == mounted.lstrip("/"):
            return


def _mounts(ground: Ground) -> Iterator[tuple[str, str, str, list[str]]]:
    """Of each mount of cgroups: where it lies, its kind, which group is its top, its options."""
    for line in ground.text("proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.partition(" ")
        if kind.startswith("cgroup"):
            _, _, _, root, mounted, *_ = before.split(" ")
            yield mounted, kind, root, re.split("[ ,]", options)


def cpus(ground: Ground) -> float | None:
    """How many CPUs' time the group may use; None where it may use all."""
    found = []
    for folder in folders(ground, "cpu"):
        quota, _, period = ground.text(f"{folder}/cpu.max").partition(" ")
        quota = quota or ground.text(f"{folder}/cpu.cfs_quota_us")
        period = period or ground.text(f"{folder}/cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal():
            found.append(int(quota) / int(period))
    return min(found, default=None)


def memory(ground: Ground) -> tuple[int, int] | None:
    """The limit on memory, and what is left of it, in bytes, in the group that leaves least; None where none limits it.

    Files that the kernel only caches count as free.
    """
    found = []
    for folder in folders(ground, "memory"):
        limit = _first(ground, folder, "memory.max", "memory.limit_in_bytes")
        used = _first(ground, folder, "memory.current", "memory.usage_in_bytes")
        if limit is not None and used is not None and limit < _UNLIMITED:
            found.append((limit, max(0, limit - used + _cached(ground, folder))))
    return min(found, key=lambda pair: pair[1], default=None)


_UNLIMITED = 1 << 60


def _cached(ground: Ground, folder: str) -> int:
    lines = (line.split() for line in ground.text(f"{folder}/memory.stat").splitlines())
    told = {line[0]: int(line[1]) for line in lines if len(line) == 2 and line[1].isdecimal()}
    return told.get("total_inactive_file", told.get("inactive_file", 0))


def processes(ground: Ground) -> tuple[int, int] | None:
    """The limit on processes and threads, and how many there are, in the group that leaves least; None where none limits them."""
    found = []
    for folder in folders(ground, "pids"):
        limit, used = ground.number(f"{folder}/pids.max"), ground.number(f"{folder}/pids.current")
        if limit is not None and used is not None:
            found.append((limit, used))
    return min(found, key=lambda pair: pair[0] - pair[1], default=None)


def _first(ground: Ground, folder: str, *names: str) -> int | None:
    return next((number for name in names if (number := ground.number(f"{folder}/{name}")) is not None), None)
