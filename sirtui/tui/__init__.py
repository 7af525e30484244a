"""The screen. It reads the store and tails logs; it owns nothing that must live, and computes nothing.

`app` holds the feed and the screens together; `feed` reads the store in a thread and hands over frozen snapshots;
`tables` turns them into tables, pure; `widgets` paint lines and repaint only cells that changed; `logs` reads logs of
any size; `keys` is the one table of keys. Nothing here writes to the store, and nothing opens a process.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sirtui.store.rows import RunRow
    from sirtui.tui.feed import Source


def open_screen(store: Source, run: str | None = None, *, ascii: bool = False) -> int:  # noqa: A002 (the option's name)
    """Show `store` on the terminal until the person leaves; the exit code."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()) or os.environ.get("TERM") in (None, "", "dumb", "unknown"):
        sys.stderr.write("sirtui: the screen needs a terminal; `sirtui status` prints what is running.\n")
        return 2
    for pinned in ("COLUMNS", "LINES"):  # where a shell exports them, the screen would never learn of a new size
        os.environ.pop(pinned, None)
    from sirtui.tui.app import SirtuiApp

    app = SirtuiApp(store, run, ascii=ascii)
    app.run(mouse=False)
    signal.alarm(0)
    if app.return_code == 0:
        sys.stdout.write(farewell(app.snapshot.runs))
    return app.return_code or 0


def farewell(runs: Iterable[RunRow]) -> str:
    """What goes on without the screen."""
    still = sum(run.status.alive for run in runs)
    if still > 1:
        return f"{still} runs keep running; `sirtui` shows them again.\n"
    return "1 run keeps running; `sirtui` shows it again.\n" if still else ""
