"""The lines around a screen: title, tabs, and the hints at the bottom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from sirtui.core.run import Status
from sirtui.core.text import clean
from sirtui.tui.feed import Snapshot
from sirtui.tui.figures import ATTENTION, NOTHING, REVERSED, percent, span
from sirtui.tui.keys import TABS
from sirtui.tui.paint import BAD, DIM, FAIL, STRONG, Line, Span, cut, cut_middle, ends, join, line, over, width
from sirtui.tui.widgets.painted import Painted

_REFERENCE = "vs M1"
_MESSAGE_S = 6.0
_LEAST_NAME, _FEWEST = 12, 8


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
    """The title in this width: the reference, what was lost and what needs a person always stay."""
    right = _right(snapshot)
    room = cells - width(right) - 2
    told = next((told for told in _left(snapshot) if cell_len(told) <= room), "")
    return ends(line(f" {told}", f"{STRONG} reverse"), right, cells, " ", "reverse")


def _right(snapshot: Snapshot) -> Line:
    """Against what changes are told, how many runs need a person, and, a hole in the bar, how many turned (or `2 LOSSES`)."""
    waiting = sum(run.status in ATTENTION for run in snapshot.runs)
    turned = sum(run.verdict is not None and run.verdict.kind.reversed for run in snapshot.runs)
    lost = sum(run.alarm for run in snapshot.runs) - turned
    parts = [line(_REFERENCE)]
    if waiting:
        parts.append(line(f"! {waiting} need{'s' if waiting == 1 else ''} you", FAIL))
    told = over((*join(parts, " │ "), Span(" ")), "reverse")
    counts = [f"{REVERSED} {turned} REVERSED"] if turned else []
    counts += [f"{lost} LOSS{'' if lost == 1 else 'ES'}"] if lost else []
    return (*told, Span(f" {'  '.join(counts)} ", BAD)) if counts else told


def _left(snapshot: Snapshot) -> Iterator[str]:
    """Which run and how far, first with everything, then with less and less of it."""
    view = snapshot.view
    if view is None:
        yield "sirtui"
        return
    name, where, brief, waiting = clean(view.run.name, 80), _where(snapshot), _where(snapshot, brief=True), _waiting(snapshot)
    for told in (_where(snapshot, why=True), where):
        yield " │ ".join((f"sirtui {name}", told, *filter(None, (_jobs(snapshot),))))
    yield f"sirtui {name} │ {where}{waiting}"
    size = cell_len(name)
    for told, least in ((where + waiting, _LEAST_NAME), (where, _LEAST_NAME), (brief + waiting, _FEWEST), (brief, _FEWEST)):
        yield from (f"{cut_middle(name, cells)} │ {told}" for cells in range(size, min(size, least) - 1, -1))
    yield from (cut_middle(name, cells) for cells in range(size, 0, -1))


def _where(snapshot: Snapshot, *, brief: bool = False, why: bool = False) -> str:
    assert snapshot.view is not None
    run = snapshot.view.run
    if run.status is Status.WAITING:
        reason = f": {clean(run.reason, 200)}" if why and run.reason else ""
        return f"it {run.t or 1}/{run.iterations} {run.status}{reason}"
    if not run.status.alive:
        return f"{run.status} {run.t or NOTHING}/{run.iterations}"
    kind = clean(run.stage, 40).rpartition("/")[2]
    eta, left = span(run.eta), span(run.left)
    told = "" if brief else f"eta {eta}" if eta else f"{left} left of this" if left else ""
    parts = (f"it {run.t}/{run.iterations}" if run.t is not None else run.status, kind, percent(run.done, run.total))
    return " ".join(part for part in (*parts, told) if part)


def _jobs(snapshot: Snapshot) -> str:
    assert snapshot.view is not None
    here = sum(stage.status is Status.RUNNING for stage in snapshot.view.stages)
    runs = sum(run.status is Status.RUNNING for run in snapshot.runs)
    parts = [f"{here} job{'' if here == 1 else 's'}"] if here else []
    if runs > 1:
        parts.append(f"{runs} runs")
    told = " ".join(parts)
    return f"{told}{_waiting(snapshot)}" if told else _waiting(snapshot).removeprefix(" │ ")


def _waiting(snapshot: Snapshot) -> str:
    """How many runs wait for their turn."""
    waiting = sum(run.status is Status.WAITING for run in snapshot.runs)
    return f" │ {waiting} waiting" if waiting else ""


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
