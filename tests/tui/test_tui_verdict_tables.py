"""Verdicts in words and tables: each kind, its measures and marks, and what heads the table."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs
from piloting import drawn
from play import NAN, NGRAM, OOD, TARGET, record
from verdict_views import judged

from sirtui.core.run import Status
from sirtui.core.verdict import Kind
from sirtui.store.rows import Cell, IterationRow, MeasureRow
from sirtui.tui.figures import interval, mark, signed
from sirtui.tui.paint import ALARM, BAD, DIM, GOOD, plain, width
from sirtui.tui.tables.headlines import headlines
from sirtui.tui.tables.iterations import iterations_table, next_alarm
from sirtui.tui.tables.measures import measures_table
from sirtui.tui.tables.table import lay_out
from sirtui.tui.tables.words import label, verdict_line


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


def test_the_next_alarm(view):
    """From one loss to the next, and back; repeats of M_1 stand after all iterations."""
    again = judged(view, 5, record(5, Kind.LOSS, (OOD,), "loss without gain: OOD"))
    assert [next_alarm(again, key, 1) for key in ("it01", "it03", "it05", "it01/repeat-2", "gone")] == [
        "it03", "it05", "", "", "it03"]  # fmt: skip
    assert [next_alarm(again, key, -1) for key in ("it01/repeat-2", "it05", "it03", "it01")] == ["it05", "it03", "", ""]
