"""Results made in pieces, each written whole: after an interruption only the piece at hand is made again.

What goes into a piece depends on the experiment alone, so it does not matter which attempt made it, and the joined file is
the same however often the work was interrupted.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from sirtui.core.errors import StoreError
from sirtui.core.files import read_lines, whole, write_lines

T = TypeVar("T", bound=msgspec.Struct)
A = TypeVar("A")

ANSWERS = 512
"""About how many answers make a shard: a minute's work where an answer takes a tenth of a second."""
BATCHES = 8
"""And at least so many batches, so that one that is not full costs little."""


def problems_a_shard(n: int, batch: int) -> int:
    """How many problems of `n` answers each make a shard whose last batch of `batch` answers is as full as can be."""
    most = max(1, max(ANSWERS, BATCHES * batch) // n)
    return max(range(1, most + 1), key=lambda count: (count * n / (-(-count * n // batch) * batch), count))


def cut(items: Sequence[A], size: Callable[[A], int]) -> list[Sequence[A]]:
    """The items in order, in pieces that end where `ANSWERS` is reached; `size`: how many answers an item has."""
    pieces, first, held = list[Sequence[A]](), 0, 0
    for index, item in enumerate(items, 1):
        held += size(item)
        if held >= ANSWERS or index == len(items):
            pieces.append(items[first:index])
            first, held = index, 0
    return pieces


@dataclass(frozen=True)
class Shards(Generic[T]):
    """The shards of one file of `kind`, one record a line, in `folder`."""

    folder: Path
    kind: type[T]

    def has(self, number: int, fits: Callable[[Sequence[T]], bool]) -> bool:
        """Whether the shard is there, all its lines decode, and they are what was wanted."""
        try:
            return fits(list(read_lines(self._path(number), self.kind)))
        except StoreError:
            return False

    def write(self, number: int, records: Iterable[T]) -> None:
        """Make the shard, whole or not at all."""
        write_lines(self._path(number), records)

    def join(self, count: int, target: Path) -> None:
        """All of them, one after the other, at `target`."""
        with whole(target) as joined:
            for number in range(count):
                with self._path(number).open("rb") as shard:
                    shutil.copyfileobj(shard, joined)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:05}.jsonl"
