"""What the GPUs of a run did: a line a GPU every few seconds, appended to the run's `gpus.jsonl`; and what that comes to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sirtui.core.errors import NotFound
from sirtui.core.layout import RunFolder
from sirtui.core.machine import Gpu, GpuSample
from sirtui.core.run import Kind, Stage
from sirtui.supervise.queue import Place

EVERY_S = 5.0
_STEP = 8 * 2**20
_MOST = 64 * 2**20
_TAIL = 64 * 1024
_LONGEST = 64 * 1024


class Telemetry:
    """Of one run, by its supervisor. The file is bounded: the fuller it is, the rarer are the samples, until there are none.

    Every 5 seconds at first, and half as often after every 8 MB: with one GPU 64 MB last a year and more.
    """

    def __init__(self, run: RunFolder, place: Place, *, now: Callable[[], float] = time.time) -> None:
        self._path, self._place, self._now = run.gpus, place, now
        self._due = 0.0

    def sample(self, stages: Collection[str] = ()) -> None:
        """Note what the GPUs of the run do while these stages run, if it is time to. Never raises for want of room."""
        if time.monotonic() < self._due or not self._place.slots:
            return
        size = _size(self._path)
        self._due = time.monotonic() + EVERY_S * 2 ** (size // _STEP)
        with suppress(OSError):
            if size < _MOST:
                self._append([_sample(gpu, self._now(), stages) for gpu in self._place.gpus])
            self._place.touch()

    def _append(self, samples: Collection[GpuSample]) -> None:
        """All of them by one write, after the end of a line that a crash may have torn."""
        if not samples:
            return
        lines = b"".join(msgspec.json.encode(sample) + b"\n" for sample in samples)
        with open(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "rb+", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            torn = end > 0 and os.pread(file.fileno(), 1, end - 1) != b"\n"
            file.write(b"\n" + lines if torn else lines)


def newest(run: RunFolder) -> tuple[GpuSample, ...]:
    """The last sample of each GPU that the run had, by index; none where there are none."""
    try:
        with run.gpus.open("rb") as file:
            file.seek(max(0, _size(run.gpus) - _TAIL))
            lines = file.read().split(b"\n")
    except OSError:
        return ()
    found: dict[str, GpuSample] = {}
    for line in lines:
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            sample = msgspec.json.decode(line, type=GpuSample)
            found[sample.uuid] = sample
    return tuple(sorted(found.values(), key=lambda sample: sample.index))


@dataclass(frozen=True)
class Use:
    """What one GPU, by its index, did for one stage. Memory in bytes, `utilization` from 0 to 1 as a mean over the samples.

    None where NVML does not tell.
    """

    stage: Stage
    gpu: int
    utilization: float | None
    memory_peak: int | None
    memory_total: int | None
    samples: int


def by_stage(run: RunFolder) -> tuple[Use, ...]:
    """What each GPU did for each stage, by iteration, kind, repeat and GPU; none where nothing was sampled.

    The file is read line by line, and a line that is torn, or that somebody else wrote, is left out. Of a sample taken while
    several stages were at work each has the whole.
    """
    found: dict[tuple[Stage, int], _Sum] = {}
    for sample in _samples(run.gpus):
        for stage in filter(None, map(_stage, sample.stages)):
            found.setdefault((stage, sample.index), _Sum()).add(sample)
    return tuple(found[key].use(*key) for key in sorted(found, key=_place_of))


def _place_of(key: tuple[Stage, int]) -> tuple[int, int, int, int]:
    stage, gpu = key
    return stage.t, tuple(Kind).index(stage.kind), stage.repeat, gpu


class _Sum:
    """Of the samples of one GPU and stage."""

    def __init__(self) -> None:
        self._samples = self._told = 0
        self._utilization = 0.0
        self._peak: int | None = None
        self._total: int | None = None

    def add(self, sample: GpuSample) -> None:
        """Take in one more."""
        self._samples += 1
        if sample.utilization is not None:
            self._told += 1
            self._utilization += sample.utilization
        if sample.memory_used is not None:
            self._peak = max(self._peak or 0, sample.memory_used)
        self._total = sample.memory_total or self._total

    def use(self, stage: Stage, gpu: int) -> Use:
        """What they come to."""
        mean = self._utilization / self._told if self._told else None
        return Use(stage, gpu, mean, self._peak, self._total, self._samples)


def _samples(path: Path) -> Iterator[GpuSample]:
    with suppress(OSError), path.open("rb") as file:
        while line := file.readline(_LONGEST):
            with suppress(msgspec.MsgspecError, UnicodeDecodeError):
                yield msgspec.json.decode(line, type=GpuSample)


def _stage(name: str) -> Stage | None:
    with suppress(NotFound):
        return Stage.parse(name)
    return None


def _sample(gpu: Gpu, at: float, stages: Collection[str]) -> GpuSample:
    used, of, power = gpu.memory_used, gpu.memory_total, gpu.power
    return GpuSample(at, gpu.uuid, gpu.index, gpu.utilization, used, of, gpu.temperature, power, tuple(sorted(stages)))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
