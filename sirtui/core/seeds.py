"""Seeds derived from what they are for, so that nothing is ever drawn twice and everything can be drawn again."""

from __future__ import annotations

from hashlib import blake2b


def derive(*parts: int | str) -> int:
    """A seed in [0, 2**63) that depends on all parts and on their order."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
