"""The supervisor as the command line starts it, on a machine that says it has room for eight runs at once."""

import sys
from pathlib import Path

from sirtui.core.layout import RunFolder
from sirtui.store import Store
from sirtui.supervise import queue, supervise
from sirtui.supervise.launchers.local import LocalLauncher

queue.cpu_count = lambda: 8
run = RunFolder(Path(sys.argv[1]))
store = Store(run.path.parent.parent)
supervise(run, LocalLauncher(), on_change=store.catch_up)
