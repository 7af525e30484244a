"""Who a process is, and locks that can be looked at."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from trials import wait_until

from sirtui.core import files
from sirtui.core.process import alive, current, identify, signal_safely, start_ticks


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process to aim at."""
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as process:
        yield process
        process.kill()


def test_current() -> None:
    """The process that asks is alive."""
    me = current(5.0)
    assert (me.pid, me.started) == (os.getpid(), 5.0)
    assert alive(me)
    assert current(6.0).ticks == me.ticks


def test_signal(sleeper: subprocess.Popen[bytes]) -> None:
    """The very process is signalled, once it is dead no more."""
    process = identify(sleeper.pid, 0)
    assert signal_safely(process, signal.SIGKILL)
    wait_until(lambda: not alive(process))
    assert start_ticks(sleeper.pid) is None, "a zombie is dead"
    assert not signal_safely(process, signal.SIGKILL)
    assert sleeper.wait() == -signal.SIGKILL
    assert not signal_safely(process, signal.SIGKILL)


@pytest.mark.parametrize("changed", ["ticks", "boot", "host"])
def test_somebody_else(sleeper: subprocess.Popen[bytes], changed: str) -> None:
    """The same number with another start, of another boot or machine, is never signalled."""
    real = identify(sleeper.pid, 0)
    other = msgspec.structs.replace(real, **{changed: real.ticks + 1 if changed == "ticks" else "other"})
    assert not alive(other)
    assert not signal_safely(other, signal.SIGKILL)
    assert alive(real)


def test_looking_at_a_lock_does_not_take_it(tmp_path: Path) -> None:
    """Whoever asks whether a lock is held keeps nobody from taking it."""
    path, enough = tmp_path / "lock", threading.Event()

    def look() -> None:
        while not enough.is_set():
            files.is_locked(path)

    with ThreadPoolExecutor(2) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        taken = [take(path) for _ in range(200)]
        enough.set()
    assert all(taken)
    assert [each.result() for each in looking] == [None, None]


def take(path: Path) -> bool:
    """Take a lock and give it back; whether it could be taken."""
    descriptor = files.try_lock(path)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is not None


def test_a_held_lock(tmp_path: Path) -> None:
    """A lock is held until it is given back."""
    held = files.try_lock(tmp_path / "lock")
    assert held
    assert not take(tmp_path / "lock")
    assert files.is_locked(tmp_path / "lock")
    os.close(held)
    assert take(tmp_path / "lock")
