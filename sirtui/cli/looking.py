"""What a command sees of a store: the index brought up to date, or where it cannot be (a full disk) the run folders."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from functools import cache

from sirtui.core.errors import NotFound, StoreError
from sirtui.core.files import find_record
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.run import RunRecord
from sirtui.core.text import clean
from sirtui.store import Store, scan, status
from sirtui.store.find import find
from sirtui.store.status import Standing


def look(store: Store, patience: float = 5) -> bool:
    """Bring the index up to date, waiting `patience` seconds for another who does; whether it could be written.

    Where not, a note on stderr says why, and the index answers as it was: no command ends for it.
    """
    try:
        store.catch_up(patience)
    except StoreError as error:
        _note(f"{clean(error.message)}; what follows may be old")
        return False
    return True


@cache
def _note(text: str) -> None:
    """Say it once: whoever follows a run looks again and again."""
    sys.stderr.write(f"note: {text}\n")


def named(store: Store, *texts: str) -> list[RunFolder]:
    """The runs meant by these, each once. A run that the index does not know, or may not yet, is found by its folder.

    Raises:
        NotFound: nothing fits one of them, or several runs do.
    """
    fresh = look(store)
    return [store.folder.run(name) for name in dict.fromkeys(_named(store, text, fresh=fresh) for text in texts)]


def _named(store: Store, text: str, *, fresh: bool) -> str:
    called = [name for name, _, title in on_disk(store.folder) if title == text != name]
    if len(called) > 1:
        raise NotFound(f"{clean(text, 80)!r} may be {len(called)} runs", f"Say which: {', '.join(called[:5])}")
    if fresh:
        with suppress(NotFound):
            return store.find(text)
    return find(text, on_disk(store.folder))


def on_disk(folder: StoreFolder) -> list[tuple[str, str, str]]:
    """Full name, id and experiment name of every run folder, newest first."""
    found = []
    for name, mtime_ns in scan.run_folders(folder).items():
        record = find_record(folder.run(name).record, RunRecord)
        title, _, ident = name.rpartition("-")
        found.append((record.created if record else mtime_ns / 1e9, name, ident, title or ident))
    return [(name, ident, title) for _, name, ident, title in sorted(found, key=lambda each: (-each[0], each[1]))]


def standing(run: RunFolder) -> Standing:
    """How a run stands by its own files, whatever the index says."""
    facts = scan.run_facts(run, run.path.stat().st_mtime_ns)
    stages, _ = scan.stages_facts(run, facts.record, {})
    return status.of_run(facts, stages, time.time())
