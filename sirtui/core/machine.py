"""A machine as runs share it: its GPUs, who works on them, and who waits for them. Plain values."""

from __future__ import annotations

import msgspec


class GpuProcess(msgspec.Struct, frozen=True):
    """A process that computes on a GPU. `memory` in bytes; `job`: the stage of ours it works for (`RUN/it01/train`), else empty.

    What cannot be found out (in a container, say, where NVML tells the host's pids) is None or empty.
    """

    pid: int
    name: str = ""
    user: str = ""
    memory: int | None = None
    job: str = ""


class Gpu(msgspec.Struct, frozen=True):
    """One GPU at one moment. Memory in bytes, `utilization` from 0 to 1, temperature in degrees Celsius, power in watts.

    None where NVML does not tell. `holder`: the run that has it, empty where none does. `problem`: why it cannot be used, as
    it follows on "GPU 0": `is lost: ...`. `uuid` and `name` are empty where the driver does not reach it at all.
    """

    index: int
    uuid: str
    name: str
    memory_total: int | None = None
    memory_used: int | None = None
    utilization: float | None = None
    temperature: float | None = None
    power: float | None = None
    processes: tuple[GpuProcess, ...] = ()
    holder: str = ""
    problem: str = ""


class GpuSample(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of a run's `gpus.jsonl`: what one GPU did at one moment (seconds since the epoch), in the units of `Gpu`.

    `stages`: those of the run that were at work, by id.
    """

    at: float
    uuid: str
    index: int
    utilization: float | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    temperature: float | None = None
    power: float | None = None
    stages: tuple[str, ...] = ()


class Waiting(msgspec.Struct, frozen=True):
    """A run that waits for its turn: the first in the queue gets what becomes free. `since`: seconds since the epoch."""

    run: str
    since: float
    gpus: int
    cpus: int
    reason: str = ""


class Machine(msgspec.Struct, frozen=True):
    """`gpus` and who waits, in order. `cpus`: how many there are to be had.

    `problem`, in a sentence: why there are no GPUs, or what could not be found out about them.

    `cpu_holders`: by CPU slot the run that has it, empty where none does; used where there is no GPU.
    """

    host: str
    gpus: tuple[Gpu, ...] = ()
    problem: str = ""
    cpus: int = 0
    cpu_holders: tuple[str, ...] = ()
    queue: tuple[Waiting, ...] = ()
