"""Experiment files that stand for several runs: every combination of what `[matrix]` lists. A pure function of the file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import msgspec

from sirtui.core.errors import SpecError
from sirtui.core.spec import Matrix, Spec, converted, label, load_table, made, wrong

KEYS = ("base_model", "task", "method", "seed")
"""What can be varied: the first slowest, the last fastest."""
MOST = 1000
_NAME_LENGTH = 64


def load_all(path: Path) -> tuple[Spec, ...]:
    """The experiments in a TOML file, in order, with names of their own; one where the file has no `[matrix]`.

    Raises:
        SpecError: see `core.spec.load`; or a list of the matrix is empty, too long, or says something twice.
    """
    table, file = load_table(path), str(path)
    if "matrix" not in table:
        return (made(table, file, path.parent),)
    varied = _lists(table, file)
    rest = {key: value for key, value in table.items() if key != "matrix"}
    combinations = [dict(zip(varied, values, strict=True)) for values in product(*varied.values())]
    specs = [_made(rest, chosen, file, path.parent) for chosen in combinations]
    names = _names(specs[0].name, [_labels(chosen, varied) for chosen in combinations])
    return tuple(msgspec.structs.replace(spec, name=name) for spec, name in zip(specs, names, strict=True))


def varying(specs: Sequence[Spec]) -> tuple[str, ...]:
    """The keys in which they differ."""
    return tuple(key for key in KEYS if len({getattr(spec, key) for spec in specs}) > 1)


def _lists(table: dict[str, Any], file: str) -> dict[str, tuple[Any, ...]]:
    """The lists of the matrix, checked."""
    matrix = converted(table["matrix"], Matrix, table, file, "matrix")
    lists = {key: values for key in KEYS if (values := getattr(matrix, key)) is not None}
    if not lists:
        raise wrong(file, "matrix", "empty", f"at least one list: {', '.join(KEYS)}")
    for key, values in lists.items():
        if key in table:
            raise wrong(file, f"matrix.{key}", f"{key} stands above as well", "one of the two")
        for value in values:
            if values.count(value) > 1:
                raise wrong(file, f"matrix.{key}", f"{_written(value)} is named {values.count(value)} times", "each value once")
    count = prod(map(len, lists.values()))
    if count > MOST:
        raise wrong(file, "matrix", f"stands for {count:,} runs", f"at most {MOST:,}")
    return lists


def _made(rest: dict[str, Any], chosen: dict[str, Any], file: str, folder: Path) -> Spec:
    """One experiment; what is wrong with a value of the matrix is told as such."""
    try:
        return made({**rest, **chosen}, file, folder)
    except SpecError as error:
        told = error.message.removeprefix(f"{file}: ")
        if told.partition(":")[0] not in chosen:
            raise
        raise SpecError(f"{file}: matrix.{told}", error.hint) from error


def _labels(chosen: dict[str, Any], varied: dict[str, tuple[Any, ...]]) -> list[str]:
    """What tells a combination from the others, a word a key that varies: `["gsm8k", "sft-dpo", "s1"]`."""
    return [_word(key, value) for key, value in chosen.items() if len(varied[key]) > 1]


def _word(key: str, value: Any) -> str:
    if key == "seed":
        return f"s{value}"
    if key == "base_model":
        return _plain(str(value).rstrip("/").rpartition("/")[2])
    return _plain(_written(value, "."))


def _written(value: Any, between: str = ",") -> str:
    return between.join(map(label, value)) if isinstance(value, tuple) else label(value) if isinstance(value, str) else str(value)


def _plain(text: str) -> str:
    """Only what a name may have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")


def _names(name: str, labels: Iterable[Sequence[str]]) -> list[str]:
    """`gsm8k-dpo-s1`; numbered, the same for all, where words are too long or do not tell runs apart."""
    names = ["-".join(filter(None, (name, *words))) for words in labels]
    if len(set(names)) == len(names) and max(map(len, names)) <= _NAME_LENGTH:
        return names
    room = _NAME_LENGTH - len(str(len(names))) - 1
    return [f"{each[:room].rstrip('-._')}-{number}" for number, each in enumerate(names, 1)]
