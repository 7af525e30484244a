"""1 Iterations, the home screen: the runs, the iterations of one, the verdict and all measures of an iteration, and the work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.widget import Widget

from sirtui.core.text import clean
from sirtui.store.rows import IterationRow, RunView
from sirtui.tui.feed import Snapshot
from sirtui.tui.keys import bindings
from sirtui.tui.screens.page import Page
from sirtui.tui.tables.headlines import roles
from sirtui.tui.tables.iterations import find_iteration, iterations_table, newest_measured, next_alarm
from sirtui.tui.tables.measures import LEGEND, measures_table
from sirtui.tui.tables.runs import Order, matching, ordered, runs_table
from sirtui.tui.tables.stages import linked_share
from sirtui.tui.tables.table import Table
from sirtui.tui.widgets.card import CardView
from sirtui.tui.widgets.grid import Grid
from sirtui.tui.widgets.peek import Peek

WIDE = 120
_PEEK_LINES, _LEAST_PEEK, _LEAST_TABLE, _TALL = 9, 3, 5, 50


class RunsGrid(Grid):
    """The list of runs."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("runs")


class IterationsGrid(Grid):
    """The table of iterations."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("iterations")


class MeasuresGrid(Grid):
    """All measures of the selected iteration."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("measures")


class IterationsPage(Page):
    """The home screen."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("home")
    name_in_tabs = "iterations"
    places = ("home",)
    AUTO_FOCUS = "#iterations"

    def __init__(self) -> None:
        super().__init__()
        self._runs = RunsGrid("runs", "runs")
        self._iterations = IterationsGrid("iterations", "iterations")
        self._measures = MeasuresGrid("measures", "measures")
        self._card, self._peek = CardView(), Peek()
        self._order, self._filter = Order.NEEDS_YOU, ""
        self._shown_run = ""
        self._opened = False

    def body(self) -> Iterable[Widget]:
        """Runs, iterations, verdict and work on the left; measures on the right where there is room."""
        left = Vertical(self._runs, self._iterations, self._card, self._peek, id="left")
        yield Horizontal(left, self._measures, id="body")

    def on_mount(self) -> None:
        """Look at the log once a second: more would be too much over SSH."""
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        if self.is_current:
            self._peek.tick()

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot; whoever is selected stays selected."""
        super().show(snapshot)
        view = snapshot.view
        if view is not None and view.run.name != self._shown_run:
            if not self._shown_run:
                self._runs.select(view.run.name)
            self._shown_run = view.run.name
            self._iterations.select(newest_measured(view))
        self._show_runs(snapshot)
        self._show_view(view, snapshot)
        self._arrange()

    def _show_runs(self, snapshot: Snapshot) -> None:
        listed = ordered(matching(snapshot.runs, self._filter), self._order)
        title = f"runs {len(listed)}" if not self._filter else f"runs {len(listed)} of {len(snapshot.runs)}"
        note = f"/{clean(self._filter, 20)}" if self._filter else ""
        self._runs.show(runs_table(listed, self._filter), title=title, note=(note, self._order))

    def _show_view(self, view: RunView | None, snapshot: Snapshot) -> None:
        empty = "no runs yet: `sirtui run FILE` starts one" if snapshot.empty else "reading ..."
        if view is None:
            self._iterations.show(Table(empty=snapshot.problem or empty), title="iterations")
            self._measures.show(Table())
            self._card.show(None, "")
            self._peek.show(None, None)
            return
        run = view.run
        told = [clean(part, 40) for part in (run.method, run.task, run.base_model.rpartition("/")[2])]
        self._iterations.show(
            iterations_table(view), title=f"iterations of {clean(run.name, 60)}", note=(*linked_share(view), *told)
        )
        self._peek.show(view, self.folder(run.name))
        self._show_measures(view)

    def _show_measures(self, view: RunView) -> None:
        row = find_iteration(view, self._iterations.selected)
        self._card.show(view, self._iterations.selected)
        if row is None:
            self._measures.show(Table(empty="nothing measured yet"), title="measures")
            return
        title = f"it {row.t}" if row.repeat == 1 else f"it {row.t} repeat {row.repeat}"
        note = (_scope(row), LEGEND if roles(view) else "")
        self._measures.show(measures_table(view, row), title=f"{title} {clean(row.trainer, 12)}", note=note)

    def on_resize(self, event: Resize) -> None:
        """Make room by the new size."""
        super().on_resize(event)
        self._arrange()

    def _arrange(self) -> None:
        """Share the rows: table and verdict need theirs. Curves give way first, then the log, then the list of runs."""
        width, height = self.size
        wide = width >= WIDE
        self.set_class(wide, "-wide")
        self.set_class(self._opened and not wide, "-opened")
        self._measures.styles.width = _side(width) if wide else width
        many = self._runs.count > 1 or bool(self._filter)
        runs = min(self._runs.wanted_height(), max(4, (height - 4) // 3)) if many else 0
        card = self._card.card(width - _side(width) - 1 if wide else width)
        told = len(card.lines)
        room = height - 3 - runs
        trends = room >= self._iterations.wanted_height() + told + _LEAST_PEEK
        self._iterations.show_trends(wanted=trends)
        told = min(told, max(1, room - _LEAST_TABLE)) if told else 0
        table = max(0, min(self._iterations.wanted_height(trends=trends), room - max(1, told)))
        peek = max(0, min(room - table - told, _PEEK_LINES + (5 if height >= _TALL else 0) + 2))
        self._runs.display = many
        self._runs.styles.height = runs
        self._iterations.styles.height = table
        further = min(len(card.further), max(0, room - table - told - _PEEK_LINES))
        self._card.styles.height = told + further
        self._peek.styles.height = min(peek, room - table - told - further)

    def on_grid_moved(self, event: Grid.Moved) -> None:
        """Follow the cursor: another run, or the measures of another iteration."""
        if event.grid is self._runs and event.key != self._shown_run:
            self.post_message(self.Selected(event.key))
        view = self.snapshot().view
        if event.grid is self._iterations and view is not None:
            self._show_measures(view)
            self._arrange()

    def action_alarm(self, direction: int) -> None:
        """To the next iteration at which something was lost, or the previous one."""
        view = self.snapshot().view
        found = next_alarm(view, self._iterations.selected, direction) if view else ""
        if found:
            self._iterations.select(found)
        else:
            self.say("no further reversal or other loss")

    def action_measures(self) -> None:
        """Go to the measures of the selected iteration."""
        self._opened = True
        self._arrange()
        self._measures.focus()

    def action_back(self) -> None:
        """Back to the table."""
        self._opened = False
        self._arrange()
        self._iterations.focus()

    def action_iteration(self, rows: int) -> None:
        """The measures of the next iteration."""
        self._iterations.action_move(rows)

    def action_open(self) -> None:
        """Go to the iterations of the selected run."""
        self._iterations.focus()

    def action_runs(self) -> None:
        """Go to the list of runs."""
        if self._runs.display:
            self._runs.focus()

    def action_follow(self) -> None:
        """Follow the log, or stand still."""
        self._peek.follow()

    def action_sort(self) -> None:
        """Sort the runs the next way."""
        self._order = self._order.next
        self.show(self.snapshot())

    def action_filter(self) -> None:
        """Ask for words that the runs must hold."""
        self.post_message(self.Wanted("filter"))

    def action_unfilter(self) -> None:
        """Show all runs again."""
        self.filter("")

    def filter(self, wanted: str) -> None:
        """Show the runs that hold these words."""
        self._filter = wanted
        self.show(self.snapshot())

    @property
    def filtered(self) -> str:
        """The words that the runs must hold."""
        return self._filter

    def action_stop(self) -> None:
        """Ask to stop the run."""
        self._want("stop")

    def action_resume(self) -> None:
        """Ask to resume the run."""
        self._want("resume")

    def _want(self, command: str) -> None:
        view = self.snapshot().view
        if view is not None:
            self.post_message(self.Wanted(command, view.run))


def _side(width: int) -> int:
    """How wide the pane of measures is at the side."""
    return max(53, min(84, width * 5 // 12))


def _scope(row: IterationRow) -> str:
    against = next((cell.against for cell in row.cells.values() if cell.against), "")
    return f"Δ vs {against}" if against else ""
