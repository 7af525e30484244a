"""Reading the final answer out of a text."""

from __future__ import annotations

import re

_MARKED = re.compile(r"####[ \t]*([^\n]*)")
_NUMBER = re.compile(r"-?\d+")


def after_hashes(text: str) -> str | None:
    """What stands after the first `####`, to the end of that line; None where there is none.

    GSM8K's convention (openai/grade-school-math, `dataset.py`).
    """
    found = _MARKED.search(text)
    return found[1].strip() or None if found else None


def whole_number(text: str) -> int | None:
    """The whole number after `####`; None where there is none, or something else stands there."""
    answer = after_hashes(text)
    return int(answer) if answer and len(answer) <= 30 and _NUMBER.fullmatch(answer) else None
