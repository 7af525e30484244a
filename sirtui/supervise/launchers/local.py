"""Stages as processes of this machine, each in a session of its own."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack

from sirtui.core import files
from sirtui.core.layout import AttemptFolder
from sirtui.core.process import alive, identify, signal_safely
from sirtui.core.run import JobRecord, Process
from sirtui.supervise import environment, family
from sirtui.supervise.launchers import Handle, Liveness, tag

STAGE = (sys.executable, "-m", "sirtui.stages")
_SWEEP_S = 5.0


class LocalLauncher:
    """Starts `command` + the attempt folder for each job."""

    def __init__(self, command: Sequence[str] = STAGE) -> None:
        self._command = command
        self._children: dict[Handle, subprocess.Popen[bytes]] = {}

    def launch(self, job: JobRecord, where: AttemptFolder) -> Handle:
        """Start the job: own session, no stdin, output into its log. See `Launcher`."""
        log = os.open(where.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            child = subprocess.Popen(
                [*self._command, str(where.path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=where.path,
                env=environment.for_job(job, os.environ),
                start_new_session=True,
            )
        finally:
            os.close(log)
        handle = Handle(tag(job), identify(child.pid, job.created))
        self._children[handle] = child
        return handle

    def find(self, job: JobRecord, where: AttemptFolder) -> Handle | None:
        """The job as its `state.json` and its tag tell of it. See `Launcher`.

        A process that has not yet written `state.json` is on its way: the eldest that carries the tag.
        """
        known, mark = files.find_record(where.state, Process), tag(job)
        if known and alive(known):
            return Handle(mark, known)
        others = family.tagged([mark])[mark]
        return Handle(mark, known or others[0]) if others else None

    def liveness(self, handles: Collection[Handle]) -> Mapping[Handle, Liveness]:
        """How each job stands. See `Launcher`."""
        ended = [handle for handle in handles if not self._runs(handle)]
        left = family.tagged([handle.tag for handle in ended]) if ended else {}
        return {
            handle: Liveness(running=False, leftovers=bool(left[handle.tag]), code=self._code(handle))
            if handle in ended
            else Liveness(running=True)
            for handle in handles
        }

    def wait(self, handles: Collection[Handle], timeout_s: float) -> None:
        """Sleep until a job's process ends, at most `timeout_s` seconds. See `Launcher`."""
        poll = select.poll()
        with ExitStack() as opened:
            for handle in handles:
                try:
                    descriptor = os.pidfd_open(handle.process.pid)
                except ProcessLookupError:
                    return
                opened.callback(os.close, descriptor)
                poll.register(descriptor, select.POLLIN)
                if not self._runs(handle):
                    return
            poll.poll(max(0.0, timeout_s) * 1000)

    def cancel(self, handles: Collection[Handle], *, grace_s: float) -> None:
        """End the jobs and all they started. See `Launcher`.

        SIGINT and SIGTERM go to a job's own process, which ends its children in order; SIGKILL goes to all of them.
        """
        known = family.of(handles)
        for signum in (signal.SIGINT, signal.SIGTERM) if grace_s > 0 else ():
            for handle in handles:
                signal_safely(handle.process, signum)
            self._wait_for_all(handles, grace_s)
        _sweep(handles, known)

    def _wait_for_all(self, handles: Collection[Handle], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while (running := [handle for handle in handles if self._runs(handle)]) and time.monotonic() < deadline:
            self.wait(running, deadline - time.monotonic())

    def _runs(self, handle: Handle) -> bool:
        child = self._children.get(handle)
        return child.poll() is None if child else alive(handle.process)

    def _code(self, handle: Handle) -> int | None:
        child = self._children.get(handle)
        return child.returncode if child else None


def _sweep(handles: Collection[Handle], known: set[Process]) -> None:
    """Kill what is left, again and again since the dying may fork, until nothing is or `_SWEEP_S` are over."""
    deadline = time.monotonic() + _SWEEP_S
    while time.monotonic() < deadline:
        left = {process for process in known if alive(process)} | family.of(handles)
        if not left:
            return
        for process in left:
            signal_safely(process, signal.SIGKILL)
        time.sleep(0.01)
