"""What a reader of a run's numbers should know of how they came about: linked stages, changes on the way, pruned checkpoints."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from sirtui.core.layout import RunFolder
from sirtui.core.run import Status
from sirtui.core.text import clean
from sirtui.store.rows import RunView
from sirtui.supervise.changes import Acceptance, accepted


def told(view: RunView, run: RunFolder) -> list[str]:
    """A sentence for each thing; none where the run made everything itself, as it was begun."""
    return [*_linked(view), *map(_accepted, accepted(run)), *_pruned(view)]


def _linked(view: RunView) -> Iterator[str]:
    origins = Counter(stage.origin.partition("/")[0] for stage in view.stages if stage.origin)
    if origins:
        done = sum(stage.status is Status.FINISHED for stage in view.stages)
        whose = ", ".join(clean(name, 80) for name in origins)
        yield f"{origins.total()} of {done} finished stages were made by {whose} from equal inputs, and are linked here"


def _accepted(entry: Acceptance) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.at))
    what = "; ".join(f"{clean(each.key, 100)} {clean(each.before, 100)} -> {clean(each.now, 100)}" for each in entry.changes)
    return f"resumed on {when} with changes: {what}"


def _pruned(view: RunView) -> Iterator[str]:
    gone = [f"it{row.t}" for row in view.iterations if row.pruned]
    if gone:
        yield f"checkpoints deleted to make room: {', '.join(gone)}"
