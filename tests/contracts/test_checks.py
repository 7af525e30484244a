"""The project's own rules: style, types, who imports whom, and what a fresh process really loads."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRAINING = ("torch", "transformers", "trl", "vllm", "datasets", "sentence_transformers")
HEAVY = (*TRAINING, "scipy", "numpy", "sqlite_utils", "watchfiles")


def run(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def loaded_after(code, *names):
    """Which of `names` a fresh process has imported after `code`."""
    tail = f"\nimport sys; print([name for name in {names!r} if name in sys.modules])"
    done = run(sys.executable, "-c", code + tail)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("command", [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)])
def test_style_and_types(command):
    """Ruff finds nothing to say, nothing to reformat; mypy is strict and content."""
    done = run(sys.executable, "-m", *command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rooms_import_whom_they_may():
    """import-linter keeps every contract."""
    done = run(str(Path(sys.executable).parent / "lint-imports"), "--no-cache")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "code",
    [
        "import sirtui.cli; sirtui.cli._parsed([])",
        "import sirtui.tui.app, sirtui.store, sirtui.supervise",
        "from sirtui.recipes import shelf; [shelf.names(s) for s in ('tasks', 'trainers', 'samplers', 'measures')]",
        "import sirtui.cli; sirtui.cli._parsed(['status'])",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(code):
    """Commands, the screen and the shelves start without any of the heavy libraries."""
    assert loaded_after(code, *HEAVY) == "[]"


@pytest.mark.parametrize("shelf", ["tasks", "trainers", "samplers", "measures"])
def test_what_stands_on_a_shelf_is_light_to_import(shelf):
    """Finding a recipe loads no training, sampling or screen library."""
    code = f"from sirtui.recipes import shelf; [shelf.find({shelf!r}, name) for name in shelf.names({shelf!r})]"
    assert loaded_after(code, *TRAINING, "textual") == "[]"


@pytest.mark.parametrize(
    ("room", "never"),
    [
        ("core", ("textual", "sqlite3", "pysqlite3", "sirtui.store", "sirtui.recipes", "sirtui.tui")),
        ("supervise", ("textual", "sqlite3", "pysqlite3", "sirtui.store", "sirtui.recipes", "sirtui.stages")),
        ("store", ("textual", "sirtui.recipes", "sirtui.supervise", "sirtui.stages")),
        ("stages.context", ("textual", "sqlite3", "pysqlite3", "sirtui.store", "sirtui.supervise")),
        ("verdicts.paired", ("textual", "sqlite3", "pysqlite3", "sirtui.store", "sirtui.recipes", "sirtui.stages")),
    ],
)
def test_a_room_brings_no_other_along(room, never):
    """Imports hidden inside functions or packages do not break the walls either."""
    assert loaded_after(f"import sirtui.{room}", *never) == "[]"
