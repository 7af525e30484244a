"""Verdicts on the screen: title, keys, card and table at any size."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs
from piloting import drawn, ready, seen, until
from play import Play
from verdict_views import REVERSED, hostile, judged

from sirtui.core.rule import Declared
from sirtui.core.run import Status
from sirtui.core.verdict import Kind
from sirtui.store.rows import RunVerdict
from sirtui.tui.app import SirtuiApp
from sirtui.tui.commands import command
from sirtui.tui.feed import Snapshot
from sirtui.tui.paint import BAD, plain
from sirtui.tui.tables.runs import matching, runs_table
from sirtui.tui.widgets.bars import title_line
from sirtui.tui.widgets.peek import stage_at_work


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
    assert plain(full).rstrip().endswith("vs M1 │ ! 2 need you  ⇅ 2 REVERSED  2 LOSSES")
    assert [span.style for span in full if "REVERSED" in span.text] == [BAD]
    assert all("reverse" in span.style for span in full if "REVERSED" not in span.text)
    of_loss = [each for each in lost if each.name in (Kind.LOSS, Kind.REGRESSION)]
    assert plain(title_line(Snapshot(tuple(of_loss), view), 120)).endswith("vs M1  2 LOSSES ")
    assert plain(title_line(Snapshot(tuple(of_loss[:1]), view), 120)).endswith("vs M1  1 LOSS ")
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
    assert command("resume", run).impossible(run) == ""
    assert command("stop", run).impossible(run).endswith("is paused: nothing to stop")
    assert [each.name for each in matching([run, replace(run, verdict=None)], "reversal paused")] == [run.name]
    assert "paused: it3: reversal" in drawn(runs_table([run]), 80)


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
