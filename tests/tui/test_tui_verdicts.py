"""Verdicts on the screen: in the table, in the card, in the title, and what can go wrong with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs
from piloting import drawn, ready, seen, until
from play import ADVICE, HOSTILE, NAN, NGRAM, OOD, PARTS, RULE, TARGET, Play, record

from sirtui.core.rule import Declared
from sirtui.core.run import Status
from sirtui.core.verdict import Keep, Kind, Part, State, VerdictRecord
from sirtui.store.rows import Cell, IterationRow, MeasureRow, RunVerdict, RunView
from sirtui.tui.app import SirtuiApp
from sirtui.tui.commands import COMMANDS
from sirtui.tui.feed import Snapshot
from sirtui.tui.figures import interval, mark, signed
from sirtui.tui.paint import ALARM, BAD, DIM, GOOD, Line, plain, width
from sirtui.tui.tables.card import card, strip_line
from sirtui.tui.tables.headlines import headlines
from sirtui.tui.tables.iterations import iterations_table, next_alarm
from sirtui.tui.tables.measures import measures_table
from sirtui.tui.tables.runs import matching, runs_table
from sirtui.tui.tables.table import lay_out
from sirtui.tui.tables.words import label, verdict_line
from sirtui.tui.widgets.bars import title_line
from sirtui.tui.widgets.peek import stage_at_work

REVERSED = [
    "─ judge ok │ format ok │ null ok │ contamination ok │ power ok ─────────────────",
    " ⇅ it3  pass@1 ▴+4.9* [3.0,6.8]  BUT  ngram ▾-.18* [-.20,-.16]  OOD ▾-2.9*",
    " keep it2 (pass@1 49.1, cross-fitted 48.7): highest pass@1 with nothing essenti…",
]
LONG = "x" * 10_000 + HOSTILE


@pytest.fixture
def view(tmp_path: Path) -> RunView:
    """The run that plays, in its fourth iteration, reversed at its third."""
    play = Play(tmp_path)
    play.moment = 145
    return play.view()


def told(view: RunView, key: str, cells: int = 80) -> list[str]:
    """The lines of a card."""
    lines = card(view, key, cells).lines
    assert {width(line) <= cells for line in lines} <= {True}
    return [plain(line).rstrip() for line in lines]


def judged(view: RunView, t: int, verdict: VerdictRecord | None, **changed: object) -> RunView:
    """The run with another verdict at one iteration, and something else changed about that."""
    rows = [replace(row, verdict=verdict, **changed) if row.t == t else row for row in view.iterations]
    return replace(view, iterations=tuple(rows))


def test_a_reversal_at_80(view):
    """What the run is judged by, each change with its mark; the word, and what fell."""
    assert (
        drawn(iterations_table(view), 80)
        == """\
  it rec  pass1↑ Δ          ng↑        eq↑        sem↑        OOD↑   verdict
          ▁▅█               █▅▁        █▆▁        █▅▁         ▇▇▂
   1 sft    46.0        .68        .52        .31        34.1        M1
   2 dpo    49.1 ▴3.1*  .61 ▾.07~  .50 ▾.02~  .29 ▾.02~  34.0 ▾0.1~  gain? ng
!  3 dpo    50.9 ▴4.9*  .50 ▾.18*  .43 ▾.09~  .27 ▾.04~  31.2 ▾2.9*  ⇅REV ng OOD
▸  4 dpo       …          …          …          …           …        train 62%
   5 dpo                                                             waiting
   1 sft    46.3                                                     repeat 2
"""
    )


def test_a_reversal_with_more_room_and_less(view):
    """Intervals come last and go first; then what did not fall, then values; never the target, the worst, the verdict."""
    wide, narrow, least = (drawn(iterations_table(view), cells).splitlines() for cells in (110, 60, 44))
    assert wide[0].startswith("  it rec  pass1↑ Δ     95% ")
    assert wide[4].startswith("!  3 dpo    50.9 ▴4.9* [3.0,6.8]  .50 ▾.18*  .43 ▾.09~ ")
    assert "pass16↑" in wide[0]
    assert narrow[0] == "  it rec  pass1↑ Δ          ng↑         OOD↑   verdict"
    assert narrow[4] == "!  3 dpo    50.9 ▴4.9*  .50 ▾.18*  31.2 ▾2.9*  ⇅REV ng OOD"
    assert least[4] == "!  3 dpo    50.9 ▴4.9* ▾.18*  ⇅REV ng OOD"


def test_colours_of_changes(view):
    """Blue for the better, yellow for the worse, both bold; dim where nothing is decided; the word reversed."""
    row = iterations_table(view).rows[2]
    styles = {plain(cell): cell[0].style for cell in row.cells if cell}
    assert (styles["▴4.9*"], styles["▾.18*"], styles["▾.09~"]) == (GOOD, BAD, DIM)
    assert [(span.text, span.style) for span in row.cells[-1]] == [("⇅REV", ALARM), (" ng OOD", BAD)]
    assert {span.style for span in row.cells[0]} == {"bold red"}


def test_the_word_stays_apart_under_the_cursor(view):
    """On the selected row, reversed from end to end, the word of a reversal is a hole."""
    layout = lay_out(iterations_table(view), 80)
    spans = layout.selected(layout.table.rows[2], "reverse", None)
    assert [span.text for span in spans if span.text and "reverse" not in span.style] == ["⇅REV"]
    assert width(spans) == 80


@pytest.mark.parametrize(
    ("kind", "names", "text", "word"),
    [
        (Kind.REVERSAL, (NGRAM, "pass@16"), "reversal: ngram, pass@16", "⇅REV ng pass16"),
        (Kind.PAST_PEAK, (), "past the peak (it2)", "⇅PEAK"),
        (Kind.PROGRESS, (), "progress", "progress"),
        (Kind.GAIN_UNDECIDED, (OOD,), "gain, undecided: OOD (needs 900 problems)", "gain? OOD"),
        (Kind.REGRESSION, (), "regression", "REGRESS"),
        (Kind.LOSS, ("math-algebra/ood.accuracy",), "loss without gain: math-algebra OOD", "LOSS OOD:math-algebra"),
        (Kind.GAIN_ELSEWHERE, ("diversity.equations.correct",), "gain elsewhere: equations", "elsewhere eq"),
        (Kind.NO_CHANGE, (), "no change", "same"),
        (Kind.UNDECIDED, (TARGET,), "undecided: pass@1 (needs 32 samples a problem)", "undecided pass1"),
    ],
)
def test_each_kind_has_a_word(view, kind, names, text, word):
    """Short words; `⇅` for what reversed alone, and `!` in the gutter wherever something was lost for sure."""
    drawn_word = verdict_line(record(3, kind, names, text))
    assert plain(drawn_word) == word
    assert (drawn_word[0].style == ALARM) == word.startswith("⇅")
    row = iterations_table(judged(view, 3, record(3, kind, names, text))).rows[2]
    assert (plain(row.cells[0]), plain(row.cells[-1])) == ("!" if kind.alarm else " ", word)


def test_past_a_peak_the_peak_is_named(view):
    """Which iteration was better."""
    past = structs.replace(record(3, Kind.PAST_PEAK), past_peak=2)
    assert plain(verdict_line(past)) == "⇅PEAK it2"
    assert plain(iterations_table(judged(view, 3, past)).rows[2].cells[-1]) == "⇅PEAK it2"


def test_a_verdict_stays_while_more_is_at_work(view):
    """A topup, or a failure after the verdict, stands beside it; where the run has not ended a verdict counts all the same."""
    rows = view.iterations
    again = judged(view, 3, rows[2].verdict, status=Status.RUNNING, stage="sample", done=2, total=5)
    assert plain(iterations_table(again).rows[2].cells[-1]) == "⇅REV ng OOD sample 40%"
    failed = judged(view, 3, rows[2].verdict, status=Status.FAILED)
    assert plain(iterations_table(failed).rows[2].cells[-1]) == "⇅REV ng OOD failed"
    waiting = judged(judged(view, 3, rows[2].verdict, status=Status.WAITING), 1, rows[0].verdict, status=Status.WAITING)
    assert [plain(row.cells[-1]) for row in iterations_table(waiting).rows[:3]] == ["M1", "gain? ng", "⇅REV ng OOD"]


def test_the_worst_heads_the_table(view):
    """What fell and is down still keeps its columns, then what fell once, then what nobody can tell."""
    assert [each.label for each in headlines(view)] == ["pass1", "ng", "eq", "sem", "OOD", "pass16"]
    assert [each.drop for each in headlines(view)] == [0, 0, 62, 63, 11, 64]
    now = view.iterations[2].cells
    odd = {**now, OOD: replace(now[OOD], verdict="flat"), "diversity.equations.correct": replace(now[OOD], verdict="flat")}
    later = judged(view, 4, None, cells=odd)
    assert {each.label: each.drop for each in headlines(later)} == {
        "pass1": 0, "ng": 0, "OOD": 61, "sem": 62, "pass16": 63, "eq": 64}  # fmt: skip
    assert [label(key) for key in ("pass@8", "cover@.5", "ood.disparity")] == ["pass8", "cover@.5", "disparity"]


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


def test_measures_by_their_part(view):
    """Target, essential, watched measures first, each with its mark and how it stands; the rest without either."""
    table = measures_table(view, view.iterations[2])
    assert "".join(plain(row.cells[0]) or "." for row in table.rows[:10]) == "TEEEEEWWW."
    lines = drawn(table, 64).splitlines()
    assert lines[0] == "  measure                   value Δ      95%           verdict"
    assert lines[1] == "T pass@1.sampled          ↑  50.9 ▴4.9*  [3.0,6.8]     improving"
    assert lines[2] == "E diversity.ngram.correct ↑   .50 ▾.18*  [-.20,-.16]   declined"
    assert next(line for line in lines if "pass@2 " in line).split() == ["pass@2", "↑", "52.6", "▴1.6", "[-0.3,3.5]"]
    assert drawn(table, 52).splitlines()[1] == "T pass@1.sampled            ↑  50.9 ▴4.9*  improving"
    first = measures_table(view, view.iterations[0])
    assert drawn(first, 52).splitlines()[1].split() == ["T", "pass@1.sampled", "↑", "46.0"]


@pytest.mark.parametrize(
    ("n", "of_change", "told"), [(200, 180, "180/200"), (200, 200, "200"), (200, None, "200"), (None, 180, "")]
)
def test_how_many_problems_a_change_is_over(view, n, of_change, told):
    """Before those of the value, where these are others."""
    cells = {TARGET: replace(view.iterations[2].cells[TARGET], n=n, change_n=of_change)}
    table = measures_table(view, replace(view.iterations[2], cells=cells))
    assert plain(next(row for row in table.rows if row.key == TARGET).cells[8]) == told


def test_how_a_measure_stands_in_a_word(view):
    """Over time where that says more, else better, worse or as it is told; higher and lower where neither is better."""
    cell = Cell(0.5, change=0.1, p=0.001, role="watch", against="it01")
    told_of = {
        ("up", "up", 1): ("better", GOOD),
        ("down", "down", 1): ("worse", BAD),
        ("up", "up", 0): ("higher", "bold"),
        ("down", "down", 0): ("lower", "bold"),
        ("down", "reversed", 1): ("reversed", BAD),
        ("flat", "regressed from peak", 1): ("past peak", BAD),
        ("up", "plateau", -1): ("plateau", GOOD),
        ("suspended", "suspended", 1): ("suspended", DIM),
        ("", "", 1): ("", ""),
    }
    for (verdict, trend, direction), (word, style) in told_of.items():
        row = IterationRow(3, 1, "dpo", Status.FINISHED, cells={"m": replace(cell, verdict=verdict, trend=trend)})
        bare = replace(view, measures=(MeasureRow("m", direction, ""),), iterations=(view.iterations[0], row))
        shown = measures_table(bare, row).rows[0].cells
        assert (plain(shown[6]), shown[6][0].style) == (word, style)
        assert plain(shown[4]) == ("▴.10" if verdict in ("", "suspended") else "▴.10**")


def test_marks_and_intervals():
    """`**` at 99 %, `*` at 95 %, `~` not significant; what is no number has none."""
    assert [mark(p) for p in (0.0, 0.01, 0.011, 0.05, 0.051, 1.0, NAN, None)] == ["**", "**", "*", "*", "~", "~", "", ""]
    assert interval("share", 0.0301, 0.068) == "[3.0,6.8]"
    assert interval("", -0.21, -0.001) == "[-.21,.00]"
    assert interval("share", -0.0001, 0.0001) == "[0.0,0.0]"
    assert [interval("share", *ends) for ends in ((None, 1.0), (1.0, NAN), (float("-inf"), 1.0))] == ["", "", ""]
    assert [signed("share", each) for each in (0.049, -0.18, 0.0, NAN)] == ["▴+4.9", "▾-18.0", "0.0", "–"]


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


async def test_hostile_verdicts_on_the_screen(tmp_path):
    """They do not break the screen either."""
    play = Play(tmp_path)
    play.moment = 145
    cruel = hostile(play.view())
    play.run = lambda name: cruel
    async with SirtuiApp(play, follow=play.follow).run_test(size=(120, 40)) as pilot:
        await ready(pilot, "⇅ it3")
        assert seen(pilot.app).replace("\n", "").isprintable()
        await pilot.press("g", "Y", "enter", "Y")
        await until(pilot, lambda: '"t":1' in pilot.app.clipboard)


def test_the_title_counts_what_was_lost(view):
    """How many runs turned and how many lost, beside how many need a person; they stay when room runs out, the name is cut."""
    lost = [replace(view.run, name=str(kind), verdict=RunVerdict(kind, (), None, "", 1, None)) for kind in Kind]
    failed = replace(view.run, name="failed", status=Status.FAILED, verdict=None)
    paused = replace(failed, name="paused", status=Status.PAUSED)
    full = title_line(Snapshot((*lost, failed, paused), view), 120)
    assert plain(full).rstrip().endswith("vs M1 │ ! 2 need you  ⇅ 2 REVERSED  2 LOST")
    assert [span.style for span in full if "REVERSED" in span.text] == [BAD]
    assert all("reverse" in span.style for span in full if "REVERSED" not in span.text)
    of_loss = [each for each in lost if each.name in (Kind.LOSS, Kind.REGRESSION)]
    assert plain(title_line(Snapshot(tuple(of_loss), view), 120)).endswith("vs M1  2 LOST ")
    assert plain(title_line(Snapshot((view.run,), view), 80)) == (
        " sirtui nano-sft-dpo-k3x9 │ it 4/5 train 62% eta 1:15       vs M1  ⇅ 1 REVERSED "
    )
    assert plain(title_line(Snapshot((view.run, failed), view), 80)).startswith(" n…sft-dpo-k3x9 │ it 4/5 train 62% eta 1:15 ")
    assert plain(title_line(Snapshot((view.run, failed), view), 66)).startswith(" n…po-k3x9 │ it 4/5 train 62% vs M1")
    assert plain(title_line(Snapshot((view.run, failed), view), 50)).startswith(" n…t-dpo-k3x9 vs M1")
    assert "REVERSED" not in plain(title_line(Snapshot((failed,), None), 80))


def test_a_run_that_waits_for_an_answer(view):
    """A paused run needs a person, shows what it did last, and can be resumed."""
    run = replace(view.run, status=Status.PAUSED, stage="", reason="it3: reversal: ngram, OOD")
    paused = replace(view, run=run)
    assert stage_at_work(paused).id == "it04/train"
    assert COMMANDS["resume"].impossible(run) == ""
    assert COMMANDS["stop"].impossible(run).endswith("is paused: nothing to stop")
    assert [each.name for each in matching([run, replace(run, verdict=None)], "reversal paused")] == [run.name]
    assert "paused: it3: reversal" in drawn(runs_table([run]), 80)


def test_the_next_alarm(view):
    """From one loss to the next, and back; repeats of M_1 stand after all iterations."""
    again = judged(view, 5, record(5, Kind.LOSS, (OOD,), "loss without gain: OOD"))
    assert [next_alarm(again, key, 1) for key in ("it01", "it03", "it05", "it01/repeat-2", "gone")] == [
        "it03", "it05", "", "", "it03"]  # fmt: skip
    assert [next_alarm(again, key, -1) for key in ("it01/repeat-2", "it05", "it03", "it01")] == ["it05", "it03", "", ""]


async def test_keys_to_the_next_alarm(app):
    """! goes to the next iteration that lost something, @ back; where there is none it says so."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        grid = app.screen.query_one("#iterations")
        await pilot.press("g", "exclamation_mark")
        await until(pilot, lambda: grid.selected == "it03")
        await pilot.press("exclamation_mark")
        await ready(pilot, "no further reversal or other loss")
        await pilot.press("G", "at")
        await until(pilot, lambda: grid.selected == "it03")


async def test_the_card_follows_the_cursor(app):
    """At 80x24 the card takes three lines, four where something more must be known; the log gives way, the table never."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert seen(app).splitlines()[16:19] == REVERSED
        assert app.screen.query_one("#card").size.height == 3
        table = app.screen.query_one("#iterations").size
        await pilot.press("g")
        await ready(pilot, "it 1 is M1")
        assert app.screen.query_one("#iterations").size == table
        assert "step=1269" in seen(app)


async def test_a_changed_rule_takes_a_fourth_line(play, monkeypatch):
    """What must be known with a verdict is never left out, also at 80x24."""
    view = play.view()
    changed = judged(view, 3, structs.replace(view.iterations[2].verdict, declared=Declared("other", "00ff")))
    monkeypatch.setattr(play, "view", lambda: changed)
    async with SirtuiApp(play, follow=play.follow).run_test(size=(80, 24)) as pilot:
        await ready(pilot, " RULE CHANGED since the start: declared 00ff, judged by 1a2b3c4d5e6f")
        assert " it04/train" in seen(pilot.app)


@pytest.mark.parametrize("size", [(120, 40), (200, 60), (60, 15)])
async def test_a_reversal_at_any_size(app, size):
    """Count, gutter, word and sentence are seen at every size."""
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        text = seen(app)
        assert "⇅ 1 REVERSED" in text.splitlines()[0]
        assert any(line.startswith("!  3 dpo") and "⇅REV ng OOD" in line for line in text.splitlines())
        assert " ⇅ it3  pass" in text
        assert " keep it2" in text


async def test_a_run_without_verdicts(tmp_path):
    """There is no card, and the log has its room."""
    play = Play(tmp_path, judged=False)
    play.step(145)
    async with SirtuiApp(play, follow=play.follow).run_test(size=(80, 24)) as pilot:
        await ready(pilot, "it04/train  step 1250")
        assert pilot.app.screen.query_one("#card").size.height == 0
        assert "REV" not in seen(pilot.app)


async def test_ascii_has_a_sign_for_reversals_alone(play):
    """--ascii: `X` for a reversal, `^` and `v` for arrows."""
    async with SirtuiApp(play, ascii=True, follow=play.follow).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert "XREV ng OOD" in seen(pilot.app)
        assert " X it3  pass@1 ^+4.9* [3.0,6.8]  BUT  ngram v-.18* [-.20,-.16]  OOD v-2.9*" in seen(pilot.app)
        assert "X 1 REVERSED" in seen(pilot.app)
