"""A box with GPUs: a small C library plays NVML, for processes that find it on LD_LIBRARY_PATH.

What it says is read at every call from a file, so a test can change a box that is in use.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import pytest

from sirtui.core.files import write

SUCCESS, NOT_SUPPORTED, NO_DRIVER, LOST, OTHER_VERSION = 0, 3, 9, 15, 18
GB = 10**9


@dataclass(frozen=True)
class FakeProcess:
    """A process on a GPU; `draws` like a desktop, else it computes."""

    pid: int
    memory: int = GB
    path: str = "/usr/bin/python3"
    draws: bool = False


@dataclass(frozen=True)
class FakeGpu:
    """A GPU of 80 GB; `code` is what NVML answers when it is asked for it, `mig` -1 where it cannot be split."""

    uuid: str
    used: int = 0
    total: int = 80 * GB
    utilization: int = 0
    code: int = SUCCESS
    mig: int = -1
    processes: tuple[FakeProcess, ...] = ()

    def lines(self, index: int) -> list[str]:
        """What the library reads."""
        values = (self.code, self.uuid, self.total, self.used, self.utilization, 40 + index, 250_000, self.mig)
        return [
            f"gpu {index} {' '.join(map(str, values))} Fake H100",
            *(f"{'draws' if it.draws else 'computes'} {index} {it.pid} {it.memory} {it.path}" for it in self.processes),
        ]


@dataclass
class Box:
    """Three GPUs, unless told otherwise, whose state lies in `folder`; `without`: what the library lacks."""

    folder: Path
    gpus: list[FakeGpu] = field(default_factory=lambda: [FakeGpu(f"GPU-{letter * 8}-0000") for letter in "abc"])
    without: str = ""

    def __post_init__(self) -> None:
        self.built = library(self.without)
        (self.folder / "locks").mkdir(parents=True)
        self.say()

    def change(self, index: int, **to: object) -> None:
        """Let a GPU be otherwise from now on."""
        self.gpus[index] = replace(self.gpus[index], **to)
        self.say()

    def say(self, init: int = SUCCESS, *, hang: bool = False) -> None:
        """Let NVML say how the GPUs are now, or that it cannot; or never come back."""
        lines = [line for index, gpu in enumerate(self.gpus) for line in gpu.lines(index)]
        head = [f"init {init}", f"count {len(self.gpus)}", f"hang {hang:d}"]
        write(self.folder / "state", "\n".join([*head, *lines, ""]).encode())

    @property
    def environment(self) -> dict[str, str]:
        """For a process that is to live in this box, with locks of its own."""
        here = {"LD_LIBRARY_PATH": str(self.built.parent), "FAKE_NVML": str(self.folder / "state")}
        return {**os.environ, **here, "SIRTUI_LOCKS": str(self.folder / "locks")}

    def python(self, code: str, *arguments: object) -> str:
        """Run a program in the box; what it prints."""
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, f"{done.returncode}: {done.stderr}"
        return done.stdout

    def start(self, code: str, *arguments: object) -> subprocess.Popen[str]:
        """Start a program in the box, to talk to by lines."""
        command = [sys.executable, "-c", code, *map(str, arguments)]
        return subprocess.Popen(command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@cache
def library(without: str = "") -> Path:
    """The library, built once; `without` a part of it."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler here (cc) to build a fake NVML with")
    folder = Path(tempfile.mkdtemp(prefix="fake-nvml-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    flags = [f"-DWITHOUT_{without.upper()}"] if without else []
    made, source = folder / "libnvidia-ml.so.1", Path(__file__).with_name("fake_nvml.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", *flags, "-o", made, source], check=True)
    return made
