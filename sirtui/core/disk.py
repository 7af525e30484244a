"""A disk without room, recognized however a library says it."""

from __future__ import annotations

import errno
import os
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No space left, quota used up, and a file larger than the process may write."""
_PROBE_BYTES = 1 << 20


@contextmanager
def plain_errors(folder: Path) -> Iterator[None]:
    """Turn whatever a library raises for want of room into an OSError with its number; `folder` is where it writes.

    Raises:
        OSError: with one of the numbers in `FULL`. Other errors pass as they are.
    """
    try:
        yield
    except Exception as error:
        number = _number(error, folder)
        if number is None or (isinstance(error, OSError) and error.errno == number):
            raise
        raise OSError(number, os.strerror(number), str(folder)) from error


def _number(error: Exception, folder: Path) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno in FULL else None
    text = str(error)
    for number in FULL:
        if os.strerror(number) in text or re.search(rf"\b(?:os error |Errno ){number}\b", text):
            return number
    # torch's writer says no more than that it could not write
    return _probed(folder) if "PytorchStreamWriter" in text or "inline_container" in text else None


def _probed(folder: Path) -> int | None:
    """Why a file cannot be written here; None where it can."""
    probe = folder / f".probe.{os.getpid()}"
    try:
        with probe.open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno if error.errno in FULL else None
    finally:
        with suppress(OSError):
            probe.unlink()
    limited = resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY
    return errno.EFBIG if limited else None
