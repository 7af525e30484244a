"""The guard of one stage: `python -I -S guard.py ATTEMPT LINGER_S COMMAND...`, a script of the standard library alone.

It holds the stage's lock as long as it lives, starts the command as its child (which dies with it), hands on requests to
stop, and ends all that the command left behind, however that hid: orphans come to the guard, and to nobody else. Last, when
nothing of the attempt lives, it writes `exit.json`. `state.json` and `exit.json` are `core.run.StateRecord` and `ExitRecord`.

SIGINT and SIGTERM are handed on; SIGQUIT ends everything at once. A command that said how it ended (`word.json`) and still
does not go is ended after LINGER_S seconds: libraries that hang at exit hold a GPU.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

BUSY = 75
"""Exit code where another guard has the stage (EX_TEMPFAIL)."""
NO_ROOM, STOPPED = 74, "stopped"
"""The exit code of what found the disk full, and the reason of what ended because it was asked to (see `core.run`)."""

_SUBREAPER, _PARENT_DEATH_SIGNAL = 36, 1
_WATCHED = {signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP}
_LOOK_S, _POLITE_S, _SWEEP_S, _STEP_S, _ROOM = 5.0, 2.0, 10.0, 0.01, 8192
_LIBC = ctypes.CDLL(None, use_errno=True)
_HINTS = {
    signal.SIGKILL: "Someone did, or the kernel, when memory ran out (see dmesg): then a smaller batch, or more memory.",
    signal.SIGBUS: "A file shrank while it was read, or a disk (often /dev/shm) is full.",
    signal.SIGXFSZ: "A file grew beyond the limit of its size: see ulimit -f.",
}


def main(folder: Path, linger_s: float, command: list[str]) -> int:
    """Guard `command` to its end."""
    os.umask(0o077)
    lock = os.open(folder.parent / "stage.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return BUSY
    _LIBC.prctl(_SUBREAPER, 1)
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    spare = _Spare(folder / ".exit.json")
    try:
        payload = _Payload(command)
    except OSError as error:
        spare.become(folder / "exit.json", _record(127, f"could not be launched: {error}"))
        return 0
    _write(folder / "state.json", {"guard": _identity(os.getpid()), "payload": _identity(payload.pid)})
    asked = _watch(payload, folder, linger_s)
    swept = _sweep(payload, _POLITE_S if payload.code == 0 and not asked else 0.0)
    spare.become(folder / "exit.json", {**_ended(payload.code or 0, folder, asked=asked), "swept": swept})
    return 0


class _Payload:
    """The command at work; `code` is how it ended, negative for a signal, None while it lives."""

    def __init__(self, command: list[str]) -> None:
        guard = os.getpid()

        def be_mortal() -> None:
            _LIBC.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
            if os.getppid() != guard:
                os._exit(1)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)

        self._process = subprocess.Popen(command, preexec_fn=be_mortal)  # noqa: PLW1509 - there is but one thread
        self.pid = self._process.pid
        self.code: int | None = None

    def bury(self) -> bool:
        """Take note of every child that ended: our own, and orphans that came to us. Whether any child is left."""
        try:
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                if ended[0] == self.pid:
                    self.code = self._process.returncode = os.waitstatus_to_exitcode(ended[1])
        except ChildProcessError:
            return False
        return True

    def signal(self, number: int) -> None:
        """Signal it, unless it ended: until it is buried nobody else gets its number."""
        self.bury()
        if self.code is None:
            os.kill(self.pid, number)


def _watch(payload: _Payload, folder: Path, linger_s: float) -> bool:
    """Wait for its end; whether someone asked for it."""
    asked, told = False, None
    while payload.code is None:
        came = signal.sigtimedwait(_WATCHED, min(_LOOK_S, max(_STEP_S, linger_s)))
        number = came.si_signo if came else 0
        if number in (signal.SIGINT, signal.SIGTERM):
            asked = True
            payload.signal(number)
        elif number == signal.SIGQUIT or not folder.exists():
            asked = True
            payload.signal(signal.SIGKILL)
        elif (folder / "word.json").exists():
            told = told or time.monotonic()
            if time.monotonic() - told >= linger_s:
                payload.signal(signal.SIGKILL)
        payload.bury()
    return asked


def _sweep(payload: _Payload, polite_s: float) -> int:
    """End what is left: SIGTERM, `polite_s` seconds, then SIGKILL again and again. How many there were.

    The kernel says when nothing is left: a look at `/proc` may miss what is being forked.
    """
    began, seen = time.monotonic(), set[tuple[int, int]]()
    while payload.bury():
        left, age = _descendants(), time.monotonic() - began
        if age > polite_s + _SWEEP_S:
            break
        for process in left - seen if age < polite_s else left:
            _signal(*process, signal.SIGTERM if age < polite_s else signal.SIGKILL)
        seen |= left
        time.sleep(_STEP_S)
    return len(seen)


def _descendants() -> set[tuple[int, int]]:
    """Pid and start ticks of all living that descend from here."""
    known = {pid: found for name in os.listdir("/proc") if name.isdecimal() and (found := _stat(pid := int(name)))}
    ours, new = set[int](), {os.getpid()}
    while new:
        new = {pid for pid, (parent, _) in known.items() if parent in new} - ours
        ours |= new
    return {(pid, known[pid][1]) for pid in ours}


def _stat(pid: int) -> tuple[int, int] | None:
    """Its parent and its start in clock ticks since boot; None where it is gone, or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rfind(b")") + 2 :].split()
    return None if fields[0] in b"ZX" else (int(fields[1]), int(fields[19]))


def _signal(pid: int, ticks: int, number: int) -> None:
    """Signal this very process, not another that got its number."""
    with suppress(OSError):
        descriptor = os.pidfd_open(pid)
        try:
            if (found := _stat(pid)) and found[1] == ticks:
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)


def _ended(code: int, folder: Path, *, asked: bool) -> dict[str, Any]:
    """How it ended: by its own word, else by what `waitpid` told."""
    with suppress(OSError, ValueError):
        word = json.loads((folder / "word.json").read_bytes())
        return _record(int(word["code"]), str(word.get("reason", "")), str(word.get("hint", "")))
    if asked:
        return _record(code, STOPPED)
    log = folder / "log.txt"
    if code == NO_ROOM:
        return _record(code, "the disk is full", "The run goes on when there is room again.")
    if code < 0:
        known = {each.value: each for each in signal.Signals}.get(-code)
        hint = (_HINTS.get(known) if known else "") or f"A library crashed. See the log: {log}"
        return _record(code, f"killed by signal {-code} ({known.name if known else 'unknown'})", hint)
    return _record(code, f"ended with code {code}: {_last_line(log)}", f"See the log: {log}")


def _last_line(log: Path) -> str:
    """What it said last; often the exception that ended it."""
    lines: list[str] = []
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 4000))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return "".join(each for each in lines[-1] if each.isprintable())[:200] if lines else "it said nothing"


def _record(code: int, reason: str = "", hint: str = "") -> dict[str, Any]:
    return {"code": code, "ended": time.time(), "reason": reason, "hint": hint, "swept": 0}


def _identity(pid: int) -> dict[str, Any]:
    """As `core.process.identify`: start ticks are -1, which no process has, where it is gone."""
    found = _stat(pid)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    ticks = found[1] if found else -1
    return {"host": os.uname().nodename, "boot": boot, "pid": pid, "ticks": ticks, "started": time.time()}


class _Spare:
    """A file with room of its own, so that the end of an attempt can be told also when the disk is full."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with suppress(OSError):
            os.write(self._descriptor, b" " * _ROOM)

    def become(self, target: Path, record: dict[str, Any]) -> None:
        """Be `target` from now on, with this content: whole, or not at all."""
        content = json.dumps(record).encode() + b"\n"
        with suppress(OSError):  # the run was removed, or there was no room for this either
            os.pwrite(self._descriptor, content, 0)
            os.truncate(self._descriptor, len(content))
            os.fsync(self._descriptor)
            self._path.rename(target)


def _write(target: Path, record: dict[str, Any]) -> None:
    """As much as the disk lets us: who works at it is found by its tag too."""
    with suppress(OSError):
        _Spare(target.with_name(f".{target.name}")).become(target, record)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
