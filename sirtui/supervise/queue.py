"""A run's place on its machine: waiting for GPUs, or where there are none for CPUs, having them, giving them back.

Strictly in the order in which runs were created: of those that wait for GPUs only the first may take what is free, and so of
those that wait for CPUs. A GPU is free when its lock is, enough of its memory is, and nobody computes on it. What is taken
stays taken while a guard lives that inherited the descriptors, also when the supervisor is killed.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sirtui.core import files
from sirtui.core.errors import SirtuiError
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.machine import Gpu, GpuProcess, Waiting
from sirtui.core.run import RunRecord
from sirtui.core.spec import Spec
from sirtui.supervise import nvml, slots
from sirtui.supervise.gpus import Seen, cpu_count, gpus, queue_folder
from sirtui.supervise.tickets import Line, Ticket

LOOK_S = 1.0
"""How often the driver is asked, at most."""
STEADY_S = 10.0
_PATIENCE_S = 2.0
_DIGITS = re.compile(r"\d+")
_VISIBLE, _ORDER = "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"


def _ask_driver() -> Seen:
    return gpus(_PATIENCE_S)


class Place:
    """The place of one run, held by its supervisor. `look` tells the GPUs; `host` names the queue; `now` as `time.time`."""

    def __init__(  # noqa: PLR0913 - the machine it is on, each part for tests to replace
        self,
        store: StoreFolder,
        run: RunFolder,
        spec: Spec,
        *,
        look: Callable[[], Seen] = _ask_driver,
        host: str = "",
        now: Callable[[], float] = time.time,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._run, self._wants = run, spec.resources
        self._folder = queue_folder(store, host)
        self._look, self._now, self._environment = look, now, environment
        self._ticket = Ticket(self._folder, run.name, files.read_record(run.record, RunRecord).created, Line.CPU)
        self._since = now()
        self._seen: Seen = (), ""
        self._due = 0.0
        self._settling = False
        self._said, self._steady_until = "", 0.0
        self._uses_gpus = False
        self.slots: tuple[str, ...] = ()
        """The GPUs by UUID, or CPU slots as `cpu-0`, that the run has."""
        self.descriptors: tuple[int, ...] = ()
        """Their locks, for guards to inherit."""

    def take(self) -> str:
        """Take what the run needs if that can be had; empty when it has it, else why it waits, in a sentence.

        Cheap: to be called several times a second.

        Raises:
            SirtuiError: the machine has fewer GPUs than the run wants: to wait would be in vain, and hold up all others. It
                does not stand in line any more.
        """
        if self.slots:
            return ""
        try:
            reason = self._line_up()
        except OSError as error:
            return f"waits: {error.filename or self._folder} cannot be used: {error.strerror}"
        if not reason:
            self._ticket.give_up()
            return ""
        self._ticket.tell(Waiting(self._run.name, self._since, self._wants.gpus, self._cpus_wanted, self._steady(reason)))
        return self._said

    def settled(self) -> str:
        """Why the next stage cannot begin yet on the GPUs that the run has, in a sentence; empty where it can.

        Their memory must be free: an earlier stage may not have given it back yet, or another may have taken it. Where that
        cannot be told, and on CPUs, there is nothing to wait for. To be asked only while no stage is at work; cheap.
        """
        reason = self._unsettled()
        if reason and not self._settling:
            self._due = 0.0  # what was seen may be from before the stage ended
            reason = self._unsettled()
        self._settling = bool(reason)
        return self._steady(reason) if reason else ""

    def _unsettled(self) -> str:
        for gpu in self.gpus:
            if told := _memory_in_use(gpu, self._wants.gpu_free):
                return f"waits until the memory of GPU {gpu.index} is free: {told}"
        return ""

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        """Those that the run has, as they are now; none where it has CPUs."""
        return tuple(gpu for gpu in self._glance()[0] if gpu.uuid in self.slots) if self._uses_gpus else ()

    @property
    def environment(self) -> dict[str, str]:
        """What a stage's process needs in its environment to see just what the run has."""
        if self._uses_gpus:
            return {_VISIBLE: ",".join(self.slots), _ORDER: "PCI_BUS_ID"}
        return {} if self._wants.gpus else {_VISIBLE: ""}

    def touch(self) -> None:
        """Let the locks look used: what tidies `/tmp` takes away files that nobody used for days."""
        for descriptor in self.descriptors:
            os.utime(descriptor)

    def release(self) -> None:
        """Give back what the run has. What guards have inherited stays taken until they end."""
        slots.give_back(self.descriptors)
        self.slots, self.descriptors, self._uses_gpus = (), (), False

    def leave(self) -> None:
        """Wait no more."""
        self._ticket.give_up()

    def _steady(self, reason: str) -> str:
        """What is said: a reason of which only numbers changed (memory in use) is news every few seconds at most."""
        if time.monotonic() >= self._steady_until or _DIGITS.sub("", reason) != _DIGITS.sub("", self._said):
            self._said, self._steady_until = reason, time.monotonic() + STEADY_S
        return self._said

    def _line_up(self) -> str:
        """Stand in the line for what the run needs here, and take it being the first; why it could not be had.

        The driver is asked by whoever comes, and by the first alone from then on.
        """
        ahead = self._ticket.ahead() if self._ticket.held else []
        if not ahead:
            self._ticket.change(self._line())
            ahead = self._ticket.ahead()
        return _turn(ahead) if ahead else self._take_first()

    def _line(self) -> Line:
        """What the run needs as the machine is now: GPUs, unless it wants none, or is shown none by a driver that works."""
        if not self._wants.gpus:
            return Line.CPU
        found, problem = self._glance()
        hidden = not found and problem and problem not in nvml.ABSENT
        return Line.GPU if hidden or _visible(found, self._environment) else Line.CPU

    def _take_first(self) -> str:
        """Take what is free, being the first to; why not all that is needed could be had."""
        if self._ticket.line is Line.CPU:
            return self._take_cpus()
        found, problem = self._seen
        return self._take_gpus(_visible(found, self._environment)) if found else f"waits until the GPUs can be seen: {problem}"

    def _take_gpus(self, found: Sequence[Gpu]) -> str:
        wanted = self._wants.gpus
        if wanted > len(found):
            self._ticket.give_up()
            hint = "Set resources.gpus to what it has, or start the run on a larger machine."
            raise SirtuiError(f"the run wants {wanted} GPUs, and this machine has {len(found)}", hint)
        busy = {gpu.index: why for gpu in found if (why := self._why_not(gpu))}
        free = [gpu.uuid for gpu in found if gpu.index not in busy][:wanted]
        if len(free) == wanted and self._take([slots.gpu_lock(uuid, self._environment) for uuid in free], free):
            self._uses_gpus = True
            return ""
        told = ", ".join(f"GPU {index} {why}" for index, why in busy.items()) or "another run was faster"
        return f"waits for {wanted} of {len(found)} GPUs: {told}"

    def _why_not(self, gpu: Gpu) -> str:
        """Why a GPU cannot be taken now: `is held by ...`; empty where it can."""
        if gpu.problem:
            return gpu.problem
        if holder := slots.holder(slots.gpu_lock(gpu.uuid, self._environment)):
            return f"is held by {self._called(holder)}"
        return _in_use(gpu, self._wants.gpu_free)

    @property
    def _cpus_wanted(self) -> int:
        there = cpu_count()
        return min(there, self._wants.threads * self._wants.parallel or there)

    def _take_cpus(self) -> str:
        wanted, there = self._cpus_wanted, cpu_count()
        locks = [slots.cpu_lock(self._folder, slot) for slot in range(there)]
        holders = [slots.holder(lock) for lock in locks]
        free = [slot for slot, holder in enumerate(holders) if not holder][:wanted]
        if len(free) == wanted and self._take([locks[slot] for slot in free], [f"cpu-{slot}" for slot in free]):
            return ""
        told = ", ".join(dict.fromkeys(self._called(holder) for holder in holders if holder)) or "a run that was faster"
        return f"waits for {'a CPU slot' if wanted == 1 else f'{wanted} of {there} CPU slots'}: held by {told}"

    def _take(self, locks: Sequence[Path], names: Sequence[str]) -> bool:
        """Take all of the locks, or none; whether they were taken."""
        self.descriptors = slots.take_all(locks, self._run.name)
        self.slots = tuple(names) if self.descriptors else ()
        return bool(self.slots)

    def _called(self, holder: str) -> str:
        return "a stage of its own that still runs" if holder == self._run.name else holder

    def _glance(self) -> Seen:
        """The GPUs, at most a second old."""
        if time.monotonic() >= self._due:
            self._seen = self._look()
            self._due = time.monotonic() + LOOK_S
        return self._seen


def _turn(ahead: Sequence[str]) -> str:
    before = "1 run is before it" if len(ahead) == 1 else f"{len(ahead)} runs are before it, first"
    return f"waits for its turn: {before}{',' if len(ahead) == 1 else ''} {ahead[0]}"


def _visible(found: Sequence[Gpu], environment: Mapping[str, str]) -> tuple[Gpu, ...]:
    """The GPUs that whoever started the run lets it use: by CUDA_VISIBLE_DEVICES, where that is set, as CUDA reads it."""
    if _VISIBLE not in environment:
        return tuple(found)
    chosen = []
    for word in map(str.strip, environment[_VISIBLE].split(",")):
        named = [gpu for gpu in found if word == str(gpu.index) or (word.startswith("GPU-") and gpu.uuid.startswith(word))]
        if not named:
            break
        chosen += named
    return tuple(chosen)


def _in_use(gpu: Gpu, free: float) -> str:
    """Why a GPU that no run holds is not free: `has 31.0 of 80.0 GB in use by python (anna)`; empty where it is."""
    if told := _memory_in_use(gpu, free):
        return f"has {told}"
    return f"is used by {_users(gpu)}" if gpu.processes else ""


def _memory_in_use(gpu: Gpu, free: float) -> str:
    """`31.0 of 80.0 GB in use by python (anna)`; empty where this share of it is free, or where that cannot be told."""
    if not gpu.memory_total or gpu.memory_used is None or gpu.memory_total - gpu.memory_used >= free * gpu.memory_total:
        return ""
    used, total = gpu.memory_used / 1e9, gpu.memory_total / 1e9
    return f"{used:.1f} of {total:.1f} GB in use by {_users(gpu) or 'no process that can be seen'}"


def _users(gpu: Gpu) -> str:
    return ", ".join(map(_user, gpu.processes))


def _user(process: GpuProcess) -> str:
    """`nano-ab12cd/it01/train`, `python (anna)`, or `process 4711`."""
    named = process.name or f"process {process.pid}"
    return process.job or (f"{named} ({process.user})" if process.user else named)
