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


def at_rest(feed: Feed, play: Play) -> None:
    """Wait until the feed has read all there is: when a look begins, the one before it is done."""
    for _ in range(3):
        looked = play.looked
        feed.painted()
        eventually(lambda before=looked: play.looked > before)


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
    play.step()
    eventually(lambda: play.caught_up == 2 and len(given) == 2)
    at_rest(feed, play)
    asked = play.asked
    at_rest(feed, play)
    assert play.asked == asked
    play.step()
    eventually(lambda: len(given) == 3)
    at_rest(feed, play)
    assert play.asked == asked + 1
    assert [snapshot.view.run.done for snapshot in given] == [0, 50, 100]
    feed.reload()
    at_rest(feed, play)
    assert play.asked == asked + 2
    assert len(given) == 3


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
    assert feed.first(DEADLINE_S) == Snapshot(read=True, empty=True)
    feed.stop(DEADLINE_S)


def test_runs_not_read_yet(play, feed, given):
    """Where there are files of runs, no runs in the index is an answer only after it was brought up to date."""
    play.runs = tuple
    play.folder.runs.mkdir(parents=True)
    feed.start()
    assert feed.first(DEADLINE_S) == Snapshot(read=True)
    feed.painted()
    eventually(lambda: given[-1] == Snapshot(read=True, empty=True))
    assert len(given) == 2


def test_runs_that_cannot_be_read(play, feed, given):
    """Where the index cannot be brought up to date, that is told and stays told: nobody knows that there are no runs."""

    def broken() -> bool:
        play.caught_up += 1
        raise StoreError("the disk is full")

    play.runs, play.catch_up = tuple, broken
    play.folder.runs.mkdir(parents=True)
    feed.start()
    feed.first(DEADLINE_S)
    feed.painted()
    eventually(lambda: play.caught_up == 1 and given[-1].problem)
    at_rest(feed, play)
    assert given[-1] == Snapshot(problem="the index is not up to date: the disk is full", read=True)


@pytest.mark.parametrize("painted", [True, False])
def test_no_thread_is_left(play, given, painted):
    """Stopping ends the threads, also before anything was painted."""
    before = set(threading.enumerate())
    feed = Feed(play, None, given.append, play.follow)
    feed.start()
    if painted:
        feed.painted()
        eventually(lambda: play.caught_up)
    assert set(threading.enumerate()) - before
    feed.stop(DEADLINE_S)
    eventually(lambda: set(threading.enumerate()) <= before)
