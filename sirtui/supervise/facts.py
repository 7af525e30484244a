"""Facts of this machine that decide what a stage's result is: versions, files it reads, whether there is a GPU."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import file_digest, sha256
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

import msgspec

import sirtui
from sirtui.core import files
from sirtui.core.inputs import Outside, outside
from sirtui.core.layout import RunFolder
from sirtui.core.run import Stage
from sirtui.core.spec import Spec

PACKAGES = ("sirtui", "torch", "transformers", "trl", "tokenizers", "sentence-transformers", "vllm")
"""Whose versions decide results."""

_PACKAGE = "package:"
_GPUS = (Path("/proc/driver/nvidia/gpus"), Path("/dev/kfd"))


class Seen(msgspec.Struct, frozen=True):
    """A file or folder as it was when a stage read it: a digest of what counts, and when it last changed (epoch seconds)."""

    digest: str
    changed: float


class Used(msgspec.Struct, frozen=True):
    """`control/used.json`: what the run's stages have read from outside, by path."""

    files: dict[str, Seen] = {}


def about(spec: Spec, stage: Stage) -> dict[str, Any]:
    """What goes into a stage's key beside its experiment and its inputs."""
    found = outside(spec, stage)
    told = {"versions": versions(), "code": _own_code(), "packages": dict(_packages(found.models))}
    seen = {path: each.digest for path, each in look(found).items()}
    return {**told, "files": seen, "device": _device(spec) if stage.kind.holds_model else ""}


def look(found: Outside) -> dict[str, Seen]:
    """By path, how the files and folders are now that a stage reads from outside."""
    recipes = {path: _recipe(Path(path)) for path in found.recipes}
    models = (model for model in found.models if Path(model).is_absolute())
    return recipes | {path: _listed(Path(path)) for path in (*found.data, *models)}


def used(run: RunFolder) -> dict[str, Seen]:
    """What the run's stages have read from outside, as it was when the last one did."""
    record = files.find_record(_noted(run), Used)
    return record.files if record else {}


def note(run: RunFolder, spec: Spec, stage: Stage) -> None:
    """Write down how that is now which the stage will read."""
    before = used(run)
    now = before | look(outside(spec, stage))
    if now != before:
        with files.room_or_not():
            files.write_record(_noted(run), Used(now))


def see_again(path: str) -> Seen:
    """How something is now that was seen before."""
    return _recipe(Path(path)) if path.endswith(".py") else _listed(Path(path))


@cache
def versions() -> Mapping[str, str]:
    """Of Python and of what is installed among `PACKAGES`."""
    found = {name: _version(name) for name in PACKAGES}
    return {"python": platform.python_version()} | {name: text for name, text in found.items() if text}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _packages(models: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The versions of the packages that models lie in."""
    for model in models:
        if model.startswith(_PACKAGE):
            name = model.removeprefix(_PACKAGE).partition("/")[0]
            yield name, _version_of_module(name)


@cache
def _version_of_module(name: str) -> str:
    """The version of the package that holds the module `name`: mostly called like it."""
    return _version(name) or ", ".join(_version(each) for each in packages_distributions().get(name, ()))


@cache
def _own_code() -> str:
    """Of sirtui's own recipes and stages, which someone may have changed without another version."""
    home = Path(sirtui.__file__).parent
    paths = sorted(path for room in ("recipes", "stages") for path in (home / room).rglob("*.py"))
    return _digest([(str(path.relative_to(home)), sha256(path.read_bytes()).hexdigest()) for path in paths])


def _device(spec: Spec) -> str:
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    there = any(path.exists() for path in _GPUS)
    return "gpu" if there and spec.resources.gpus and not hidden else "cpu"


def _recipe(path: Path) -> Seen:
    """A recipe of one's own by its content, with that of the files beside it that its text names."""
    family = _family(path)
    if not family:
        return Seen("missing", 0.0)
    digests = sorted((name, each.digest) for name, each in family.items())
    return Seen(_digest(digests), max(each.changed for each in family.values()))


@dataclass(frozen=True)
class _Content:
    digest: str
    words: frozenset[str]
    changed: float


def _family(path: Path) -> dict[str, _Content]:
    """By name the file and what it names in its own folder, as a file or as a module, and what these name."""
    found: dict[str, _Content] = {}
    waiting, beside = [path.name], _names(path.parent)
    while waiting:
        name = waiting.pop()
        content = None if name in found else _content(path.with_name(name))
        if content:
            found[name] = content
            waiting += [other for other in beside if content.words & {other, other.removesuffix(".py")}]
    return found


def _content(path: Path) -> _Content | None:
    try:
        stat = path.stat()
        return _read(path, stat.st_size, stat.st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=256)
def _read(path: Path, size: int, mtime_ns: int) -> _Content:
    """The digest of a file of this size and time; of a Python file the words too. Only what changed is read again."""
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    text = path.read_text("utf-8", "replace") if path.suffix == ".py" else ""
    return _Content(digest, frozenset(_WORD.findall(text)), mtime_ns / 1e9)


_WORD = re.compile(r"[\w.-]+")


def _names(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(folder) if entry.is_file())
    except OSError:
        return []


def _listed(path: Path) -> Seen:
    """A file, or all files of a folder, by name, size and time of the last change: these may be large."""
    paths = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    try:
        stats = [(str(each.relative_to(path)), each.stat()) for each in paths]
    except OSError:
        return Seen("missing", 0.0)
    changed = max((stat.st_mtime for _, stat in stats), default=0.0)
    return Seen(_digest([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]), changed)


def _digest(value: Any) -> str:
    return sha256(msgspec.json.encode(value)).hexdigest()


def _noted(run: RunFolder) -> Path:
    return run.stop_request.with_name("used.json")
