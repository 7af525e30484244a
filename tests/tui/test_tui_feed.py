"""The feed: what is read when, and what is handed over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from play import Play

from sirtui.core.errors import StoreError
from sirtui.tui.feed import Feed, Snapshot

DEADLINE_S = 5.0


def eventually(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    end = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < end, "it never became true"
        threading.Event().wait(0.005)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """The play."""
    return Play(tmp_path)


@pytest.fixture
def given() -> list[Snapshot]:
    """The snapshots handed over."""
    return []


@pytest.fixture
def feed(play: Play, given: list[Snapshot]):
    """A feed on the play."""
    feed = Feed(play, None, given.append, play.follow)
    yield feed
    feed.stop(DEADLINE_S)


def test_first_frame_without_catching_up(feed, play, given):
    """The first snapshot comes from the index as it is; only after the first frame is it brought up to date."""
    feed.start()
    assert feed.first(DEADLINE_S).view.run.name == play.name
    assert play.caught_up == 0
    feed.painted()
    eventually(lambda: play.caught_up)
    assert len(given) == 1


def test_hands_over_only_what_changed(feed, play, given):
    """Where the version is the same nothing is read; where it differs a new snapshot comes."""
    feed.start()
    feed.painted()
    eventually(lambda: play.caught_up == 1)
    asked = play.asked
    play.step()
    eventually(lambda: len(given) == 2)
    assert play.asked == asked + 1
    assert given[1].view.run.done == 50
    feed.reload()
    eventually(lambda: play.asked == asked + 2)
    assert len(given) == 2


def test_selects_another_run(feed, play, given):
    """The run asked for is shown; the one that played goes on in the list."""
    feed.start()
    feed.select("gsm8k-llama3-dpo-a1b2")
    eventually(lambda: given and given[-1].view.run.name == "gsm8k-llama3-dpo-a1b2")


def test_the_choice_stays(feed, play, given):
    """Without a run asked for, the one shown first stays shown, also when a newer one begins."""
    feed.start()
    first = feed.first(DEADLINE_S).view.run.name
    feed.reload()
    feed.painted()
    play.step()
    eventually(lambda: len(given) > 1)
    assert given[-1].view.run.name == first


def test_a_run_that_is_gone(play, given):
    """A run that is not there any more gives way to another."""
    feed = Feed(play, "long-gone", given.append, play.follow)
    feed.start()
    assert feed.first(DEADLINE_S).view.run.name == play.name
    feed.stop(DEADLINE_S)


def test_problems_are_told_and_survived(feed, play, given, monkeypatch):
    """What cannot be read is told; what was read before stays, and the next good reading is shown."""
    feed.start()
    feed.first(DEADLINE_S)
    feed.painted()

    def broken() -> tuple:
        raise StoreError("the disk\x1b[31m is full")

    monkeypatch.setattr(play, "runs", broken)
    play.step()
    eventually(lambda: given[-1].problem)
    assert given[-1].problem == "the disk is full"
    assert given[-1].view == given[0].view
    monkeypatch.undo()
    play.step()
    eventually(lambda: not given[-1].problem)


def test_an_empty_store(tmp_path, given):
    """No runs is an answer."""
    play = Play(tmp_path)
    play.runs = tuple
    feed = Feed(play, None, given.append, play.follow)
    feed.start()
    assert feed.first(DEADLINE_S) == Snapshot(read=True)
    feed.stop(DEADLINE_S)


def test_no_thread_is_left(play, given):
    """Stopping ends the thread, also before anything was painted."""
    before = threading.active_count()
    feed = Feed(play, None, given.append, play.follow)
    feed.start()
    feed.stop(DEADLINE_S)
    eventually(lambda: threading.active_count() == before)
