"""Whatever a test leaves running is killed after it."""

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
