"""Verdicts in a word, changes with their mark, and the colours of both. What they say was decided elsewhere."""

from __future__ import annotations

from typing import Final

from sirtui.core.labels import short
from sirtui.core.text import clean
from sirtui.core.verdict import Kind, Sign, Trend, VerdictRecord
from sirtui.store.rows import Cell, IterationRow, MeasureRow, RunVerdict
from sirtui.tui.figures import REVERSED, change, mark
from sirtui.tui.paint import ALARM, BAD, DIM, GOOD, STRONG, Line, Span, line

_WORDS: Final = {
    Kind.REVERSAL: (f"{REVERSED}REV", ALARM),
    Kind.PAST_PEAK: (f"{REVERSED}PEAK", ALARM),
    Kind.PROGRESS: ("progress", GOOD),
    Kind.GAIN_UNDECIDED: ("gain?", ""),
    Kind.REGRESSION: ("REGRESS", BAD),
    Kind.LOSS: ("LOSS", BAD),
    Kind.GAIN_ELSEWHERE: ("elsewhere", ""),
    Kind.NO_CHANGE: ("same", DIM),
    Kind.UNDECIDED: ("undecided", DIM),
}
_SIGNS: Final = {Sign.UP: "better", Sign.DOWN: "worse"}
_NUMBERS: Final = {Sign.UP: "higher", Sign.DOWN: "lower"}
_TRENDS: Final = {Trend.PAST_PEAK: "past peak"}
_LABELS: Final = {
    "pass@1.sampled": "pass1",
    "pass@1.greedy": "greedy",
    "diversity.ngram.correct": "ng",
    "diversity.equations.correct": "eq",
    "diversity.semantic.correct": "sem",
    "ood.accuracy": "OOD",
}
_NAMED = 8
"""How many measures a verdict names in a table."""


def label(key: str) -> str:
    """What a measure is called above a column: `ng`, `pass8`, `OOD:math-algebra` for a task's own."""
    front, slash, rest = key.rpartition("/")
    name = _LABELS.get(rest) or (rest.replace("@", "") if rest.startswith("pass@") else short(rest))
    return clean(f"{name}:{front}" if slash else name, 16)


def alarming(row: IterationRow) -> bool:
    """Whether something was lost at this iteration for sure."""
    return row.verdict is not None and row.verdict.kind is not None and row.verdict.kind.alarm


def verdict_line(verdict: VerdictRecord | RunVerdict) -> Line:
    """The verdict on an iteration or a run: the word, and the measures it is about; past a peak, which one."""
    if verdict.kind is None:
        return ()
    word, style = _WORDS[verdict.kind]
    peak = f" it{verdict.past_peak}" if verdict.kind is Kind.PAST_PEAK and verdict.past_peak else ""
    names = "".join(f" {label(name)}" for name in verdict.names[:_NAMED])
    after = Span(peak + names, BAD if verdict.kind.alarm else DIM)
    return (Span(word, style), after) if after.text else (Span(word, style),)


def tone(verdict: str, direction: int) -> str:
    """The style of a change: bold where it is decided, blue for the better, yellow for the worse, else dim."""
    if not verdict:
        return ""
    if verdict not in (Sign.UP, Sign.DOWN):
        return DIM
    return (GOOD if verdict == Sign.UP else BAD) if direction else STRONG


def tested(cell: Cell) -> str:
    """The mark of a change; none where no verdict was asked for: that p is not corrected for all the others."""
    return mark(cell.p) if cell.verdict and cell.verdict not in (Sign.SUSPENDED, Sign.UNDEFINED) else ""


def change_line(measure: MeasureRow, cell: Cell) -> Line:
    """`▴3.1*`: the arrow says which way the number moved, the colour whether that is good."""
    return line(f"{change(measure.unit, cell.change)}{tested(cell)}", tone(cell.verdict, measure.direction))


def standing_line(measure: MeasureRow, cell: Cell) -> Line:
    """How a measure stands in a word: over time where that says more, else against M_1."""
    words = _SIGNS if measure.direction else _NUMBERS
    plainly = next((word for sign, word in words.items() if cell.verdict == sign), clean(cell.verdict, 9))
    over_time = "" if cell.trend == cell.verdict else next((word for t, word in _TRENDS.items() if cell.trend == t), cell.trend)
    style = BAD if cell.trend == Trend.PAST_PEAK else tone(cell.verdict, measure.direction)
    return line(clean(over_time, 10) or plainly, style)
