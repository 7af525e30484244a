"""Runs with fake stages; whatever a test leaves running is killed after it."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from trials import Trial, making

from sirtui.core.layout import StoreFolder


@pytest.fixture
def store(tmp_path: Path) -> StoreFolder:
    """An empty store."""
    return StoreFolder(tmp_path / "store")


@pytest.fixture
def make_trial(store: StoreFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Trial]]:
    """Make runs of `tiny` experiments."""
    with making(store, monkeypatch) as make:
        yield make


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted = (
        shutil.which("mount")
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(path)], check=False, capture_output=True
        ).returncode
    )
    if not mounted:
        pytest.skip("a small disk cannot be mounted here: that takes root")
    yield path
    subprocess.run(["umount", "-l", str(path)], check=True)
