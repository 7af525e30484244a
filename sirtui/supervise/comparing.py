"""Verdicts on request: a job of its own, whose answer is kept under the digest of the question."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256

import msgspec

from sirtui.core import files
from sirtui.core.errors import SirtuiError
from sirtui.core.layout import StoreFolder
from sirtui.core.text import clean_block
from sirtui.core.verdict import ComparisonRecord, Request
from sirtui.supervise.environment import importing_sirtui

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
                _make([*PROGRAM, str(where.path.absolute())])
    return files.read_record(where.verdicts, ComparisonRecord)


def _make(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=importing_sirtui(os.environ))
    if done.returncode:
        what, _, hint = clean_block(done.stderr.strip()).partition("\n")
        if done.returncode not in (1, 2) or what.startswith("Traceback"):
            what, hint = "the comparison failed", clean_block(done.stderr.strip())[-2000:]
        raise SirtuiError(what or "the comparison failed", hint.strip())
