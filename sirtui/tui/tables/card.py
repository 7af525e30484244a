"""The card of an iteration: what its verdict rests on, the verdict in a sentence, and which checkpoint to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from rich.cells import cell_len

from sirtui.core.labels import short
from sirtui.core.text import clean
from sirtui.core.verdict import Keep, Kind, Part, State, VerdictRecord
from sirtui.store.rows import Cell, IterationRow, MeasureRow, RunView
from sirtui.tui.figures import REVERSED, interval, measured, signed
from sirtui.tui.paint import ALARM, BAD, DIM, FAIL, GOOD, STRONG, Line, Span, clip, cut, ends, join, line, width
from sirtui.tui.tables.headlines import target
from sirtui.tui.tables.iterations import find_iteration, how_it_stands
from sirtui.tui.tables.stages import all_linked, linked_share
from sirtui.tui.tables.words import label, tested, tone

_LONG, _NAME, _NAMED, _FURTHER = 500, 24, 6, 12
_LEAST_TEXT = 8
"""Fewer cells of a text than this say nothing."""
_ENOUGH = 30
"""As much of a long text stays before intervals give way to it."""
_STATES = {State.OK: DIM, State.WARN: STRONG, State.BROKEN: FAIL}
_NO_CELL = Cell(None)


@dataclass(frozen=True)
class Card:
    """`lines`: what must be seen, the first one also parts the card from what is above; `further`: where there is room."""

    lines: tuple[Line, ...] = ()
    further: tuple[Line, ...] = ()


@dataclass(frozen=True)
class _Change:
    """A measure's change in a sentence, and the interval that may stand after it."""

    told: Line
    interval: str = ""


def card(view: RunView, key: str, cells: int) -> Card:
    """The card of the iteration with this key, in a width; empty where nothing was judged."""
    row = find_iteration(view, key)
    newest = next((each.verdict for each in reversed(view.iterations) if each.verdict), None)
    if row is None or newest is None:
        return Card()
    record = row.verdict
    if record is None:
        told = _unjudged(view, row, cells)
    elif record.kind is None:
        told = _reference(record, cells)
    else:
        told = (strip_line(record.validity, cells), sentence(view, row, record, cells))
    below = (_kept(view, newest.keep, record), _remarks(record))
    lines = (*told, *((Span(" "), *each) for each in below if each))
    further = _further(record, newest.keep, lines, cells)
    if all_linked(view, row):
        lines = (*lines, line(f" {' '.join(linked_share(view))}", DIM))
    return Card(tuple(clip(each, cells) for each in lines), further)


def _unjudged(view: RunView, row: IterationRow, cells: int) -> tuple[Line, Line]:
    name = f"it {row.t}" if row.repeat == 1 else f"it {row.t} repeat {row.repeat}"
    why = f"M{row.t} evaluated once more" if row.repeat > 1 else "no verdict yet: "
    return _rule(line(name, DIM), cells), (Span(f" {why}", DIM), *(how_it_stands(view, row) if row.repeat == 1 else ()))


def _reference(record: VerdictRecord, cells: int) -> tuple[Line, Line]:
    """M_1, which the others are compared with: by which rule, and what it advises."""
    head = f"it {record.t} is M1: all changes are told against it │ rule {clean(record.rule.hash, 12)}"
    return _rule(line(head, DIM), cells), line(f" {clean(record.advice or record.rule.sentence, _LONG)}")


def _rule(told: Line, cells: int) -> Line:
    return ends((Span("─ ", DIM), *clip(told, cells - 4), Span(" ")), line("─", DIM), cells, "─", DIM)


def strip_line(parts: Sequence[Part], cells: int) -> Line:
    """What a verdict rests on: every part by its name and how it stands, and what is wrong as far as that fits."""
    if not parts:
        return _rule(line("no validity was told", STRONG), cells)
    wanted = sum(1 + cell_len(said) for said in map(_said, parts) if said)
    shown = [_named(part) for part in parts]
    if wanted > cells - 4 - width(join(shown, " │ ")):
        shown = [_named(part, brief=True) for part in parts]
    texts = _texts(parts, cells - 4 - width(join(shown, " │ ")))
    return _rule(join(((*each, Span(text)) for each, text in zip(shown, texts, strict=True)), " │ "), cells)


def _named(part: Part, *, brief: bool = False) -> Line:
    name = clean(part.name, _NAME)
    if part.state is State.OK:
        return line(name if brief else f"{name} ok", DIM)
    return (Span(name, STRONG), Span(f" {part.state.upper()}", _STATES[part.state]))


def _said(part: Part) -> str:
    """What is wrong with a part."""
    return "" if part.state is State.OK else clean(part.text, _LONG)


def _texts(parts: Sequence[Part], room: int) -> list[str]:
    """For each part as much of what is wrong as fits, for broken ones first."""
    texts = [""] * len(parts)
    for place in sorted(range(len(parts)), key=lambda place: parts[place].state is not State.BROKEN):
        if room > _LEAST_TEXT and (said := _said(parts[place])):
            texts[place] = f" {cut(said, room - 1)}"
            room -= cell_len(texts[place])
    return texts


def sentence(view: RunView, row: IterationRow, record: VerdictRecord, cells: int) -> Line:
    """`⇅ it3  pass@1 ▴+4.9* [3.0,6.8]  BUT  ngram ▾-.18*`; of other verdicts what they say. Intervals give way first."""
    aim, lost = target(view), _lost(view, record)
    lead, but, ended = _lead(row, record), line("  BUT", BAD) if lost else (), _ending(record)
    room = cells - width((*lead, *but)) - min(width(ended), _ENOUGH)
    for name in (short, label):
        first, rest = [[_change(row, each, name(each.key)) for each in some] for some in ([aim] if aim else [], lost)]
        left = room - sum(2 + width(each.told) for each in (*first, *rest))
        if left >= 0:
            break
    told, left = _with_intervals(first, left)
    return (*lead, *told, *but, *_with_intervals(rest, left)[0], *ended)


def _lost(view: RunView, record: VerdictRecord) -> list[MeasureRow]:
    """What fell at a reversal, as far as it is named."""
    if record.kind is not Kind.REVERSAL:
        return []
    known = {measure.key: measure for measure in view.measures}
    return [known.get(name, MeasureRow(name, 0, "")) for name in record.names[:_NAMED]]


def _lead(row: IterationRow, record: VerdictRecord) -> Line:
    at = f"it{row.t}"
    if record.kind in (Kind.REVERSAL, Kind.PAST_PEAK):
        return (Span(" "), Span(f"{REVERSED} {at}", ALARM))
    return line(f" {at}", STRONG)


def _ending(record: VerdictRecord) -> Line:
    """What is to be said after the changes: of a reversal what is not in them, else the verdict in words."""
    text = clean(record.text, 4 * _LONG)
    if record.kind is Kind.REVERSAL:
        past = f"past the peak, it{record.past_peak}" if record.past_peak else ""
        broken = f"rests on a broken part: {', '.join(record.broken)}" if record.broken else ""
        left = f"+{len(record.names) - _NAMED} more" if len(record.names) > _NAMED else ""
        return line("".join(f"  {each}" for each in (left, past, broken) if each), STRONG)
    style = BAD if record.kind and record.kind.alarm else GOOD if record.kind is Kind.PROGRESS else ""
    return line(f"  {text}", style)


def _change(row: IterationRow, measure: MeasureRow, name: str) -> _Change:
    cell = row.cells.get(measure.key, _NO_CELL)
    text = f"{signed(measure.unit, cell.change)}{tested(cell)}"
    told = (Span(f"{clean(name, _NAME)} "), Span(text, tone(cell.verdict, measure.direction)))
    return _Change(told, interval(measure.unit, cell.lo95, cell.hi95))


def _with_intervals(changes: Sequence[_Change], room: int) -> tuple[Line, int]:
    """The changes one after the other, with those intervals for which there is room, and what is left of it."""
    told: list[Span] = []
    for each in changes:
        told += (Span("  "), *each.told)
        if each.interval and len(each.interval) < room:
            told.append(Span(f" {each.interval}", DIM))
            room -= 1 + len(each.interval)
    return tuple(told), room


def _kept(view: RunView, newest: Keep | None, record: VerdictRecord | None) -> Line:
    """Which checkpoint to keep by all that is known, how good it is, which it was at this iteration if another, and why."""
    if newest is None:
        return ()
    aim = target(view) or MeasureRow("", 0, "")
    value = f"{clean(short(aim.key), _NAME)} {measured(aim.unit, newest.value)}".strip() if newest.value is not None else ""
    fitted = f"cross-fitted {measured(aim.unit, newest.fitted)}" if newest.fitted is not None else ""
    then = record.keep.t if record and record.keep else newest.t
    was = f"at it{record.t} it was it{then}" if record and then != newest.t else ""
    told = ", ".join(filter(None, (value, fitted, was)))
    return (Span(f"keep it{newest.t}", STRONG), Span((f" ({told})" if told else "") + f": {clean(newest.reason, _LONG)}"))


def _remarks(record: VerdictRecord | None) -> Line:
    """What should be known with the verdict; a rule that is not the declared one first."""
    if record is None:
        return ()
    notes = [clean(note, _LONG) for note in record.notes]
    if record.declared is None:
        return line("; ".join(notes), STRONG) if notes else ()
    declared = record.declared.hash
    told = f"RULE CHANGED since the start: declared {clean(declared, 12)}, judged by {clean(record.rule.hash, 12)}"
    other = [note for note in notes if declared not in note]
    return line("; ".join((told, *other)), BAD)


def _further(record: VerdictRecord | None, keep: Keep | None, lines: Sequence[Line], cells: int) -> tuple[Line, ...]:
    """What the lines had no room for, in full."""
    reason, texts = keep.reason if keep else "", [""]
    if record is not None:
        said = (record.text or record.advice, reason, "; ".join(record.notes))
        texts = [text for text, shown in zip(said, lines[1:], strict=False) if width(shown) > cells]
        texts += [record.rule.sentence] if record.advice else []
        texts += [f"{part.name}: {_said(part)}" for part in record.validity if _said(part)]
    elif width(lines[-1]) > cells:
        texts = [reason]
    told = [part for text in texts for part in wrap(clean(text, _LONG), max(20, cells - 2), subsequent_indent="  ")]
    return tuple(line(f" {part}", DIM) for part in told[:_FURTHER])
