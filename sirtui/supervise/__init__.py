"""Walking a run's plan: one detached supervisor a run, one process a stage.

It knows files and processes only: no store, no recipes, no screen. It works with the database deleted.

    starting.py     a run's folder, made whole; its supervisor, set loose        submitting.py  the same by the command line
    walk.py         the supervisor itself; which stages to launch is a pure function        word.py  what it says of itself
    control.py      stop, resume, top up        reversals.py  whether a verdict holds the run
    means.py        what a stage needs beside its inputs, each in a file of its own:
        queue.py  a turn, and GPUs or CPUs        room.py  room on the disk        sharing.py  nobody who makes the same
    gpus.py         what NVML tells        telemetry.py  the same, kept with the run
    retention.py    checkpoints nobody needs any more        changes.py  what changed since a run was made
    comparing.py    verdicts on request, as a job whose answer is kept
    launchers/      ways to run a stage's process        guard.py  the script above each of them
    environment.py  what such a process may know        family.py  finding all that it started
    endings.py      what to say of one whose guard left no word
"""

from sirtui.supervise.comparing import compare
from sirtui.supervise.control import request_stop, resume, stop, top_up
from sirtui.supervise.starting import create, launch_supervisor, start
from sirtui.supervise.submitting import submit
from sirtui.supervise.walk import supervise

__all__ = ["compare", "create", "launch_supervisor", "request_stop", "resume", "start", "stop", "submit", "supervise", "top_up"]
