"""The screen in a pseudo-terminal: what is written to it, and that it is given back as it was."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from play import Play
from terminal import ROOT, Terminal, visible

from sirtui.core.run import Status
from sirtui.tui import farewell, open_screen

HEAVY = (
    *("torch", "transformers", "trl", "vllm", "datasets", "scipy", "numpy", "sqlite_utils", "watchfiles", "pynvml"),
    *("sirtui.supervise", "sirtui.tui.screens.jobs", "sirtui.tui.screens.logs", "sirtui.tui.overlays.ask"),
)
FIRST_FRAME = """
import asyncio, sys
from pathlib import Path
from sirtui.store import Store
from sirtui.tui.app import SirtuiApp
app = SirtuiApp(Store(Path(sys.argv[1])))
found = []
def painted():
    found.extend(name for name in sys.argv[2:] if name in sys.modules)
    assert "no runs yet" in "".join(strip.text for strip in app.screen._compositor.render_strips())
    app.exit(0)
app._feed.painted = painted
app.run(headless=True, size=(80, 24))
print(found, app.return_code)
"""
_ALLOWED = re.compile(
    rb"\x1b\[\d*;?\d*H|\x1b\[[\d;]*m|\x1b\[\?(?:1049|25|1004|2004|2026|2048|7)[hl]|\x1b\[\?20(?:26|48)\$p|\x1b\[[<>]\d*u|\x1b\]22;default\x07|[\r\n]"
)


def test_first_frame_loads_nothing_heavy(tmp_path):
    """In a fresh process the first frame on a real store stands before anything heavy is imported."""
    command = [sys.executable, "-c", FIRST_FRAME, str(tmp_path), *HEAVY]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=30, check=False)
    assert (done.stdout, done.stderr) == ("[] 0\n", "")


def test_idle_writes_nothing():
    """Where nothing happens not one byte is written."""
    with Terminal("--still") as terminal:
        terminal.until("pass1")
        terminal.settle()
        assert terminal.listen(2) == b""


def test_idle_on_jobs_writes_nothing():
    """Looking at the machine every two seconds writes nothing where nothing changed."""
    with Terminal("--still") as terminal:
        terminal.until("pass1")
        terminal.press("5")
        terminal.until("both held by")
        terminal.settle()
        assert terminal.listen(2.5) == b""


@pytest.mark.parametrize(("columns", "lines"), [pytest.param(80, 24, marks=pytest.mark.slow), (120, 40)])
def test_live_writes_little(columns, lines):
    """A step of progress and 20 log lines a second cost at most 1.4 kB a second."""
    with Terminal("--every", "1", columns=columns, lines=lines) as terminal:
        terminal.until("pass1")
        terminal.listen(1)
        assert 0 < len(terminal.listen(3)) <= 3 * 1400


def test_hostile_text_writes_no_commands():
    """Whatever stands in names, errors and logs, only Textual's own commands reach the terminal."""
    with Terminal("--still", "--run", "gsm8k-llama3-dpo-a1b2", columns=120, lines=40) as terminal:
        terminal.until("evil")
        terminal.press("jjj")
        terminal.press("4")
        terminal.until("markup")
        terminal.press("5")
        terminal.until("CUDA out")
        terminal.press("q")
        assert terminal.ended() == 0
        rest = _ALLOWED.sub(b"", terminal.written).decode()
        assert [character for character in rest if not character.isprintable()] == []
        assert "cHduZWQ=" not in rest


def test_no_color():
    """With NO_COLOR only attributes are written, no colours."""
    with Terminal("--still", NO_COLOR="1") as terminal:
        terminal.until("pass1")
        terminal.settle()
        codes = {code for found in re.findall(rb"\x1b\[([\d;]*)m", terminal.written) for code in found.split(b";")}
        assert codes <= {b"", b"0", b"1", b"2", b"7", b"39", b"49"}


def test_colours_are_those_of_the_terminal():
    """At most the 16 colours are used, so that any terminal, dark or light, shows them as its owner wants."""
    with Terminal("--still", columns=120, lines=40) as terminal:
        terminal.until("pass1")
        terminal.settle()
        assert re.findall(rb"\x1b\[[\d;]*[34]8;[\d;]*m", terminal.written) == []


def test_ascii_writes_ascii():
    """--ascii writes nothing else."""
    with Terminal("--still", "--ascii") as terminal:
        terminal.until("pass1")
        terminal.settle()
        assert terminal.written.isascii()


def test_resized_to_almost_nothing():
    """A window made tiny shows a sentence; made large again, the screen."""
    with Terminal("--still") as terminal:
        terminal.until("pass1")
        terminal.resize(20, 5)
        terminal.child.send_signal(signal.SIGWINCH)
        terminal.until("status")
        terminal.resize(80, 24)
        terminal.child.send_signal(signal.SIGWINCH)
        terminal.until("pass1")


def test_needs_a_terminal(capsys, monkeypatch, tmp_path):
    """Without a terminal it says so and names a command that needs none."""
    assert open_screen(Play(tmp_path)) == 2
    assert "`sirtui status`" in capsys.readouterr().err


def test_a_real_store(tmp_path):
    """`open_screen` on a store that does not exist yet: says so, leaves with 0, and makes nothing."""
    code = "import sys; from pathlib import Path; from sirtui.store import Store; from sirtui.tui import open_screen\n"
    code += "sys.exit(open_screen(Store(Path(sys.argv[1]))))"
    with Terminal(program=("-c", code, str(tmp_path / "none"))) as terminal:
        terminal.until("no runs yet")
        terminal.press("q")
        assert terminal.ended() == 0
    assert not (tmp_path / "none").exists()


def test_farewell(tmp_path):
    """Who leaves is told what goes on."""
    run = Play(tmp_path).row()
    assert farewell([run]) == "1 run keeps running; `sirtui` shows it again.\n"
    assert farewell([run, run]) == "2 runs keep running; `sirtui` shows them again.\n"
    assert farewell(run for run in Play(tmp_path).others() if run.status is Status.FINISHED) == ""


def test_help_is_readable_text():
    """What the terminal shows is text, once the commands are taken out."""
    assert visible(b"\x1b[1;1H\x1b[1msirtui\x1b[0m") == "sirtui"


def test_descriptors_stay(tmp_path):
    """A log that is opened and closed leaves no descriptor behind."""
    from sirtui.tui.logs.window import LogWindow

    path = tmp_path / "log.txt"
    path.write_text("x\n")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        window = LogWindow(Path(path))
        window.poll()
        window.file.close()
    assert len(os.listdir("/proc/self/fd")) == before
