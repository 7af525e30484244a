"""`follow` tells when to look: after changes that matter, and now and then without any."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from builders import make_run

from sirtui.core.events import Scalars
from sirtui.core.layout import StoreFolder
from sirtui.store.follow import follow

TRAIN = "it01/train"
DEADLINE_S = 10.0


class Follower:
    """Follows in a thread and counts."""

    def __init__(self, folder: StoreFolder, **options) -> None:
        self.count = 0
        self.stop = threading.Event()
        self.options = {"at_most_every_s": 0.01, "recheck_s": 60.0, **options}
        self.thread = threading.Thread(target=self._follow, args=(folder,))

    def _follow(self, folder: StoreFolder) -> None:
        for _ in follow(folder, self.stop, **self.options):
            self.count += 1

    def more_than(self, count: int) -> bool:
        """Wait until it has told more often than that; whether it did in time."""
        deadline = time.monotonic() + DEADLINE_S
        while self.count <= count and time.monotonic() < deadline:
            time.sleep(0.005)
        return self.count > count

    def quiet(self, seconds: float = 0.6) -> int:
        """Wait until it has told nothing for that long; how often it told."""
        since, seen, deadline = time.monotonic(), self.count, time.monotonic() + DEADLINE_S
        while time.monotonic() - since < seconds and time.monotonic() < deadline:
            if seen != self.count:
                since, seen = time.monotonic(), self.count
            time.sleep(0.005)
        return seen


@contextmanager
def following(root, **options) -> Iterator[Follower]:
    """A follower at work."""
    follower = Follower(StoreFolder(root), **options)
    follower.thread.start()
    try:
        yield follower
    finally:
        follower.stop.set()
        follower.thread.join(DEADLINE_S)
    assert not follower.thread.is_alive()


@pytest.fixture
def run(root):
    """A run with a training under way."""
    run = make_run(root).supervisor().launch(TRAIN).tell(TRAIN, Scalars(step=0, values={}))
    with ExitStack() as stack:
        stack.enter_context(run.supervised())
        yield run


def test_it_tells_at_once(root, run):
    """Whoever follows looks once in any case."""
    with following(root) as follower:
        assert follower.more_than(0)


def test_a_line_in_a_living_journal_is_told(root, run):
    """Well before the next recheck."""
    with following(root) as follower:
        seen = follower.quiet()
        run.tell(TRAIN, Scalars(step=1, values={}))
        assert follower.more_than(seen)


def test_a_new_run_and_what_comes_to_be_in_it_is_told(root, run):
    """Folders that come are watched from then on."""
    with following(root) as follower:
        seen = follower.quiet()
        other = make_run(root, "bbbb").supervisor()
        assert follower.more_than(seen)
        with other.supervised():
            seen = follower.quiet()
            other.supervisor().launch("it01/sample")
            assert follower.more_than(seen)
            seen = follower.quiet()
            other.tell("it01/sample", Scalars(step=1, values={}))
            assert follower.more_than(seen)


def test_an_old_run_that_is_resumed_is_told(root, run):
    """Its own folder is watched, though nothing in it was alive."""
    old = make_run(root, "bbbb").supervisor()
    with following(root) as follower:
        seen = follower.quiet()
        old.supervisor()
        assert follower.more_than(seen)


def test_a_resumed_run_is_watched_inside(root, run):
    """What its stages tell is told from then on."""
    old = make_run(root, "bbbb").supervisor().launch(TRAIN).tell(TRAIN, Scalars(step=0, values={}))
    with following(root) as follower:
        seen = follower.quiet()
        with old.supervised():
            old.supervisor()
            assert follower.more_than(seen)
            seen = follower.quiet()
            old.tell(TRAIN, Scalars(step=1, values={}))
            assert follower.more_than(seen)


def test_index_locks_logs_and_results_in_the_making_wake_nobody(root, run):
    """Above all not the index itself, which changes whenever somebody has looked."""
    out = run.attempt(TRAIN).out
    out.mkdir()
    with following(root) as follower:
        seen = follower.quiet()
        for path in (root / "sirtui.db-wal", root / "ingest.lock", run.attempt(TRAIN).log, out / "model.safetensors"):
            path.write_bytes(b"x")
        assert follower.quiet() == seen


@pytest.mark.parametrize("polling", [False, True])
def test_without_changes_it_tells_now_and_then(root, run, polling):
    """A process that was killed changes no file."""
    with following(root, recheck_s=0.05, polling=polling) as follower:
        assert follower.more_than(3)


def test_a_log_that_never_rests_does_not_keep_it_from_telling(root, run):
    """Changes that do not matter are no reason to forget the rechecks."""
    log = run.attempt(TRAIN).log
    with following(root, recheck_s=0.2) as follower:
        deadline = time.monotonic() + DEADLINE_S
        while follower.count < 4 and time.monotonic() < deadline:
            with log.open("ab") as file:
                file.write(b"x\n")
            time.sleep(0.005)
        assert follower.count >= 4


def test_a_store_that_comes_later_is_found(root):
    """Following may begin before anything ran."""
    with following(root, recheck_s=0.05) as follower:
        assert follower.more_than(1)
        make_run(root)
        assert follower.more_than(follower.count)


def test_without_watches_left_it_looks_now_and_then(root, run, monkeypatch):
    """The kernel's watches are used up: polling it is."""

    class Exhausted:
        def __init__(self, *_):
            raise OSError(28, "OS file watch limit reached")

    monkeypatch.setattr("watchfiles._rust_notify.RustNotify", Exhausted)
    with following(root, recheck_s=0.05) as follower:
        assert follower.more_than(3)


def test_it_tells_no_oftener_than_asked(root, run):
    """A burst is one occasion."""
    with following(root, at_most_every_s=0.3) as follower:
        seen, begun = follower.quiet(), time.monotonic()
        for step in range(200):
            run.tell(TRAIN, Scalars(step=step, values={}))
            time.sleep(0.002)
        follower.quiet(0.5)
        assert 1 <= follower.count - seen <= 1 + (time.monotonic() - begun) / 0.3


def test_it_stops_when_told(root, run):
    """Within a moment, also while nothing happens."""
    with following(root) as follower:
        follower.more_than(0)
        begun = time.monotonic()
        follower.stop.set()
        follower.thread.join(DEADLINE_S)
        assert time.monotonic() - begun < 1.5
