"""Tables as text: what stands on the screen, column by column."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from piloting import drawn
from play import HOSTILE, NAN, Play

from sirtui.core.run import Kind, Status
from sirtui.core.verdict import Kind as Verdict
from sirtui.store.rows import Cell, IterationRow, RunVerdict, StageRow
from sirtui.tui.feed import Snapshot
from sirtui.tui.figures import change, measured, moment, number, percent, progress, span, sparkline, uncertainty
from sirtui.tui.paint import changes, clip, cut, cut_middle, ends, fit, line, over, plain, width
from sirtui.tui.screens.logs import listed_stages
from sirtui.tui.tables.iterations import how_it_stands, iterations_table
from sirtui.tui.tables.measures import measures_table
from sirtui.tui.tables.runs import Order, first_choice, matching, ordered, runs_table
from sirtui.tui.tables.table import lay_out
from sirtui.tui.widgets.bars import title_line
from sirtui.tui.widgets.peek import stage_at_work

HEADLINE_ORDER = (
    "pass@1.sampled",
    "diversity.ngram.correct",
    "diversity.equations.correct",
    "ood.accuracy",
    "pass@1.greedy",
    "diversity.semantic.correct",
)


def at(moment: int, tmp_path: Path) -> Play:
    """The play at a moment, without verdicts."""
    play = Play(tmp_path, judged=False)
    play.moment = moment
    return play


def test_iterations_at_80(tmp_path):
    """Headline measures with their change, sparklines under their names, and how far each is: where nothing was judged."""
    assert (
        drawn(iterations_table(at(145, tmp_path).view()), 80)
        == """\
  it rec  pass1↑    Δ  ng↑    Δ  eq↑    Δ  OOD↑    Δ  greedy↑    Δ  verdict
          ▁▅█          █▅▁       █▆▁       ▇▇▂        ▂▅▇
   1 sft    46.0       .68       .52       34.1          47.1       M1
   2 dpo    49.1 ▴3.1  .61 ▾.07  .50 ▾.02  34.0 ▾0.1     49.8 ▴2.7  finished
   3 dpo    50.9 ▴4.9  .50 ▾.18  .43 ▾.09  31.2 ▾2.9     51.2 ▴4.1  finished
▸  4 dpo       …         …         …          …             …       train 62%
   5 dpo                                                            waiting
   1 sft    46.3                                                    repeat 2
"""
    )


def test_what_matters_most_stays_at_60(tmp_path):
    """With less room the measures further to the right go first; pass@1 and the last column stay."""
    assert (
        drawn(iterations_table(at(145, tmp_path).view()), 60)
        == """\
  it rec  pass1↑    Δ  ng↑    Δ  eq↑    Δ  verdict
          ▁▅█          █▅▁       █▆▁
   1 sft    46.0       .68       .52       M1
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
  it rec        pass1↑    Δ  ng↑    Δ  eq↑    Δ  OOD↑    Δ  verdict
                ▂▇           █▁        ▆▃        ▅▄
   1 sft          46.0       .68       .52       34.1       M1
   2 evil[bol…    49.1 ▴3.1  .61 ▾.07  .50 ▾.02  34.0 ▾0.1  finished
!  3 dpo                                                    failed: CUDA out of…
   4 dpo                                                    waiting
"""
    )


def test_repeats_of_the_first_iteration(tmp_path):
    """A repeat of M_1 says which it is, and how far."""
    view = at(145, tmp_path).view()
    rows = (
        IterationRow(1, 2, "sft", Status.FINISHED),
        IterationRow(1, 3, "sft", Status.RUNNING, "sample", 2, 5),
        IterationRow(1, 4, "sft", Status.FAILED, "sample"),
        IterationRow(1, 5, "sft", Status.WAITING),
    )
    view = replace(view, iterations=view.iterations[:2], repeats=rows, run=replace(view.run, reason="no space left"))
    assert [plain(how_it_stands(view, row)) for row in (*view.iterations, *rows)] == [
        "M1",
        "finished",
        "repeat 2",
        "repeat 3 sample 40%",
        "repeat 4 failed: no space left",
        "repeat 5 waiting",
    ]
    assert drawn(iterations_table(view), 80).splitlines()[-1].endswith(" repeat 5 waiting")


def test_a_run_that_has_not_begun(tmp_path):
    """Without measures there are no columns of measures."""
    view = replace(at(0, tmp_path).view(), measures=())
    assert drawn(iterations_table(view), 60).splitlines()[:2] == ["  it rec  verdict", "▸  1 sft  train 0%"]


def test_runs_need_you_first(tmp_path):
    """Runs that lost something, failed or wait for an answer stand first, then the newest; room runs out from the right."""
    play = Play(tmp_path)
    play.moment = 145
    frozen = play.others()[1]
    more = (
        replace(frozen, name="waits", status=Status.PAUSED, reason="it3: reversal: ngram", created=1.0, t=3),
        replace(
            frozen,
            name="fell",
            created=2.0,
            verdict=RunVerdict(Verdict.REGRESSION, ("diversity.ngram.correct", "pass@8"), None, "", 1, 1),
        ),
        replace(frozen, name="went-well", created=3.0, verdict=RunVerdict(Verdict.PROGRESS, (), None, "", 0, 5)),
    )
    assert (
        drawn(runs_table(ordered((*more, *play.runs()))), 80)
        == """\
  run                     status                          it  verdict       keep
! nano-sft-dpo-k3x9       running                        4/5  ⇅REV ng OOD   it2
! gsm8k-llama3-dpo-a1b2   failed: CUDA out of memory: …  3/5
! fell                    finished                       5/5  REGRESS ng …  it1
! waits                   paused: it3: reversal: ngram   3/5
  nano-frozen-z9y8        finished                       5/5
  went-well               finished                       5/5  progress      it5
"""
    )
    assert "train 62%  1:15  sft-dpo" in drawn(runs_table(play.runs()), 120)


def test_runs_tell_the_iteration_reached(tmp_path):
    """A run that ended tells how far it came; one that never began a dash; no match says how to see all again."""
    row = at(145, tmp_path).row()
    ended = [replace(row, name=f"run-{t}", status=Status.STOPPED, t=t) for t in (2, 5, None)]
    table = runs_table(ended)
    assert [plain(each.cells[3]) for each in table.rows] == ["2/5", "5/5", "–/5"]
    assert runs_table((), "fro\x1b").empty == "no run matches 'fro'; esc shows all"


def title(cells: int = 100, **changed: object) -> str:
    """The top bar of the run that plays, changed so."""
    view = Play(Path()).view()
    view = replace(view, run=replace(view.run, done=1240, **changed))
    return plain(title_line(Snapshot((view.run,), view, read=True), cells))


def test_the_top_bar_tells_how_far():
    """The run's eta; what is left of the stage where it is unknown; of a run that ended, the iteration reached."""
    assert "│ it 1/5 train 62% eta 1:15 │" in title(eta=75.0, left=31.0)
    assert "│ it 1/5 train 62% 0:31 left of this │" in title(eta=None, left=31.0)
    assert "│ it 1/5 train 62% │" in title(eta=None)
    assert "│ finished 5/5 │" in title(status=Status.FINISHED, t=5)
    assert "│ stopped 2/5 │" in title(status=Status.STOPPED, t=2, left=31.0)
    assert "│ failed –/5 │" in title(status=Status.FAILED, t=None)


def test_stages_as_they_began(tmp_path):
    """The stages that have a log stand in the order in which they began; the one to look at is the one that failed."""
    stages = [
        StageRow("it02/train", 2, 1, Kind.TRAIN, Status.FAILED, 1, 30.0),
        StageRow("it01/train", 1, 1, Kind.TRAIN, Status.FINISHED, 1, 10.0),
        StageRow("it03/train", 3, 1, Kind.TRAIN, Status.WAITING),
        StageRow("it01-2/train", 1, 2, Kind.TRAIN, Status.RUNNING, 1, 40.0),
        StageRow("it01/sample", 1, 1, Kind.SAMPLE, Status.FINISHED, 1, 20.0),
    ]
    view = replace(at(0, tmp_path).view(), stages=tuple(stages))
    assert [stage.started for stage in listed_stages(view)] == [10.0, 20.0, 30.0, 40.0]
    view = replace(view, run=replace(view.run, status=Status.FAILED))
    assert stage_at_work(view).id == "it02/train"


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
    """Every measure with its standard error and change, names cut in the middle."""
    view = at(145, tmp_path).view()
    text = drawn(measures_table(view, view.iterations[2]), 52)
    assert text.splitlines()[:5] == [
        " measure                     value   se     Δ  trend",
        " pass@1.sampled            ↑  50.9  1.4  ▴4.9  ▁▅█",
        " diversity.ngram.correct   ↑   .50 .014  ▾.18  █▅▁",
        " div…ity.equations.correct ↑   .43 .014  ▾.09  █▆▁",
        " ood.accuracy              ↑  31.2  1.4  ▾2.9  ▇▇▂",
    ]


def test_measures_stay_in_the_order_they_came(tmp_path):
    """The headline measures stand first, then all others as they first appeared, whatever their names."""
    view = at(145, tmp_path).view()
    first = [*HEADLINE_ORDER, "pass@16"]
    for measures in (view.measures, view.measures[::-1]):
        names = [row.key for row in measures_table(replace(view, measures=measures), view.iterations[2]).rows]
        assert names == [*first, *(measure.key for measure in measures if measure.key not in first)]


def test_values_that_are_no_numbers(tmp_path):
    """NaN, infinities and None are written as a dash, and are gaps in a sparkline."""
    view = at(145, tmp_path).view()
    odd = {"pass@1.sampled": Cell(NAN, float("inf"), None, float("-inf"), NAN, None, against="it01"), "ood.accuracy": Cell(None)}
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
    assert [change("share", each) for each in (4e-4, -4e-4, 6e-4, -6e-4, 0.1)] == ["0.0", "0.0", "▴0.1", "▾0.1", "▴10.0"]
    assert [change("", each) for each in (0.004, -0.004, -0.006, 10.0)] == [".00", ".00", "▾.01", "▴10"]
    assert [change("tokens", each) for each in (0.0, -100, 1e-6)] == ["0", "▾100", "▴1e-6"]
    assert [span(each) for each in (41, 723, 11_220, 187_200, None, NAN, -1)] == ["0:41", "12:03", "3h07", "2d04h", "", "", ""]
    assert [percent(1240, 2000), percent(5, 0), percent(NAN, 3), percent(9, 3)] == ["62%", "", "", "100%"]
    assert [progress(1240, 2000, "step"), progress(7, None, ""), progress(None, 5, "step")] == ["step 1240/2000", "7", ""]
    assert [moment(None), moment(NAN), moment(1e300)] == ["", "", ""]


def test_sparklines():
    """A curve: gaps where there is no number, its best point bold, decimated where it is long."""
    assert plain(sparkline([0.1, None, 0.3, NAN, 0.2], 10)) == "▁ █ ▅"
    assert [span.text for span in sparkline([3, 9, 5], 10) if span.style == "bold"] == ["█"]
    assert [span.text for span in sparkline([3, 9, 2], 10, -1) if span.style == "bold"] == ["▁"]
    assert {span.style for span in sparkline([1, 1, 1], 10)} == {""}
    assert len(set(plain(sparkline([1, 1, 1], 10)))) == 1
    assert width(sparkline(range(1000), 10)) == 10
    assert plain(sparkline([-1.7e308, 1.7e308], 10)) != ""
    assert sparkline([NAN, None], 10) == ()


def test_noise_does_not_look_like_a_fall():
    """The scale spans at least a tenth of the largest value; the best point is bold all the same."""
    nearly = sparkline([0.500, 0.501, 0.499], 10)
    assert plain(nearly) == "▅▅▄"
    assert [span.style for span in nearly] == ["", "bold", ""]
    assert [span.style for span in sparkline([0.500, 0.501, 0.499], 10, -1)] == ["", "", "bold"]
    assert plain(sparkline([0.50, 0.46], 10)) == "▇▂"
    assert plain(sparkline([0.50, 0.45], 10)) == "█▁"
    assert plain(sparkline([-0.50, -0.45], 10)) == "▁█"
    assert plain(sparkline([0.0, 0.001], 10)) == "▁█"
    assert plain(sparkline([1.79e308, 1.79e308, -0.0], 10)) != ""


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
