"""Asking a run to stop, and setting it going again."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sirtui.core import files
from sirtui.core.errors import SirtuiError, UsageError
from sirtui.core.layout import RunFolder
from sirtui.core.plan import plan
from sirtui.core.run import RunRecord
from sirtui.supervise.launchers import Launcher
from sirtui.supervise.launchers.local import LocalLauncher
from sirtui.supervise.starting import SUPERVISOR, launch_supervisor
from sirtui.supervise.walk import GRACE_S, halt

_LOOK_S = 0.02


def request_stop(run: RunFolder) -> None:
    """Ask the supervisor to stop the run; it sees that within a second. Returns at once."""
    files.write(run.stop_request, b"")


def stop(run: RunFolder, timeout_s: float = 4 * GRACE_S, *, launcher: Launcher | None = None) -> None:
    """Stop the run and wait until nothing of it lives; where no supervisor does, end its stages here.

    Raises:
        SirtuiError: its supervisor still lived after `timeout_s` seconds.
    """
    request_stop(run)
    deadline = time.monotonic() + timeout_s
    while files.is_locked(run.supervisor_lock):
        if time.monotonic() > deadline:
            raise SirtuiError(f"{run.name} did not stop within {timeout_s:g} seconds", "It was asked to; look again later.")
        time.sleep(_LOOK_S)
    halt(run, launcher or LocalLauncher())


def resume(run: RunFolder, *, force: bool = False, command: Sequence[str] = SUPERVISOR, launcher: Launcher | None = None) -> None:
    """Go on with a run that was stopped, failed or was lost. Nothing finished is repeated.

    A stage that outlived its supervisor is waited for; with `force` it is ended first, and repeated.

    Raises:
        UsageError: it is at work, or finished.
        SirtuiError: its supervisor did not start.
    """
    if files.is_locked(run.supervisor_lock):
        raise UsageError(f"{run.name} is at work already", "Stop it first if it should start again.")
    spec = files.read_record(run.record, RunRecord).spec
    if all(run.stage(stage).manifest.exists() for stage in plan(spec)):
        raise UsageError(f"{run.name} is finished", "There is nothing left to do: start a new run for another result.")
    if force:
        halt(run, launcher or LocalLauncher())
    run.stop_request.unlink(missing_ok=True)
    launch_supervisor(run, command)
