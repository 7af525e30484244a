"""`sirtui verdict RUN`: progress or regress, which checkpoint to keep, and all that this rests on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from sirtui.cli import judged
from sirtui.cli.looking import named
from sirtui.cli.text import change, fitting, folded, interval, number, p_value, table, terminal_width, without_gaps
from sirtui.core.errors import UsageError
from sirtui.core.labels import short
from sirtui.core.layout import RunFolder
from sirtui.core.text import clean_record
from sirtui.core.verdict import Cell, Keep, Named, Sets, Sign, State, VerdictRecord
from sirtui.store import Store
from sirtui.supervise import compare

REVERSED = 3
"""The exit code of `--gate` where something was lost."""
_NAMED = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN ..., --it, --against, --seeds, --rule, --json, --gate."""
    parser.add_argument("runs", metavar="RUN", nargs="+", help="a run; several that differ in their seed are one group")
    parser.add_argument("--it", metavar="IT", help="the iteration to tell of (default: the last with a verdict)")
    parser.add_argument("--against", metavar="REF", default="it1", help="it1 (default), itN, previous, peak, or RUN/itN")
    parser.add_argument("--seeds", action="store_true", help="with all runs that differ from RUN only in their seed")
    parser.add_argument("--rule", type=Path, metavar="FILE", help="judge by the [verdicts] of another experiment file")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument(
        "--gate", action="store_true", help="exit with 3 where something was lost: reversal, past peak, regression, loss"
    )


def call(asked: argparse.Namespace) -> int:
    """Print the verdicts; with --gate, the last one decides the exit code."""
    store = Store(asked.store)
    runs = named(store, *asked.runs)
    if asked.seeds:
        runs = judged.siblings(store, runs[0]) if len(runs) == 1 else runs
        if len(runs) < 2:
            raise UsageError(
                f"no other run differs from {runs[0].name} only in its seed", "Start one: the same file, another seed."
            )
    verdicts = _verdicts(store, runs, asked)
    whose = runs[0].name if len(runs) == 1 else f"the group of {len(runs)} runs"
    chosen = judged.chosen(verdicts, judged.iteration(asked.it) if asked.it is not None else None, whose)
    controls = judged.controls(store, runs[0])
    told = as_json(runs, verdicts, chosen, controls) if asked.json else as_text(runs, verdicts, chosen, controls)
    sys.stdout.write(f"{told}\n")
    return REVERSED if asked.gate and chosen.kind and chosen.kind.alarm else 0


def _verdicts(store: Store, runs: Sequence[RunFolder], asked: argparse.Namespace) -> Sequence[VerdictRecord]:
    """Those that the run itself made, where that is what was asked for."""
    plain = asked.against in ("it1", "it01", "1", "M1") and asked.rule is None
    if len(runs) > 1:
        if not plain:
            raise UsageError("a group is compared with M_1, by its own rule", "Leave out --against and --rule.")
        judged.check_group(runs)
    elif plain:
        return judged.verdicts(runs[0])
    found = compare(store.folder, judged.request(store, runs, asked.against, judged.rules_in(asked.rule, runs[0]))).verdicts
    return [clean_record(record) for record in found]


Controls = Sequence[tuple[str, int, int]]


def as_json(runs: Sequence[RunFolder], verdicts: Sequence[VerdictRecord], chosen: VerdictRecord, controls: Controls) -> str:
    """One line; what is not there is left out."""
    told = {
        "schema": 1,
        "runs": [run.name for run in runs],
        "against": chosen.against,
        "t": chosen.t,
        "verdict": verdict_json(chosen),
        "keep": msgspec.to_builtins(chosen.keep),
        "rule": msgspec.to_builtins(chosen.rule),
        "iterations": [msgspec.to_builtins(record) for record in verdicts],
        "controls": [{"run": name, "alarms": alarms, "verdicts": count} for name, alarms, count in controls],
    }
    return msgspec.json.encode(without_gaps(told)).decode()


def verdict_json(record: VerdictRecord) -> dict[str, Any]:
    """The verdict on an iteration, as `show --json` has it too."""
    return {"kind": record.kind, "names": list(record.names), "text": record.text}


def as_text(runs: Sequence[RunFolder], verdicts: Sequence[VerdictRecord], chosen: VerdictRecord, controls: Controls) -> str:
    """What it rests on first, then the verdict, then the measures, then the problems."""
    head = [f"{', '.join(run.name for run in runs)}", f"rule {chosen.rule.hash}: {chosen.rule.sentence}"]
    head += (
        [f"rule declared before the run started, {chosen.declared.hash}: {chosen.declared.sentence}"] if chosen.declared else []
    )
    head += [f"it{record.t}: {record.advice}" for record in verdicts if record.advice]
    course = [f"  it{record.t} against {record.against}: {record.text}" for record in verdicts if record.kind]
    rests = [f"  {part.name:<13} {_state(part.state)} {part.text}" for part in chosen.validity]
    rests += [f"  {'control':<13} {_control(controls)}"] if controls else []
    against = "" if chosen.against == "it01" else f" against {chosen.against}"
    verdict = [
        f"it{chosen.t}{against}: {chosen.text}",
        *([f"keep it{chosen.keep.t}: {keep_text(chosen.keep)}"] if chosen.keep else []),
    ]
    blocks = [
        head,
        course if len(course) > 1 else [],
        ["rests on", *rests] if rests else [],
        [*(f"note: {note}" for note in chosen.notes), *verdict],
        [measures(chosen.cells, "runs" if len(runs) > 1 else "n")],
        sets_text(chosen.sets) if chosen.sets else [],
    ]
    return folded("\n\n".join("\n".join(block) for block in blocks if block), terminal_width())


def _state(state: State) -> str:
    return {State.OK: "ok    ", State.WARN: "WARN  ", State.BROKEN: "BROKEN"}[state]


def _control(controls: Controls) -> str:
    """What the same rule says of runs that were not trained."""
    alarms, verdicts = sum(each[1] for each in controls), sum(each[2] for each in controls)
    who = controls[0][0] if len(controls) == 1 else f"{len(controls)} frozen runs"
    state = _state(State.WARN if alarms else State.OK)
    return f"{state} {who}: {alarms} alarm{'' if alarms == 1 else 's'} in {verdicts} verdicts on a model that was not trained"


def keep_text(keep: Keep) -> str:
    """The reason, and how good it is."""
    if keep.value is None:
        return keep.reason
    fitted = "" if keep.fitted is None else f", cross-fitted {number(keep.fitted)}"
    return f"{keep.reason} ({number(keep.value)}{fitted})"


def measures(cells: Sequence[Cell], of: str) -> str:
    """The measures that the rule names: how they changed, how sure that is, and what would decide what is open."""
    head = ["", "measure", "value", "change", "95 %", of, "p", "verdict", "over time"]
    order = {"target": 0, "essential": 1, "watch": 2}
    told = sorted((cell for cell in cells if cell.role in order), key=lambda cell: order[cell.role])
    rows = [
        [cell.role, f"{short(cell.key)} {_better(cell.direction)}", *_figures(cell), _word(cell), _trend(cell)] for cell in told
    ]
    shown = fitting([head, *rows], terminal_width(), drop=("over time", of, "value", "p"))
    open_ = [f"  {short(cell.key)}: {_open(cell)}" for cell in told if _open(cell)]
    notes = "Changes of shares in points. p: corrected for all measures and looks; - where there is no test."
    return "\n".join([table(shown, left=2), notes, *(["undecided:", *open_] if open_ else [])])


def _better(direction: int) -> str:
    return {1: "↑", -1: "↓"}.get(direction, "")


def _figures(cell: Cell) -> list[str]:
    against = cell.against
    value = number(cell.value, cell.unit)
    if against is None:
        return [value, "-", "", "", "-"]
    spread = interval(against.lo95, against.hi95, cell.unit)
    return [value, change(against.change, cell.unit), spread, str(against.n), p_value(against.corrected)]


def _word(cell: Cell) -> str:
    """Up is better, down is worse; a measure with no better direction only moves."""
    words = {Sign.UP: "better", Sign.DOWN: "WORSE"} if cell.direction else {Sign.UP: "higher", Sign.DOWN: "lower"}
    return words.get(cell.verdict, str(cell.verdict))


def _trend(cell: Cell) -> str:
    return "" if cell.trend == cell.verdict else cell.trend


def _open(cell: Cell) -> str:
    if cell.verdict is Sign.UNDECIDED:
        return "; ".join(filter(None, (cell.why, cell.needed.text if cell.needed else "")))
    return cell.why if cell.verdict in (Sign.SUSPENDED, Sign.UNDEFINED) else ""


def sets_text(sets: Sets) -> list[str]:
    """How many problems were gained and lost, how much, and which for sure."""
    lines = []
    if sets.p is not None:
        chance = "no repeats: chance not measured" if sets.chance is None else f"{sets.chance:g} each by chance"
        net = f"net {sets.net_gained:g} and {sets.net_lost:g}; McNemar p {p_value(sets.p)}"
        lines = [f"greedy: {sets.gained} problems gained, {sets.lost} lost of {sets.problems} ({chance}; {net})"]
    if sets.gained_mass is not None and sets.lost_mass is not None:
        masses = f"{100 * sets.gained_mass:.1f} points gained, {100 * sets.lost_mass:.1f} lost"
        lines.append(f"samples: {masses} (cross-fitted: about 0 by chance)")
    if sets.crossing:
        lines.append(f"pass@k curves cross: from k = {sets.crossing} on below the reference")
    lines.append("by name, by Fisher's exact test on the samples of each (correct/drawn), at most one in ten by chance:")
    return [*lines, _names("gained", sets.named_gained), _names("lost", sets.named_lost)]


def _names(what: str, named: Sequence[Named]) -> str:
    if not named:
        return f"  {what}: none"
    shown = ", ".join(f"{each.problem} {each.first[0]}/{each.first[1]} -> {each.now[0]}/{each.now[1]}" for each in named[:_NAMED])
    more = f", and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"  {what}, {len(named)}: {shown}{more}"
