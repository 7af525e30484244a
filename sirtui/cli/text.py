"""Numbers and tables as the commands print them."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from sirtui.store.rows import RunRow


def duration(seconds: float | None) -> str:
    """`42 s`, `3:07 min`, `2:15 h`; `?` where not known."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 6000:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"


def left(run: RunRow) -> str:
    """What is left of the run, or where that is not known yet of its stage; empty where neither is."""
    if run.eta is not None:
        return f"{duration(run.eta)} left"
    return f"{duration(run.left)} left of this stage" if run.left is not None else ""


def progress(done: float | None, total: float | None, unit: str) -> str:
    """`120/480 steps (25 %)`; `started` where nothing is known yet."""
    if done is None or not total:
        return "started"
    return f"{done:g}/{total:g} {unit} ({100 * done / total:.0f} %)"


def number(value: float | None, unit: str = "") -> str:
    """A count of problems as it is, else three decimals below ten and one above; `-` where undefined."""
    if value is None:
        return "-"
    if unit == "problems":
        return f"{value:.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def table(rows: Sequence[Sequence[str]], left: int = 1, width: int | None = None) -> str:
    """Columns padded to their widest cell, the first `left` to the left, the others to the right.

    Columns that do not fit into `width` stand in further blocks below, each beginning with the first column.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n\n".join(_block(rows, widths, chosen, left) for chosen in _blocks(widths, width))


def _blocks(widths: Sequence[int], width: int | None) -> list[list[int]]:
    """Which columns stand in each block."""
    blocks = [[0]]
    for column in range(1, len(widths)):
        taken = sum(widths[each] + 2 for each in blocks[-1])
        if width is not None and taken + widths[column] > width and len(blocks[-1]) > 1:
            blocks.append([0])
        blocks[-1].append(column)
    return blocks


def _block(rows: Sequence[Sequence[str]], widths: Sequence[int], chosen: Sequence[int], left: int) -> str:
    lines = ("  ".join(_cell(row[column], widths[column], column < left) for column in chosen).rstrip() for row in rows)
    return "\n".join(lines)


def _cell(text: str, width: int, to_left: bool) -> str:
    return text.ljust(width) if to_left else text.rjust(width)


def terminal_width() -> int | None:
    """Of the terminal; None where the text goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def folded(text: str, width: int | None) -> str:
    """Lines that are too long for `width` broken between words, what follows set in."""
    if width is None:
        return text
    return "\n".join(_fold(line, width) for line in text.split("\n"))


def _fold(line: str, width: int) -> str:
    if len(line) <= width:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def fitting(rows: Sequence[Sequence[str]], width: int | None, drop: Sequence[str]) -> Sequence[Sequence[str]]:
    """The rows with as many of the columns headed `drop`, the first first, left out as it takes to fit into `width`."""
    for title in drop:
        if width is None or sum(max(map(len, column)) + 2 for column in zip(*rows, strict=True)) - 2 <= width:
            break
        place = list(rows[0]).index(title)
        rows = [[*row[:place], *row[place + 1 :]] for row in rows]
    return rows


def stars(p: float | None) -> str:
    """`**` for p <= .01, `*` for p <= .05, else `~`; nothing where there is no p."""
    if p is None:
        return ""
    return "**" if p <= 0.01 else "*" if p <= 0.05 else "~"


def change(value: float | None, unit: str) -> str:
    """A signed change: shares in points (hundredths), else as the number is."""
    if value is None:
        return "-"
    return f"{100 * value:+.1f}" if unit == "share" else f"{value:+.3f}" if abs(value) < 10 else f"{value:+.1f}"


def interval(low: float | None, high: float | None, unit: str) -> str:
    """`[+1.2, +3.4]`, nothing where there is none."""
    return "" if low is None or high is None else f"[{change(low, unit)}, {change(high, unit)}]"


def p_value(p: float | None) -> str:
    """Three digits, `<.0001` below that; `-` where there is none."""
    if p is None:
        return "-"
    return "<.0001" if p < 0.0001 else f"{p:.3g}" if p >= 0.001 else f"{p:.4f}"


def without_gaps(value: Any) -> Any:
    """What is to be told as JSON without what is None, at any depth."""
    if isinstance(value, dict):
        return {key: without_gaps(inner) for key, inner in value.items() if inner is not None}
    return [without_gaps(inner) for inner in value] if isinstance(value, list | tuple) else value
