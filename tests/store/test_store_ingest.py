"""Every line of every journal is taken once, whatever happens to the file or to whoever reads it."""

from __future__ import annotations

import os
import shutil

import pytest
from builders import NOW, held, make_run
from journals import COUNTS, scalars

from sirtui.core.events import Metric, Progress
from sirtui.core.run import Status
from sirtui.store.database import open_to_read

TRAIN = "it01/train"


def test_a_store_that_does_not_exist_is_empty_and_is_not_made(store, root):
    """Reading and catching up leave no trace where nothing ever ran."""
    assert (store.runs(), store.version(), store.catch_up(), root.exists()) == ((), 0, False, False)


def test_nothing_new_changes_nothing(store, root):
    """A second call finds nothing, and the version stays."""
    make_run(root).launch(TRAIN).append(TRAIN, scalars(0, 3))
    assert store.catch_up()
    version = store.version()
    assert not store.catch_up()
    assert store.version() == version


def test_version_changes_with_every_change(store, root):
    """Whoever compares numbers sees what another took in."""
    run = make_run(root).launch(TRAIN).append(TRAIN, scalars(0, 3))
    store.catch_up()
    version = store.version()
    run.append(TRAIN, scalars(3, 4))
    assert store.catch_up()
    assert store.version() != version


def test_a_journal_in_many_pieces_is_taken_whole_at_once(store, root, ask, monkeypatch):
    """One call reads to the end, however many transactions that takes."""
    monkeypatch.setattr("sirtui.store.journal.CHUNK", 1000)
    monkeypatch.setattr("sirtui.store.ingest.BATCH", 1500)
    run = make_run(root).launch(TRAIN)
    for stage in ("it01/train", "it01/sample", "it01/judge"):
        run.launch(stage).append(stage, scalars(0, 200))
    store.catch_up()
    assert ask("SELECT sum(lines), sum(garbage) FROM journals") == [(600, 0)]


def test_a_long_journal_of_a_finished_stage_is_taken_whole(store, root, ask, monkeypatch):
    """Its manifest says that it is over, not that it was read to the end."""
    monkeypatch.setattr("sirtui.store.journal.CHUNK", 1000)
    make_run(root).append(TRAIN, scalars(0, 200)).finish(TRAIN)
    store.catch_up()
    assert ask(COUNTS) == [(202, 0, 200)]


def test_a_journal_that_shrank_is_read_again(store, root, ask):
    """Its former rows are gone: they stand in no file any more."""
    run = make_run(root).launch(TRAIN).append(TRAIN, scalars(0, 50))
    store.catch_up()
    journal = run.attempt(TRAIN).journal
    journal.write_bytes(scalars(100, 102))
    store.catch_up()
    assert store.curve(run.name, 1, "loss") == ((100, 100.0), (101, 101.0))
    assert ask(COUNTS) == [(2, 0, 2)]


def test_only_the_newest_attempt_counts(store, root):
    """An earlier attempt's points stand until the next attempt has a journal, then they are gone."""
    run = make_run(root).launch(TRAIN).append(TRAIN, scalars(0, 9)).exit(TRAIN, 1)
    store.catch_up()
    run.launch(TRAIN, 2)
    store.catch_up()
    assert len(store.curve(run.name, 1, "loss")) == 9
    run.append(TRAIN, scalars(5, 6), number=2)
    store.catch_up()
    assert store.curve(run.name, 1, "loss") == ((5, 5.0),)


def test_progress_of_an_earlier_attempt_is_not_shown_for_the_next(store, root):
    """A stage that begins again begins at nothing."""
    run = make_run(root).launch(TRAIN).tell(TRAIN, Progress(done=9, total=10)).exit(TRAIN, 1).launch(TRAIN, 2)
    store.catch_up()
    assert (store.run(run.name).stages[0].attempt, store.run(run.name).stages[0].done) == (2, None)


def test_a_removed_run_loses_its_rows(store, root, ask):
    """The folder is the run: without it nothing is left."""
    run, other = make_run(root, "gone"), make_run(root, "kept")
    for each in (run, other):
        each.finish("it01/measure", Metric(key="a", value=1.0)).append("it01/train", scalars(0, 5))
    store.catch_up()
    shutil.rmtree(run.folder.path)
    assert store.catch_up()
    assert [row.name for row in store.runs()] == [other.name]
    tables = ("stages", "journals", "metrics", "scalars", "newest")
    assert [ask(f"SELECT count(*) FROM {table}")[0][0] for table in tables] == [2, 2, 1, 5, 1]


def test_a_removed_stage_loses_its_rows(store, root):
    """A stage set back by a resume has no numbers from before."""
    run = make_run(root).finish("it01/measure", Metric(key="a", value=1.0))
    store.catch_up()
    shutil.rmtree(run.folder.path / "it01")
    store.catch_up()
    view = store.run(run.name)
    assert (view.measures, view.iterations[0].status) == ((), Status.WAITING)


def test_a_busy_lock_is_not_waited_for(store, root):
    """Another is at it: read what is there."""
    make_run(root)
    with held(store.folder.ingest_lock):
        assert store.catch_up() is False
    assert store.catch_up() is True


def test_a_run_that_is_over_is_not_read_again_until_its_folder_changes(store, root, clock, monkeypatch):
    """What cannot change costs one stat."""
    run = make_run(root).supervisor(Status.FINISHED).finish(TRAIN)
    store.catch_up()
    clock.now = run.folder.path.stat().st_mtime + 10
    store.catch_up()
    with monkeypatch.context() as patch:
        patch.setattr("sirtui.store.scan.run_facts", lambda *_: pytest.fail("looked into"))
        assert not store.catch_up()
    run.supervisor(Status.FAILED, "out of disk")
    assert store.catch_up()
    assert store.runs()[0].reason == "out of disk"


def test_settling_is_no_change(store, root, clock):
    """That a run needs no more looking at is nothing a reader could tell."""
    run = make_run(root).supervisor(Status.FINISHED).finish(TRAIN)
    clock.now = run.folder.path.stat().st_mtime
    store.catch_up()
    version = store.version()
    clock.now += 10
    assert not store.catch_up()
    assert store.version() == version


def test_a_change_within_the_same_tick_is_not_missed(store, root, clock):
    """A folder that changed just now may change again without its mtime telling."""
    run = make_run(root).supervisor(Status.FINISHED)
    before = run.folder.path.stat()
    clock.now = before.st_mtime + 1
    store.catch_up()
    run.supervisor(Status.FAILED)
    os.utime(run.folder.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.catch_up()
    assert store.runs()[0].status is Status.FAILED


def test_a_stage_may_tell_more_after_its_manifest(store, root):
    """As long as it holds its lock."""
    run = make_run(root).supervisor()
    with run.supervised():
        with run.working("it01/measure"):
            run.finish("it01/measure", Metric(key="a", value=1.0))
            store.catch_up()
            run.tell("it01/measure", Metric(key="b", value=2.0))
        store.catch_up()
    assert store.run(run.name).iterations[0].cells["b"].value == 2.0


def test_outside_text_is_cleaned(store, root):
    """No escape sequence of a model's name, a measure or an error reaches a row."""
    run = make_run(root, base_model="org/\x1b[31mred\x07")
    run.launch(TRAIN).tell(TRAIN, Progress(done=1, total=2, unit="st\x1b[2Jep", what="\x00evil"))
    run.finish("it01/measure", Metric(key="pass\x1b]52;c;x\x07@1", value=1.0, unit="\x9b1m%"))
    run.supervisor(Status.FAILED, "because \x1b[1mbold\x1b[0m", "do\nthis")
    store.catch_up()
    view = store.run(run.name)
    assert not any(character in repr(view) for character in ("\\x1b", "\\x07", "\\x00", "\\x9b"))
    assert (view.run.reason, view.run.hint, view.measures[0].key) == ("because bold", "do this", "pass@1")


def test_created_is_what_run_json_says(store, root):
    """Not when the folder was copied."""
    make_run(root, created=NOW - 5)
    store.catch_up()
    assert store.runs()[0].created == NOW - 5


def test_the_log_of_writes_becomes_small_again(store, root, monkeypatch):
    """What grew while someone read is given back with the next news: SQLite itself would keep it as long as it was."""
    monkeypatch.setattr("sirtui.store.database._LONGEST_LOG", 64 * 1024)
    monkeypatch.setattr("sirtui.store.database._LOG_PATIENCE_MS", 1)
    run, log = make_run(root).launch(TRAIN), root / "sirtui.db-wal"
    store.catch_up()
    with open_to_read(root / "sirtui.db"):
        for number in range(8):
            run.append(TRAIN, scalars(500 * number, 500 * (number + 1)))
            store.catch_up()
        grown = log.stat().st_size
    assert grown > 64 * 1024
    run.append(TRAIN, scalars(4000, 4001))
    store.catch_up()
    assert log.stat().st_size < 64 * 1024
    assert store.runs()
