"""Asking a run to stop, and setting it going again."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from msgspec.structs import replace

from sirtui.core import files
from sirtui.core.errors import SirtuiError, UsageError
from sirtui.core.layout import RunFolder
from sirtui.core.plan import plan
from sirtui.core.rule import rule
from sirtui.core.run import RunRecord, SupervisorRecord
from sirtui.core.safety import not_ours
from sirtui.core.spec import Spec, Topup
from sirtui.supervise.launchers import Launcher
from sirtui.supervise.launchers.local import LocalLauncher
from sirtui.supervise.retention import needs_pruned
from sirtui.supervise.reversals import answer, unanswered
from sirtui.supervise.starting import SUPERVISOR, launch_supervisor
from sirtui.supervise.walk import halt

_LOOK_S = 0.02


def request_stop(run: RunFolder, *, urgent: bool = False) -> None:
    """Ask the supervisor to stop the run; it sees that within a second. Returns at once.

    Stages have `resources.grace_s` to leave their work in order, after SIGINT and again after SIGTERM; none where `urgent`.
    """
    if urgent:
        files.write(run.urgent_request, b"")
    files.write(run.stop_request, b"")


def stop(run: RunFolder, timeout_s: float | None = None, *, urgent: bool = False, launcher: Launcher | None = None) -> None:
    """Stop the run and wait until nothing of it lives; where no supervisor does, end its stages here.

    Raises:
        SirtuiError: its supervisor still lived after `timeout_s` seconds; where None: after four times the grace.
    """
    request_stop(run, urgent=urgent)
    grace_s = files.read_record(run.record, RunRecord).spec.resources.grace_s
    timeout_s = 4 * grace_s if timeout_s is None else timeout_s
    deadline = time.monotonic() + timeout_s
    while files.is_locked(run.supervisor_lock):
        if time.monotonic() > deadline:
            raise SirtuiError(f"{run.name} did not stop within {timeout_s:g} seconds", "It was asked to; look again later.")
        time.sleep(_LOOK_S)
    halt(run, launcher or LocalLauncher())


def resume(
    run: RunFolder,
    *,
    force: bool = False,
    anew: bool = False,
    command: Sequence[str] = SUPERVISOR,
    launcher: Launcher | None = None,
) -> None:
    """Go on with a run that was stopped, failed, was lost, or waits after a reversal. Nothing finished is repeated.

    What is lost so far stops it no more; a loss of something else does. A stage that outlived its supervisor is waited
    for; with `force` it is ended first, and repeated. `anew`: what unfinished attempts left is set aside, not gone on with.

    Raises:
        UsageError: it is at work, here or on another machine, or finished.
        SirtuiError: its supervisor did not start.
    """
    if why := not_ours(run.path):
        raise UsageError(f"{run.name} {why}", "Its recipes would run as yours: copy the run, or start one of your own.")
    if files.is_locked(run.supervisor_lock):
        raise UsageError(f"{run.name} is at work already", "Stop it first if it should start again.")
    if not force:
        _refuse_elsewhere(run)
    spec = files.read_record(run.record, RunRecord).spec
    if all(run.stage(stage).manifest.exists() for stage in plan(spec)):
        raise UsageError(f"{run.name} is finished", "There is nothing left to do: start a new run for another result.")
    _refuse_pruned(run, spec)
    if force:
        halt(run, launcher or LocalLauncher())
    if anew:
        _set_aside(run, spec)
    if _was_held(run):
        answer(run, spec)
    _forget_requests(run)
    launch_supervisor(run, command)


def _forget_requests(run: RunFolder) -> None:
    """Nobody asks it to stop any more."""
    run.stop_request.unlink(missing_ok=True)
    run.urgent_request.unlink(missing_ok=True)


def _refuse_elsewhere(run: RunFolder) -> None:
    """A lock may not reach from one machine to another: what was last heard of elsewhere, alive, may be so still."""
    known = files.find_record(run.supervisor, SupervisorRecord)
    here = os.uname().nodename
    if known is not None and known.status.alive and known.process.host != here:
        hint = f"Stop it there. If {known.process.host} is gone: sirtui resume {run.name} --force"
        raise UsageError(f"{run.name} was last at work on {known.process.host}, this is {here}", hint)


def _refuse_pruned(run: RunFolder, spec: Spec) -> None:
    """What is still to be done cannot be done without a checkpoint that was deleted."""
    left = [stage for stage in plan(spec) if not run.stage(stage).manifest.exists()]
    if why := needs_pruned(run, spec, left):
        raise UsageError(f"{run.name}: {why}", "It was deleted to make room: start a new run.")


def _set_aside(run: RunFolder, spec: Spec) -> None:
    """Rename what unfinished attempts left for the next one."""
    for folder in map(run.stage, plan(spec)):
        if folder.partial.exists() and not folder.manifest.exists():
            folder.partial.rename(folder.unused_partial())


def _was_held(run: RunFolder) -> bool:
    """Whether the run ended, for everyone to see, at a loss that nobody said to go on after."""
    ended = files.find_record(run.supervisor, SupervisorRecord)
    return ended is not None and ended.held


def top_up(run: RunFolder, topup: Topup, *, command: Sequence[str] = SUPERVISOR) -> None:
    """Evaluate M_t and M_1 some more, and take one more look at M_t: the only thing that changes a run's plan.

    Raises:
        UsageError: it is at work, or M_t has no verdict, or all extra looks are spent.
        SirtuiError: its supervisor did not start.
    """
    held = files.try_lock(run.supervisor_lock)
    if held is None:
        raise UsageError(f"{run.name} is at work", "Top it up when it has finished, or stop it first.")
    try:
        _plan_topup(run, topup)
    finally:
        os.close(held)
    _forget_requests(run)
    launch_supervisor(run, command)


def _plan_topup(run: RunFolder, topup: Topup) -> None:
    record = files.read_record(run.record, RunRecord)
    spent, allowed = len(record.spec.topups), rule(record.spec).extra_looks
    if not run.verdict(topup.t).exists():
        raise UsageError(f"{run.name} has no verdict on it{topup.t} yet", "Only what was looked at can be looked at again.")
    if spent >= allowed:
        looks = "its one extra look is" if allowed == 1 else f"its {allowed} extra looks are"
        hint = "`verdicts.extra_looks` of the experiment says how many there are, before it starts."
        raise UsageError(f"{run.name}: {looks} spent" if allowed else f"{run.name} allows no extra look", hint)
    planned = (stage for stage in plan(record.spec) if not run.stage(stage).manifest.exists())
    if unanswered(run, record.spec) is None and next(planned, None) is not None:
        raise UsageError(f"{run.name} has not finished", f"sirtui resume {run.name} goes on with it; then top it up.")
    spec = replace(record.spec, topups=(*record.spec.topups, topup))
    _refuse_pruned(run, spec)
    files.write_record(run.record, replace(record, spec=spec))
