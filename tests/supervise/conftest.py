"""Whatever a test leaves running is killed after it."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from trials import Trial, tiny

from sirtui.core.layout import StoreFolder
from sirtui.core.run import RunRecord
from sirtui.supervise import create


@pytest.fixture
def store(tmp_path: Path) -> StoreFolder:
    """An empty store."""
    return StoreFolder(tmp_path / "store")


@pytest.fixture
def make_trial(store: StoreFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Trial]]:
    """Make runs of `tiny` experiments."""
    trials: list[Trial] = []

    def make(**settings: Any) -> Trial:
        record = RunRecord(f"{len(trials):06x}", tiny(**settings), 1.0)
        trials.append(Trial(create(store, record), monkeypatch))
        return trials[-1]

    yield make
    for trial in trials:
        if trial.supervised:
            trial.kill_supervisor()
        for pid in trial.living:
            os.kill(pid, signal.SIGKILL)
