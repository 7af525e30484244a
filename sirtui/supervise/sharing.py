"""Sharing equal stages: what one run of a store has made, the others link, and no two make the same at once.

`<store>/shared/<key>.json` says where a result lies, `<key>.lock` is held while someone makes it. Both are a convenience: the
files of the runs are the truth, and what a pointer says is checked before it is believed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from sirtui.core import files, inputs
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.run import JobRecord, Kind, Manifest, Stage
from sirtui.core.spec import Spec
from sirtui.supervise import facts
from sirtui.supervise.linking import Source, found, link

_MOST_PLACES = 8


class Pointer(msgspec.Struct, frozen=True):
    """`shared/<key>.json`: the runs that hold the result of this stage, who had it first first."""

    stage: str
    runs: tuple[str, ...]


class Sharing:
    """Of one run, for its supervisor. Where the experiment says `resources.share = false` it only names keys."""

    def __init__(self, store: StoreFolder, run: RunFolder, spec: Spec, *, now: Callable[[], float] = time.time) -> None:
        self._store, self._run, self._spec, self._now = store, run, spec, now
        self._claims: dict[Stage, tuple[int, Path]] = {}
        self._unlinkable: set[str] = set()

    def key(self, stage: Stage) -> str:
        """What names all that goes into the stage; empty where an input is missing, or the kind is never shared."""
        if stage.kind is Kind.VERDICT:
            return ""
        digests = {}
        for need in inputs.reads(self._spec, stage):
            manifest = files.find_record(self._run.stage(need).manifest, Manifest)
            if manifest is None:
                return ""
            digests[need.id] = manifest.digest()
        return inputs.key(self._spec, stage, digests, facts.about(self._spec, stage))

    def link(self, stage: Stage) -> str:
        """Take over the result of an equal stage and return whose it is (`RUN/it01/train`); empty where there is none."""
        key = self._shared(stage)
        folder = self._run.stage(stage)
        if not key or key in self._unlinkable or folder.manifest.exists() or files.is_locked(folder.lock):
            return ""
        source = next(self._sources(stage, key), None)
        if source is None:
            return ""
        number = max(folder.attempts(), default=0) + 1
        job = JobRecord(str(self._run.path.absolute()), stage, number, self._spec, self._now(), key)
        try:
            link(source, self._run, job)
        except OSError:
            self._unlinkable.add(key)
            return ""
        facts.note(self._run, self._spec, stage)
        self.publish(stage)
        return source.name

    def claim(self, stage: Stage) -> bool:
        """Be the one who makes this result; False while another does, or where it can be linked since. Released by `release`.

        True also where nothing is shared: then the run makes its own.
        """
        facts.note(self._run, self._spec, stage)
        key = self._shared(stage)
        if not key or stage in self._claims:
            return True
        try:
            lock = _lock(self._lock(key))
        except OSError:
            return True  # no room for a lock is no reason not to work
        if lock is None:
            return False
        if key not in self._unlinkable and next(self._sources(stage, key), None) is not None:
            _unlock(lock, self._lock(key))
            return False
        with files.room_or_not():  # who makes it is said for people alone
            os.truncate(lock, 0)
            os.pwrite(lock, self._run.name.encode(), 0)
        self._claims[stage] = lock, self._lock(key)
        return True

    def descriptor(self, stage: Stage) -> int | None:
        """The claim's open lock, for the stage's guard to hold too: then it outlives the supervisor. None where there is none."""
        return self._claims[stage][0] if stage in self._claims else None

    def maker(self, stage: Stage) -> str:
        """The run that makes the same right now; empty where none does, or it is not known."""
        key = self._shared(stage)
        if not key or not files.is_locked(self._lock(key)):
            return ""
        try:
            return self._lock(key).read_text("utf-8", "replace")
        except OSError:
            return ""

    def release(self, stage: Stage) -> None:
        """Let others make it: it is finished, or given up."""
        if stage in self._claims:
            _unlock(*self._claims.pop(stage))

    def release_all(self) -> None:
        """Let others make whatever was claimed."""
        for stage in tuple(self._claims):
            self.release(stage)

    def publish(self, stage: Stage) -> None:
        """Let others find the finished result."""
        manifest = files.find_record(self._run.stage(stage).manifest, Manifest)
        if not self._spec.resources.share or manifest is None or not manifest.key:
            return
        runs = [run for run in self._places(manifest.key) if run == self._run.name or self._has(run, stage, manifest.key)]
        if self._run.name not in runs and len(runs) < _MOST_PLACES:
            self._point(manifest.key, stage, [*runs, self._run.name])

    def _shared(self, stage: Stage) -> str:
        return self.key(stage) if self._spec.resources.share else ""

    def _sources(self, stage: Stage, key: str) -> Iterator[Source]:
        """Where the result can be had, other runs only. A place that does not hold it is forgotten."""
        runs = self._places(key)
        for run in runs:
            if run == self._run.name:
                continue
            source = found(self._store.run(run), stage, key)
            if source is not None:
                yield source
            else:
                self._point(key, stage, [each for each in self._places(key) if each != run])

    def _has(self, run: str, stage: Stage, key: str) -> bool:
        manifest = files.find_record(self._store.run(run).stage(stage).manifest, Manifest)
        return manifest is not None and manifest.key == key

    def _places(self, key: str) -> Sequence[str]:
        """The runs that a pointer names: names alone, never paths."""
        pointer = files.find_record(self._pointer(key), Pointer)
        return [run for run in pointer.runs if run[:1].isalnum() and Path(run).name == run] if pointer else []

    def _point(self, key: str, stage: Stage, runs: Sequence[str]) -> None:
        if not runs:
            self._pointer(key).unlink(missing_ok=True)
            return
        with files.room_or_not():
            files.write_record(self._pointer(key), Pointer(stage.id, tuple(runs)))

    def _pointer(self, key: str) -> Path:
        return self._store.shared / f"{key}.json"

    def _lock(self, key: str) -> Path:
        return self._store.shared / f"{key}.lock"


def _lock(path: Path) -> int | None:
    """The descriptor of the lock, None where another has it, or just gave it back and removed its file."""
    lock = files.try_lock(path)
    if lock is not None and not (path.exists() and os.path.samestat(os.fstat(lock), path.stat())):
        os.close(lock)
        return None
    return lock


def _unlock(lock: int, path: Path) -> None:
    """Give it back. The file goes first, while it is held: whoever opens it in between finds it gone."""
    path.unlink(missing_ok=True)
    os.close(lock)
