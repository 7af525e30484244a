"""Lines of styled text: how they are clipped, padded and compared. Plain strings only: markup has no meaning here.

A style is a rich definition of attributes and the 16 colours (`bold red`), so that any terminal, light or dark, shows it.
Red means that something needs a person. Blue is a change for the better, yellow (orange on many terminals) one for the
worse: whoever confuses red and green tells these apart. What a colour says, a word or a sign says too.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from textwrap import wrap
from typing import NamedTuple

from rich.cells import cell_len
from rich.style import Style

DIM, STRONG, FAIL, CURSOR, MARK = "dim", "bold", "bold red", "reverse", "reverse yellow"
GOOD, BAD = "bold bright_blue", "bold yellow"
ALARM = f"{BAD} reverse"
"""Of the word of a reversal, and of nothing else: a cursor, or a bar, leaves it as a hole."""
_JUMP = 10
"""Moving the terminal's cursor costs about as many bytes as this many unchanged cells."""


class Span(NamedTuple):
    """A piece of text in one style."""

    text: str
    style: str = ""


Line = tuple[Span, ...]


def plain(line: Line) -> str:
    """The text of a line."""
    return "".join(span.text for span in line)


def line(text: str, style: str = "") -> Line:
    """A line in one style."""
    return (Span(text, style),)


def width(of: Line) -> int:
    """How many cells a line takes."""
    return sum(cell_len(span.text) for span in of)


def style(definition: str) -> Style:
    """The rich style of a definition."""
    return _style(definition)


@lru_cache(256)
def _style(definition: str) -> Style:
    return Style.parse(definition) if definition else Style.null()


def cut(text: str, cells: int) -> str:
    """As much of `text` as fits in `cells`, `…` at the end where it was cut."""
    if cell_len(text) <= cells:
        return text
    kept = ""
    room = cells - 1
    for character in text:
        room -= cell_len(character)
        if room < 0:
            break
        kept += character
    return kept + "…" if cells > 0 else ""


def cut_middle(text: str, cells: int) -> str:
    """Like `cut`, but what tells names apart, their end, is kept."""
    if cell_len(text) <= cells or not text.isascii() or cells < 8:
        return cut(text, cells)
    head = cells // 8
    return f"{text[:head]}…{text[len(text) - (cells - 1 - head) :]}"


def wrapped(text: str, cells: int) -> list[str]:
    """All of `text`, on as many lines of `cells` as it takes."""
    wide = cell_len(text) > len(text)
    return wrap(text, max(1, cells // 2 if wide else cells))


def clip(spans: Line, cells: int) -> Line:
    """As much of a line as fits in `cells`."""
    kept: list[Span] = []
    for span in spans:
        size = cell_len(span.text)
        if size <= cells:
            kept.append(span)
            cells -= size
            continue
        if cells > 0:
            kept.append(Span(cut(span.text, cells), span.style))
        elif kept:
            kept[-1] = Span(cut(kept[-1].text + "  ", cell_len(kept[-1].text)), kept[-1].style)
        break
    return tuple(kept)


def fit(spans: Line, cells: int, *, right: bool = False) -> Line:
    """A line clipped or padded to exactly `cells`."""
    missing = cells - width(spans)
    if missing == 0:
        return spans
    if missing < 0:
        spans = clip(spans, cells)
        missing = cells - width(spans)
    if missing == 0:
        return spans
    blank = Span(" " * missing)
    return (blank, *spans) if right else (*spans, blank)


def beneath(spans: Line, definition: str) -> Line:
    """A line with one reversed style in place of its own; the word of a reversal stays apart, as a hole in it."""
    return tuple(Span(span.text, BAD if span.style == ALARM else definition) for span in spans)


def over(spans: Line, definition: str) -> Line:
    """A line with a further style on all of it."""
    return tuple(Span(span.text, f"{span.style} {definition}".strip()) for span in spans)


def join(parts: Iterable[Line], between: str = "") -> Line:
    """Lines one after the other on one line."""
    joined: list[Span] = []
    for part in parts:
        if joined and between:
            joined.append(Span(between))
        joined.extend(part)
    return tuple(joined)


def ends(left: Line, right: Line, cells: int, fill: str = " ", fill_style: str = "") -> Line:
    """`left` and `right` at the two ends of a line; `left` gives way where both do not fit."""
    room = cells - width(right)
    if room <= 0:
        return fit(right, cells)
    left = clip(left, room)
    return (*left, Span(fill * (room - width(left)), fill_style), *right)


def changes(old: Line, new: Line) -> list[tuple[int, int]]:
    """The cells in which two lines differ, as (first, after last); what is close together is taken together."""
    if old == new:
        return []
    before, after = _cells(old), _cells(new)
    size = max(len(before), len(after))
    before += [(" ", "")] * (size - len(before))
    after += [(" ", "")] * (size - len(after))
    found: list[tuple[int, int]] = []
    for x in range(size):
        if before[x] != after[x]:
            if found and x - found[-1][1] < _JUMP:
                found[-1] = (found[-1][0], x + 1)
            else:
                found.append((x, x + 1))
    return found


def _cells(spans: Line) -> list[tuple[str, str]]:
    cells: list[tuple[str, str]] = []
    for text, definition in spans:
        if text.isascii():
            cells += [(character, definition) for character in text]
            continue
        for character in text:
            size = cell_len(character)
            if size == 0 and cells:
                cells[-1] = (cells[-1][0] + character, cells[-1][1])
            cells += [(character, definition)] * size
    return cells
