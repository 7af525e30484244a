"""Checkpoints that an unfinished training goes on from: which of them are whole.

A checkpoint is a folder `checkpoint-STEP` as transformers' Trainer saves it. When all of it is written it is sealed: `SEAL`
names every file and its size, and is written last. Nothing here opens a pickle.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEAL = "sealed.json"
STATE = "trainer_state.json"
KEPT = 2
"""How many sealed checkpoints stay: the newest may turn out to be damaged."""
_LONGEST_HEADER = 100_000_000


@dataclass(frozen=True)
class Chosen:
    """The newest checkpoint that can be used, and each one set aside on the way to it: its new name and what is wrong with it.

    `bad` counts the damaged ones of all attempts.
    """

    path: Path | None
    set_aside: tuple[tuple[str, str], ...]
    bad: int


def seal(folder: Path, key: str) -> None:
    """Declare all that is in `folder` whole, and put it on the disk for good; `key` names what it was trained from."""
    sizes = {}
    for path in _files(folder):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            sizes[str(path.relative_to(folder))] = os.fstat(file.fileno()).st_size
    beside = folder / f".{SEAL}"
    with beside.open("w", encoding="utf-8") as file:
        json.dump({"key": key, "files": sizes}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(folder / SEAL)
    for each in (folder, folder.parent):
        descriptor = os.open(each, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def choose(partial: Path, key: str, also: Callable[[Path], str] = lambda _folder: "") -> Chosen:
    """The newest checkpoint in `partial` that is whole.

    Newer ones are renamed: `unfinished-checkpoint-STEP` where the seal is missing, `bad-checkpoint-STEP` where something is
    wrong. `also` says what else is wrong with a sealed one, empty for nothing.
    """
    told: list[tuple[str, str]] = []
    for _, folder in reversed(_numbered(partial)):
        sealed = (folder / SEAL).exists()
        wrong = (flaw(folder, key) or also(folder)) if sealed else "it was not written to its end"
        if not wrong:
            return Chosen(folder, tuple(told), _bad(partial))
        told.append((_rename_aside(folder, "bad" if sealed else "unfinished"), wrong))
    return Chosen(None, tuple(told), _bad(partial))


def flaw(folder: Path, key: str) -> str:
    """What is wrong with a checkpoint, in words; empty where nothing is."""
    try:
        seal_of = _json(folder / SEAL)
        if seal_of.get("key") != key:
            return "it was trained from something else"
        return _sizes(folder, seal_of["files"]) or _state(folder) or _weights(folder)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return f"it cannot be read: {error or type(error).__name__}"


def prune(partial: Path) -> None:
    """Delete all sealed checkpoints but the newest `KEPT`."""
    sealed = [folder for _, folder in _numbered(partial) if (folder / SEAL).exists()]
    for folder in sealed[:-KEPT]:
        (folder / SEAL).unlink()
        shutil.rmtree(folder)


def drop_unsealed(partial: Path) -> None:
    """Delete what this attempt began to write and could not end."""
    for _, folder in _numbered(partial):
        if not (folder / SEAL).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _numbered(partial: Path) -> list[tuple[int, Path]]:
    """By step."""
    named = ((re.fullmatch(r"checkpoint-(\d+)", name), name) for name in os.listdir(partial)) if partial.is_dir() else ()
    return sorted((int(found[1]), partial / name) for found, name in named if found)


def _bad(partial: Path) -> int:
    return sum(name.startswith("bad-checkpoint-") for name in os.listdir(partial)) if partial.is_dir() else 0


def _rename_aside(folder: Path, why: str) -> str:
    """Its new name: one that none has."""
    name, number = f"{why}-{folder.name}", 1
    while (folder.parent / name).exists():
        number += 1
        name = f"{why}-{folder.name}.{number}"
    folder.rename(folder.parent / name)
    return name


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in {SEAL, f".{SEAL}"})


def _json(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_bytes())
    if not isinstance(found, dict):
        raise TypeError(f"{path.name} is no JSON object")
    return found


def _sizes(folder: Path, expected: dict[str, int]) -> str:
    there = {str(path.relative_to(folder)): path.stat().st_size for path in _files(folder)}
    for name, size in expected.items():
        if name not in there:
            return f"{name} is missing"
        if there[name] != size:
            return f"{name} has {there[name]} bytes, not {size}"
    strange = sorted(set(there) - set(expected))
    return f"{strange[0]} was put there later" if strange else ""


def _state(folder: Path) -> str:
    if not (folder / STATE).exists():
        return f"{STATE} is missing"
    step = _json(folder / STATE).get("global_step")
    expected = int(folder.name.rpartition("-")[2])
    return "" if step == expected else f"{STATE} names step {step}, not {expected}"


def _weights(folder: Path) -> str:
    tensors = {path.name: tensor_names(path) for path in sorted(folder.glob("*.safetensors"))}
    if not tensors:
        return "it holds no .safetensors file"
    for index in sorted(folder.glob("*.safetensors.index.json")):
        for tensor, name in _json(index)["weight_map"].items():
            if tensor not in tensors.get(name, ()):
                return f"{index.name} names {tensor} in {name}, which does not have it"
    return ""


def tensor_names(path: Path) -> frozenset[str]:
    """The tensors of a safetensors file, whose header is checked against the file's length.

    Raises:
        ValueError: header and length do not fit.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _LONGEST_HEADER):
            raise ValueError(f"{path.name} is cut off in its header")
        header = json.loads(file.read(length))
    spans = sorted(entry["data_offsets"] for name, entry in header.items() if name != "__metadata__")
    end = 0
    for first, last in spans:
        if first != end or last < first:
            raise ValueError(f"the tensors of {path.name} do not follow each other")
        end = last
    if 8 + length + end != size:
        raise ValueError(f"{path.name} has {size} bytes, and its header says {8 + length + end}")
    return frozenset(name for name in header if name != "__metadata__")
