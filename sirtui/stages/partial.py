"""What an unfinished attempt leaves for the next one: a folder that names what it was made from."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import msgspec

from sirtui.core.files import find_record, make_folder, read_record, write_record
from sirtui.core.layout import RunFolder, StageFolder
from sirtui.core.plan import needs
from sirtui.core.run import JobRecord, Manifest
from sirtui.core.spec import Resources


class PartialRecord(msgspec.Struct, frozen=True):
    """`partial/partial.json`: the key of the attempts that may use what lies beside it."""

    key: str


def key_of(job: JobRecord, run: RunFolder) -> str:
    """The job's own key; where it has none, a digest of the experiment and of all finished stages it reads."""
    if job.key:
        return job.key
    inputs = [read_record(run.stage(need).manifest, Manifest).digest() for need in needs(job.spec, job.stage)]
    spec = msgspec.structs.replace(job.spec, resources=Resources(), topups=())
    return sha256(msgspec.json.encode((job.stage, spec, inputs))).hexdigest()


def claim(stage: StageFolder, key: str) -> Path:
    """The stage's `partial/`, with nothing in it but what attempts of this key left; another's is renamed `partial.old-N`."""
    record = stage.partial / "partial.json"
    known = find_record(record, PartialRecord)
    if known is None or known.key != key:
        if stage.partial.exists():
            stage.partial.rename(stage.unused_partial())
        make_folder(stage.partial)
        write_record(record, PartialRecord(key))
    return stage.partial


def discard(stage: StageFolder) -> None:
    """The stage is finished: remove what its attempts left for each other, what was set aside too."""
    for folder in (stage.partial, *stage.path.glob(f"{stage.partial.name}.old-*")):
        shutil.rmtree(folder, ignore_errors=True)
