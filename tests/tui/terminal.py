"""A pseudo-terminal with a program in it: what it writes is collected, keys are typed, and the other end can hang up."""

from __future__ import annotations

import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
PLAY = Path(__file__).with_name("play.py")
DEADLINE_S = 20.0
_ESCAPES = re.compile(rb"\x1b\[[0-9;?<>=]*[ -/]*[a-zA-Z]|\x1b\][^\x07]*\x07|\x1b[()][A-Z0-9]|\x1b[=>]")


class Terminal:
    """`python play.py <arguments>`, or another `program`, in a terminal of its own. Use as a context manager.

    Without `control` no signal tells the program that the terminal is gone.
    """

    def __init__(
        self,
        *arguments: str,
        columns: int = 80,
        lines: int = 24,
        control: bool = True,
        program: tuple[str, ...] = (),
        **surroundings: str,
    ) -> None:
        self.master, slave = os.openpty()
        self.resize(columns, lines)
        self.settings = termios.tcgetattr(slave)
        self.written = b""
        environment = {
            **{name: text for name, text in os.environ.items() if name not in ("COLUMNS", "LINES")},
            "TERM": "xterm-256color",
            "PYTHONPATH": str(ROOT),
            **surroundings,
        }
        controlled = ("setsid", "--ctty") if control else ("setsid",)
        command = [*controlled, sys.executable, *(program or (str(PLAY), *arguments))]
        self.child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env=environment)
        self.slave = slave

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.hang_up()

    def resize(self, columns: int, lines: int) -> None:
        """Make the window another size."""
        ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def hang_up(self) -> None:
        """Close the terminal's end."""
        for descriptor in (self.master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)
        self.master = self.slave = -1

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.master, keys.encode())

    def listen(self, seconds: float) -> bytes:
        """What is written within `seconds`."""
        end, heard = time.monotonic() + seconds, b""
        while (left := end - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                try:
                    heard += os.read(self.master, 65536)
                except OSError:
                    break
        self.written += heard
        return heard

    def until(self, wanted: str) -> bytes:
        """Listen until `wanted` was written; all that was written on the way."""
        end, heard = time.monotonic() + DEADLINE_S, b""
        while wanted.encode() not in heard:
            heard += self.listen(0.05)
            assert time.monotonic() < end, f"{wanted!r} was not written, but: {visible(heard)}"
        return heard

    def settle(self) -> None:
        """Listen until nothing has been written for a while."""
        end = time.monotonic() + DEADLINE_S
        while self.listen(0.4):
            assert time.monotonic() < end, "it never came to rest"

    def is_restored(self) -> bool:
        """Whether the terminal is as it was: its first screen, its cursor, and how it treats keys."""
        shown = self.written.rfind(b"\x1b[?25h") > self.written.rfind(b"\x1b[?25l")
        return shown and b"\x1b[?1049l" in self.written and termios.tcgetattr(self.slave)[3] == self.settings[3]

    def ended(self) -> int:
        """Listen until the program has ended; its exit code."""
        end = time.monotonic() + DEADLINE_S
        while self.child.poll() is None:
            if self.master >= 0:
                self.listen(0.05)
            else:
                time.sleep(0.05)
            assert time.monotonic() < end, "it did not end"
        if self.master >= 0:
            self.listen(0.1)
        return self.child.returncode


def visible(written: bytes) -> str:
    """What was written, without the terminal's commands."""
    return _ESCAPES.sub(b"", written).decode(errors="replace")
