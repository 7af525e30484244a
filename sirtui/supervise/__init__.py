"""Walking a run's plan: one detached supervisor a run, one process a stage.

It knows files and processes only: no store, no recipes, no screen. It works with the database deleted.

    starting.py     a run's folder, made whole; its supervisor, set loose
    walk.py         the supervisor itself; which stages to launch is a pure function
    control.py      stop, resume, top up        reversals.py  whether a verdict holds the run
    comparing.py    verdicts on request, as a job whose answer is kept
    launchers/      ways to run a stage's process
    environment.py  what such a process may know        family.py  finding all that it started
    endings.py      what to say of one that ended without a word
"""

from sirtui.supervise.comparing import compare
from sirtui.supervise.control import request_stop, resume, stop, top_up
from sirtui.supervise.starting import create, launch_supervisor, start
from sirtui.supervise.walk import supervise

__all__ = ["compare", "create", "launch_supervisor", "request_stop", "resume", "start", "stop", "supervise", "top_up"]
