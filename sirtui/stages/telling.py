"""A stage's events as lines of its log, for people: who reads the log need not open the journal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import msgspec

from sirtui.core.events import Comparison, Concluded, Event, Failed, Finished, Metric, Progress, Scalars, Started
from sirtui.recipes.shelf import Emit

PROGRESS_EVERY_S = 2.0


class Pace:
    """How long a stage still takes, by what was done since it was first heard of; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: tuple[str, float, float] = ("", 0.0, 0.0)

    def stamped(self, progress: Progress) -> Progress:
        """The same, with what is left at this pace; None where nothing was done since the first time."""
        unit, began, at_first = self._since
        if unit != progress.unit or progress.done < at_first:
            unit, began, at_first = self._since = (progress.unit, self._clock(), progress.done)
        done = progress.done - at_first
        left = (self._clock() - began) / done * (progress.total - progress.done) if done > 0 else None
        return msgspec.structs.replace(progress, left=left)


def telling(emit: Emit, clock: Callable[[], float] = time.monotonic) -> Emit:
    """`emit` with the time left put into progress, and beside it a line on stdout for each event that says something.

    Progress is said at most every two seconds.
    """
    last, pace = clock() - PROGRESS_EVERY_S, Pace(clock)

    def tell(event: Event) -> None:
        nonlocal last
        event = pace.stamped(event) if isinstance(event, Progress) else event
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
            said = f"{event.key} = {_short(event.value)}{_error(event.stderr)}{_problems(event.n)}"
        case Comparison():
            said = f"{event.key}: {_short(event.change)}{_error(event.stderr)} against {event.against}{_problems(event.n)}"
        case Concluded(record=record):
            keep = f"; keep it{record.keep.t}" if record.keep else ""
            said = f"verdict: {record.text or record.advice or 'none on what is compared against'}{keep}"
        case Failed():
            said = f"failed: {event.what}"
        case Finished():
            said = f"finished in {event.seconds:.1f} s, {event.cpu_seconds:.1f} s of CPU"
    return said


def _short(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4g}"


def _error(stderr: float | None) -> str:
    return "" if stderr is None else f" +- {stderr:.2g}"


def _problems(n: int | None) -> str:
    return "" if n is None else f" (n={n})"
