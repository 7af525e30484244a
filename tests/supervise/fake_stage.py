"""A stage that does nothing but what is asked of it: `fake_stage.py FAULTS ATTEMPT`.

FAULTS: words like `it01/sample=kill`, obeyed by the first attempt (`it01/sample=kill!`: by every one). It keeps the
contract of a real stage: results, manifest, its own word. A verdict stage finds that nothing changed,
unless told otherwise: `it02/verdict=reversal:pass@4,ngram`.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from sirtui.core import files
from sirtui.core.layout import AttemptFolder, StageFolder
from sirtui.core.rule import Declared
from sirtui.core.run import NO_ROOM, ExitRecord, JobRecord, Kind, Manifest, Stage
from sirtui.core.verdict import Keep, VerdictRecord
from sirtui.core.verdict import Kind as Verdict


def main(faults: str, path: Path) -> None:
    """Work at one attempt."""
    attempt, folder = AttemptFolder(path), StageFolder(path.parent)
    job = files.read_record(attempt.job, JobRecord)
    run = Path(job.run)
    if files.try_lock(folder.path / "fake.lock") is None:
        note(run / "doubles.txt", job.stage.id)
        raise SystemExit(75)
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda signum, _frame: leave(attempt, 128 + signum, "stopped"))
    note(run / "starts.txt", f"{job.stage.id} {time.time()}")
    obey(wanted(faults, job), attempt)
    if job.stage.kind is Kind.VERDICT:
        files.write_record(folder.path / "verdicts.json", found(job.stage, wanted(faults, job)))
    files.write_record(folder.manifest, Manifest(job.stage.id, job.attempt, time.time(), 0, 0, {}, {}, ()))
    note(run / "finished.txt", job.stage.id)
    if wanted(faults, job) == "linger":
        files.write_record(attempt.word, ExitRecord(0, time.time()))
        forever()
    note(run / "ends.txt", f"{job.stage.id} {time.time()}")
    leave(attempt, 0)


def wanted(faults: str, job: JobRecord) -> str:
    """The fault that this attempt is to show."""
    for word in faults.split():
        stage, _, fault = word.partition("=")
        if stage in (job.stage.id, "*") and (job.attempt == 1 or fault.endswith("!")):
            return fault.removesuffix("!")
    return ""


def obey(fault: str, attempt: AttemptFolder) -> None:
    """Show the fault; return where work is to go on."""
    match fault:
        case "crash":
            leave(attempt, 1, "it does not compute", "Compute less.")
        case "raise":
            raise RuntimeError("nobody catches this")
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "empty":
            leave(attempt, 0)
        case "full":
            fill(attempt)
        case "gate":
            while not (attempt.path / "open").exists():
                time.sleep(0.005)
        case "leave":
            double_fork()
        case "hang" | "deaf" | "child":
            hang(fault)


def found(stage: Stage, told: str) -> VerdictRecord:
    """The verdict that is asked for; of M_1 there is none."""
    kind, _, names = told.partition(":")
    verdict = None if stage.t == 1 else Verdict(kind) if kind in set(Verdict) else Verdict.NO_CHANGE
    text = f"{verdict}: {names}" if names else str(verdict)
    keep = Keep(1, 0.5, 0.0, None, None, "the highest")
    named = tuple(filter(None, names.split(",")))
    return VerdictRecord(stage.t, stage.repeat, "it01", Declared("", ""), verdict, named, text, keep=keep)


def hang(fault: str) -> NoReturn:
    """Never end: plainly, deaf to requests, or with a grandchild."""
    if fault == "deaf":
        be_deaf()
    if fault == "child":
        double_fork()
    forever()


def fill(attempt: AttemptFolder) -> None:
    """Write a megabyte; where there is no room, leave nothing of it, and say so."""
    big = attempt.path / "big"
    try:
        big.write_bytes(bytes(1 << 20))
    except OSError as error:
        big.unlink()
        leave(attempt, NO_ROOM if files.is_full(error) else 1, f"the disk is full: {error}")


def double_fork() -> None:
    """Leave a grandchild in a session of its own, deaf to everything but SIGKILL."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            be_deaf()
            forever()
        os._exit(0)
    os.wait()


def be_deaf() -> None:
    """Hear no request to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def forever() -> NoReturn:
    """Wait for signals."""
    while True:
        signal.pause()


def leave(attempt: AttemptFolder, code: int, reason: str = "", hint: str = "") -> NoReturn:
    """Tell how it ended, and end."""
    with files.room_or_not():
        files.write_record(attempt.word, ExitRecord(code, time.time(), reason, hint))
    os._exit(code)


def note(path: Path, line: str) -> None:
    """Append a line by one write."""
    with path.open("ab", buffering=0) as file:
        file.write(line.encode() + b"\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]))
    except OSError as error:
        leave(AttemptFolder(Path(sys.argv[2])), NO_ROOM if files.is_full(error) else 1, str(error))
