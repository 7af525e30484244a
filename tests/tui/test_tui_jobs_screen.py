"""The Jobs screen: what it shows at every size, what its keys do, and that a driver that hangs is nobody's trouble."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
from jobs_play import FIRST, LOST, NAME, ORPHANED, PAIR, JobsPlay, hostile_machine, machine, no_gpu
from msgspec import json
from piloting import FAILED, ready, seen, until
from play import write_logs

from sirtui.core.errors import UsageError
from sirtui.core.run import Kind, Stage, Status
from sirtui.tui import looking
from sirtui.tui.app import SirtuiApp
from sirtui.tui.widgets.painted import Painted

DONE = "nano-frozen-done"


@pytest.fixture
def play(tmp_path) -> JobsPlay:
    """The play of many jobs, in its fourth iteration."""
    play = JobsPlay(tmp_path)
    write_logs(play)
    play.step(145)
    return play


@pytest.fixture
def app(play, supervision) -> SirtuiApp:
    """The app on it."""
    return SirtuiApp(play, follow=play.follow, supervision=supervision, look=play.look)


async def go(pilot, text: str = "GPUs of box7") -> None:
    """To the Jobs screen, and wait for the machine."""
    await ready(pilot)
    await pilot.press("5")
    await until(pilot, lambda: text in seen(pilot.app) and pilot.app.snapshot.stages and "attempt 1" in seen(pilot.app))
    await pilot.pause()


def rows(app: SirtuiApp) -> list[str]:
    """The lines of the list of jobs."""
    lines = seen(app).splitlines()
    return lines[4 : next(y for y, line in enumerate(lines) if line.startswith(("─ GPUs", "─ CPU")))]


async def test_at_80_by_24(app):
    """Jobs, GPUs and the work of the run that is looked at fit; the hints say what can be done."""
    async with app.run_test(size=(80, 24)) as pilot:
        await go(pilot)
        lines = seen(app).splitlines()
        assert lines[0] == " n…-sft-dpo-k3x9 │ it 4/5 train 62% eta 1:15 vs M1 │ ! 3 need you  ⇅ 2 REVERSED"
        assert lines[1] == " 1 Iterations  4 Logs  5 Jobs"
        assert lines[2] == "─ jobs 8 of 10 ────────────────────────────── 3 need you  2 running  2 waiting ─"
        assert lines[4].startswith("! gs…k-llama3-dpo-a1b2  it03/train    failed    CUDA out of memory: ")
        assert "▸ nano-sft-dpo-k3x9     it04/train    running   62% step 1250/2000" in rows(app)
        assert app.screen.query_one("#joblist").selected == f"{NAME}/it04/train"
        assert "▸   0  H100 80GB…  ██████──  62.0/80.0   97%  nano-sft-dpo-k3x9/it04/train" in lines
        assert lines[-5].startswith("─ it04/train  attempt 1  step 1250/2000  loss .002")
        assert lines[-1] == " j/k move  enter log  X stop  R resume  + start  f follow  ? help  q quit"


@pytest.mark.parametrize("size", [(60, 15), (120, 40), (200, 60)])
async def test_at_other_sizes(app, size):
    """Everything there is room for; beside the jobs, where that is much, the whole log."""
    async with app.run_test(size=size) as pilot:
        await go(pilot)
        lines = seen(app).splitlines()
        assert any(line.startswith("! math-sft-0a0a") and " orphaned " in line for line in lines)
        assert any("step=1269" in line for line in lines)
        if size[0] >= 120:
            assert any("mbpp-dpo-2222" in line and "2nd" in line for line in lines)
            assert any("not ours: python3 of alice (pid 4711)" in line for line in lines)
            assert any("is lost: the driver cannot reach it" in line for line in lines)
        if size[0] == 200:
            assert lines[2].count("─ it04/train  attempt 1") == 1
        await pilot.resize_terminal(80, 24)
        await ready(pilot, "─ it04/train  attempt 1")


async def test_without_a_gpu(play, supervision):
    """A plain sentence, and who has the CPU slots; where the work is done stands beside it."""
    play.seen = no_gpu()
    async with SirtuiApp(play, follow=play.follow, look=play.look).run_test(size=(120, 40)) as pilot:
        await go(pilot, "no GPU here: the NVIDIA driver is not installed")
        lines = seen(pilot.app).splitlines()
        top = next(y for y, line in enumerate(lines) if line.startswith("─ CPU slots of box7 ─"))
        assert lines[top + 1 : top + 3] == [
            f"  2 CPU slots: both held by {NAME}",
            "  no GPU here: the NVIDIA driver is not installed",
        ]
        assert "GPUs of" not in seen(pilot.app)
        assert any(" CPU 0,1 " in line for line in rows(pilot.app))


async def test_reason_and_hint_in_full(app, play, monkeypatch):
    """Of the selected job, on as many lines as they take; the log keeps its own."""
    reason = " ".join(f"reason{number}" for number in range(24))
    others = tuple(replace(run, reason=reason, hint="do this") if run.name == LOST else run for run in play.others())
    monkeypatch.setattr(play, "others", lambda: others)
    async with app.run_test(size=(80, 24)) as pilot:
        await go(pilot)
        await pilot.press("g", "j")
        await ready(pilot, "reason23")
        lines = seen(app).splitlines()
        assert next(line for line in lines if line.startswith(" reason")).startswith(" reason0 reason1 ")
        assert " do this" in lines
        assert app.snapshot.view.run.name == LOST
        await pilot.press("k")
        await ready(pilot, "─ it03/train  attempt 2  failed ─")
        assert " CUDA out of memory: tried to allocate 2.50 GiB" in seen(app).splitlines()
        assert " Traceback: OutOfMemoryError" in seen(app).splitlines()


async def test_the_cursor_survives_a_refresh(app, play):
    """The selected job stays, whatever comes before it; when its stage ends the cursor goes to the run's next one."""
    async with app.run_test(size=(120, 40)) as pilot:
        await go(pilot)
        grid = app.screen.query_one("#joblist")
        before = rows(app).index(next(line for line in rows(app) if NAME in line))
        others = play.others()
        more = (*others, replace(others[0], name="another-failure"))
        play.others = lambda: more
        play.step()
        await ready(pilot, "another-failure")
        assert grid.selected == f"{NAME}/it04/train"
        assert next(y for y, line in enumerate(rows(app)) if NAME in line) == before + 1
        play.step(20)
        await ready(pilot, "it05/train")
        await until(pilot, lambda: grid.selected == f"{NAME}/it05/train")


async def test_only_changed_cells_are_repainted(app, play, monkeypatch):
    """A step of progress repaints a few cells; a look at an unchanged machine none."""
    monkeypatch.setattr(looking, "EVERY_S", 0.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await go(pilot)
        painted = []
        refresh = Painted.refresh

        def spied(self, *dirty, **options):
            painted.extend((self.id, region.area) for region in dirty or [self.region])
            return refresh(self, *dirty, **options)

        monkeypatch.setattr(Painted, "refresh", spied)
        looks = len(play.looks)
        await until(pilot, lambda: len(play.looks) > looks + 1)
        await pilot.pause(0.1)
        assert painted == []
        play.step()
        await ready(pilot, "65% step 1300")
        assert 0 < sum(area for name, area in painted if name in ("title", "joblist", "gpus")) < 60


async def test_nothing_is_looked_at_for_other_screens(app, play, monkeypatch):
    """Neither the machine nor the stages of other runs, before, and after, Jobs is in front."""
    monkeypatch.setattr(looking, "EVERY_S", 0.0)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.pause(0.1)
        assert (play.looks, app.snapshot.stages) == ([], None)
        await go(pilot)
        await until(pilot, lambda: set(app.snapshot.stages or ()) >= {NAME, PAIR, ORPHANED, FAILED})
        await pilot.press("1")
        await until(pilot, lambda: app.snapshot.stages is None)
        looks = len(play.looks)
        await pilot.pause(1.3)
        assert len(play.looks) == looks
        await pilot.press("5")
        await until(pilot, lambda: len(play.looks) > looks)


async def test_the_stages_of_what_stands_still_are_read_once(app, play, monkeypatch):
    """Of runs that need someone nothing is read again while they stand as they stood."""
    async with app.run_test(size=(80, 24)) as pilot:
        await go(pilot)
        await until(pilot, lambda: NAME in (app.snapshot.stages or ()))
        read, run = [], play.run
        monkeypatch.setattr(play, "run", lambda name: (read.append(name), run(name))[1])
        play.step()
        await ready(pilot, "65% step 1300")
        assert PAIR in read
        assert {FAILED, LOST, ORPHANED, DONE}.isdisjoint(read)


async def test_a_stalled_look_leaves_the_keys_alive(app, play, monkeypatch):
    """A driver that hangs is told in a sentence; the cursor moves, other screens open, q leaves at once."""
    monkeypatch.setattr(looking, "PATIENCE_S", 0.2)
    play.seen = lambda: threading.Event().wait(60)
    async with app.run_test(size=(80, 24)) as pilot:
        await go(pilot, "the GPUs have not answered")
        assert len(play.looks) == 1
        began = time.perf_counter()
        await pilot.press("g")
        await ready(pilot, "─ it03/train  attempt 2  failed ─")
        await pilot.press("1")
        await ready(pilot, "pass1")
        await pilot.press("q")
        await until(pilot, lambda: app._exit)
        assert time.perf_counter() - began < 3
    assert app.return_code == 0


async def test_a_look_that_fails_and_one_that_works_again(app, play, monkeypatch):
    """The sentence stands instead of the GPUs as long as it is so."""
    monkeypatch.setattr(looking, "EVERY_S", 0.0)

    def broken():
        raise OSError("no /dev/nvidiactl")

    play.seen = broken
    async with app.run_test(size=(80, 24)) as pilot:
        await go(pilot, "the GPUs cannot be looked at: no /dev/nvidiactl")
        play.seen = machine()
        await ready(pilot, "GPUs of box7")
        assert "cannot be looked at" not in seen(app)


async def test_enter_opens_the_log_of_the_stage(app, play):
    """Of the very stage; a run of which none is at work opens on Iterations."""
    play.log_of(PAIR, Stage(2, Kind.SAMPLE, 2), 1).write_text("drawing shard 3\n")
    async with app.run_test(size=(120, 40)) as pilot:
        await go(pilot)
        await pilot.press("j", "j")
        await ready(pilot, "─ it02/repeat-2/sample  attempt 1")
        await pilot.press("enter")
        await ready(pilot, "drawing shard 3")
        assert seen(app).splitlines()[1].startswith(" 1 Iterations")
        assert "stage 2 of 2" in seen(app)
        await pilot.press("5", "j", "enter")
        await ready(pilot, f"iterations of {FIRST}")
        assert app.page.name_in_tabs == "iterations"


async def test_x_stops_then_ends(app, play, supervision, monkeypatch):
    """X asks to stop; while the run is stopping it asks to end it now; what is orphaned is ended from here."""
    async with app.run_test(size=(80, 24)) as pilot:
        await go(pilot)
        await pilot.press("X")
        await ready(pilot, f"Stop {NAME}?")
        await pilot.press("y")
        await ready(pilot, f"{NAME}: asked to stop")
        row = play.row()
        monkeypatch.setattr(play, "row", lambda: replace(row, status=Status.STOPPING))
        play.step()
        await ready(pilot, "it04/train    stopping")
        await pilot.press("X")
        await ready(pilot, f"End {NAME} now?")
        await pilot.press("y")
        await ready(pilot, f"{NAME}: told to end now")
        await pilot.press("k", "X")
        await ready(pilot, f"End what is left of {ORPHANED}?")
        await pilot.press("y")
        await until(pilot, lambda: len(supervision.asked) == 3)
        assert supervision.asked == [f"stop {NAME}", f"hurry {NAME}", f"end {ORPHANED}"]


async def test_r_shows_what_was_changed(app, supervision):
    """All differences stand in the question, as many as fit; only yes goes on with them."""
    supervision.changed = ("sampling.n: 8 -> 16", *(f"key{number}: 1 -> \x1b[31m2" for number in range(30)))
    async with app.run_test(size=(80, 24)) as pilot:
        await go(pilot)
        await pilot.press("g", "R")
        await ready(pilot, f"Resume {FAILED}?")
        text = seen(app)
        assert "31 changes since it was last at work; yes goes on with them: " in text
        assert "  sampling.n: 8 -> 16 " in text
        assert " and 17 more" in text
        assert "\x1b" not in text
        await pilot.press("n")
        await until(pilot, lambda: "Resume" not in seen(app))
        assert supervision.asked == []
        supervision.changed = ()
        await pilot.press("R")
        await ready(pilot, f"Resume {FAILED}?")
        assert "since it was last at work" not in seen(app)
        await pilot.press("y")
        await ready(pilot, f"{FAILED}: it is at work already. Stop it first.")


async def test_keys_live_while_changes_are_looked_for(app, supervision, monkeypatch):
    """That may take long; and where it fails, that is told instead of a question."""
    looked, go_on = threading.Event(), threading.Event()

    def slow(run):
        looked.set()
        go_on.wait(10)
        raise OSError("run.json is gone")

    monkeypatch.setattr(supervision, "changes", slow)
    async with app.run_test(size=(80, 24)) as pilot:
        await go(pilot)
        await pilot.press("g", "R")
        await until(pilot, looked.is_set)
        await pilot.press("j")
        await ready(pilot, "sirtui resume gsm8k-dpo-0dd5")
        go_on.set()
        await ready(pilot, f"{FAILED}: OSError: run.json is gone")


async def test_plus_starts_an_experiment(app, supervision, monkeypatch, tmp_path):
    """It asks for the file, and tells the run's name or what was wrong; without a file nothing happens."""
    monkeypatch.setenv("HOME", str(tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await go(pilot)
        await pilot.press("plus")
        await ready(pilot, "start the experiment in:")
        await pilot.press(*"~/nano.toml", "enter")
        await ready(pilot, "~/nano.toml: started nano-ab12cd")
        await pilot.press("plus", *"x", "enter")
        await ready(pilot, "The experiment was not started")
        text = seen(app)
        assert text.count("x: no such file") == 1
        assert "Name an experiment file." in text
        assert "The path is taken from /" in text
        await pilot.press("escape", "plus")
        await ready(pilot, "start the experiment in: x")
        await pilot.press("backspace", "space", "enter", "plus", "escape", "j")
        await pilot.pause()
        assert supervision.asked == [f"submit {tmp_path}/nano.toml", "submit x"]


async def test_what_is_wrong_with_a_file_is_told_in_full(app, supervision, monkeypatch):
    """However long, once, without control characters; an absolute path needs no folder."""
    reason = " ".join(f"reason{number}" for number in range(60))

    def refuse(file):
        raise UsageError(f"{file}: \x1b[31m{reason}", "Take\nthat line out.")

    monkeypatch.setattr(supervision, "submit", refuse)
    async with app.run_test(size=(80, 24)) as pilot:
        await go(pilot)
        await pilot.press("plus", *"/k1.toml", "enter")
        await ready(pilot, "that line out.")
        text = seen(app)
        assert text.count("/k1.toml: ") == 1
        assert all(f"reason{number}" in text for number in range(60))
        assert "The path is taken from" not in text
        assert text.replace("\n", "").isprintable()
        await pilot.press("enter")
        await until(pilot, lambda: "that line out." not in seen(app))


async def test_the_list_takes_about_half_the_screen(app, play):
    """Many that ended leave the log its half, and the title says how many rows are seen; the urgent ones are all seen."""
    others = play.others()
    done = next(run for run in others if run.name == DONE)
    play.others = lambda: (*others, *(replace(done, name=f"done-{number:02}") for number in range(30)))
    async with app.run_test(size=(120, 40)) as pilot:
        await go(pilot)
        await ready(pilot, "─ jobs 18 of 40 ─")
        assert app.screen.query_one("#joblist").size.height == 20
        play.others = lambda: (*others, *(replace(done, name=f"done-{number:02}") for number in range(5)))
        play.step()
        await ready(pilot, "─ jobs ──")
        assert sum("finished" in row for row in rows(app)) == 6


async def test_the_list_lives_under_a_question(app, play):
    """While something is asked the jobs below stay, and go on."""
    async with app.run_test(size=(120, 40)) as pilot:
        await go(pilot)
        await until(pilot, lambda: NAME in (app.snapshot.stages or ()))
        await pilot.press("question_mark")
        await ready(pilot, "On the Jobs screen")
        play.step()
        await until(pilot, lambda: app.snapshot.view.run.done == 1300)
        assert NAME in app.snapshot.stages
        await pilot.press("escape")
        await ready(pilot, "65% step 1300")


async def test_hostile_texts(play, supervision):
    """Names of GPUs and processes, reasons and hosts do not break the screen; Y copies the row."""
    play.seen = hostile_machine()
    async with SirtuiApp(play, follow=play.follow, look=play.look).run_test(size=(120, 40)) as pilot:
        await go(pilot, "GPUs of evil")
        assert seen(pilot.app).replace("\n", "").isprintable()
        await pilot.press("Y")
        await until(pilot, lambda: pilot.app.clipboard.startswith("{"))
        assert json.decode(pilot.app.clipboard)["stage"]["id"] == "it04/train"
        await pilot.press("tab", "j", "Y")
        await until(pilot, lambda: '"pid":1' in pilot.app.clipboard)


async def test_ascii(play):
    """--ascii draws nothing else, the bars neither."""
    async with SirtuiApp(play, ascii=True, follow=play.follow, look=play.look).run_test(size=(120, 40)) as pilot:
        await go(pilot)
        assert seen(pilot.app).isascii()
        assert "######--" in seen(pilot.app)


async def test_an_empty_store(tmp_path):
    """Nothing to see, and how to start something; the keys have nothing to act on."""
    play = JobsPlay(tmp_path)
    play.runs = tuple
    async with SirtuiApp(play, follow=play.follow, look=play.look).run_test(size=(80, 24)) as pilot:
        await ready(pilot, "no runs yet")
        await pilot.press("5")
        await ready(pilot, "nothing runs, waits or needs you: + starts an experiment")
        await pilot.press("X", "R", "enter", "f", "j", "y", "Y")
        await ready(pilot, "GPUs of box7")


async def test_a_linked_stage_says_where_it_lies(play, monkeypatch):
    """Its result and its log are another run's."""
    view = play.view()
    first = replace(view.stages[0], attempt=0, started=None, origin="nano-sft-a1b2c3/it01/train")
    monkeypatch.setattr(play, "view", lambda: replace(view, stages=(first, *view.stages[1:])))
    async with SirtuiApp(play, follow=play.follow, look=play.look).run_test(size=(120, 40)) as pilot:
        await ready(pilot)
        await pilot.press("4", *["left_square_bracket"] * 15)
        await ready(pilot, "linked from nano-sft-a1b2c3/it01/train: its log lies there")
        assert any(line.startswith("  it01/train") and "= a1b2c3 " in line for line in seen(pilot.app).splitlines())
        assert "─ it01/train  finished  stage 1 of 16 ─" in seen(pilot.app)
