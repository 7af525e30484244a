"""A real stage that kills itself: `mortal_stage.py ATTEMPT` dies right before its n-th rename, in its n-th attempt.

Whatever a stage leaves for good it leaves by a rename, so this is every moment at which something changes. Attempts beyond
the last rename come through.
"""

import os
import signal
import sys
from pathlib import Path

from sirtui.stages.__main__ import main

deadly = int(sys.argv[1].rpartition("-")[2])
rename, renamed = Path.rename, 0


def mortal(self, target):
    """Rename, unless that is when to die."""
    global renamed  # noqa: PLW0603
    renamed += 1
    if renamed == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)


Path.rename = mortal
os._exit(main(Path(sys.argv[1])))
