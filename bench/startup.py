"""How soon the screen is there: a bare Textual app and `sirtui` on an empty and on filled stores, in a pseudo-terminal.

`python bench/startup.py [repetitions]`. Told are the medians of the time from the start of the interpreter to the first useful
text on the terminal, of the CPU seconds taken until then, and of the memory held then. Byte code is kept, as it is wherever
sirtui is installed.
"""

from __future__ import annotations

import os
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from fcntl import ioctl
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from builders import make_run  # noqa: E402 - the tests' own builders of run folders

from sirtui.core.events import Metric  # noqa: E402
from sirtui.core.run import Status  # noqa: E402
from sirtui.store import Store  # noqa: E402

COLUMNS, LINES = 120, 40
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("useful")
Bare().run(mouse=False)
"""
SCREEN = """
import sys
from pathlib import Path
from sirtui.store import Store
from sirtui.tui import open_screen
open_screen(Store(Path(sys.argv[1])))
"""
KEYS = ("pass@1.sampled", "pass@8", "diversity.ngram.correct", "diversity.equations.correct", "ood.accuracy")


class Start(NamedTuple):
    """One start: seconds and CPU seconds to the first useful text, megabytes held then."""

    seconds: float
    cpu: float
    megabytes: float


def start(code: str, useful: bytes, cache: Path, *arguments: str) -> Start:
    """Run `code` in a pseudo-terminal until it has drawn `useful`, then end it."""
    master, slave = os.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    surroundings = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(cache)}
    surroundings.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=ROOT,
        env=surroundings,
        close_fds=True,
    )
    os.close(slave)
    seen = b""
    while useful not in seen:
        if not select.select([master], [], [], 20)[0]:
            raise SystemExit(f"nothing useful within 20 s, but:\n{seen.decode(errors='replace')}")
        seen += os.read(master, 65536)
    seconds = time.monotonic() - began
    cpu, megabytes = _taken(child.pid)
    child.send_signal(signal.SIGKILL)
    child.wait()
    os.close(master)
    return Start(seconds, cpu, megabytes)


def _taken(process: int) -> tuple[float, float]:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    resident = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return ticks / os.sysconf("SC_CLK_TCK"), resident * os.sysconf("SC_PAGE_SIZE") / 1e6


def filled(root: Path, runs: int) -> Path:
    """A store with so many finished runs of two measured iterations, indexed."""
    for number in range(runs):
        run = make_run(root, ident=f"{number:06x}", created=1e9 + number, iterations=2)
        for t in (1, 2):
            told = [Metric(key, 0.5 + t / 100, 0.01, 400, 1, "share") for key in KEYS]
            run.finish(f"it{t:02}/train").finish(f"it{t:02}/measure", *told)
        run.supervisor(Status.FINISHED)
    Store(root).catch_up()
    return root


def main() -> None:
    """Measure in turns, so that what else the machine does falls on all alike."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder, "cache")
        cases = {
            "bare Textual": (BARE, b"useful"),
            "sirtui, empty store": (SCREEN, b"no runs yet", str(Path(folder, "empty"))),
            "sirtui, 3 runs": (SCREEN, b"pass1", str(filled(Path(folder, "few"), 3))),
            "sirtui, 1,000 runs": (SCREEN, b"pass1", str(filled(Path(folder, "many"), 1000))),
        }
        taken: dict[str, list[Start]] = {name: [] for name in cases}
        for repetition in range(repetitions + 1):
            for name, (code, useful, *arguments) in cases.items():
                found = start(code, useful, cache, *arguments)
                if repetition:
                    taken[name].append(found)
    print(f"{'':<22}{'first text, s':>14}{'CPU, s':>9}{'memory, MB':>12}")
    for name, starts in taken.items():
        medians = [statistics.median(column) for column in zip(*starts, strict=True)]
        print(f"{name:<22}{medians[0]:>14.3f}{medians[1]:>9.2f}{medians[2]:>12.0f}")


if __name__ == "__main__":
    main()
