"""What stands between the files and whole, new answers, in sentences for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sirtui.core.errors import StoreError
from sirtui.core.layout import StoreFolder
from sirtui.core.safety import check_store, left_out
from sirtui.store.database import open_to_read, version_at
from sirtui.store.schema import VERSION
from sirtui.store.sqlite import sqlite3


def found(folder: StoreFolder, database: Path) -> Iterator[str]:
    """An index of another version, a store that is someone else's, and runs that are left out: links, and those of others."""
    if told := _of_another_version(database):
        yield told
    try:
        check_store(folder.path)
    except StoreError as error:
        yield f"{error.message}, but read as it lies"
    yield from (f"{why}: it is left out" for why in left_out(folder.runs))


def _of_another_version(database: Path) -> str:
    version = version_or_none(database)
    if version > VERSION:
        return (
            f"the index is of a newer sirtui (schema {version}, here {VERSION}): it {_can(database)} be read here, and is never "
            "written; update sirtui, or `sirtui reindex` builds one for this version"
        )
    old = f"the index is of an older sirtui (schema {version}, here {VERSION}), and empty until it is brought up to date"
    return old if 0 < version < VERSION else ""


def _can(database: Path) -> str:
    with open_to_read(database) as connection:
        return "can" if connection else "cannot"


def version_or_none(database: Path) -> int:
    """The version of the index; 0 where there is none, or it cannot be told."""
    try:
        return version_at(database)
    except (sqlite3.Error, OSError):
        return 0
