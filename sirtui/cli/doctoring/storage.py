"""The store's folder, its disk, and what the file system under it can really do."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sirtui.cli.doctoring.finding import ASK_S, Finding, Ground, Sign, gigabytes, nearest
from sirtui.core.safety import user
from sirtui.store import place

_FULL, _LITTLE, _FEW_FILES = 1e8, 1e10, 10_000
_MTIME_S = 0.05
_ELSEWHERE = "Keep runs elsewhere: --store DIR or $SIRTUI_STORE."


def folder(ground: Ground) -> Finding:
    """The store: whose it is, and who else may look into it."""
    path = ground.store.path.absolute()
    try:
        about = path.stat()
    except FileNotFoundError:
        return _to_be_made(path)
    except OSError as error:
        return Finding(Sign.NO, f"{path}: {error.strerror}", _ELSEWHERE)
    mode = about.st_mode & 0o777
    runs = len([name for name in _names(ground.store.runs) if not name.startswith(".")])
    found = f"{path}, {runs} runs, mode {mode:04o}"
    if about.st_uid != os.geteuid():
        return Finding(Sign.NO, f"{found}, belongs to {user(about.st_uid)}", f"A store belongs to one person. {_ELSEWHERE}")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Finding(Sign.NO, f"{found}, not writable", f"chmod 700 {path}. {_ELSEWHERE}")
    if mode & 0o077:
        return Finding(Sign.WARN, found, f"Others of this machine may look into it: chmod 700 {path}")
    return Finding(Sign.OK, found)


def _to_be_made(path: Path) -> Finding:
    above = nearest(path)
    if os.access(above, os.W_OK | os.X_OK):
        return Finding(Sign.OK, f"{path}, not there yet: the first run makes it")
    return Finding(Sign.NO, f"{path} cannot be made: {above} is not yours to write in", _ELSEWHERE)


def _names(path: Path) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def room(ground: Ground) -> Finding:
    """How much room there is for checkpoints, and for how many files."""
    said = os.statvfs(nearest(ground.store.path))
    free, files = said.f_bavail * said.f_frsize, said.f_favail if said.f_files else None
    found = f"{gigabytes(free)} of {gigabytes(said.f_blocks * said.f_frsize)} free"
    found += f", room for {files:,} files" if files is not None else ""
    advice = f"Each iteration keeps a checkpoint: `sirtui check FILE` says how much. {_ELSEWHERE}"
    if free < _FULL or files == 0:
        return Finding(Sign.NO, found, advice)
    if free < _LITTLE or (files is not None and files < _FEW_FILES):
        return Finding(Sign.WARN, found, advice)
    return Finding(Sign.OK, found)


def file_system(ground: Ground) -> Finding:
    """Which file system this is, and whether locks, renames and links work on it, by trying."""
    above = nearest(ground.store.path)
    kind = place.file_system(above.resolve(), ground.text("proc/self/mountinfo"))
    found = f"{kind or 'not known'}{', over the network' if kind in place.NETWORK else ''}"
    try:
        with tempfile.TemporaryDirectory(prefix=".sirtui-doctor-", dir=above) as made:
            broken = [name for name, works in _TRIALS.items() if not works(Path(made))]
            found += f", {_mtime(Path(made))}"
    except OSError as error:
        read_only = error.errno == errno.EROFS
        advice = f"Runs can be looked at, not started. {_ELSEWHERE}" if read_only else _ELSEWHERE
        return Finding(Sign.NO, f"{found}: {'mounted read-only' if read_only else error.strerror}", advice)
    if broken:
        lost = set(broken) - {"hard links"}
        advice = (
            f"Supervision relies on locks and renames. {_ELSEWHERE}"
            if lost
            else "Results of other runs are copied instead of linked."
        )
        return Finding(Sign.NO if lost else Sign.WARN, f"{found}; does not work: {', '.join(broken)}", advice)
    found += f"; {', '.join(_TRIALS)} work"
    if advice := _WATCH_OUT.get("network" if kind in place.NETWORK else kind, ""):
        return Finding(Sign.WARN, found, advice)
    return Finding(Sign.OK, found)


_WATCH_OUT = {
    "network": "The index is kept on a local disk instead, and the screen looks by itself every 1.5 s.",
    "overlay": f"What a container writes is gone with it: mount a volume. {_ELSEWHERE}",
    "tmpfs": f"This is memory: it is empty after a restart. {_ELSEWHERE}",
}


def _locks(made: Path) -> bool:
    """Whether a lock held here is seen by another process, and is free again after."""
    with (made / "lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if _other_locks(made / "lock"):
            return False
    return _other_locks(made / "lock")


def _other_locks(path: Path) -> bool:
    """Whether another process gets the lock."""
    code = "import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    asked = [sys.executable, "-I", "-S", "-c", code, str(path)]
    return subprocess.run(asked, capture_output=True, timeout=ASK_S, check=False).returncode == 0


def _renames(made: Path) -> bool:
    """Whether a file is flushed, and renamed over another."""
    (made / "old").write_bytes(b"old")
    with (made / "new").open("wb") as file:
        file.write(b"new")
        file.flush()
        os.fsync(file.fileno())
    (made / "new").rename(made / "old")
    return (made / "old").read_bytes() == b"new"


def _links(made: Path) -> bool:
    (made / "one").write_bytes(b"1")
    (made / "two").hardlink_to(made / "one")
    return (made / "one").stat().st_nlink == 2


def _without_error(trial: Callable[[Path], bool]) -> Callable[[Path], bool]:
    """The same; what cannot be done at all does not work either."""

    def tried(made: Path) -> bool:
        try:
            return trial(made)
        except (OSError, subprocess.SubprocessError):
            return False

    return tried


_TRIALS = {"locks": _without_error(_locks), "renames": _without_error(_renames), "hard links": _without_error(_links)}


def _mtime(made: Path) -> str:
    """How far apart two changes of a file must be to be told apart by its time."""
    file, began = made / "time", time.monotonic()
    file.write_bytes(b"")
    first = file.stat().st_mtime_ns
    while time.monotonic() - began < _MTIME_S:
        file.write_bytes(b"")
        if (step := file.stat().st_mtime_ns - first) > 0:
            return f"times in steps of {max(1, round(step / 1e6))} ms"
        time.sleep(0.0005)
    return f"times in steps of more than {1000 * _MTIME_S:.0f} ms"
