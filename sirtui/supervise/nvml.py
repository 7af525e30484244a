"""What NVML tells of the GPUs here: values and plain sentences, never an exception.

nvidia-ml-py is imported, and NVML set up, when it is first asked. Where that fails it is tried again the next time: a driver
may be loaded, or mended, while this process lives.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import PurePath
from types import ModuleType
from typing import Any

from sirtui.core.machine import Gpu, GpuProcess
from sirtui.core.text import clean

NO_LIBRARY = "no GPU: the NVIDIA driver is not installed"
NO_DRIVER = "no GPU: the NVIDIA driver is not loaded"
NO_GPU = "no GPU: the NVIDIA driver sees none"
ABSENT = frozenset((NO_LIBRARY, NO_DRIVER, NO_GPU))
"""Of the problems those that say that there is no GPU to wait for; all others may pass, or can be mended."""
_NOT_INSTALLED = "GPUs cannot be seen: nvidia-ml-py is not installed"
_NOT_SUPPORTED = "not supported"
_SPLIT = "is split by MIG, of which only whole GPUs are used"


def read() -> tuple[tuple[Gpu, ...], str]:
    """All GPUs of the machine by index, without their holders; and what could not be found out, in a sentence.

    Their processes are told by the numbers, and with the names, that NVML gives.
    """
    try:
        return _NVML.read()
    except Exception as error:  # noqa: BLE001 - the border: nothing that a driver does may end a run, or the screen
        _NVML.started = False
        return (), _why(error)


class _Nvml:
    """The library, once it is there, and whether it is set up."""

    def __init__(self) -> None:
        self.started = False

    def read(self) -> tuple[tuple[Gpu, ...], str]:
        """As the function `read`.

        Raises:
            Exception: what nvidia-ml-py, or loading it, may raise.
        """
        library = import_module("pynvml")
        if not self.started:
            library.nvmlInit()
            self.started = True
        count = library.nvmlDeviceGetCount()
        if not count:
            return (), NO_GPU
        found = [_gpu(library, index) for index in range(count)]
        return tuple(gpu for gpu, _ in found), next((told for _, told in found if told), "")


_NVML = _Nvml()


def _gpu(library: ModuleType, index: int) -> tuple[Gpu, str]:
    """One GPU, and what could not be found out of its processes."""
    handle, lost = _ask(library.nvmlDeviceGetHandleByIndex, index)
    uuid, nameless = ("", "") if lost else _ask(library.nvmlDeviceGetUUID, handle)
    if lost or nameless:
        return Gpu(index, "", "", problem=_unusable(lost or nameless)), ""
    memory, failed = _ask(library.nvmlDeviceGetMemoryInfo, handle)
    processes, hidden = _processes(library, handle)
    return Gpu(
        index=index,
        uuid=uuid,
        name=clean(_told(library.nvmlDeviceGetName, handle) or ""),
        memory_total=memory.total if memory else None,
        memory_used=memory.used if memory else None,
        utilization=_scaled(_told(library.nvmlDeviceGetUtilizationRates, handle), "gpu", 100),
        temperature=_scaled(_told(library.nvmlDeviceGetTemperature, handle, library.NVML_TEMPERATURE_GPU)),
        power=_scaled(_told(library.nvmlDeviceGetPowerUsage, handle), per=1000),
        processes=processes,
        problem=_problem(library, handle, failed),
    ), f"the processes on GPU {index} cannot be seen: {hidden}" if hidden else ""


def _problem(library: ModuleType, handle: Any, failed: str) -> str:
    """Why a GPU cannot be used; `failed`: why NVML does not tell its memory."""
    if failed and _NOT_SUPPORTED not in failed.lower():
        return _unusable(failed)
    mode = _told(library.nvmlDeviceGetMigMode, handle)
    return _SPLIT if mode and mode[0] else ""


def _processes(library: ModuleType, handle: Any) -> tuple[tuple[GpuProcess, ...], str]:
    """What computes on a GPU, or why that is not known. What also draws, as a desktop does, is not meant."""
    found, why = _ask(library.nvmlDeviceGetComputeRunningProcesses, handle)
    drawing = {each.pid for each in _told(library.nvmlDeviceGetGraphicsRunningProcesses, handle) or ()}
    computing = [each for each in found or () if each.pid not in drawing]
    return tuple(GpuProcess(each.pid, _name(library, each.pid), memory=each.usedGpuMemory) for each in computing), why


def _name(library: ModuleType, pid: int) -> str:
    """What a process is called, without its folder."""
    return clean(PurePath(_told(library.nvmlSystemGetProcessName, pid) or "").name, 40)


def _scaled(value: Any, part: str = "", per: float = 1) -> float | None:
    """A number, or a part of a struct, in another unit; None where there is none."""
    return None if value is None else float(getattr(value, part) if part else value) / per


def _told(call: Callable[..., Any], *arguments: Any) -> Any:
    """What NVML answers, None where it does not."""
    return _ask(call, *arguments)[0]


def _ask(call: Callable[..., Any], *arguments: Any) -> tuple[Any, str]:
    """What NVML answers, or why it does not."""
    try:
        return call(*arguments), ""
    except Exception as error:  # noqa: BLE001 - see `read`: what one call cannot tell, others may
        return None, _why(error)


def _why(error: Exception) -> str:
    """What went wrong, in a few words; texts of `ABSENT` where there is no GPU at all."""
    if isinstance(error, ImportError):
        return _NOT_INSTALLED
    kind = type(error).__name__
    return _KNOWN.get(kind) or "NVML: " + clean(str(error) or kind, 200).rstrip(".")


_KNOWN = {
    "NVMLError_LibraryNotFound": NO_LIBRARY,
    "NVMLError_DriverNotLoaded": NO_DRIVER,
    "NVMLError_LibRmVersionMismatch": "the driver and its library NVML are of different versions: updated without a restart?",
    "NVMLLibraryMismatchError": "the driver's library NVML is of another version than nvidia-ml-py expects",
}


def _unusable(why: str) -> str:
    told = why.removeprefix("NVML: ")
    return "is lost: the driver cannot reach it (see dmesg)" if "is lost" in told else f"cannot be used: {told}"
