"""Cleaning text that came from outside: logs, names, model answers."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Any, TypeVar, cast

import msgspec

T = TypeVar("T")

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\|$)|[ -/]*[0-~]|$)"
    r"|\x9b[0-?]*[ -/]*[@-~]|[\x90\x98\x9d-\x9f].*?(?:\x9c|\x07|$)",
    re.DOTALL,
)
_USER = re.compile(r"(:/+)[^\s/?#]*@")
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def clean(text: str, limit: int | None = None) -> str:
    """`text` on one line, safe to draw: no escape sequences, control or formatting characters; cut to `limit` with `…`.

    Tabs and line breaks become spaces; what else cannot be drawn becomes `�`.
    """
    if limit is not None and len(text) > 8 * limit:
        text = text[: 8 * limit]
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_visible, _ESCAPES.sub("", text)))
    return text if limit is None or len(text) <= limit else text[: max(0, limit - 1)] + "…"


def clean_block(text: str) -> str:
    """Like `clean`, line breaks kept."""
    return "\n".join(clean(line) for line in text.replace("\r\n", "\n").split("\n"))


def without_passwords(text: str) -> str:
    """`text` with user and password taken out of its URLs: `https://***@host/x`. Paths made of URLs (`https:/...`) count."""
    return _USER.sub(r"\1***@", text)


def clean_record(value: T) -> T:
    """A frozen struct (or tuple, mapping, text) with all its texts clean, at any depth."""
    done: Any = value
    if isinstance(value, str) and not isinstance(value, StrEnum):
        done = clean(value)
    elif isinstance(value, tuple):
        done = tuple(map(clean_record, value))
    elif isinstance(value, dict):
        done = {clean_record(key): clean_record(inner) for key, inner in value.items()}
    elif isinstance(value, msgspec.Struct):
        done = msgspec.structs.replace(value, **{name: clean_record(getattr(value, name)) for name in value.__struct_fields__})
    return cast("T", done)


def _visible(character: str) -> str:
    if character in "\t\n\r\v\f":
        return " "
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _UNSAFE else character
