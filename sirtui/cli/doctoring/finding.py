"""What a check says, what it is given, and the ways to ask programs."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from sirtui.core.layout import StoreFolder

ASK_S = 2.0
"""How long a program that is asked something has to answer."""


class Sign(StrEnum):
    """How a check ended. OK: as it should be. WARN: runs work, something is missing or slow. NO: runs cannot work."""

    OK = "ok"
    WARN = "warn"
    NO = "no"


class Finding(msgspec.Struct, frozen=True):
    """What a check found, in a line; where that is not fine, `advice` says what to do about it."""

    sign: Sign
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Ground:
    """Where the checks look: the store, and the root under which `/proc`, `/sys` and `/etc` lie."""

    store: StoreFolder
    root: Path = Path("/")

    def text(self, path: str) -> str:
        """What the file `path`, below the root, says; empty where it cannot be read."""
        try:
            return (self.root / path).read_text("utf-8", "replace").strip()
        except OSError:
            return ""

    def number(self, path: str) -> int | None:
        """The number in the file `path`, None where there is none."""
        text = self.text(path)
        return int(text) if text.isdecimal() else None


@dataclass(frozen=True)
class Answer:
    """What a program said: whether it ended well, its stdout, and the last line of its stderr (or why it did not run)."""

    fine: bool
    text: str = ""
    trouble: str = ""


def ask(*command: str) -> Answer:
    """Run a program for `ASK_S` seconds at most."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=ASK_S, check=False, encoding="utf-8", errors="replace"
        )
    except FileNotFoundError:
        return Answer(fine=False, trouble=f"{command[0]} is not installed")
    except (OSError, subprocess.SubprocessError) as error:
        late = isinstance(error, subprocess.TimeoutExpired)
        return Answer(fine=False, trouble=f"no answer in {ASK_S:g} s" if late else str(error))
    trouble = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
    return Answer(done.returncode == 0, done.stdout.strip(), "" if done.returncode == 0 else trouble[0])


def gigabytes(count: float) -> str:
    """Bytes as `12.3 GB`, whole from 100 on, in MB below one."""
    if count < 1e9:
        return f"{count / 1e6:.0f} MB"
    return f"{count / 1e9:.1f} GB" if count < 1e11 else f"{count / 1e9:,.0f} GB"


def nearest(path: Path) -> Path:
    """The folder itself, or the nearest above it that exists."""
    return next(above for above in (path.absolute(), *path.absolute().parents) if above.is_dir())
