"""A toy experiment, and the command line as a user types it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
EXPERIMENT = """
name = "toy"
base_model = "model"
task = "toy.py"
method = ["toy.py", "toy.py", "toy.py"]
iterations = 3
seed = 7
[sampling]
sampler = "toy.py"
n = 8
[evaluation]
samples = 8
first_samples = 16
repeats = 1
embedder = ""
measures = ["toy.py"]
[resources]
parallel = 2
"""


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
    shutil.copy(HERE / "toy.py", tmp_path)
    (tmp_path / "toy.toml").write_text(EXPERIMENT)
    (tmp_path / "model").mkdir()
    return Shell(tmp_path)
