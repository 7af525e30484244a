"""`sirtui explain RUN MEASURE IT`: how the verdict on one measure came about, step by step, and what would change it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from difflib import get_close_matches

from sirtui.cli import judged
from sirtui.cli.looking import named
from sirtui.cli.text import change, folded, interval, number, terminal_width
from sirtui.core.errors import NotFound
from sirtui.core.labels import short
from sirtui.core.verdict import Against, Cell, Sign, VerdictRecord
from sirtui.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, MEASURE, IT."""
    parser.add_argument("run", metavar="RUN", help="a run's name, id, a beginning of its name, or latest")
    parser.add_argument("measure", metavar="MEASURE", help="its key, or as `sirtui verdict` calls it")
    parser.add_argument("it", metavar="IT", nargs="?", help="the iteration (default: the last with a verdict)")


def call(asked: argparse.Namespace) -> int:
    """Print it."""
    store = Store(asked.store)
    (run,) = named(store, asked.run)
    record = judged.verdict_on(run, judged.iteration(asked.it) if asked.it is not None else None)
    told = explained(_cell(record, asked.measure), record)
    sys.stdout.write(f"{run.name}\n")
    sys.stdout.write(folded("\n".join(told), terminal_width()) + "\n")
    return 0


def _cell(record: VerdictRecord, name: str) -> Cell:
    named = {cell.key: cell for cell in record.cells}
    called = {short(key): cell for key, cell in named.items()}
    if found := named.get(name) or called.get(name):
        return found
    near = get_close_matches(name, [*named, *called], 1)
    raise NotFound(
        f"there is no verdict on {name!r} at it{record.t}",
        f"Did you mean {near[0]}?" if near else f"There are: {', '.join(named)}.",
    )


def explained(cell: Cell, record: VerdictRecord) -> Iterator[str]:
    """Line by line."""
    better = {1: "higher is better", -1: "lower is better"}.get(cell.direction, "no better direction")
    yield f"{cell.key} at it{record.t}, against {record.against}: {cell.verdict}"
    yield f"  part         {cell.role} ({better}), rule {record.rule.hash}"
    against = cell.against
    if against is None or cell.delta is None:
        yield f"  why          {cell.why or 'nothing to compare'}"
        return
    scale = "points" if cell.unit == "share" else cell.unit or "on a 0-1 scale"
    before, now = number(cell.reference, cell.unit), number(cell.value, cell.unit)
    yield f"  values       {before} -> {now}, each over the problems defined there"
    yield f"  |P|          {against.n} problems defined on both sides"
    yield f"  D            {change(against.change, cell.unit)} {scale}, the mean paired change"
    yield from _error(cell, against)
    yield f"  90 %         {interval(against.lo90, against.hi90, cell.unit)}"
    yield f"  95 %         {interval(against.lo95, against.hi95, cell.unit)}"
    yield from _tested(cell, against, record.alpha)
    for name, other in (("peak", cell.peak), ("previous", cell.previous)):
        if other is not None:
            p = ", not tested" if other.corrected is None else f", p' {other.corrected:.4g}: {other.sign}"
            spread = interval(other.lo90, other.hi90, cell.unit)
            yield f"  {name:<12} it{other.t}: {change(other.change, cell.unit)} {spread} (90 %){p}"
    over_time = f", over time: {cell.trend}" if cell.trend != cell.verdict else ""
    if cell.counts:
        counts = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in cell.counts.items())
        yield f"  counts       problems of the last level: {counts}"
    yield f"  verdict      {cell.verdict}{': ' + cell.why if cell.why else ''}{over_time}"
    yield f"  to change it {_to_change(cell, against, record.alpha)}"


def _error(cell: Cell, against: Against) -> Iterator[str]:
    if against.stderr is None:
        yield "  SE           not known: one cluster alone"
        return
    df = "normal" if against.df is None else f"df {against.df:g}"
    used = "above chance: SE widened by its root" if cell.inflated else "not used"
    by_null = "" if cell.inflation is None else f"; lambda {cell.inflation:.2f} ({used})"
    yield f"  SE           {100 * against.stderr if cell.unit == 'share' else against.stderr:.4g}, {df}{by_null}"


def _tested(cell: Cell, against: Against, alpha: float) -> Iterator[str]:
    assert cell.delta is not None
    yield f"  delta        {100 * cell.delta if cell.unit == 'share' else cell.delta:.3g}: a smaller change does not matter"
    if against.p is None:
        return
    yield f"  p            {against.p:.4g}, two-sided, of this measure alone"
    if against.corrected is None:
        yield "  p'           none: not tested (shown only, suspended, or no declared look)"
    else:
        family = f"Holm over {cell.family} {cell.role} measures, " if cell.family > 1 else ""
        share = f"{family}divided by the look's share {cell.weight:.3g} of alpha"
        yield f"  p'           {against.corrected:.4g}: {share}; needs <= {alpha:g}"


def _to_change(cell: Cell, against: Against, alpha: float) -> str:
    if cell.verdict is Sign.UNDECIDED:
        if cell.role == "shown":
            return "nothing: it is only shown, and decides nothing"
        if cell.needed is None or cell.needed.problems is None:
            return cell.needed.text if cell.needed else "nothing in this run"
        aim = "to be called flat, if nothing changed" if cell.needed.aim == "flat" else "to be told from no change"
        return f"{cell.needed.text} ({aim})"
    if cell.verdict is Sign.SUSPENDED:
        return "a measure that repeats itself: find out why two evaluations of M_1 differ"
    assert cell.delta is not None
    if cell.verdict is Sign.FLAT:
        return f"a 90 % interval that reaches beyond +-{100 * cell.delta if cell.unit == 'share' else cell.delta:.3g}"
    room = "" if against.corrected is None else f"p' above {alpha:g} (now {against.corrected:.2g}), "
    return f"{room}or |D| below {100 * cell.delta if cell.unit == 'share' else cell.delta:.3g}"
