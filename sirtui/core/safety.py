"""Whose a store is, and who else may write it.

What lies in a store is run: recipes by path, commands to resume. So it belongs to whoever uses it, and nobody else writes it.
The owner counts, not what one may do: root may write everywhere, and should run nobody's recipes.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sirtui.core.errors import StoreError
from sirtui.core.text import clean

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_CLOSED = 0o700


def check_store(path: Path) -> str:
    """Before the store at `path` is written: that it is ours, and closed to others. What had to be put right, else empty.

    A store, or a folder of its runs, that others may write is put to mode 0700. One that is not there yet is fine.

    Raises:
        StoreError: it belongs to someone else, or cannot be closed.
    """
    try:
        told = [_check_folder(each) for each in (path, path / "runs") if each.exists()]
    except OSError as error:
        raise StoreError(f"the store {path} cannot be used: {error.strerror}", "Use one of your own (--store).") from error
    return "; ".join(filter(None, told))


def _check_folder(path: Path) -> str:
    if why := _owned_by_another(path):
        raise StoreError(
            f"the store {path} {why}: it is not written",
            f"Use a store of your own (--store), or make it yours: chown -R {os.geteuid()} {path}",
        )
    mode = stat.S_IMODE(path.stat().st_mode)
    if not mode & _OTHERS_WRITE:
        return ""
    try:
        path.chmod(_CLOSED)
    except OSError as error:
        raise StoreError(f"{path} may be written by others, and cannot be closed: {error.strerror}") from error
    return f"{path} could be written by others (mode {mode:04o}): it is {_CLOSED:04o} now"


def _owned_by_another(path: Path) -> str:
    """Of the folder, and of the link that leads there; root may lead anywhere."""
    for owner, allowed in ((path.lstat().st_uid, {os.geteuid(), 0}), (path.stat().st_uid, {os.geteuid()})):
        if owner not in allowed:
            return f"belongs to {user(owner)}"
    return ""


def is_ours(path: Path) -> bool:
    """Whether the folder at `path` is there, is itself no link, and belongs to who asks."""
    return path.is_dir() and not not_ours(path)


def not_ours(path: Path) -> str:
    """Why a folder is not followed: it is a link, or someone else's; empty where neither, or nothing is there."""
    try:
        found = path.lstat()
    except OSError:
        return ""
    if stat.S_ISLNK(found.st_mode):
        return "is a link"
    return f"belongs to {user(found.st_uid)}" if found.st_uid != os.geteuid() else ""


def left_out(runs: Path) -> Iterator[str]:
    """The folders in `runs` that are not followed, by name, each with the reason."""
    with suppress(OSError):
        for name in sorted(os.listdir(runs)):
            if (runs / name).is_dir() and (why := not_ours(runs / name)):
                yield f"{clean(name, 100)} {why}"


def user(number: int) -> str:
    """A user's name, or number where there is none."""
    try:
        return clean(pwd.getpwuid(number).pw_name, 40)
    except KeyError:
        return f"user {number}"
