"""The machine as it is now: its GPUs, who computes on them, which runs have them, and which wait."""

from __future__ import annotations

import os
import pwd
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from msgspec.structs import replace

from sirtui.core.layout import StoreFolder
from sirtui.core.machine import Gpu, GpuProcess, Machine
from sirtui.core.text import clean
from sirtui.supervise import nvml, slots, tickets
from sirtui.supervise.launchers import TAG

PATIENCE_S = 10.0
"""How long whoever looks once waits for the driver: to wake several GPUs takes seconds."""
SILENT = "the GPUs do not answer: does `nvidia-smi`?"
_FRESH_S = 2.0
_FIRST_NAMESPACE = "pid:[4026531836]"
_STAGE = re.compile(r"([^/]+/it\d+/(?:repeat-\d+/)?[a-z]+)#\d+")

Seen = tuple[tuple[Gpu, ...], str]
"""GPUs, and in a sentence what is wrong, or why there are none."""


def look(store: StoreFolder) -> Machine:
    """The machine this process is on, and who of `store` waits for it. Never raises."""
    folder, cpus = queue_folder(store), cpu_count()
    found, problem = gpus()
    holders = tuple(slots.holder(slots.cpu_lock(folder, slot)) for slot in range(cpus))
    return Machine(os.uname().nodename, found, problem, cpus, holders, tickets.waiting(folder))


def gpus(patience_s: float = PATIENCE_S) -> Seen:
    """All GPUs with their processes and holders; and what is wrong, or why there are none. Never raises.

    A driver that has not answered after `patience_s` seconds is not waited for; later calls get what it says then.
    """
    seen, problem = _DRIVER.ask(patience_s)
    return tuple(_held(gpu) for gpu in seen), problem


def queue_folder(store: StoreFolder, host: str = "") -> Path:
    """Where the tickets and CPU slots of a machine lie, this one unless told otherwise."""
    return store.queue / (host or os.uname().nodename)


def cpu_count() -> int:
    """How many CPUs this process may use."""
    return len(os.sched_getaffinity(0))


class _Driver:
    """Asked by one thread at a time: a call into a driver that hangs never comes back."""

    def __init__(self, read: Callable[[], Seen]) -> None:
        self._read, self._lock = read, threading.Lock()
        self._thread: threading.Thread | None = None
        self._began = self._ended = 0.0
        self._seen: Seen = (), SILENT

    def ask(self, patience_s: float) -> Seen:
        """What it says; `SILENT` where it has not answered in time."""
        with self._lock:
            if self._thread is None or self._is_stale(self._thread):
                self._began = time.monotonic()
                self._thread = threading.Thread(target=self._work, name="sirtui-nvml", daemon=True)
                self._thread.start()
            self._thread.join(max(0.0, self._began + patience_s - time.monotonic()))
            if self._thread.is_alive():
                return (), SILENT
            self._thread = None
            return self._seen

    def _is_stale(self, thread: threading.Thread) -> bool:
        """Whether an answer that nobody waited for came so long ago that it says nothing any more."""
        return not thread.is_alive() and time.monotonic() - self._ended > _FRESH_S

    def _work(self) -> None:
        self._seen = self._read()
        self._ended = time.monotonic()


_DRIVER = _Driver(nvml.read)


def _held(gpu: Gpu) -> Gpu:
    """With the run that has it, and more about its processes."""
    holder = slots.holder(slots.gpu_lock(gpu.uuid)) if gpu.uuid else ""
    return replace(gpu, holder=holder, processes=tuple(map(_described, gpu.processes)))


def _described(process: GpuProcess) -> GpuProcess:
    """With its user and its stage, where the number means a process that this one can see."""
    if not _sees_all():
        return process
    folder = Path("/proc", str(process.pid))
    with suppress(OSError):
        user, name = _user(folder.stat().st_uid), process.name or (folder / "comm").read_text("utf-8", "replace").strip()
        return replace(process, user=user, name=clean(name, 40), job=_job(folder))
    return process


@cache
def _sees_all() -> bool:
    """Whether numbers of processes mean here what they mean to the driver: in a container they do not."""
    with suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink()) == _FIRST_NAMESPACE
    return False


def _user(number: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(number).pw_name
    return str(number)


def _job(folder: Path) -> str:
    """The stage that a process works for, by its environment; empty where it is not ours, or cannot be seen."""
    with suppress(OSError):
        for variable in (folder / "environ").read_bytes().split(b"\0"):
            name, _, text = variable.decode("utf-8", "replace").partition("=")
            if name == TAG and (found := _STAGE.search(text)):
                return clean(found[1], 100)
    return ""
