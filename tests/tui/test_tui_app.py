"""The app: what it shows, at every size, and how a refresh changes it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from piloting import FAILED, ready, seen, until
from play import Play

from sirtui.core.run import Status
from sirtui.tui.app import SirtuiApp
from sirtui.tui.widgets.painted import Painted


async def test_at_80_by_24(app):
    """Runs, iterations, the verdict and the work at hand fit; measures wait behind enter."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        lines = seen(app).splitlines()
        assert lines[0] == " n…sft-dpo-k3x9 │ it 4/5 train 62% eta 1:15 vs M1 │ ! 1 needs you  ⇅ 1 REVERSED"
        assert lines[1] == " 1 Iterations  4 Logs  5 Jobs"
        assert lines[7].startswith("─ iterations of nano-sft-dpo-k3x9 ──")
        assert lines[16:19] == [
            "─ judge ok │ format ok │ null ok │ contamination ok │ power ok ─────────────────",
            " ⇅ it3  pass@1 ▴+4.9* [3.0,6.8]  BUT  ngram ▾-.18* [-.20,-.16]  OOD ▾-2.9*",
            " keep it2 (pass@1 49.1, cross-fitted 48.7): highest pass@1 with nothing essenti…",
        ]
        assert lines[19].startswith("─ it04/train  step 1250/2000  loss .002  lr 1e-6  margins 1.84 ─")
        assert lines[19].endswith("FOLLOW ─")
        assert lines[22] == " 14:02:19 INFO  step=1269 loss=0.0016 rewards/margins=1.84"
        assert lines[23] == " enter measures  j/k move  ! loss  f follow  X stop  R resume  ? help  q quit"
        await pilot.press("enter")
        await ready(pilot, "E diversity.ngram.correct     ↑   .50 ▾.18*  [-.20,-.16]   declined")
        assert "it04/train" not in seen(app)
        await pilot.press("right_square_bracket")
        await ready(pilot, "─ it 4 dpo ──")
        await pilot.press("escape")
        await ready(pilot, "it04/train")


@pytest.mark.parametrize("size", [(120, 40), (200, 60)])
async def test_measures_stand_beside_where_there_is_room(app, size):
    """From 120 columns on, all measures of the selected iteration are seen at once and follow the cursor."""
    async with app.run_test(size=size) as pilot:
        await ready(pilot)
        assert "─ it 3 dpo ──" in seen(app)
        assert "sets.lost" in seen(app)
        assert "OOD↑" in seen(app)
        await pilot.press("k")
        await ready(pilot, "─ it 2 dpo ──")


@pytest.mark.parametrize("size", [(59, 24), (80, 14), (20, 5), (1, 1)])
async def test_too_small(app, size):
    """Without room it says so and names the command that needs none."""
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: size == (1, 1) or "`sirtui status`" in seen(app).replace("\n", " "))
        assert "pass1" not in seen(app)
        await pilot.resize_terminal(80, 24)
        await ready(pilot)


async def test_a_storm_of_sizes(app, play):
    """Any order of sizes leaves the screen whole."""
    async with app.run_test(size=(80, 24)) as pilot:
        for width, height in ((20, 5), (200, 60), (60, 15), (3, 50), (120, 40), (61, 16)) * 2:
            await pilot.resize_terminal(width, height)
            play.step()
        await pilot.resize_terminal(80, 24)
        await ready(pilot, "─ it04/train")


async def test_sizes_whose_timer_is_lost(app, monkeypatch):
    """Where Textual's timer for a new size never fires, as on a busy machine, the size is seen all the same."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        later = app.set_timer
        monkeypatch.setattr(app, "set_timer", lambda delay, *rest, **options: later(max(delay, 3600), *rest, **options))
        await pilot.resize_terminal(20, 5)
        await ready(pilot, "`sirtui\nstatus`")
        await pilot.resize_terminal(80, 24)
        await ready(pilot)


async def test_a_refresh_moves_nothing(app, play):
    """New data change cells; the cursor stays on its iteration, and an untouched cell is not repainted."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("g")
        grid = app.screen.query_one("#iterations")
        before = list(grid._lines)
        play.step()
        await ready(pilot, "train 65%")
        assert grid.selected == "it01"
        changed = [y for y, (old, new) in enumerate(zip(before, grid._lines, strict=True)) if old != new]
        assert changed == [6]


async def test_only_changed_cells_are_repainted(app, play, monkeypatch):
    """A step of progress repaints a few cells of each pane, never a pane."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        regions = []
        refresh = Painted.refresh

        def spied(self, *dirty, **options):
            regions.extend((self.id, region) for region in dirty or [self.region])
            return refresh(self, *dirty, **options)

        monkeypatch.setattr(Painted, "refresh", spied)
        play.step()
        await ready(pilot, "train 65%")
        painted = sum(region.area for name, region in regions if name in ("title", "runs", "iterations"))
        assert 0 < painted < 60
        monkeypatch.undo()


async def test_what_is_left_of_the_stage(app, play, monkeypatch):
    """The lower pane tells what is left of the stage at work; the top bar too while the run's end is unknown."""
    view = play.view()
    stages = tuple(replace(stage, left=12.0) if stage.status is Status.RUNNING else stage for stage in view.stages)
    run = replace(view.run, eta=None, left=31.0)
    monkeypatch.setattr(play, "view", lambda: replace(view, run=run, stages=stages))
    async with app.run_test(size=(120, 24)) as pilot:
        await ready(pilot)
        assert "│ it 4/5 train 62% 0:31 left of this │" in seen(app)
        assert "─ it04/train  step 1250/2000  0:12 left  loss .002 " in seen(app)


async def test_an_empty_store(tmp_path):
    """Without runs it says how to start one."""
    play = Play(tmp_path)
    play.runs = tuple
    app = SirtuiApp(play, follow=play.follow)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot, "no runs yet: `sirtui run FILE` starts one")
        await pilot.press("j", "enter", "Y", "y", "X", "R", "f", "4")
        await ready(pilot, "no run to look at")
        await pilot.press("n", "N", "w", "f", "g", "G", "y", "slash", "escape", "1")


async def test_runs_not_read_yet(tmp_path):
    """As long as the runs' files are not read, an empty index does not mean that there are no runs."""
    play, ready_to_read = Play(tmp_path), threading.Event()
    play.runs = tuple
    play.folder.runs.mkdir(parents=True)
    play.catch_up = ready_to_read.wait
    app = SirtuiApp(play, follow=play.follow)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot, "reading ...")
        await pilot.pause(0.2)
        assert "no runs yet" not in seen(app)
        ready_to_read.set()
        await ready(pilot, "no runs yet: `sirtui run FILE` starts one")
        assert "reading" not in seen(app)


async def test_problems_stand_in_the_tab_line(app, play, monkeypatch):
    """What cannot be read is told as long as it is so, and the rest stays."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)

        def broken() -> tuple:
            raise OSError("disk gone")

        monkeypatch.setattr(play, "runs", broken)
        play.step()
        await ready(pilot, "disk gone")
        assert "pass1" in seen(app)
        monkeypatch.undo()
        play.step()
        await until(pilot, lambda: "disk gone" not in seen(app))


async def test_a_thousand_runs(play):
    """A long list is walked as fast as a short one."""
    play._others = 1000
    app = SirtuiApp(play, follow=play.follow)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("escape", "G")
        await ready(pilot, "iterations of older-997")
        grid = app.screen.query_one("#runs")
        began = time.perf_counter()
        for _ in range(20):
            grid.action_move(-1)
        assert time.perf_counter() - began < 20 * 0.02


async def test_ascii(play):
    """--ascii draws nothing but ASCII."""
    app = SirtuiApp(play, ascii=True, follow=play.follow)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("escape", "j")
        await ready(pilot, f"iterations of {FAILED}")
        strips = [segment.text for strip in app.screen._compositor.render_strips() for segment in strip]
        assert "".join(strips).isascii()
        assert "^3.1" in seen(app)
