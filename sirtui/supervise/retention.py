"""What of a run may be deleted to make room, and deleting it: checkpoints that nothing needs any more, and leftovers.

Manifests, answers, marks and measures always stay: of a pruned iteration only the model itself is gone.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from sirtui.core import files, inputs
from sirtui.core.errors import SirtuiError
from sirtui.core.layout import RunFolder, StageFolder, StoreFolder
from sirtui.core.plan import looks, plan
from sirtui.core.run import Kind, RunRecord, Stage, evaluation_id
from sirtui.core.spec import Spec
from sirtui.core.verdict import VerdictRecord
from sirtui.supervise.linking import BESIDE
from sirtui.supervise.room import written


class Pruned(msgspec.Struct, frozen=True):
    """`pruned.json`: when a checkpoint was deleted (epoch seconds), how many bytes that freed, and why."""

    when: float
    bytes: int
    why: str


@dataclass(frozen=True)
class Prunable:
    """A file or folder that may go: of which iteration (0: of none), how many bytes that frees, and why it may."""

    t: int
    path: Path
    bytes: int
    reason: str

    @property
    def is_checkpoint(self) -> bool:
        """Whether it is an iteration's model: without it no further answers can be drawn."""
        return self.path.parent.name == Kind.TRAIN and self.path.name == "checkpoint"


def prunable(run: RunFolder, spec: Spec) -> tuple[Prunable, ...]:
    """What of the run may go now: checkpoints first, then what attempts have left behind."""
    return (*_checkpoints(run, spec), *_leftovers(run, spec))


def staying(run: RunFolder, spec: Spec) -> Mapping[int, str]:
    """Why each checkpoint that must stay does, by iteration."""
    trained = _trained(run, spec)
    best = _recommended(run, spec)
    if best is None:
        return dict.fromkeys(trained, "no verdict has recommended one to keep yet")
    needed = _needed(run, spec)
    why: dict[int, str] = {}
    for t in trained:
        if t == best[0]:
            why[t] = f"recommended by the verdict on {evaluation_id(best[1])}"
        elif t == trained[-1]:
            why[t] = "the last one"
        elif t in needed:
            why[t] = f"{needed[t].id} needs it"
        elif other := _who_starts_from(run, t):
            why[t] = f"{other} starts from it"
    return why


def prune(run: RunFolder, which: Collection[Prunable], *, now: Callable[[], float] = time.time) -> int:
    """Delete those that may go still; how many bytes that freed.

    That a checkpoint is gone is written down before it goes: whoever is killed in between has lost nothing that was meant to
    stay, and the next pruning ends the work. Sizes are those that `which` tells: while the run is locked, to whoever looks it is
    at work.

    Raises:
        OSError: something cannot be deleted.
    """
    with _unchanging(run):
        spec = files.read_record(run.record, RunRecord).spec
        allowed = {path for _, path, _ in (*_spare(run, spec), *_left(run, spec))}
        chosen = [each for each in which if each.path in allowed]
        records = {each: Pruned(now(), each.bytes, each.reason) for each in chosen if each.is_checkpoint}
        for each, record in records.items():
            _mark(each.path, record)
    freed = delete(chosen)
    for each, record in records.items():
        if files.find_record(_record_of(each.path), Pruned) is None:
            files.write_record(_record_of(each.path), record)
    if chosen:
        os.utime(run.path)  # the index looks into a run that is over only when its folder has changed
    return freed


def retain(run: RunFolder, spec: Spec) -> int:
    """What `resources.retain` says: with `keep+last` delete the checkpoints that nothing needs; bytes freed.

    Where that cannot be done now, it is after the next verdict: no run ends for it.
    """
    if spec.resources.retain == "keep+last":
        with suppress(OSError, SirtuiError):
            return prune(run, _checkpoints(run, spec))
    return 0


def needs_pruned(run: RunFolder, spec: Spec, stages: Collection[Stage]) -> str:
    """Which of these stages cannot be made since its checkpoint was deleted, in a sentence; empty where all can."""
    for stage in stages:
        t = inputs.checkpoint(spec, stage)
        folder = run.stage(Stage(t, Kind.TRAIN)) if t is not None else None
        if t is not None and folder is not None and folder.pruned.exists():
            known = files.find_record(folder.pruned, Pruned)
            when = time.strftime(" on %Y-%m-%d", time.localtime(known.when)) if known else ""
            return f"{stage.id} needs the checkpoint of {evaluation_id(t)}, which was pruned{when}"
    return ""


def set_aside(store: StoreFolder) -> tuple[Prunable, ...]:
    """Damaged copies of the index, kept for whoever wants to know what happened."""
    paths = sorted(store.path.glob(f"{store.database.name}.broken-*"))
    return tuple(Prunable(0, path, _size(path)[0], "a damaged index, rebuilt since") for path in paths)


def delete(which: Collection[Prunable]) -> int:
    """Delete files and folders without another question; how many bytes that freed.

    Raises:
        OSError: something cannot be deleted.
    """
    freed = 0
    for each in which:
        freed += _size(each.path)[0]
        with suppress(FileNotFoundError):
            if each.path.is_dir() and not each.path.is_symlink():
                shutil.rmtree(each.path)
            else:
                each.path.unlink()
    return freed


def _mark(checkpoint: Path, record: Pruned) -> None:
    """Say that it is gone. On a full disk one of its own files says so, by another name, until there is room for more words."""
    try:
        files.write_record(_record_of(checkpoint), record)
    except OSError as error:
        parts = [path for path in checkpoint.rglob("*") if path.is_file()]
        if not files.is_full(error) or not parts:
            raise
        min(parts, key=lambda path: path.stat().st_size).rename(_record_of(checkpoint))


def _record_of(checkpoint: Path) -> Path:
    return StageFolder(checkpoint.parent).pruned


def _checkpoints(run: RunFolder, spec: Spec) -> tuple[Prunable, ...]:
    found = list[Prunable]()
    for t, path, why in _spare(run, spec):
        freed, shared = _size(path)
        also = f"; {written(shared)} more are shared with other runs, and stay there" if shared else ""
        found.append(Prunable(t, path, freed, why + also))
    return tuple(found)


def _leftovers(run: RunFolder, spec: Spec) -> Iterator[Prunable]:
    return (Prunable(t, path, _size(path)[0], why) for t, path, why in _left(run, spec))


def _spare(run: RunFolder, spec: Spec) -> Iterator[tuple[int, Path, str]]:
    """The checkpoints that may go, and why, not measured."""
    stays = staying(run, spec)
    for t in range(1, spec.iterations + 1):
        folder = run.stage(Stage(t, Kind.TRAIN))
        if folder.manifest.exists() and t not in stays and _is_folder(folder.checkpoint):
            begun = folder.pruned.exists()
            why = "its deletion was begun" if begun else "neither recommended nor the last, and nothing needs it"
            yield t, folder.checkpoint, why


def _left(run: RunFolder, spec: Spec) -> Iterator[tuple[int, Path, str]]:
    """What attempts have left behind, and why it may go, not measured."""
    for stage in plan(spec):
        folder = run.stage(stage)
        if folder.path.is_dir() and not files.is_locked(folder.lock):
            yield from ((stage.t, path, why) for path, why in _left_by(folder))


def _left_by(folder: StageFolder) -> Iterator[tuple[Path, str]]:
    """What nobody will use of a stage that nobody works at."""
    if folder.manifest.exists():
        if folder.partial.exists():
            yield folder.partial, "work in progress of a stage that is finished"
        yield from ((path, "a linking that was killed") for path in folder.path.glob(f"{BESIDE}*"))
    yield from ((path, "progress made with other settings") for path in sorted(folder.path.glob("partial.old-*")))
    for number in folder.attempts():
        attempt = folder.attempt(number)
        left = (attempt.path / "scratch", attempt.out)
        yield from ((path, "left by an attempt that ended") for path in left if path.exists())


def _trained(run: RunFolder, spec: Spec) -> list[int]:
    """The iterations that have their checkpoint, in order."""
    folders = {t: run.stage(Stage(t, Kind.TRAIN)) for t in range(1, spec.iterations + 1)}
    return [t for t, folder in folders.items() if folder.manifest.exists() and not folder.pruned.exists()]


def _recommended(run: RunFolder, spec: Spec) -> tuple[int, int] | None:
    """Which checkpoint the newest verdict says to keep, of those that are there, and on which iteration that verdict is."""
    for t in range(spec.iterations, 1, -1):
        for look in reversed(looks(spec, t)):
            record = files.find_record(run.verdict(t, look), VerdictRecord)
            if record and record.keep and not run.stage(Stage(record.keep.t, Kind.TRAIN)).pruned.exists():
                return record.keep.t, t
    return None


def _needed(run: RunFolder, spec: Spec) -> dict[int, Stage]:
    """By iteration a stage that is at work or still to come, and loads its checkpoint."""
    found: dict[int, Stage] = {}
    for stage in plan(spec):
        folder, t = run.stage(stage), inputs.checkpoint(spec, stage)
        if t is not None and (not folder.manifest.exists() or files.is_locked(folder.lock)):
            found.setdefault(t, stage)
    return found


def _who_starts_from(run: RunFolder, t: int) -> str:
    """Another run of the store that names this checkpoint: its base model, most likely."""
    checkpoint = msgspec.json.encode(str(run.checkpoint(t).resolve()))
    others = (RunFolder(path) for path in sorted(run.path.parent.iterdir()) if path.name != run.name)
    return next((other.name for other in others if _holds(other.record, checkpoint)), "")


def _holds(path: Path, text: bytes) -> bool:
    try:
        return text in path.read_bytes()
    except OSError:
        return False


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _size(path: Path) -> tuple[int, int]:
    """How many bytes its deletion frees, and how many other hard links keep."""
    freed = shared = 0
    for each in (path, *path.rglob("*")) if _is_folder(path) else (path,):
        with suppress(OSError):
            at = each.lstat()
            if stat.S_ISREG(at.st_mode):
                freed += at.st_size if at.st_nlink == 1 else 0
                shared += at.st_size if at.st_nlink > 1 else 0
    return freed, shared


@contextmanager
def _unchanging(run: RunFolder) -> Iterator[None]:
    """Nobody adds to the run's plan in this block: either it is at work, when nobody may, or it cannot be set to work."""
    lock = files.try_lock(run.supervisor_lock)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)
