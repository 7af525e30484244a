"""`python -m sirtui.stages ATTEMPT`: run one stage from its attempt folder.

The frame around every stage: the lock that says someone lives, the journal, results moved into place only when whole,
and an `exit.json` however it ends, a SIGKILL excepted.
"""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import sys
import time
import traceback
from contextlib import suppress
from hashlib import file_digest
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from sirtui.core import process
from sirtui.core.errors import SirtuiError
from sirtui.core.events import Artifact, Failed, Finished, Started
from sirtui.core.files import read_record, try_lock, write_record
from sirtui.core.journal import Journal
from sirtui.core.layout import AttemptFolder, RunFolder, StageFolder
from sirtui.core.plan import needs
from sirtui.core.run import ExitRecord, FileRecord, JobRecord, Manifest
from sirtui.recipes.shelf import Emit
from sirtui.stages.context import Context
from sirtui.stages.telling import telling

BUSY = 75
"""Exit code where another process already works at the stage (EX_TEMPFAIL)."""


class Stopped(BaseException):
    """A signal asked the stage to stop."""


def main(folder: Path) -> int:
    """Run the stage whose job lies in `folder`; return the exit code."""
    os.umask(0o077)
    attempt = AttemptFolder(folder)
    job = read_record(attempt.job, JobRecord)
    stage = StageFolder(folder.parent)
    held = try_lock(stage.lock)
    if held is None:
        sys.stderr.write(f"{stage.path}: another process works at this stage\n")
        return BUSY
    write_record(attempt.state, process.current(time.time()))
    journal = Journal(attempt.journal, time.time)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    record = _run(job, attempt, stage, journal)
    write_record(attempt.exit, record)
    journal.close()
    os.close(held)
    return record.code


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)
    raise Stopped(number)


def _run(job: JobRecord, attempt: AttemptFolder, stage: StageFolder, journal: Journal) -> ExitRecord:
    emit = telling(journal.emit)
    try:
        emit(Started(job.stage.id, job.attempt))
        _work(job, attempt, stage, emit)
    except Stopped as stopped:
        return ExitRecord(128 + int(stopped.args[0]), time.time(), "stopped")
    except SirtuiError as error:
        emit(Failed(error.message, job.stage.id, error.hint))
        return ExitRecord(1, time.time(), error.message, error.hint)
    except Exception as error:  # noqa: BLE001 - the border: whatever a library raises becomes a reason and a log
        traceback.print_exc()
        what = f"{type(error).__name__}: {error}"[:500]
        hint = f"See {attempt.log} for where."
        emit(Failed(what, job.stage.id, hint))
        return ExitRecord(1, time.time(), what, hint)
    return ExitRecord(0, time.time())


def _work(job: JobRecord, attempt: AttemptFolder, stage: StageFolder, emit: Emit) -> None:
    began = time.monotonic()
    run = RunFolder(Path(job.run))
    scratch = attempt.path / "scratch"
    for folder in (attempt.out, scratch):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
    program = importlib.import_module(f"sirtui.stages.{job.stage.kind}")
    settings = program.work(Context(job, run, attempt.out, scratch, emit))
    files = _files(attempt.out)
    for file in files:
        emit(Artifact(file.path, file.bytes, file.sha256))
    _into_place(attempt.out, stage.path)
    shutil.rmtree(scratch, ignore_errors=True)
    manifest = _manifest(job, run, settings, files, time.monotonic() - began)
    write_record(stage.manifest, manifest)
    emit(Finished(manifest.seconds, manifest.cpu_seconds))


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
