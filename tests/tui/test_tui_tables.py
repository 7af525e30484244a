"""Tables as text: what stands on the screen, column by column."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from play import HOSTILE, NAN, Play

from sirtui.core.run import Status
from sirtui.store.rows import Cell, IterationRow
from sirtui.tui.figures import change, measured, moment, number, percent, progress, span, sparkline, uncertainty
from sirtui.tui.paint import changes, clip, cut, cut_middle, ends, fit, line, over, plain, width
from sirtui.tui.tables.iterations import iterations_table
from sirtui.tui.tables.measures import measures_table
from sirtui.tui.tables.runs import Order, first_choice, matching, ordered, runs_table
from sirtui.tui.tables.table import Table, lay_out


def drawn(table: Table, cells: int) -> str:
    """A table as it stands in `cells`, blanks at the ends of lines left out."""
    layout = lay_out(table, cells)
    lines = [*layout.head, *(layout.drawn(row) for row in table.rows)]
    assert {width(each) for each in lines} == {cells}
    return "\n".join(plain(each).rstrip() for each in lines) + "\n"


def at(moment: int, tmp_path: Path) -> Play:
    """The play at a moment."""
    play = Play(tmp_path)
    play.moment = moment
    return play


def test_iterations_at_80(tmp_path):
    """Headline measures with their change, sparklines under their names, and how far each iteration is."""
    assert (
        drawn(iterations_table(at(145, tmp_path).view()), 80)
        == """\
  it rec  pass1↑    Δ  ng↑    Δ  eq↑    Δ  OOD↑    Δ  greedy↑    Δ  status
          ▁▅█          █▅▁       █▆▁       ██▁        ▁▆█
   1 sft    46.0       .68       .52       34.1          47.1       finished
   2 dpo    49.1 ▴3.1  .61 ▾.07  .50 ▾.02  34.0 ▾0.1     49.8 ▴2.7  finished
   3 dpo    50.9 ▴4.9  .50 ▾.18  .43 ▾.09  31.2 ▾2.9     51.2 ▴4.1  finished
▸  4 dpo       …         …         …          …             …       train 62%
   5 dpo                                                            waiting
   1 sft    46.3                                                    repeat 2
"""
    )


def test_what_matters_most_stays_at_60(tmp_path):
    """With less room the measures further to the right go first; pass@1 and the status stay."""
    assert (
        drawn(iterations_table(at(145, tmp_path).view()), 60)
        == """\
  it rec  pass1↑    Δ  ng↑    Δ  eq↑    Δ  status
          ▁▅█          █▅▁       █▆▁
   1 sft    46.0       .68       .52       finished
   2 dpo    49.1 ▴3.1  .61 ▾.07  .50 ▾.02  finished
   3 dpo    50.9 ▴4.9  .50 ▾.18  .43 ▾.09  finished
▸  4 dpo       …         …         …       train 62%
   5 dpo                                   waiting
   1 sft    46.3                           repeat 2
"""
    )


def test_a_failure_says_why(tmp_path):
    """A failed iteration tells its reason, as much of it as fits, and hostile names are harmless."""
    play = at(0, tmp_path)
    view = play.still(play.others()[0])
    assert (
        drawn(iterations_table(view), 80)
        == """\
  it rec        pass1↑    Δ  ng↑    Δ  eq↑    Δ  OOD↑    Δ  status
                ▁█           █▁        █▁        █▁
   1 sft          46.0       .68       .52       34.1       finished
   2 evil[bol…    49.1 ▴3.1  .61 ▾.07  .50 ▾.02  34.0 ▾0.1  finished
!  3 dpo                                                    failed: CUDA out of…
   4 dpo                                                    waiting
"""
    )


def test_a_run_that_has_not_begun(tmp_path):
    """Without measures there are no columns of measures."""
    view = replace(at(0, tmp_path).view(), measures=())
    assert drawn(iterations_table(view), 60).splitlines()[:2] == ["  it rec  status", "▸  1 sft  train 0%"]


def test_runs_need_you_first(tmp_path):
    """Failed runs stand first, then the newest; room runs out from the right."""
    play = at(145, tmp_path)
    assert (
        drawn(runs_table(ordered(play.runs())), 80)
        == """\
  run                     status                    it  stage       eta  method
! gsm8k-llama3-dpo-a1b2   failed: CUDA out of me…  3/5                   dpo
▸ nano-sft-dpo-k3x9       running                  4/5  train 62%  1:15  sft-dpo
  nano-frozen-z9y8        finished                 5/5                   frozen
"""
    )


def test_sort_and_filter(tmp_path):
    """Runs are found by words anywhere in what is told of them, and sorted three ways."""
    runs = Play(tmp_path).runs()
    assert [run.name for run in matching(runs, "NANO finished")] == ["nano-frozen-z9y8"]
    assert [run.name for run in matching(runs, "llama")] == ["gsm8k-llama3-dpo-a1b2"]
    assert [run.name[:6] for run in ordered(runs, Order.NEWEST)] == ["nano-s", "gsm8k-", "nano-f"]
    assert [run.name[:6] for run in ordered(runs, Order.NAME)] == ["gsm8k-", "nano-f", "nano-s"]
    assert Order.NAME.next is Order.NEEDS_YOU
    assert first_choice(runs) == "nano-sft-dpo-k3x9"
    assert first_choice(()) is None


def test_measures_of_an_iteration(tmp_path):
    """Every measure with its standard error and change, pass@16 after pass@2, names cut in the middle."""
    view = at(145, tmp_path).view()
    text = drawn(measures_table(view, view.iterations[2]), 52)
    assert text.splitlines()[:5] == [
        " measure                     value   se     Δ  trend",
        " pass@1.sampled            ↑  50.9  1.4  ▴4.9  ▁▅█",
        " diversity.ngram.correct   ↑   .50 .014  ▾.18  █▅▁",
        " div…ity.equations.correct ↑   .43 .014  ▾.09  █▆▁",
        " ood.accuracy              ↑  31.2  1.4  ▾2.9  ██▁",
    ]
    names = [row.key for row in measures_table(view, view.iterations[2]).rows]
    assert [name for name in names if name in ("pass@2", "pass@8", "pass@32")] == ["pass@2", "pass@8", "pass@32"]
    assert len(names) == len(view.measures)


def test_values_that_are_no_numbers(tmp_path):
    """NaN, infinities and None are written as a dash, and are gaps in a sparkline."""
    view = at(145, tmp_path).view()
    odd = {"pass@1.sampled": Cell(NAN, float("inf"), None, float("-inf"), NAN, None, "it01"), "ood.accuracy": Cell(None)}
    view = replace(view, iterations=(view.iterations[0], IterationRow(2, 1, HOSTILE, Status.FINISHED, cells=odd)))
    assert drawn(iterations_table(view), 80).splitlines()[-2].split()[-4:] == ["–", "–", "–", "finished"]
    assert drawn(measures_table(view, view.iterations[1]), 80)


def test_figures():
    """Numbers are short, and the same width where they stand under each other."""
    assert [number(each) for each in (0.412, 1e-6, 12_400, 1240, 1.84, 12.9, 0, -0.07, 2_000_000, NAN, None)] == [
        ".412", "1e-6", "12.4k", "1240", "1.84", "12.9", "0", "-.070", "2.0M", "–", "–"]  # fmt: skip
    assert [measured("share", each) for each in (0.46, 1.0, 0.0, NAN)] == ["46.0", "100.0", "0.0", "–"]
    assert [measured("", each) for each in (0.68, 1.0, 12.5)] == [".68", "1.00", "12.5"]
    assert [uncertainty("share", 0.0137), uncertainty("", 0.0137), uncertainty("", None)] == ["1.4", ".014", ""]
    assert [change("share", each) for each in (0.031, -0.031, 0.0, None)] == ["▴3.1", "▾3.1", "0.0", "–"]
    assert [span(each) for each in (41, 723, 11_220, 187_200, None, NAN, -1)] == ["0:41", "12:03", "3h07", "2d04h", "", "", ""]
    assert [percent(1240, 2000), percent(5, 0), percent(NAN, 3), percent(9, 3)] == ["62%", "", "", "100%"]
    assert [progress(1240, 2000, "step"), progress(7, None, ""), progress(None, 5, "step")] == ["step 1240/2000", "7", ""]
    assert [moment(None), moment(NAN), moment(1e300)] == ["", "", ""]


def test_sparklines():
    """A curve: gaps where there is no number, its best point bold, decimated where it is long."""
    assert plain(sparkline([0.1, None, 0.3, NAN, 0.2], 10)) == "▁ █ ▅"
    assert [span.text for span in sparkline([3, 9, 5], 10) if span.style == "bold"] == ["█"]
    assert [span.text for span in sparkline([3, 9, 2], 10, -1) if span.style == "bold"] == ["▁"]
    assert plain(sparkline([1, 1, 1], 10)) == "▄▄▄"
    assert width(sparkline(range(1000), 10)) == 10
    assert plain(sparkline([-1.7e308, 1.7e308], 10)) != ""
    assert sparkline([NAN, None], 10) == ()


def test_lines_of_wide_characters():
    """Characters that take two cells are counted and cut as two."""
    assert width(line("日本語")) == 6
    assert cut("日本語", 5) == "日本…"
    assert plain(fit(line("日本語"), 4)) == "日… "
    assert plain(clip((*line("ab"), *line("日本")), 4)) == "ab…"
    assert cut_middle("diversity.equations.correct", 24) == "div…ty.equations.correct"
    assert plain(ends(line("a long left end"), line("right"), 12)) == "a long…right"
    assert over(line("x", "bold"), "reverse")[0].style == "bold reverse"


def test_changes_are_the_cells_that_differ():
    """What is close together is repainted together, what is far apart is not."""
    assert changes(line("same"), line("same")) == []
    assert changes(line("a" * 40), line("b" + "a" * 38 + "b")) == [(0, 1), (39, 40)]
    assert changes(line("abc"), line("xbx")) == [(0, 3)]
    assert changes(line("abc"), line("abc", "bold")) == [(0, 3)]
    assert changes((), line("ab")) == [(0, 2)]


def test_the_cursor_lies_on_the_whole_row(tmp_path):
    """A selected row is reversed from end to end, but for the selected cell."""
    layout = lay_out(iterations_table(at(145, tmp_path).view()), 80)
    row = layout.table.rows[1]
    assert {span.style for span in layout.selected(row, "reverse", None) if span.text} == {"reverse"}
    assert width(layout.selected(row, "reverse", 3)) == 80
    assert [span.text.strip() for span in layout.selected(row, "reverse", 3) if span.style == ""][-1] == "49.1"
