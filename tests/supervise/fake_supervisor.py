"""The supervisor as the command line starts it, with fake stages that obey SIRTUI_FAULT.

SIRTUI_DIE=`before it01/sample` (or `after ...`): it kills itself between the intent and the launch of that stage, or right
after; `before *`: of any.
SIRTUI_INDEX: it brings the index up to date. SIRTUI_REAL: its stages are real ones. SIRTUI_JUMP: how many seconds its
clock is ahead.
"""

import os
import signal
import sys
import time
from pathlib import Path

from sirtui.core.layout import AttemptFolder, RunFolder
from sirtui.core.run import JobRecord
from sirtui.store import Store
from sirtui.supervise import supervise
from sirtui.supervise.launchers import Granted, Handle
from sirtui.supervise.launchers.local import STAGE as REAL_STAGE
from sirtui.supervise.launchers.local import LocalLauncher

STAGE = Path(__file__).with_name("fake_stage.py")


class MortalLauncher(LocalLauncher):
    """Dies when it is told to."""

    def launch(self, job: JobRecord, where: AttemptFolder, granted: Granted) -> Handle:
        """Launch, unless that is when to die."""
        self._die("before", job)
        handle = super().launch(job, where, granted)
        self._die("after", job)
        return handle

    def _die(self, when: str, job: JobRecord) -> None:
        if os.environ.get("SIRTUI_DIE") in (f"{when} {job.stage.id}", f"{when} *"):
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    fake = (sys.executable, str(STAGE), os.environ.get("SIRTUI_FAULT", ""))
    launcher = MortalLauncher(REAL_STAGE if os.environ.get("SIRTUI_REAL") else fake)
    jump = float(os.environ.get("SIRTUI_JUMP", "0"))
    grace_s = float(os.environ.get("SIRTUI_GRACE", "5"))
    run = RunFolder(Path(sys.argv[1]))
    store = Store(run.path.parent.parent)
    look = store.catch_up if os.environ.get("SIRTUI_INDEX") else bool
    supervise(run, launcher, grace_s=grace_s, now=lambda: time.time() + jump, on_change=look)
