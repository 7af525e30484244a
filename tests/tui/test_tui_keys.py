"""The app: what its keys do."""

from __future__ import annotations

import msgspec
import pytest
from piloting import FAILED, ready, seen, until

from sirtui.tui.app import SirtuiApp
from sirtui.tui.keys import KEYS, PLACES, TABS, markdown
from sirtui.tui.overlays.help import Help, help_lines


async def test_another_run(app):
    """The list of runs leads to another run: its failure, its reason, what to do, and the end of its log."""
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("escape", "j")
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
        await pilot.press("escape", *"jjjjjjjjj")
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
        await pilot.press(*["l"] * 10, "y")
        await until(pilot, lambda: app.clipboard == "⇅REV ng OOD")
        await pilot.press(*["h"] * 13, "y")
        await until(pilot, lambda: app.clipboard == "it03")
        await pilot.press("Y")
        await until(pilot, lambda: app.clipboard.startswith("{"))
        row = msgspec.json.decode(app.clipboard)
        assert (row["t"], row["cells"]["pass@1.sampled"]["value"]) == (3, 0.509)
        assert row["verdict"]["kind"] == "reversal"
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


@pytest.mark.parametrize("cells", [80, 120])
async def test_no_line_of_help_is_cut(app, cells):
    """All that the table says of every place stands there whole; at 120 columns on one line each."""
    async with app.run_test(size=(cells, 100)) as pilot:
        await ready(pilot)
        app.push_screen(Help(list(PLACES)))
        await ready(pilot, "esc closes")
        text = seen(app) if cells == 120 else " ".join(seen(app).replace("│", " ").split())
        assert [key.help for key in KEYS if key.help not in text] == []


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
