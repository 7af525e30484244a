"""What is different from when a run was last at work: told before it goes on, since its parts would not match any more."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sirtui.core import files
from sirtui.core.layout import RunFolder
from sirtui.core.plan import plan
from sirtui.core.run import JobRecord, RunRecord
from sirtui.core.spec import Spec
from sirtui.supervise import facts


class Change(msgspec.Struct, frozen=True):
    """One difference: of a key of the experiment (`sampling.n`), of a package (`version of torch`), of a file (its path)."""

    key: str
    before: str
    now: str


class Acceptance(msgspec.Struct, frozen=True):
    """Differences that someone said to go on with, and when (epoch seconds)."""

    at: float
    changes: tuple[Change, ...]


class Accepted(msgspec.Struct, frozen=True):
    """`control/accepted.json`: all of them, in order."""

    entries: tuple[Acceptance, ...] = ()


def changes(run: RunFolder) -> tuple[Change, ...]:
    """What changed since the run was last at work, and nobody has accepted yet; empty where nothing did.

    The experiment in run.json against that of the newest attempt, topups aside; versions of packages against those that the
    run was started with, or that were accepted last; recipes of one's own, problems and models in folders against what the
    stages have read.

    Raises:
        StoreError: run.json cannot be read.
    """
    record = files.read_record(run.record, RunRecord)
    accepted = {each.key: each.now for entry in _accepted(run).entries for each in entry.changes}
    found = (*_of_spec(run, record.spec), *_of_versions(record, accepted), *_of_files(run))
    return tuple(each for each in found if each.now not in (each.before, accepted.get(each.key)))


def accepted(run: RunFolder) -> tuple[Acceptance, ...]:
    """With what the run went on so far, in order."""
    return _accepted(run).entries


def accept(run: RunFolder, agreed: Sequence[Change], *, now: Callable[[], float] = time.time) -> None:
    """Write down that the run goes on with these."""
    if agreed:
        entries = (*_accepted(run).entries, Acceptance(now(), tuple(agreed)))
        files.write_record(_path(run), Accepted(entries))


def notes(run: RunFolder) -> tuple[str, ...]:
    """What is good to know, and changes nothing: that the experiment file is another by now.

    Raises:
        StoreError: run.json cannot be read.
    """
    record = files.read_record(run.record, RunRecord)
    try:
        changed = bool(record.origin.file) and Path(record.origin.file).stat().st_mtime > record.created
    except OSError:
        changed = False
    told = f"{record.origin.file} was changed since the run was started: the run keeps what it was started with"
    return (told,) if changed else ()


def _of_spec(run: RunFolder, spec: Spec) -> list[Change]:
    newest = _newest_job(run, spec)
    if newest is None:
        return []
    before, now = _flat(msgspec.to_builtins(newest.spec)), _flat(msgspec.to_builtins(spec))
    keys = [key for key in dict.fromkeys((*before, *now)) if key != "topups"]
    return [Change(key, before.get(key, "none"), now.get(key, "none")) for key in keys if before.get(key) != now.get(key)]


def _newest_job(run: RunFolder, spec: Spec) -> JobRecord | None:
    """The job of the attempt that was begun last."""
    folders = (run.stage(stage) for stage in plan(spec))
    jobs = (files.find_record(folder.attempt(number).job, JobRecord) for folder in folders for number in folder.attempts())
    return max(filter(None, jobs), key=lambda job: job.created, default=None)


def _flat(table: Mapping[str, Any], front: str = "") -> dict[str, str]:
    """Dotted keys, and values as they would stand in a line."""
    found: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{front}{key}.")
        else:
            found[f"{front}{key}"] = json.dumps(value, ensure_ascii=False)
    return found


def _of_versions(record: RunRecord, accepted: Mapping[str, str]) -> Iterator[Change]:
    """Of what decides results, as the run was started with it or went on with it later."""
    now, started = facts.versions(), record.origin.versions
    for name in ("python", *facts.PACKAGES):
        if name in started:
            key = f"version of {name}"
            yield Change(key, accepted.get(key, started[name]), now.get(name, "none"))


def _of_files(run: RunFolder) -> list[Change]:
    now = {path: facts.see_again(path) for path in facts.used(run)}
    return [Change(path, _told(path, seen), _told(path, now[path])) for path, seen in facts.used(run).items()]


def _told(path: str, seen: facts.Seen) -> str:
    """The beginning of its digest; where that rests on the time of the last change, this too."""
    if not seen.changed or path.endswith(".py"):
        return seen.digest[:8]
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(seen.changed))} ({seen.digest[:8]})"


def _accepted(run: RunFolder) -> Accepted:
    return files.find_record(_path(run), Accepted) or Accepted()


def _path(run: RunFolder) -> Path:
    return run.stop_request.with_name("accepted.json")
