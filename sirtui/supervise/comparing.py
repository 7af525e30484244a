"""Verdicts on request: a job of its own, whose answer is kept under the digest of the question."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256

import msgspec

from sirtui.core import files
from sirtui.core.errors import SirtuiError, UsageError
from sirtui.core.layout import ComparisonFolder, StoreFolder
from sirtui.core.text import clean_block
from sirtui.core.verdict import ComparisonRecord, Request
from sirtui.supervise.environment import for_supervisor

PROGRAM = (sys.executable, "-m", "sirtui.stages.compare")


def compare(store: StoreFolder, request: Request) -> ComparisonRecord:
    """The verdicts that `request` asks for: those kept, else made now, which takes a second or two.

    Raises:
        SirtuiError: there is nothing to compare, or the job failed.
    """
    where = store.comparison(sha256(msgspec.json.encode(request, order="deterministic")).hexdigest()[:16])
    if not where.verdicts.exists():
        files.make_folder(where.path)
        with files.lock(where.lock):
            if not where.verdicts.exists():
                files.write_record(where.request, request)
                _make(where)
    return files.read_record(where.verdicts, ComparisonRecord)


def _make(where: ComparisonFolder) -> None:
    command = [*PROGRAM, str(where.path.absolute())]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=for_supervisor(os.environ))
    if not done.returncode:
        return
    told = clean_block(done.stderr.strip())
    if done.returncode not in (1, 2) or not told or told.startswith("Traceback"):
        files.write(where.log, done.stderr.encode())
        raise SirtuiError("the comparison failed", f"See {where.log}.")
    what, _, hint = told.partition("\n")
    raise (UsageError if done.returncode == 2 else SirtuiError)(what, hint.strip())
