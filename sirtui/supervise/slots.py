"""The locks by which runs share a machine: one file a GPU, one file a CPU slot, held by a flock.

A GPU's lock lies where all people of the machine find it, and all may open it. The lock decides; the name written into the
file is for people. Files stay when a lock is given back: taking one away would let two hold it.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from sirtui.core.text import clean

_SHARED = stat.S_ISVTX | stat.S_IWOTH
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_NAMELESS = "someone"


def gpu_lock(uuid: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Where the lock of the GPU with this UUID lies: in `$SIRTUI_LOCKS`, else `/run/lock`, else `/tmp`."""
    return _place(environment) / f"sirtui-gpu-{re.sub(r'[^A-Za-z0-9-]', '_', uuid)}.lock"


def _place(environment: Mapping[str, str]) -> Path:
    """One folder for everybody: `/run/lock` where all may write there, by its mode and not by who asks."""
    if chosen := environment.get("SIRTUI_LOCKS"):
        return Path(chosen)
    shared = Path("/run/lock")
    return shared if shared.is_dir() and shared.stat().st_mode & _SHARED == _SHARED else Path("/tmp")  # noqa: S108 - as above


def cpu_lock(folder: Path, slot: int) -> Path:
    """Where the lock of a CPU slot lies, among those who wait on this machine."""
    return folder / f"cpu-{slot}.lock"


def take(path: Path, holder: str) -> int | None:
    """Take the lock and write into it who holds it; its descriptor, None where another holds it.

    Raises:
        OSError: the file cannot be opened.
    """
    descriptor = _open(path)
    if not lock(descriptor):
        os.close(descriptor)
        return None
    with suppress(OSError):  # who holds it is for people
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{holder}\n".encode(), 0)
    return descriptor


def take_all(paths: Sequence[Path], holder: str) -> tuple[int, ...]:
    """Take all of the locks, or none: then there are no descriptors.

    Raises:
        OSError: a file cannot be opened.
    """
    taken: list[int] = []
    try:
        for path in paths:
            descriptor = take(path, holder)
            if descriptor is None:
                break
            taken.append(descriptor)
    finally:
        if len(taken) < len(paths):
            give_back(taken)
    return tuple(taken) if len(taken) == len(paths) else ()


def give_back(descriptors: Sequence[int]) -> None:
    """Close them; a lock stays held while another process has inherited it."""
    for descriptor in descriptors:
        os.close(descriptor)


def holder(path: Path) -> str:
    """Who holds the lock, by what they wrote; empty where nobody does, or where that cannot be seen."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    except OSError:
        return ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return clean(os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip(), 80) or _NAMELESS
    finally:
        os.close(descriptor)
    return ""


def lock(descriptor: int) -> bool:
    """Take the flock unless another has it for longer than a look (`holder`) takes; whether it was taken."""
    while True:
        if _flock(descriptor, fcntl.LOCK_EX):
            return True
        if not _flock(descriptor, fcntl.LOCK_SH):
            return False
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        time.sleep(0.001)


def _flock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(path: Path) -> int:
    """The lock file, made where it is missing: a GPU's for all to open, a CPU's, which lies in the store, for its owner alone.

    First without O_CREAT: with it the kernel refuses what someone else made in a shared folder (fs.protected_regular).
    """
    mode = 0o666 if path.name.startswith("sirtui-gpu-") else 0o600
    while True:
        with suppress(FileNotFoundError):
            return _opened(path)
        with suppress(FileExistsError):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, mode)
            os.fchmod(descriptor, mode)
            return descriptor


def _opened(path: Path) -> int:
    """A flock needs no leave to write; who may only read cannot leave a name."""
    try:
        return os.open(path, os.O_RDWR | _FLAGS)
    except PermissionError:
        return os.open(path, os.O_RDONLY | _FLAGS)
