"""The card of an iteration: what a verdict rests on, the verdict, what to keep, and what can go wrong with them."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs
from piloting import drawn
from play import ADVICE, NAN, NGRAM, OOD, PARTS, RULE, record
from verdict_views import REVERSED, hostile, judged, told

from sirtui.core.rule import Declared
from sirtui.core.verdict import Keep, Kind, Part, State
from sirtui.tui.feed import Snapshot
from sirtui.tui.paint import BAD, Line, plain, width
from sirtui.tui.tables.card import card, strip_line
from sirtui.tui.tables.iterations import iterations_table
from sirtui.tui.tables.measures import measures_table
from sirtui.tui.tables.runs import runs_table
from sirtui.tui.tables.table import lay_out
from sirtui.tui.widgets.bars import title_line


def test_the_card_of_a_reversal(view):
    """What the verdict rests on, the reversal in a sentence, and what to keep; with more room the reasons in full."""
    assert told(view, "it03") == REVERSED
    wide = told(view, "it03", 120)
    assert wide[1] == " ⇅ it3  pass@1 ▴+4.9* [3.0,6.8]  BUT  ngram ▾-.18* [-.20,-.16]  OOD ▾-2.9* [-4.2,-1.6]"
    assert wide[2].endswith("nothing essential lost; it3 lost ngram, OOD")
    assert told(view, "it03", 51)[1] == " ⇅ it3  pass1 ▴+4.9*  BUT  ng ▾-.18*  OOD ▾-2.9*"


def test_the_card_of_a_gain_and_of_m1(view):
    """Other verdicts are told as they were told; M_1 advises, under the rule; the newest choice of what to keep stays."""
    assert told(view, "it02")[1:] == [
        " it2  pass@1 ▴+3.1* [1.2,5.0]  gain, undecided: ngram (needs 2,000 problems)",
        REVERSED[2],
    ]
    first = told(view, "it01", 120)
    assert first[0].startswith("─ it 1 is M1: all changes are told against it │ rule 1a2b3c4d5e6f ──")
    assert first[1] == f" {ADVICE}"
    assert [plain(line) for line in card(view, "it01", 120).further] == [f" {RULE.sentence}"]
    assert plain(card(view, "it01", 80).further[0]).startswith(" coverage 0.71, above one half")
    needy = record(3, Kind.UNDECIDED, (NGRAM,), f"undecided: ngram ({'needs 903 problems or ' * 5})")
    assert told(judged(view, 3, needy), "it03")[1] == (
        " it3  pass@1 ▴+4.9* [3.0,6.8]  undecided: ngram (needs 903 problems or needs 90…"
    )
    assert plain(card(judged(view, 3, needy), "it03", 80).further[0]).startswith(" undecided: ngram (needs 903 problems")
    silent = judged(view, 1, structs.replace(view.iterations[0].verdict, advice=""))
    assert told(silent, "it01")[1].startswith(" A reversal is pass@1.sampled up while")


def test_the_card_of_what_is_not_judged_yet(view):
    """How far it is, and what to keep by what is known; of a repeat what it is for; nothing where nothing was judged."""
    assert told(view, "it04")[1:] == [" no verdict yet: train 62%", REVERSED[2]]
    assert told(view, "it05")[1] == " no verdict yet: waiting"
    assert told(view, "it01/repeat-2")[1] == " M1 evaluated once more"
    assert told(view, "it09") == []
    bare = replace(view, iterations=tuple(replace(row, verdict=None) for row in view.iterations))
    assert card(bare, "it03", 80).lines == ()


def test_what_was_to_be_kept_before(view):
    """The card says what to keep by all that is known now; where that was another at this iteration, it says so."""
    then = record(2, Kind.PROGRESS, (), "progress", keep=Keep(1, None, None, None, None, "x"))
    assert told(judged(view, 2, then), "it02")[2].startswith(
        " keep it2 (pass@1 49.1, cross-fitted 48.7, at it2 it was it1): highest"
    )
    now = record(3, Kind.PROGRESS, (), "progress", keep=Keep(3, NAN, None, NAN, None, "highest pass@1"))
    assert told(judged(view, 3, now), "it03")[2] == " keep it3 (pass@1 –, cross-fitted –): highest pass@1"
    bare = record(3, Kind.PROGRESS, (), "progress", keep=Keep(3, None, None, None, None, "highest pass@1"))
    assert told(judged(view, 3, bare), "it03")[2:] == [" keep it3: highest pass@1"]
    assert len(told(judged(view, 3, record(3, Kind.PROGRESS)), "it03")) == 2


def test_alarms_other_than_reversals(view):
    """A peak that is past is one too; the words of the others are told in the colour of a loss."""
    past = judged(view, 3, record(3, Kind.PAST_PEAK, (), "past the peak (it2)"))
    assert told(past, "it03")[1] == " ⇅ it3  pass@1 ▴+4.9* [3.0,6.8]  past the peak (it2)"
    down = judged(view, 3, record(3, Kind.REGRESSION, (NGRAM,), "regression: ngram"))
    assert told(down, "it03")[1] == " it3  pass@1 ▴+4.9* [3.0,6.8]  regression: ngram"
    assert card(down, "it03", 80).lines[1][-1].style == BAD
    both = judged(view, 3, structs.replace(record(3, Kind.REVERSAL, (OOD,), "reversal: OOD (past the peak, it2)"), past_peak=2))
    assert told(both, "it03")[1].endswith("OOD ▾-2.9* [-4.2,-1.6]  past the peak, it2")


def test_a_broken_part_is_told_first(view):
    """All five parts are named; what is wrong is told as far as it fits, of broken ones first, else in full below."""
    parts = (
        PARTS[0],
        structs.replace(PARTS[1], state=State.WARN),
        Part("null", State.BROKEN, "M_1 evaluated 3 times: not repeatable: ngram"),
        *PARTS[3:],
    )
    assert plain(strip_line(parts, 80)).rstrip(" ─") == (
        "─ judge │ format WARN │ null BROKEN M_1 evaluated 3 t… │ contamination │ power"
    )
    assert plain(strip_line(parts, 190)).rstrip(" ─") == (
        "─ judge ok │ format WARN pass@1 +4.9 = answered +0.5, correct when answered +4.4 │ "
        "null BROKEN M_1 evaluated 3 times: not repeatable: ngram │ contamination ok │ power ok"
    )
    text = "reversal: ngram; rests on a broken part: null"
    broken = judged(view, 3, structs.replace(record(3, Kind.REVERSAL, (NGRAM,), text), validity=parts))
    assert told(broken, "it03", 90)[1].endswith("  rests on a broken part: null")
    further = [plain(line) for line in card(broken, "it03", 80).further]
    assert " null: M_1 evaluated 3 times: not repeatable: ngram" in further
    assert plain(strip_line((), 40)).startswith("─ no validity was told ─")


def test_a_changed_rule_and_notes_are_seen(view):
    """A rule that is not the declared one is said in a sentence of its own, once; notes stand beside it."""
    note = "the rule is not the declared one: 00ff when the run was made, now 1a2b3c4d5e6f"
    changed = structs.replace(view.iterations[2].verdict, declared=Declared("other", "00ff"), notes=(note, "not measured: it2"))
    line = card(judged(view, 3, changed), "it03", 120).lines[3]
    said = "RULE CHANGED since the start: declared 00ff, judged by 1a2b3c4d5e6f; not measured: it2"
    assert (plain(line), line[1].style) == (f" {said}", BAD)
    noted = structs.replace(view.iterations[2].verdict, notes=("not measured: it2", "it3 is no declared look"))
    assert told(judged(view, 3, noted), "it03")[3] == " not measured: it2; it3 is no declared look"


def test_numbers_that_are_none(view):
    """NaN, infinities and None everywhere are dashes or nothing at all."""
    odd = {
        key: replace(cell, value=NAN, change=value, lo95=NAN, hi95=None, p=NAN, n=None, stderr=float("inf"))
        for (key, cell), value in zip(view.iterations[2].cells.items(), [NAN, None, float("inf")] * 100, strict=False)
    }
    bad = judged(view, 3, structs.replace(view.iterations[2].verdict, keep=Keep(2, NAN, NAN, NAN, NAN, "")), cells=odd)
    row = drawn(iterations_table(bad), 80).splitlines()[4]
    assert row.split() == ["!", "3", "dpo", *["–"] * 10, "⇅REV", "ng", "OOD"]
    assert told(bad, "it03")[1:] == [" ⇅ it3  pass@1 –  BUT  ngram –  OOD –", " keep it2 (pass@1 –, cross-fitted –):"]
    assert drawn(measures_table(bad, bad.iterations[2]), 84)
    missing = judged(view, 3, view.iterations[2].verdict, cells={})
    assert told(missing, "it03")[1] == " ⇅ it3  pass@1 –  BUT  ngram –  OOD –"
    assert plain(iterations_table(missing).rows[2].cells[-1]) == "⇅REV ng OOD"


def test_hostile_verdicts_are_harmless(view):
    """Escape codes and endless texts in a verdict become short text on one line."""
    view = hostile(view)
    lines: list[Line] = [line for key in ("it01", "it03") for line in (*card(view, key, 80).lines, *card(view, key, 80).further)]
    for table in (iterations_table(view), measures_table(view, view.iterations[2]), runs_table([view.run])):
        layout = lay_out(table, 80)
        lines += [*layout.head, *(layout.drawn(row) for row in table.rows)]
    lines.append(title_line(Snapshot((view.run,), view), 80))
    assert max(width(line) for line in lines) <= 80
    assert all(plain(line).isprintable() for line in lines)
    assert all(len(plain(row.cells[-1])) < 300 for row in iterations_table(view).rows)


def test_the_card_and_the_table_tell_of_linked_stages(view):
    """An iteration of which all that is finished is another run's is marked, and the card says whose it is."""
    origin = "nano-sft-3f2a1c/"
    stages = [replace(stage, origin=f"{origin}{stage.id}") if stage.t <= 2 else stage for stage in view.stages]
    linked = replace(view, stages=tuple(stages))
    count = sum(stage.t <= 2 for stage in stages)
    said = f" {count} of {len(stages)} stages linked from nano-sft-3f2a1c"
    assert told(linked, "it02")[-1] == said
    assert said not in told(linked, "it03")
    recipes = {row.key: plain(row.cells[2]) for row in iterations_table(linked).rows}
    assert (recipes["it01"], recipes["it02"], recipes["it03"]) == ("=sft", "=dpo", "dpo")
    mixed = replace(view, stages=(replace(stages[0], origin="other-111111/it01/train"), *stages[1:]))
    assert told(mixed, "it02")[-1] == said.replace("nano-sft-3f2a1c", "2 runs")
