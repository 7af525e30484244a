"""Stages as processes of this machine, each under a guard in a session of its own."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack

from sirtui.core import files
from sirtui.core.layout import AttemptFolder
from sirtui.core.process import alive, identify, signal_safely
from sirtui.core.run import JobRecord, Process, StateRecord
from sirtui.supervise import environment, family, guard
from sirtui.supervise.launchers import Granted, Handle, tag

STAGE = (sys.executable, "-m", "sirtui.stages")
GUARD = (sys.executable, "-I", "-S", guard.__file__)
LINGER_S = 30.0
"""How long a process may live on after it said how it ended."""
_SWEEP_S = 5.0
_LOOK_S = 0.1


class LocalLauncher:
    """Starts `command` + the attempt folder for each job."""

    def __init__(self, command: Sequence[str] = STAGE, *, linger_s: float = LINGER_S) -> None:
        self._command, self._linger_s = command, linger_s
        self._children: dict[Handle, subprocess.Popen[bytes]] = {}

    def launch(self, job: JobRecord, where: AttemptFolder, granted: Granted) -> Handle:
        """Start the job: own session, no stdin, output into its log. See `Launcher`."""
        log = os.open(where.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            child = subprocess.Popen(
                [*GUARD, str(where.path), str(self._linger_s), *self._command, str(where.path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=where.path,
                env={**environment.for_job(job, os.environ), **granted.environment},
                pass_fds=granted.descriptors,
                start_new_session=True,
            )
        finally:
            os.close(log)
        handle = Handle(tag(job), identify(child.pid, job.created))
        self._children[handle] = child
        return handle

    def find(self, job: JobRecord, where: AttemptFolder) -> Handle | None:
        """The job as its `state.json` and its tag tell of it. See `Launcher`.

        A guard that has not yet written `state.json` is on its way: the eldest that carries the tag.
        """
        mark, state = tag(job), files.find_record(where.state, StateRecord)
        if state is not None:
            return Handle(mark, state.guard) if alive(state.guard) else None
        others = family.tagged([mark])[mark]
        return Handle(mark, others[0]) if others else None

    def running(self, handles: Collection[Handle]) -> Collection[Handle]:
        """Those whose guard lives. See `Launcher`."""
        return [handle for handle in handles if self._runs(handle)]

    def sweep(self, tag: str) -> int:
        """Kill what carries the tag. See `Launcher`."""
        return _sweep([tag], set())

    def wait(self, handles: Collection[Handle], timeout_s: float) -> None:
        """Sleep until a guard ends, at most `timeout_s` seconds. See `Launcher`."""
        poll = select.poll()
        with ExitStack() as opened:
            for handle in handles:
                try:
                    descriptor = os.pidfd_open(handle.guard.pid)
                except ProcessLookupError:
                    return
                opened.callback(os.close, descriptor)
                poll.register(descriptor, select.POLLIN)
                if not self._runs(handle):
                    return
            poll.poll(max(0.0, timeout_s) * 1000)

    def cancel(self, handles: Collection[Handle], *, grace_s: float, hurry: Callable[[], bool] = lambda: False) -> None:
        """End the jobs and all they started. See `Launcher`.

        Their guards hand the signals on, and see to it that nothing is left; where a guard does not, it is done here.
        """
        known = family.of(handles)
        for signum in (signal.SIGINT, signal.SIGTERM) if grace_s > 0 else ():
            if not hurry():
                self._ask(handles, signum, grace_s, hurry)
        self._ask(handles, signal.SIGQUIT, _SWEEP_S, lambda: False)
        _sweep([handle.tag for handle in handles], known)

    def _ask(self, handles: Collection[Handle], signum: int, patience_s: float, hurry: Callable[[], bool]) -> None:
        """Signal the guards, and wait for their ends."""
        for handle in handles:
            signal_safely(handle.guard, signum)
        deadline = time.monotonic() + patience_s
        while (left := self.running(handles)) and time.monotonic() < deadline and not hurry():
            self.wait(left, min(_LOOK_S, deadline - time.monotonic()))

    def _runs(self, handle: Handle) -> bool:
        child = self._children.get(handle)
        return child.poll() is None if child else alive(handle.guard)


def _sweep(tags: Collection[str], known: set[Process]) -> int:
    """Kill what is left, again and again, until nothing is or `_SWEEP_S` are over; how many.

    Nothing is left when two looks found nothing: what is forked while `/proc` is read may be missed by one.
    """
    deadline, seen, found = time.monotonic() + _SWEEP_S, set[Process](), True
    while time.monotonic() < deadline:
        left = {process for process in known if alive(process)}.union(*family.tagged(tags).values())
        if not (left or found):
            break
        found = bool(left)
        for process in left:
            signal_safely(process, signal.SIGKILL)
        seen |= left
        time.sleep(0.01)
    return len(seen)
