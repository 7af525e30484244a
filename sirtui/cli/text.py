"""Numbers and tables as the commands print them."""

from __future__ import annotations

from collections.abc import Sequence


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


def progress(done: float | None, total: float | None, unit: str) -> str:
    """`120/480 steps (25 %)`; `started` where nothing is known yet."""
    if done is None or not total:
        return "started"
    return f"{done:g}/{total:g} {unit} ({100 * done / total:.0f} %)"


def number(value: float | None) -> str:
    """Three decimals below ten, fewer above; `-` where undefined."""
    if value is None:
        return "-"
    if float(value).is_integer() and abs(value) >= 2:
        return f"{value:.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def table(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Columns padded to their widest cell, the first `left` to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(_cell(cell, width, at < left) for at, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    )


def _cell(text: str, width: int, to_left: bool) -> str:
    return text.ljust(width) if to_left else text.rjust(width)
