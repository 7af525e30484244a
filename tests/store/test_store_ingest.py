"""Every line of every journal is taken once, whatever happens to the file or to whoever reads it."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from builders import NOW, held, make_run

from sirtui.core.events import Beat, Comparison, Metric, Progress, Scalars, encode
from sirtui.core.run import Status

TRAIN = "it01/train"
COUNTS = "SELECT lines, garbage, (SELECT count(*) FROM scalars) FROM journals"


def scalars(first: int, last: int) -> bytes:
    """The lines of these steps, each with its number as its loss."""
    return b"".join(encode(Scalars(step=step, values={"loss": float(step)})) for step in range(first, last))


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


def test_a_torn_last_line_waits_for_its_end(store, root):
    """Half a line is no line; when the rest has come it is one, and not garbage."""
    run = make_run(root).launch(TRAIN)
    line = encode(Scalars(step=7, values={"loss": 0.5}))
    run.append(TRAIN, scalars(0, 2) + line[:20])
    store.catch_up()
    assert len(store.curve(run.name, 1, "loss")) == 2
    run.append(TRAIN, line[20:])
    store.catch_up()
    assert store.curve(run.name, 1, "loss") == ((0, 0.0), (1, 1.0), (7, 0.5))


@pytest.mark.parametrize(
    "garbage",
    [
        b"not json\n",
        b"\n",
        b"\x00\x00\xff\xfe\n",
        b'{"kind":"scalars","step":99999999999999999999,"values":{"loss":1}}\n',
        b'{"kind":"metric","key":"k","value":1,"n":99999999999999999999}\n',
        b'{"kind":"scalars","step":1,"values":{"loss":NaN}}\n',
        b'{"kind":"scalars","step":1,"values":{"loss":1e999}}\n',
        b'{"kind":"from the future","what":1}\n',
        b'{"kind":"progress","done":"\\ud800","total":1}\n',
        b"[" * 100_000 + b"\n",
    ],
)
def test_garbage_is_counted_and_never_fatal(store, root, ask, garbage):
    """A line that is no event is skipped and counted; its neighbours are taken."""
    make_run(root).launch(TRAIN).append(TRAIN, scalars(0, 1) + garbage + scalars(1, 2))
    store.catch_up()
    assert ask(COUNTS) == [(3, 1, 2)]


def test_a_line_beyond_all_measure_is_passed_over(store, root, ask, monkeypatch):
    """A value of megabytes is garbage, and does not stop what follows."""
    monkeypatch.setattr("sirtui.store.journal.CHUNK", 1000)
    make_run(root).launch(TRAIN).append(TRAIN, scalars(0, 1) + b'{"kind":"' + b"x" * 50_000 + b'"}\n' + scalars(1, 30))
    store.catch_up()
    assert ask(COUNTS) == [(31, 1, 30)]


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


def test_undefined_values_stay_undefined(store, root):
    """NaN and infinities arrive as None."""
    run = make_run(root).launch(TRAIN).tell(TRAIN, Scalars(step=1, values={"loss": float("nan"), "lr": float("inf")}), Beat())
    run.finish("it01/measure", Metric(key="a", value=float("nan")))
    run.finish("it01/verdict", Comparison(key="a", against="it01", change=float("inf")))
    store.catch_up()
    first = store.run(run.name).iterations[0]
    assert (dict(first.scalars), first.cells["a"].value, first.cells["a"].change) == ({"loss": None, "lr": None}, None, None)


SLOWLY = """
import sys
from pathlib import Path
from sirtui.store import Store, ingest, journal
journal.CHUNK = ingest.BATCH = 8192
store = Store(Path(sys.argv[1]))
while True:
    store.catch_up()
"""


def lines_taken(root: Path) -> int:
    """How far the index is, asked past the store."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{root}/sirtui.db?mode=ro".replace(" ", "%20"), uri=True)) as db:
        return db.execute("SELECT sum(lines) FROM journals").fetchone()[0] or 0
    return 0


def kill_in_the_middle(root: Path) -> None:
    """Start an ingester, and kill it when it has taken something new."""
    before, deadline = lines_taken(root), time.monotonic() + 20
    process = subprocess.Popen([sys.executable, "-c", SLOWLY, str(root)])
    while lines_taken(root) == before and time.monotonic() < deadline:
        pass
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_a_killed_ingester_takes_each_line_once(store, root, ask):
    """However often it dies in the middle, in the end rows = lines."""
    run = make_run(root).launch(TRAIN).append(TRAIN, scalars(0, 30_000))
    for _ in range(5):
        kill_in_the_middle(root)
    assert lines_taken(root) > 0
    store.catch_up()
    assert ask(COUNTS) == [(30_000, 0, 30_000)]
    assert store.curve(run.name, 1, "loss") == tuple((step, float(step)) for step in range(30_000))


def test_many_processes_at_once_take_each_line_once(store, root, ask):
    """First starts and readers race; the lock lets one at a time."""
    run = make_run(root).launch(TRAIN).append(TRAIN, scalars(0, 2_000))
    processes = [subprocess.Popen([sys.executable, "-c", SLOWLY, str(root)]) for _ in range(4)]
    for first in range(2_000, 4_000, 100):
        run.append(TRAIN, scalars(first, first + 100))
    deadline = time.monotonic() + 30
    while lines_taken(root) < 4_000 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [process.poll() for process in processes] == [None] * 4
    for process in processes:
        process.kill()
        process.wait()
    store.catch_up()
    assert ask(COUNTS) == [(4_000, 0, 4_000)]


def test_created_is_what_run_json_says(store, root):
    """Not when the folder was copied."""
    make_run(root, created=NOW - 5)
    store.catch_up()
    assert store.runs()[0].created == NOW - 5
