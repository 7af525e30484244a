"""How files are written, read and locked, the same in every room.

A state file is never written in place: temporary file, fsync, rename. A lock is a `flock`: it dies with its holder,
however that ends.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from sirtui.core.errors import StoreError

T = TypeVar("T")


def make_folder(path: Path) -> None:
    """Make `path` and what is missing above it, all of it for its owner alone (mode 0700)."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A file (mode 0600) that appears at `path` when the block ends well, or not at all."""
    make_folder(path.parent)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write(path: Path, content: bytes) -> None:
    """Put `content` at `path`, whole or not at all."""
    with whole(path) as file:
        file.write(content)


def is_full(error: OSError) -> bool:
    """Whether `error` says that there is no more room on the disk, or none for this person."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def room_or_not() -> Iterator[None]:
    """Go on after the block also where it ended because the disk is full."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise


class Reserve:
    """A record at `path` that can be replaced once more when the disk is full: beside it lies a file with room of its own."""

    _ROOM = 8192

    def __init__(self, path: Path) -> None:
        self._path, self._spare = path, path.with_name(f".{path.name}.spare")
        self._prepare()

    def _prepare(self) -> None:
        with suppress(OSError), open(os.open(self._spare, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), "wb") as file:
            if os.fstat(file.fileno()).st_size < self._ROOM:
                file.write(b" " * self._ROOM)

    def write(self, record: msgspec.Struct) -> None:
        """Put the record there, whole or not at all. Without room, and without what was kept for this, nothing changes."""
        try:
            write_record(self._path, record)
        except OSError as error:
            if not is_full(error):
                raise
            with room_or_not():
                self._write_spare(msgspec.json.encode(record) + b"\n")
        self._prepare()

    def _write_spare(self, content: bytes) -> None:
        descriptor = os.open(self._spare, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(descriptor, content, 0)
            os.truncate(descriptor, len(content))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._spare.rename(self._path)


def write_record(path: Path, record: msgspec.Struct) -> None:
    """Put a struct at `path` as indented JSON."""
    write(path, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")


def read_record(path: Path, kind: type[T]) -> T:
    """The struct at `path`.

    Raises:
        StoreError: it is missing, is not JSON, or does not fit `kind`.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}: not a readable {kind.__name__}: {error}") from error


def find_record(path: Path, kind: type[T]) -> T | None:
    """The struct at `path`, None where it is missing or damaged."""
    with suppress(StoreError):
        return read_record(path, kind)
    return None


def write_lines(path: Path, records: Iterable[msgspec.Struct]) -> int:
    """Write one JSON object a line, beside and then renamed; return how many."""
    encoder, count = msgspec.json.Encoder(), 0
    with whole(path) as file:
        for record in records:
            file.write(encoder.encode(record) + b"\n")
            count += 1
    return count


def read_lines(path: Path, kind: type[T]) -> Iterator[T]:
    """The structs of a file with one JSON object a line.

    Raises:
        StoreError: the file is missing, or a line (told by number) does not fit `kind`.
    """
    decoder = msgspec.json.Decoder(kind)
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield _decode_line(decoder, line, path, number)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


def _decode_line(decoder: msgspec.json.Decoder[T], line: bytes, path: Path, number: int) -> T:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StoreError(f"{path}:{number}: {error}") from error


def try_lock(path: Path) -> int | None:
    """Take the flock at `path` and return its descriptor (keep it, or `os.close` it), None where another holds it.

    The descriptor is inherited by no child: a lock speaks of one process.
    """
    make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while not _flock(descriptor, fcntl.LOCK_EX):
        if not _flock(descriptor, fcntl.LOCK_SH):
            os.close(descriptor)
            return None
        # Nobody holds it: someone looks at it with `is_locked`, which takes microseconds.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        time.sleep(0.001)
    return descriptor


def _flock(descriptor: int, how: int) -> bool:
    """Take the lock unless that means waiting; whether it was taken."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the flock at `path`, waiting for it."""
    make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether some process holds the flock at `path`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
