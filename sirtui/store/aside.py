"""What becomes of an index that is not gone on with: deleted, moved out of the way, or copied before it is changed."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from pathlib import Path

from sirtui.store.sqlite import sqlite3


def delete(path: Path) -> None:
    """Remove the index and its companions."""
    path.unlink(missing_ok=True)
    _delete_companions(path)


def set_aside(path: Path) -> None:
    """Move what is no database out of the way, to `<name>.broken-<n>`, for whoever wants to know what happened."""
    number = 1
    while (aside := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    with suppress(FileNotFoundError):
        path.rename(aside)
    _delete_companions(path)


def backup_of(path: Path, version: int) -> Path:
    """Where the backup of an index of this version lies: `sirtui.db.v4.bak`."""
    return path.with_name(f"{path.name}.v{version}.bak")


def back_up(connection: sqlite3.Connection, path: Path, version: int) -> None:
    """Copy the index of this version beside itself, whole or not at all; a former backup of that version is replaced.

    Only under the ingest lock: what another that was killed has begun is begun anew.

    Raises:
        sqlite3.Error: it is damaged, or there is no room.
    """
    beside = path.with_name(f".{path.name}.v{version}.bak")
    try:
        beside.unlink(missing_ok=True)
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        connection.execute("VACUUM INTO ?", (str(beside),))
        descriptor = os.open(beside, os.O_RDONLY | os.O_CLOEXEC)
        os.fsync(descriptor)
        os.close(descriptor)
        beside.rename(backup_of(path, version))
    finally:
        beside.unlink(missing_ok=True)


def move_to_backup(path: Path, version: int) -> None:
    """Let the index of this version be its own backup: nothing lies at `path` any more."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what stands beside it comes along
    path.rename(backup_of(path, version))
    _delete_companions(path)


def _delete_companions(path: Path) -> None:
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
