"""A toy experiment, and the command line as a user types it."""

import os
import shutil
import subprocess
import sys

import pytest
from toying import EXPERIMENT, TOY


class Shell:
    """Runs `sirtui` on a store of its own."""

    def __init__(self, folder, **environment):
        self.folder = folder
        self.store = folder / "store"
        self.environment = {**os.environ, "SIRTUI_STORE": str(self.store), **environment}

    def __call__(self, *arguments, code=0):
        command = [sys.executable, "-m", "sirtui.cli", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done


@pytest.fixture
def shell(tmp_path):
    """A shell in a folder that holds `toy.toml`, its recipes, and an empty base model."""
    shutil.copy(TOY, tmp_path)
    (tmp_path / "toy.toml").write_text(EXPERIMENT)
    (tmp_path / "model").mkdir()
    return Shell(tmp_path)
