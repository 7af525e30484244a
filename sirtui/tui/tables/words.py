"""Verdicts in a word, changes with their mark, and the colours of both. What they say was decided elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from sirtui.core.labels import short
from sirtui.core.text import clean
from sirtui.core.verdict import Kind, Sign, Trend, VerdictRecord
from sirtui.store.rows import Cell, IterationRow, MeasureRow
from sirtui.tui.figures import REVERSED, change, mark
from sirtui.tui.paint import ALARM, BAD, DIM, GOOD, STRONG, Line, Span, line

_ALARMS: Final = frozenset(kind.value for kind in Kind if kind.alarm)
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
_BRIEFER: Final = {short(key): name for key, name in _LABELS.items()}
_NAMED = 8
"""How many measures a verdict names in a table."""
_PEAK = re.compile(r"past the peak[ ,(]+(it\d{1,4})")


def label(key: str) -> str:
    """What a measure is called above a column: `ng`, `pass8`, `OOD:math-algebra` for a task's own."""
    front, slash, rest = key.rpartition("/")
    name = _LABELS.get(rest) or (rest.replace("@", "") if rest.startswith("pass@") else short(rest))
    return clean(f"{name}:{front}" if slash else name, 16)


def is_alarm(kind: str) -> bool:
    """Whether something was lost for sure; `kind` may be of another version."""
    return kind in _ALARMS


def alarming(row: IterationRow) -> bool:
    """Whether something was lost at this iteration for sure."""
    return row.verdict is not None and is_alarm(row.verdict.kind or "")


def peak(text: str) -> str:
    """Which iteration the peak was, as the verdict in words has it: `it3`; empty where it speaks of none."""
    found = _PEAK.search(text[:2000])
    return found[1] if found else ""


def kind_line(kind: str, text: str) -> Line:
    """The word for a kind of verdict; after a peak, which one. `text` is the verdict in words."""
    if kind not in _WORDS:
        return line(clean(kind, 12))
    word, style = _WORDS[Kind(kind)]
    after = f" {peak(text)}" if kind == Kind.PAST_PEAK else ""
    return (Span(word, style), Span(after, BAD)) if after.strip() else (Span(word, style),)


def verdict_line(record: VerdictRecord) -> Line:
    """The verdict on an iteration: the word, and the measures it is about."""
    kind = record.kind or ""
    names = "".join(f" {label(name)}" for name in record.names[:_NAMED])
    style = BAD if is_alarm(kind) else DIM
    return (*kind_line(kind, record.text), Span(names, style)) if names else kind_line(kind, record.text)


def listed_line(kind: str, text: str) -> Line:
    """The verdict on a run: the word, and what was lost, if anything."""
    names = clean(text, 200).partition(";")[0].partition(": ")[2].split(", ") if is_alarm(kind) else []
    what = "".join(f" {_BRIEFER.get(name, name)}" for name in names if name)
    return (*kind_line(kind, text), Span(what, BAD)) if what else kind_line(kind, text)


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


def reversed_runs(kinds: Iterable[str]) -> int:
    """How many of these verdicts are alarms."""
    return sum(map(is_alarm, kinds))
