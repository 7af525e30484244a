"""A stage's events as lines of its log, for people: who reads the log need not open the journal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from sirtui.core.events import Comparison, Event, Failed, Finished, Metric, Progress, Scalars, Started
from sirtui.recipes.shelf import Emit

PROGRESS_EVERY_S = 2.0


def telling(emit: Emit, clock: Callable[[], float] = time.monotonic) -> Emit:
    """`emit`, and beside it a line on stdout for each event that says something; progress at most every two seconds."""
    last = clock() - PROGRESS_EVERY_S

    def tell(event: Event) -> None:
        nonlocal last
        emit(event)
        if isinstance(event, Progress):
            if clock() - last < PROGRESS_EVERY_S and event.done < event.total:
                return
            last = clock()
        if said := line(event):
            sys.stdout.write(f"{time.strftime('%H:%M:%S')} {said}\n")
            sys.stdout.flush()

    return tell


def line(event: Event) -> str:
    """What is worth saying of an event; empty where nothing is."""
    said = ""
    match event:
        case Started():
            said = f"{event.stage}, attempt {event.attempt}"
        case Progress():
            said = f"{event.done:g}/{event.total:g} {event.unit} {event.what}".rstrip()
        case Scalars():
            said = " ".join([f"step={event.step}", *(f"{name}={_short(value)}" for name, value in event.values.items())])
        case Metric():
            said = f"{event.key} = {_short(event.value)}{_error(event.stderr)} (n={event.n})"
        case Comparison():
            said = f"{event.key}: {_short(event.change)}{_error(event.stderr)} against {event.against} (n={event.n})"
        case Failed():
            said = f"failed: {event.what}"
        case Finished():
            said = f"finished in {event.seconds:.1f} s, {event.cpu_seconds:.1f} s of CPU"
    return said


def _short(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4g}"


def _error(stderr: float | None) -> str:
    return "" if stderr is None else f" +- {stderr:.2g}"
