"""What tests of verdicts share: the lines of a card, other verdicts on an iteration, verdicts of hostile text."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs
from play import HOSTILE

from sirtui.core.rule import Declared
from sirtui.core.verdict import Keep, Kind, Part, State, VerdictRecord
from sirtui.store.rows import Cell, MeasureRow, RunVerdict, RunView
from sirtui.tui.paint import plain, width
from sirtui.tui.tables.card import card

REVERSED = [
    "─ judge ok │ format ok │ null ok │ contamination ok │ power ok ─────────────────",
    " ⇅ it3  pass@1 ▴+4.9* [3.0,6.8]  BUT  ngram ▾-.18* [-.20,-.16]  OOD ▾-2.9*",
    " keep it2 (pass@1 49.1, cross-fitted 48.7): highest pass@1 with nothing essenti…",
]
LONG = "x" * 10_000 + HOSTILE


def told(view: RunView, key: str, cells: int = 80) -> list[str]:
    """The lines of a card."""
    lines = card(view, key, cells).lines
    assert {width(line) <= cells for line in lines} <= {True}
    return [plain(line).rstrip() for line in lines]


def judged(view: RunView, t: int, verdict: VerdictRecord | None, **changed: object) -> RunView:
    """The run with another verdict at one iteration, and something else changed about that."""
    rows = [replace(row, verdict=verdict, **changed) if row.t == t else row for row in view.iterations]
    return replace(view, iterations=tuple(rows))


def hostile(view: RunView) -> RunView:
    """The run with a verdict that holds nothing but what must not reach the terminal."""
    parts = tuple(Part(HOSTILE, state, LONG) for state in (*State, *State))
    cruel = VerdictRecord(
        3, 1, HOSTILE, Declared(LONG, HOSTILE), Kind.REVERSAL, (HOSTILE,) * 50, text=LONG, validity=parts,
        keep=Keep(2, 0.5, None, 0.4, None, LONG), notes=(LONG, HOSTILE), declared=Declared(LONG, LONG),
    )  # fmt: skip
    odd = {
        **view.iterations[2].cells,
        HOSTILE: Cell(0.5, change=0.1, role="essential", verdict=HOSTILE, trend=LONG, against="it01"),
    }
    first = structs.replace(view.iterations[0].verdict, advice=LONG, rule=cruel.rule, notes=(HOSTILE,))
    view = judged(judged(view, 3, cruel, cells=odd), 1, first)
    run = replace(view.run, verdict=RunVerdict(Kind.REVERSAL, (HOSTILE,) * 50, None, LONG, 1, 2))
    return replace(view, run=run, measures=(*view.measures, MeasureRow(HOSTILE, 1, HOSTILE)))
