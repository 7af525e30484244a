"""Which run is meant by what someone typed."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from sirtui.core.errors import NotFound
from sirtui.core.text import clean

_MOST_NAMED = 5


def find(text: str, runs: Sequence[tuple[str, str, str]]) -> str:
    """The full name of the run called `text`; `runs` are full names, ids and experiment names, newest first.

    In this order: a full name, `latest`, an id, an experiment's name (its newest run), the beginning of one full name.

    Raises:
        NotFound: nothing fits, or the beginnings of several names.
    """
    if not runs:
        raise NotFound("there are no runs yet", "Start one with: sirtui run FILE")
    names = [name for name, _, _ in runs]
    if text in names:
        return text
    if text == "latest":
        return names[0]
    called = [name for name, ident, title in runs if text == ident] or [name for name, _, title in runs if text == title][:1]
    begun = called or [name for name in names if text and name.startswith(text)]
    if len(begun) == 1:
        return begun[0]
    raise _ambiguous(text, begun) if begun else not_found(text, names)


def _ambiguous(text: str, names: Sequence[str]) -> NotFound:
    more = ", ..." if len(names) > _MOST_NAMED else ""
    return NotFound(f"{clean(text, 80)!r} may be {len(names)} runs", f"Say which: {', '.join(names[:_MOST_NAMED])}{more}")


def not_found(text: str, names: Sequence[str]) -> NotFound:
    """The error for a run that is not there, with the names that are near or new."""
    near = get_close_matches(text, names, _MOST_NAMED, cutoff=0.5) or names[:_MOST_NAMED]
    hint = f"Runs: {', '.join(near)}; all by: sirtui status" if near else "Start one with: sirtui run FILE"
    return NotFound(f"no run is called {clean(text, 80)!r}", hint)
