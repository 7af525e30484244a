"""`python -m sirtui.stages ATTEMPT`: run one stage from its attempt folder, under a guard that holds the stage's lock.

The frame around every stage: the journal, results moved into place only when whole, and its own word (`word.json`) on how
it ended; the guard has the last one.
"""

from __future__ import annotations

import errno
import importlib
import os
import shutil
import sys
import time
import traceback
from contextlib import suppress
from hashlib import file_digest
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sirtui.core.errors import SirtuiError
from sirtui.core.events import Artifact, Failed, Finished, Started
from sirtui.core.files import read_record, write_record
from sirtui.core.journal import Journal
from sirtui.core.layout import AttemptFolder, RunFolder, StageFolder
from sirtui.core.plan import needs
from sirtui.core.run import NO_ROOM, STOPPED, ExitRecord, FileRecord, JobRecord, Manifest
from sirtui.recipes.shelf import Emit
from sirtui.stages.context import Context
from sirtui.stages.partial import discard
from sirtui.stages.stopping import Stopped, Stopping
from sirtui.stages.telling import telling


def main(folder: Path) -> int:
    """Run the stage whose job lies in `folder`; return the exit code."""
    os.umask(0o077)
    attempt = AttemptFolder(folder)
    job = read_record(attempt.job, JobRecord)
    journal, stopping = Journal(attempt.journal, time.time), Stopping()
    stopping.install()
    record = _run(job, attempt, journal, stopping)
    with suppress(OSError):  # a full disk: the guard has room of its own to tell of the end
        write_record(attempt.word, record)
    journal.close()
    return record.code


def _run(job: JobRecord, attempt: AttemptFolder, journal: Journal, stopping: Stopping) -> ExitRecord:
    emit = telling(journal.emit)
    try:
        emit(Started(job.stage.id, job.attempt))
        _work(job, attempt, StageFolder(attempt.path.parent), emit, stopping)
    except Stopped as stopped:
        return ExitRecord(128 + int(stopped.args[0]), time.time(), STOPPED)
    except SirtuiError as error:
        return _failed(emit, job, 1, error.message, error.hint)
    except OSError as error:
        return _denied(emit, job, attempt, error)
    except Exception as error:  # noqa: BLE001 - the border: whatever a library raises becomes a reason and a log
        return _crashed(emit, job, attempt, error)
    return ExitRecord(0, time.time())


def _denied(emit: Emit, job: JobRecord, attempt: AttemptFolder, error: OSError) -> ExitRecord:
    """A full disk is waited for; a limit has to be raised; the rest is told as it is."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _failed(emit, job, NO_ROOM, f"the disk is full: {error}", "The run goes on when there is room again.")
    if error.errno == errno.EFBIG:
        return _failed(emit, job, 1, f"a file may not grow this large here: {error}", "Raise the limit: ulimit -f unlimited")
    return _crashed(emit, job, attempt, error)


def _crashed(emit: Emit, job: JobRecord, attempt: AttemptFolder, error: Exception) -> ExitRecord:
    with suppress(OSError):
        traceback.print_exception(error)
    return _failed(emit, job, 1, f"{type(error).__name__}: {error}"[:500], f"See {attempt.log} for where.")


def _failed(emit: Emit, job: JobRecord, code: int, what: str, hint: str) -> ExitRecord:
    with suppress(OSError):
        emit(Failed(what, job.stage.id, hint))
    return ExitRecord(code, time.time(), what, hint)


def _work(job: JobRecord, attempt: AttemptFolder, stage: StageFolder, emit: Emit, stopping: Stopping) -> None:
    began = time.monotonic()
    run = RunFolder(Path(job.run))
    _tidy(stage)
    try:
        for folder in (attempt.out, _scratch(attempt)):
            folder.mkdir(mode=0o700)
        program = importlib.import_module(f"sirtui.stages.{job.stage.kind}")
        settings = program.work(Context(job, run, attempt.out, _scratch(attempt), emit, stopping))
        files = _files(attempt.out)
        for file in files:
            emit(Artifact(file.path, file.bytes, file.sha256))
        _into_place(attempt.out, stage.path)
        manifest = _manifest(job, run, settings, files, time.monotonic() - began)
        write_record(stage.manifest, manifest)
    finally:
        _tidy(stage)
    discard(stage)
    emit(Finished(manifest.seconds, manifest.cpu_seconds))


def _scratch(attempt: AttemptFolder) -> Path:
    return attempt.path / "scratch"


def _tidy(stage: StageFolder) -> None:
    """Remove what attempts left half-made; what the next one can use lies elsewhere."""
    for number in stage.attempts():
        attempt = stage.attempt(number)
        for folder in (attempt.out, _scratch(attempt)):
            shutil.rmtree(folder, ignore_errors=True)


def _files(folder: Path) -> tuple[FileRecord, ...]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return tuple(FileRecord(str(path.relative_to(folder)), path.stat().st_size, _sha256(path)) for path in paths)


def _sha256(path: Path) -> str:
    """Its hash; and it is on the disk for good, since a manifest will say so."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return file_digest(file, "sha256").hexdigest()


def _into_place(out: Path, stage: Path) -> None:
    """Move results into the stage's folder, over whatever an earlier attempt left half-done."""
    for made in sorted(out.iterdir()):
        target = stage / made.name
        if target.is_dir():
            shutil.rmtree(target)
        made.rename(target)
    out.rmdir()


def _manifest(
    job: JobRecord, run: RunFolder, settings: dict[str, Any], files: tuple[FileRecord, ...], seconds: float
) -> Manifest:
    inputs = {need.id: read_record(run.stage(need).manifest, Manifest).digest() for need in needs(job.spec, job.stage)}
    used = os.times()
    return Manifest(
        stage=job.stage.id,
        attempt=job.attempt,
        ended=time.time(),
        seconds=seconds,
        cpu_seconds=used.user + used.system + used.children_user + used.children_system,
        inputs=inputs,
        settings=settings,
        files=files,
        versions=_versions(),
        key=job.key,
    )


def _versions() -> dict[str, str]:
    """Of the libraries in use that decide results."""
    found = {}
    for name in ("sirtui", "torch", "transformers", "trl", "tokenizers", "sentence-transformers", "vllm"):
        if name.replace("-", "_") in sys.modules:
            with suppress(PackageNotFoundError):
                found[name] = version(name)
    return found


if __name__ == "__main__":
    code = main(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is on disk; taking torch down properly takes more than a second, and the next stage waits for it
