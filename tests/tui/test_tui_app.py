"""The app under a pilot: what is seen at which size, what keys do, and that a refresh moves nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from play import Play, write_logs
from textual.pilot import Pilot

from sirtui.core.errors import UsageError
from sirtui.core.layout import RunFolder
from sirtui.core.run import Status
from sirtui.tui.app import SirtuiApp
from sirtui.tui.keys import KEYS, PLACES, TABS, markdown
from sirtui.tui.overlays.help import help_lines
from sirtui.tui.widgets.painted import Painted

DEADLINE_S = 10.0
FAILED = "gsm8k-llama3-dpo-a1b2"


class Supervision:
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def request_stop(self, run: RunFolder) -> None:
        """Remember."""
        self.asked.append(f"stop {run.name}")

    def resume(self, run: RunFolder) -> None:
        """Remember, and fail."""
        self.asked.append(f"resume {run.name}")
        raise UsageError("it is at work already", "Stop it first.")


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """The play in its fourth iteration."""
    play = Play(tmp_path)
    write_logs(play)
    play.step(145)
    return play


@pytest.fixture
def supervision() -> Supervision:
    """Who is asked to stop and resume."""
    return Supervision()


@pytest.fixture
def app(play: Play, supervision: Supervision) -> SirtuiApp:
    """The app on the play."""
    return SirtuiApp(play, follow=play.follow, supervision=supervision)


def seen(app: SirtuiApp) -> str:
    """What stands on the screen."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def until(pilot: Pilot, true: Callable[[], object]) -> None:
    """Let the app work until something is true."""
    end = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < end, f"it never became true; seen:\n{seen(pilot.app)}"
        await pilot.pause(0.01)


async def ready(pilot: Pilot, text: str = "pass1") -> None:
    """Wait for the first data."""
    await until(pilot, lambda: text in seen(pilot.app))


async def test_at_80_by_24(app):
    """Runs, iterations and the work at hand fit; measures wait behind enter."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        lines = seen(app).splitlines()
        assert lines[0] == " sirtui nano-sft-dpo-k3x9 │ it 4/5 train 62% eta 1:15     vs M1 │ ! 1 needs you"
        assert lines[1] == " 1 Iterations  4 Logs"
        assert lines[7].startswith("─ iterations of nano-sft-dpo-k3x9 ──")
        assert lines[16].startswith("─ it04/train  step 1250/2000  loss .002  lr 1e-6  margins 1.84 ─")
        assert lines[16].endswith("FOLLOW ─")
        assert lines[22] == " 14:02:19 INFO  step=1269 loss=0.0016 rewards/margins=1.84"
        assert lines[23] == " enter measures  j/k move  f follow  X stop  R resume  tab pane  ? help  q quit"
        await pilot.press("enter")
        await ready(pilot, "diversity.equations.incorrect ↑   .74 .014  ▾.07 .011  1319  █▇▁")
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


async def test_another_run(app):
    """The list of runs leads to another run: its failure, its reason, what to do, and the end of its log."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("escape", "k")
        await ready(pilot, f"iterations of {FAILED}")
        text = seen(app)
        assert " CUDA out of memory: tried to allocate 2.50 GiB\n" in text
        assert " Halve [train.dpo] per_device_train_batch_size, then resume.\n" in text
        assert " Traceback: OutOfMemoryError" in text
        assert "  75%|###############     | 75/100" in text
        await pilot.press("enter")
        assert app.focused.id == "iterations"


async def test_a_quick_walk_through_runs(play):
    """Whoever walks fast ends where they stopped, and the cursor never jumps back."""
    play._others = 12
    app = SirtuiApp(play, follow=play.follow)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("escape", *"jjjjjjjj")
        await ready(pilot, "iterations of older-006")
        assert app.screen.query_one("#runs").selected == "older-006"


async def test_filter_and_sort(app):
    """Words narrow the list; the order changes on demand; nothing found is said."""
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("escape", "slash", *"fro", "enter")
        await ready(pilot, "runs 1 of 3")
        await ready(pilot, "iterations of nano-frozen-z9y8")
        await pilot.press("slash", "x", "enter")
        await ready(pilot, "no run matches 'frox'; esc shows all")
        await pilot.press("slash", *["backspace"] * 4, "enter")
        await ready(pilot, "runs 3 ")
        await pilot.press("s")
        await ready(pilot, "newest first")
        await pilot.press("slash", "x", "escape")
        await ready(pilot, "runs 3 ")
        await pilot.press("slash", *"fro", "enter")
        await ready(pilot, "runs 1 of 3")
        await pilot.press("escape")
        await ready(pilot, "runs 3 ")
        assert app.focused.id == "runs"


async def test_stop_is_asked_first(app, supervision):
    """X asks; only y does it, and says so. What makes no sense is not asked."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("X")
        await ready(pilot, "Stop nano-sft-dpo-k3x9?")
        await pilot.press("enter", "n")
        await until(pilot, lambda: "Stop nano" not in seen(app))
        assert supervision.asked == []
        await pilot.press("X", "y")
        await ready(pilot, "nano-sft-dpo-k3x9: asked to stop")
        assert supervision.asked == ["stop nano-sft-dpo-k3x9"]
        await pilot.press("R")
        await ready(pilot, "nano-sft-dpo-k3x9 is running: nothing to resume")


async def test_resume_tells_what_went_wrong(play, supervision):
    """A refusal comes with what to do."""
    app = SirtuiApp(play, FAILED, follow=play.follow, supervision=supervision)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("R", "y")
        await ready(pilot, f"{FAILED}: it is at work already. Stop it first.")


async def test_copies(app):
    """Y copies the cell under the cursor, Y the row as JSON without NaN; both say how."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("l", "l", "l", "y")
        await ready(pilot, "copied by OSC 52")
        assert app.clipboard == "50.9"
        await pilot.press("h", "h", "h", "y")
        await until(pilot, lambda: app.clipboard == "it03")
        await pilot.press("Y")
        await until(pilot, lambda: app.clipboard.startswith("{"))
        row = msgspec.json.decode(app.clipboard)
        assert (row["t"], row["cells"]["pass@1.sampled"]["value"]) == (3, 0.509)
        await pilot.press("enter", "Y")
        await until(pilot, lambda: '"key":"pass@1.sampled"' in app.clipboard)


async def test_help_comes_from_the_key_table(app):
    """? lists the keys of the focused pane, and scrolls where it does not fit."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("question_mark")
        await ready(pilot, "In the table of iterations")
        assert "In a log" not in seen(app)
        await pilot.press("ctrl+d", "ctrl+d")
        await ready(pilot, "leave; runs keep running")
        await pilot.press("escape")
        await until(pilot, lambda: "In the table" not in seen(app))


async def test_quits_at_once(app):
    """Q leaves, with 0."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("q")
        await until(pilot, lambda: app._exit)
    assert app.return_code == 0


async def test_follow_and_pause_on_the_first_screen(app, play):
    """F really pauses the log below."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("f")
        await ready(pilot, "PAUSED")
        play.step()
        await ready(pilot, "train 65%")
        await pilot.pause(1.2)
        assert "step=1269 " in seen(app)
        await pilot.press("f")
        await ready(pilot, "step=1319 ")


async def test_logs(app, play):
    """The log of any stage: followed, paused, searched, stepped through; the one at work first."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("4")
        await ready(pilot, "─ it04/train  62%  stage 16 of 16 ──")
        assert seen(app).splitlines()[2].endswith("FOLLOW ─")
        play.step()
        await ready(pilot, "step=1319 ")
        await pilot.press("k")
        await ready(pilot, "PAUSED")
        await pilot.press("slash", *"=1300", "enter")
        await ready(pilot, "/=1300")
        await pilot.press("n")
        await ready(pilot, "'=1300': no further place")
        await pilot.press("g")
        await ready(pilot, "step=1250 ")
        await pilot.press("left_square_bracket")
        await ready(pilot, "─ it03/verdict  finished  stage 15 of 16 ──")
        assert "nothing in this log yet" in seen(app)
        await pilot.press("1")
        await ready(pilot)


async def test_logs_of_a_failed_run(play):
    """The failed stage's log is shown at once; at 120 columns the stages stand beside it."""
    app = SirtuiApp(play, FAILED, follow=play.follow)
    async with app.run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("4")
        await ready(pilot, "─ it03/train attempt 2  failed  stage 2 of 2 ──")
        assert "! it03/train" in seen(app)
        assert "[link=x]markup[/]" in seen(app)
        await pilot.press("w", "l", "0", "ctrl+u", "ctrl+d", "G", "y")
        await ready(pilot, "copied by OSC 52")
        lines = seen(app).splitlines()
        assert [next(y for y, text in enumerate(lines) if name in text) for name in (" it02/sample", "! it03/train")] == [4, 5]
        await pilot.press("shift+tab", "k")
        await ready(pilot, "─ it02/sample  finished  stage 1 of 2 ──")


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
        await pilot.press("escape", "k")
        await ready(pilot, f"iterations of {FAILED}")
        strips = [segment.text for strip in app.screen._compositor.render_strips() for segment in strip]
        assert "".join(strips).isascii()
        assert "^3.1" in seen(app)


def test_the_key_table():
    """No key that tmux, screen or flow control takes; none twice in a place; help and README hold all."""
    forbidden = ("ctrl+a", "ctrl+b", "ctrl+s", "ctrl+z", "alt", "f1", "f2", "f5", "f10")
    pressed = [(key.where, one) for key in KEYS for one in key.keys.split(",")]
    assert [each for each in pressed if each[1].startswith(forbidden)] == []
    assert len(set(pressed)) == len(pressed)
    assert {key.where for key in KEYS} == set(PLACES)
    assert markdown().count("\n") == len(KEYS) + 2
    assert all(key.help in markdown() for key in KEYS)
    assert "`/`" in markdown()
    assert len(help_lines(list(PLACES))) == len(KEYS) + 2 * len(PLACES) - 1
    assert {number for number, _, _ in TABS} <= {one for _, one in pressed}
