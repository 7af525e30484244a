"""A store in a temporary folder, and a clock that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import NOW
from journals import asked

from sirtui.store import Store


class Clock:
    """A clock that is set by hand, in seconds since the epoch."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The store's clock."""
    return Clock()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the store lies; not made yet."""
    return tmp_path / "a store"


@pytest.fixture
def store(root: Path, clock: Clock) -> Iterator[Store]:
    """The store."""
    store = Store(root, clock)
    yield store
    store.close()


@pytest.fixture
def ask(root: Path):
    """A question in SQL, for what no answer of the store tells."""
    return lambda query: asked(root / "sirtui.db", query)
