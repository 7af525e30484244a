"""Giving a stage the results of an equal one of another run: hard links, so that nothing is stored twice."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path, PurePosixPath

from msgspec.structs import replace

from sirtui.core import files
from sirtui.core.events import Artifact, Comparison, Concluded, Finished, Metric, Scalars, Started, decode, encode
from sirtui.core.layout import AttemptFolder, RunFolder, StageFolder
from sirtui.core.run import ExitRecord, FileRecord, JobRecord, Kind, Manifest, Stage
from sirtui.core.safety import is_ours

BESIDE = ".linked-"
"""How the folder begins in which a stage is put together."""

_READ_AGAIN = 1_000_000
"""Files below this size are compared by content before they are linked, larger ones by size alone."""
_MOST_LOG = 1_000_000
_NO_LINK = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS)
_TOLD = (Scalars, Metric, Comparison, Concluded, Artifact)


@dataclass(frozen=True)
class Source:
    """A finished stage of another run, found whole."""

    folder: StageFolder
    manifest: Manifest
    name: str


def found(run: RunFolder, stage: Stage, key: str) -> Source | None:
    """The finished stage of this run, where all its files are there, as its manifest says; None where not.

    Only what belongs to whoever asks counts.
    """
    folder = run.stage(stage)
    manifest = files.find_record(folder.manifest, Manifest)
    if manifest is None or manifest.key != key or not is_ours(run.path) or _was_pruned(run, stage):
        return None
    if not all(_is_whole(folder.path, file) for file in manifest.files):
        return None
    return Source(folder, manifest, manifest.origin or f"{run.name}/{stage.id}")


def link(source: Source, run: RunFolder, job: JobRecord) -> None:
    """Let the stage of `job` have the source's results: all is put together beside, and the manifest comes last.

    The attempt that it makes tells the source's measures and curves, and takes no time: the run spent none.

    Raises:
        OSError: it cannot be done; what was begun is gone.
    """
    folder = run.stage(job.stage)
    files.make_folder(folder.path)
    clear(folder)
    beside = folder.path / f"{BESIDE}{os.getpid()}"
    try:
        attempt = AttemptFolder(beside / f"attempt-{job.attempt}")
        for file in source.manifest.files:
            _same(source.folder.path / file.path, beside / file.path)
        _tell(source, attempt, job)
        _into_place(beside, folder.path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    mine = replace(source.manifest, attempt=0, ended=job.created, seconds=0.0, cpu_seconds=0.0, origin=source.name)
    files.write_record(folder.manifest, mine)
    for partial in (folder.partial, *folder.path.glob(f"{folder.partial.name}.old-*")):
        shutil.rmtree(partial, ignore_errors=True)


def clear(folder: StageFolder) -> None:
    """Remove what a linking that was killed left behind."""
    for left in folder.path.glob(f"{BESIDE}*"):
        shutil.rmtree(left, ignore_errors=True)


def _was_pruned(run: RunFolder, stage: Stage) -> bool:
    return stage.kind is Kind.TRAIN and run.stage(stage).pruned.exists()


def _is_whole(folder: Path, file: FileRecord) -> bool:
    """Whether the file is there, inside the folder, as it was when the manifest was written."""
    inside = PurePosixPath(file.path)
    if inside.is_absolute() or ".." in inside.parts:
        return False
    path = folder / inside
    try:
        at = path.lstat()
        if not stat.S_ISREG(at.st_mode) or at.st_uid != os.geteuid() or at.st_size != file.bytes:
            return False
        return at.st_size >= _READ_AGAIN or _digest(path) == file.sha256
    except OSError:
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()


def _same(source: Path, target: Path) -> None:
    """The same file at another place; a copy where the file system has no hard links, or no more of this file."""
    files.make_folder(target.parent)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        with source.open("rb") as original, files.whole(target) as copy:
            shutil.copyfileobj(original, copy, 2**20)


def _tell(source: Source, attempt: AttemptFolder, job: JobRecord) -> None:
    """The attempt that stands for the making of these results."""
    files.make_folder(attempt.path)
    files.write_record(attempt.job, job)
    told = _attempt_of(source)
    with files.whole(attempt.journal) as journal:
        journal.write(encode(Started(at=job.created, stage=job.stage.id, attempt=job.attempt)))
        journal.writelines(_lines(told.journal))
        journal.write(encode(Finished(at=job.created, seconds=0.0)))
    files.write(attempt.log, f"made by {source.name}, and linked here; its log:\n".encode() + _log(told.log))
    files.write_record(attempt.exit, ExitRecord(0, job.created))


def _log(path: Path) -> bytes:
    """The end of a log, as much as is read."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _MOST_LOG))
        return file.read()
    return b""


def _attempt_of(source: Source) -> AttemptFolder:
    """The attempt that made the source; where it was linked itself, the one that stands for it."""
    number = source.manifest.attempt or max(source.folder.attempts(), default=1)
    return source.folder.attempt(number)


def _lines(journal: Path) -> Iterator[bytes]:
    """What it tells of results; not when, and how long it took."""
    with suppress(FileNotFoundError), journal.open("rb") as file:
        yield from (line for line in file if line.endswith(b"\n") and isinstance(decode(line), _TOLD))


def _into_place(beside: Path, folder: Path) -> None:
    """Move everything there, over whatever an earlier attempt left half-done; the attempt comes last."""
    for made in sorted(beside.iterdir(), key=lambda path: path.name.startswith("attempt-")):
        target = folder / made.name
        if target.is_dir():
            shutil.rmtree(target)
        made.rename(target)
