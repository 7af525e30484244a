"""Making a run, and the detached process that walks its plan."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sirtui.core import files
from sirtui.core.errors import SirtuiError, StoreError, UsageError
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.process import alive, identify
from sirtui.core.rule import declared, rule
from sirtui.core.run import Origin, Process, RunRecord, SupervisorRecord
from sirtui.core.safety import check_store
from sirtui.core.spec import Spec
from sirtui.core.text import clean_block
from sirtui.supervise.environment import for_supervisor

SUPERVISOR = (sys.executable, "-m", "sirtui.cli", "supervise")
_DETACH = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'
_PATIENCE_S = 20.0
_LOOK_S = 0.01


def start(  # noqa: PLR0913 - a run is all of these
    store: StoreFolder,
    spec: Spec,
    origin: Origin,
    *,
    id: str | None = None,  # noqa: A002 - what it is called everywhere else
    now: Callable[[], float] = time.time,
    command: Sequence[str] = SUPERVISOR,
) -> RunFolder:
    """Make a run and set its supervisor to work. `id`: 6 hexadecimal digits by chance, unless given.

    Raises:
        UsageError: there is such a run already.
        StoreError: its folder cannot be made.
        SirtuiError: its supervisor did not start. The run stays, and can be resumed.
    """
    run = create(store, RunRecord(id or secrets.token_hex(3), spec, now(), origin, declared(rule(spec))))
    launch_supervisor(run, command)
    return run


def create(store: StoreFolder, record: RunRecord) -> RunFolder:
    """Make the folder of a run, whole or not at all: beside, under a hidden name, then renamed.

    Raises:
        UsageError: there is such a run already.
        StoreError: the folder cannot be made, or the store is someone else's.
    """
    check_store(store.path)
    run = store.run(record.name)
    beside = RunFolder(store.runs / f".new-{record.name}-{os.getpid()}")
    try:
        files.make_folder(store.runs)
        beside.path.mkdir(mode=0o700)
        beside.stop_request.parent.mkdir(mode=0o700)
        files.write_record(beside.record, record)
        beside.path.rename(run.path)
    except OSError as error:
        if run.path.exists():
            raise UsageError(f"there is a run {run.name} already", "Name another id, or none.") from error
        raise StoreError(f"{run.path}: cannot be made: {error.strerror}", "Is there room, and may you write there?") from error
    finally:
        shutil.rmtree(beside.path, ignore_errors=True)
    return run


def launch_supervisor(run: RunFolder, command: Sequence[str] = SUPERVISOR) -> None:
    """Start `command` + the run's folder, detached, and return once it, or another, has begun to walk the plan.

    Raises:
        SirtuiError: it ended before, or took longer than `_PATIENCE_S` seconds.
    """
    before, logged = _walker(run), _size(run.supervisor_log)
    process = _spawn([*command, str(run.path.absolute())], run)
    deadline = time.monotonic() + _PATIENCE_S
    while alive(process) and time.monotonic() < deadline:
        if _is_walked(run):
            return
        time.sleep(_LOOK_S)
    if not _is_walked(run) and _walker(run) == before:
        raise SirtuiError(f"the supervisor of {run.name} did not start", _tail(run.supervisor_log, logged))


def _is_walked(run: RunFolder) -> bool:
    """Whether a supervisor lives that has said who it is."""
    walker = _walker(run)
    return walker is not None and alive(walker) and files.is_locked(run.supervisor_lock)


def _spawn(command: Sequence[str], run: RunFolder) -> Process:
    """Start `command` in a session of its own, away from the terminal and from whoever kills this process and its children.

    A shell stands in between and ends at once: so the supervisor has no parent here, and leaves no zombie.
    """
    os.close(os.open(run.supervisor_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    shell = subprocess.run(
        ["/bin/sh", "-c", _DETACH, "sh", str(run.supervisor_log.absolute()), *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=run.path,
        env=for_supervisor(os.environ),
        start_new_session=True,
        check=True,
    )
    return identify(int(shell.stdout), time.time())


def _walker(run: RunFolder) -> Process | None:
    """Who walks the run's plan, or did last."""
    record = files.find_record(run.supervisor, SupervisorRecord)
    return record.process if record else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _tail(log: Path, start: int) -> str:
    """The last lines that were written after byte `start`."""
    with log.open("rb") as file:
        file.seek(max(start, _size(log) - 4000))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return clean_block("\n".join(lines[-10:])) or f"It left nothing in {log}."
