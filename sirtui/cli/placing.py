"""Whether a folder may become a store: sirtui makes none among other things."""

from __future__ import annotations

import os
from pathlib import Path

from sirtui.core.errors import UsageError
from sirtui.core.layout import StoreFolder


def check_place(path: Path) -> None:
    """Whether the folder at `path` is a store, empty, or not there yet.

    Raises:
        UsageError: it holds other things.
        OSError: it cannot be looked into.
    """
    store = StoreFolder(path)
    if not path.exists() or store.runs.is_dir() or store.database.exists():
        return
    own = {store.queue.name, store.shared.name, store.ingest_lock.name, "comparisons", "lost+found"}
    if any(name not in own and not name.startswith((store.database.name, ".sirtui-")) for name in os.listdir(path)):
        raise UsageError(f"{path} is no store, and holds other things", "Name an empty or a new folder: --store DIR.")
