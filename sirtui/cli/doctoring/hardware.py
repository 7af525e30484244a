"""GPUs, CPUs, memory: what runs share."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module

from sirtui.cli.doctoring import cgroup
from sirtui.cli.doctoring.finding import Finding, Ground, Sign, gigabytes
from sirtui.core.machine import Gpu
from sirtui.supervise.gpus import gpus as look
from sirtui.supervise.nvml import ABSENT

_LITTLE_MEMORY, _LITTLE_SHARED = 2e9, 1e9
_GPU_S = 4.0


def gpus(ground: Ground) -> Finding:
    """What NVML sees."""
    seen, problem = look(_GPU_S)
    if not seen and problem in ABSENT:
        advice = "Runs use the CPU. With a GPU in this machine: install its driver; in a container: docker run --gpus all."
        return Finding(Sign.WARN, problem, advice)
    if not seen:
        advice = (
            "Runs that want a GPU wait until it answers: see `nvidia-smi` and `dmesg`; after an update of the driver, restart."
        )
        return Finding(Sign.WARN, problem, advice)
    told = f"driver {driver()}: {'; '.join(map(_gpu, seen))}"
    broken = [f"GPU {gpu.index} {gpu.problem}" for gpu in seen if gpu.problem]
    if broken or problem:
        advice = f"{'; '.join(filter(None, (*broken, problem)))}. Runs take the others."
        return Finding(Sign.WARN, told, advice)
    return Finding(Sign.OK, told)


def driver() -> str:
    """The version of the NVIDIA driver, `?` where it does not say."""
    pynvml = import_module("pynvml")
    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        try:
            return str(pynvml.nvmlSystemGetDriverVersion())
        finally:
            pynvml.nvmlShutdown()
    return "?"


def _gpu(gpu: Gpu) -> str:
    total, used = gpu.memory_total, gpu.memory_used
    memory = "" if total is None or used is None else f", {gigabytes(total - used)} of {gigabytes(total)} free"
    return f"{gpu.index} {gpu.name or '?'}{memory}{f', held by {gpu.holder}' if gpu.holder else ''}"


def cpus(ground: Ground) -> Finding:
    """How many CPUs this process may use."""
    usable, there = len(os.sched_getaffinity(0)), os.cpu_count() or 1
    limit = cgroup.cpus(ground)
    told = f"{usable}" if usable == there else f"{usable} of {there}"
    if limit is not None and limit < usable:
        advice = f"Set threads = {max(1, int(limit))} under [resources]: more threads than CPUs make each other wait."
        return Finding(Sign.WARN, f"{told}, of whose time the cgroup allows {limit:g}", advice)
    return Finding(Sign.OK, f"{told}, load {os.getloadavg()[0]:.1f}")


def memory(ground: Ground) -> Finding:
    """What is free of the main memory, and of the cgroup's share of it; swap."""
    told = _meminfo(ground)
    free, total = told.get("MemAvailable", told.get("MemFree", 0)), told.get("MemTotal", 0)
    found = f"{gigabytes(free)} of {gigabytes(total)} free"
    if (limited := cgroup.memory(ground)) and limited[0] < total:
        free = min(free, limited[1])
        found += f", the cgroup allows {gigabytes(limited[0])} and has {gigabytes(limited[1])} left"
    found += f", swap {gigabytes(told['SwapTotal'])}" if told.get("SwapTotal") else ", no swap"
    if free < _LITTLE_MEMORY:
        advice = "A stage that loads torch takes about 1 GB before its model. End something else, or ask for a larger share."
        return Finding(Sign.WARN, found, advice)
    return Finding(Sign.OK, found)


def _meminfo(ground: Ground) -> dict[str, int]:
    """`/proc/meminfo` in bytes."""
    lines = (line.replace(":", "").split() for line in ground.text("proc/meminfo").splitlines())
    return {line[0]: int(line[1]) * 1024 for line in lines if len(line) > 1 and line[1].isdecimal()}


def shared_memory(ground: Ground) -> Finding:
    """`/dev/shm`: where workers of data loaders and vLLM hand over tensors."""
    try:
        said = os.statvfs(ground.root / "dev/shm")
    except OSError as error:
        return Finding(Sign.WARN, f"none: {error.strerror}", _SHARED_ADVICE)
    free = said.f_bavail * said.f_frsize
    found = f"{gigabytes(free)} of {gigabytes(said.f_blocks * said.f_frsize)} free"
    return Finding(Sign.WARN, found, _SHARED_ADVICE) if free < _LITTLE_SHARED else Finding(Sign.OK, found)


_SHARED_ADVICE = (
    "Data loaders with workers, and vLLM, need 1 GB or more: docker run --shm-size=8g, or dataloader_num_workers = 0."
)
