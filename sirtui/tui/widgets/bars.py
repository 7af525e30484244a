"""The lines around a screen: title, tabs, and the hints at the bottom."""

from __future__ import annotations

from collections.abc import Sequence

from sirtui.core.run import Status
from sirtui.core.text import clean
from sirtui.tui.feed import Snapshot
from sirtui.tui.figures import ATTENTION, NOTHING, percent, span
from sirtui.tui.keys import TABS
from sirtui.tui.paint import DIM, FAIL, STRONG, Line, Span, cut, ends, join, line, over, width
from sirtui.tui.widgets.painted import Painted

_REFERENCE = "vs M1"
_MESSAGE_S = 6.0


class Title(Painted):
    """Which run, how far, how many jobs, what needs a person - and against what changes are told."""

    def __init__(self) -> None:
        super().__init__(id="title")
        self._snapshot = Snapshot()

    def show(self, snapshot: Snapshot) -> None:
        """Show what stands in the snapshot."""
        self._snapshot = snapshot
        self.repaint()

    def lines(self) -> Sequence[Line]:
        """One line."""
        return [title_line(self._snapshot, self.size.width)]


def title_line(snapshot: Snapshot, cells: int) -> Line:
    """The title in this width: the reference and what needs a person always stay."""
    waiting = sum(run.status in ATTENTION for run in snapshot.runs)
    right: list[Line] = [line(_REFERENCE)]
    if waiting:
        right.append(line(f"! {waiting} need{'s' if waiting == 1 else ''} you", FAIL))
    right_line = (*join(right, " │ "), Span(" "))
    view = snapshot.view
    parts = [f"sirtui {clean(view.run.name, 80)}"] if view else ["sirtui"]
    if view:
        parts += [part for part in (_where(snapshot), _jobs(snapshot)) if part]
    while len(parts) > 1 and width(line("  " + " │ ".join(parts))) + width(right_line) > cells:
        parts.pop()
    room = cells - width(right_line) - 2
    return over(ends(line(" " + cut(" │ ".join(parts), room), STRONG), right_line, cells), "reverse")


def _where(snapshot: Snapshot) -> str:
    assert snapshot.view is not None
    run = snapshot.view.run
    if not run.status.alive:
        return f"{run.status} {run.t or NOTHING}/{run.iterations}"
    kind = clean(run.stage, 40).rpartition("/")[2]
    eta, left = span(run.eta), span(run.left)
    told = f"eta {eta}" if eta else f"{left} left of this" if left else ""
    parts = (f"it {run.t}/{run.iterations}" if run.t is not None else run.status, kind, percent(run.done, run.total))
    return " ".join(part for part in (*parts, told) if part)


def _jobs(snapshot: Snapshot) -> str:
    assert snapshot.view is not None
    here = sum(stage.status is Status.RUNNING for stage in snapshot.view.stages)
    runs = sum(run.status is Status.RUNNING for run in snapshot.runs)
    parts = [f"{here} job{'' if here == 1 else 's'}"] if here else []
    if runs > 1:
        parts.append(f"{runs} runs")
    return " ".join(parts)


class Tabs(Painted):
    """The screens there are, and the number key of each."""

    def __init__(self, current: str) -> None:
        super().__init__(id="tabs")
        self._current, self._problem = current, ""

    def show(self, problem: str) -> None:
        """Say what is wrong, as long as it is."""
        self._problem = problem
        self.repaint()

    def lines(self) -> Sequence[Line]:
        """One line."""
        names = [line(f" {key} {name} ", STRONG if page == self._current else DIM) for key, page, name in TABS]
        return [ends(join(names), line(cut(f"{self._problem} ", self.size.width - 24), FAIL), self.size.width)]


class Hints(Painted):
    """The most useful keys of the focused pane; for a few seconds, a message instead."""

    def __init__(self) -> None:
        super().__init__(id="hints")
        self._hints: tuple[str, ...] = ()
        self._message: Line = ()

    def show(self, hints: Sequence[str]) -> None:
        """Show these hints."""
        self._hints = tuple(hints)
        self.repaint()

    def say(self, text: str) -> None:
        """Show a message for a while."""
        self._message = line(f" {clean(text, 300)}", STRONG)
        self.repaint()
        self.set_timer(_MESSAGE_S, lambda said=self._message: self._forget(said))

    def _forget(self, said: Line) -> None:
        if self._message is said:
            self._message = ()
            self.repaint()

    def lines(self) -> Sequence[Line]:
        """One line."""
        return [self._message or hint_line(self._hints, self.size.width)]


def hint_line(hints: Sequence[str], cells: int) -> Line:
    """As many whole hints as fit; help and quit, the last two, always."""
    kept = list(hints)
    while len(kept) > 2 and len("  ".join(kept)) + 2 > cells:
        kept.pop(-3)
    spans: list[Span] = []
    for hint in kept:
        key, _, what = hint.partition(" ")
        spans += [Span(("  " if spans else " ") + key, STRONG), Span(f" {what}", DIM)]
    return tuple(spans)
