"""Starting an experiment for someone who cannot check it: by the command line, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sirtui.core.errors import SirtuiError
from sirtui.core.layout import StoreFolder
from sirtui.core.text import clean_block
from sirtui.supervise.environment import importing_sirtui

PROGRAM = (sys.executable, "-m", "sirtui.cli")
_PATIENCE_S = 300


def submit(store: StoreFolder, file: Path) -> str:
    """`sirtui run FILE`: the names of the runs it made, one a line.

    Raises:
        SirtuiError: what the command said is wrong.
    """
    command = [*PROGRAM, "--store", str(store.path), "run", "--", str(file.expanduser())]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env=importing_sirtui(os.environ),
            timeout=_PATIENCE_S,
        )
    except subprocess.TimeoutExpired as error:
        raise SirtuiError(
            f"{file}: checking it took longer than {_PATIENCE_S} seconds", "Try it by: sirtui check FILE"
        ) from error
    if done.returncode:
        what, _, hint = clean_block(done.stderr.strip().removeprefix("sirtui: ")).partition("\n")
        raise SirtuiError(what or f"it ended with code {done.returncode}", hint.strip())
    return done.stdout.strip()
