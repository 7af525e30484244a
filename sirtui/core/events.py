"""What a stage tells while it runs: one JSON object a line in its journal.

`encode` keeps a line within 16 KiB and turns NaN and infinities into null; `decode` never raises and keeps kinds it
does not know; `split` finds the whole lines in what was read so far.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from sirtui.core.verdict import VerdictRecord

LONGEST_LINE = 16 * 1024
_LONGEST_TEXT = 2_000


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Something that happened at `at` (seconds since the epoch; the journal puts it in)."""

    at: float = 0.0


class Started(Event, frozen=True, tag="started"):
    """The stage began."""

    stage: str
    attempt: int = 1


class Progress(Event, frozen=True, tag="progress"):
    """`done` of `total` `unit`s so far; what is done at this moment in `what`; at this pace `left` seconds are left."""

    done: float
    total: float
    unit: str = ""
    what: str = ""
    left: float | None = None


class Scalars(Event, frozen=True, tag="scalars"):
    """Values of a training curve at one optimizer step."""

    step: int
    values: dict[str, float | None]


class Metric(Event, frozen=True, tag="metric"):
    """One measure of an iteration in total.

    `value` is None where the measure is undefined; `n` is how many problems it is a mean over; `direction` is +1 where
    higher is better, -1 where lower is, 0 where neither; `counts` are the counts behind a ratio.
    """

    key: str
    value: float | None
    stderr: float | None = None
    n: int | None = None
    direction: int = 0
    unit: str = ""
    counts: dict[str, int] = {}


class Comparison(Event, frozen=True, tag="comparison"):
    """The paired change of one measure against `against` (`it01`), over the `n` problems defined at both.

    With its 90 and 95 % intervals and p: corrected for all that is tested, None where this is not; of what is only shown the
    raw one. `verdict`, `trend` and `role` as in `core.verdict.Cell`.
    """

    key: str
    against: str
    change: float | None
    stderr: float | None = None
    n: int | None = None
    lo90: float | None = None
    hi90: float | None = None
    lo95: float | None = None
    hi95: float | None = None
    p: float | None = None
    verdict: str = ""
    trend: str = ""
    role: str = ""


class Concluded(Event, frozen=True, tag="concluded"):
    """The verdict on an iteration, without its cells and lists of problems: those are in `verdicts.json`."""

    record: VerdictRecord


class Artifact(Event, frozen=True, tag="artifact"):
    """A file or folder the stage left, by its path in the stage's folder."""

    path: str
    bytes: int
    sha256: str = ""


class Beat(Event, frozen=True, tag="beat"):
    """Still alive."""


class Finished(Event, frozen=True, tag="finished"):
    """The stage ended well; wall-clock and CPU seconds it took."""

    seconds: float
    cpu_seconds: float = 0.0


class Failed(Event, frozen=True, tag="failed"):
    """The stage gave up: what happened, where, and what to do."""

    what: str
    where: str = ""
    hint: str = ""


class Unknown(Event, frozen=True, tag="unknown"):
    """A line of a kind this version does not know, or no event at all; kept as it was read."""

    line: str = ""


Known = Started | Progress | Scalars | Metric | Comparison | Concluded | Artifact | Beat | Finished | Failed
_decoder: msgspec.json.Decoder[Known] = msgspec.json.Decoder(Known)
_encoder = msgspec.json.Encoder()


def encode(event: Event) -> bytes:
    """One line, newline included, at most `LONGEST_LINE` bytes."""
    line, texts, items = _encoder.encode(event), _LONGEST_TEXT, 256
    while len(line) >= LONGEST_LINE and texts:
        line = _encoder.encode(_shortened(event, texts, items))
        texts, items = texts // 2, items // 2
    if len(line) >= LONGEST_LINE:
        line = _encoder.encode(Unknown(at=event.at, line=f"a {type(event).__name__} too long to be told"))
    return line + b"\n"


def _shortened(value: Any, texts: int, items: int) -> Any:
    """The same with texts cut to so many characters, mappings and lists to so many items, at any depth."""
    if isinstance(value, str) and not isinstance(value, StrEnum):
        return value[:texts]
    if isinstance(value, dict):
        return {key: _shortened(inner, texts, items) for key, inner in list(value.items())[:items]}
    if isinstance(value, tuple):
        return tuple(_shortened(inner, texts, items) for inner in value[:items])
    if isinstance(value, msgspec.Struct):
        fields = {name: _shortened(getattr(value, name), texts, items) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    return value


def decode(line: bytes) -> Event:
    """The event of one line; `Unknown` where there is none, never an exception."""
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Unknown(line[:_LONGEST_TEXT].decode("utf-8", "replace"))


def split(data: bytes) -> tuple[list[bytes], int]:
    """The whole lines at the beginning of `data`, without their newlines, and how many bytes they took."""
    used = data.rfind(b"\n") + 1
    return data[: max(0, used - 1)].split(b"\n") if used else [], used
