"""The second wall: nothing but drawable characters goes to the terminal, whatever a widget says.

The first wall is `sirtui.core.text.clean`, where outside text comes in. With `ascii` every sign becomes one of ASCII.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_ASCII = str.maketrans("⇅▴▾▸↑↓…─│┌┐└┘–Δ▁▂▃▄▅▆▇█←→", "X^v>+-.-|++++-d .:-=+*#<>")


class Wall(LineFilter):
    """Replaces what must not be drawn, cell for cell."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._safe = _ascii if ascii_only else _drawable

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments, safe."""
        return [
            segment if segment.control or (segment.text.isascii() and segment.text.isprintable()) else self._cleaned(segment)
            for segment in segments
        ]

    def _cleaned(self, segment: Segment) -> Segment:
        return Segment(self._safe(segment.text), segment.style)


@lru_cache(4096)
def _drawable(text: str) -> str:
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(each) in _UNSAFE else each for each in text)


@lru_cache(4096)
def _ascii(text: str) -> str:
    text = text.translate(_ASCII)
    return "".join(each if " " <= each <= "~" else "?" * (cell_len(each) if each.isprintable() else 1) for each in text)
