"""An index of an older version is migrated, with a backup; one of a newer version is read at most, and never written."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import closing

import pytest
from builders import a_verdict, make_run
from journals import asked, changed, scalars
from msgspec.structs import replace
from version4 import as_version_4

from sirtui.core.events import Comparison, Metric
from sirtui.core.files import read_record, write_record
from sirtui.core.run import Manifest, RunRecord, Stage, Status, SupervisorRecord
from sirtui.store import Store
from sirtui.store.migrate import STEPS
from sirtui.store.schema import READABLE_FROM, TABLES, VERSION
from sirtui.store.sqlite import sqlite3

COLUMNS = "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table' ORDER BY 1, 2"


@pytest.fixture
def run(store, root):
    """A run with everything that an index holds; the index closed."""
    run = make_run(root).append("it01/train", scalars(0, 40)).finish("it01/train")
    odd = (Metric("b", None), Metric("c", 0.1, 0.01, 99, -1, "share", {"correct": 1, "all": 9}))
    run.finish("it01/measure", Metric("a", 0.25, 1 / 3), *odd).finish("it02/measure", Metric("c", 0.2), Metric("a", 0.5))
    change = Comparison("a", "it01", 0.25, 0.1, 9, 0.1, 0.4, 0.05, 0.45, 1e-300, "up", "improving", "target")
    run.concluded(a_verdict(2, "progress"), change, Comparison("c", "it01", None))
    store.catch_up()
    store.close()
    return run


def told(store, run):
    """Everything that the index says of it."""
    return store.runs(), store.run(run.name), store.curve(run.name, 1, "loss")


def test_an_index_of_version_4_is_migrated_with_a_backup(store, root, run):
    """Its content comes along, also what no file tells any more; the backup is what was there, for its owner alone."""
    before = told(store, run)
    as_version_4(store.database)
    for journal in run.folder.path.glob("it*/*/attempt-1/events.jsonl"):
        journal.unlink()
    assert (store.runs(), "older sirtui (schema 4" in store.problems()[0]) == ((), True)
    store.catch_up()
    assert told(store, run) == before
    assert store.problems() == ()
    backup = root / "sirtui.db.v4.bak"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert asked(backup, "PRAGMA user_version") == [(4,)]
    assert asked(backup, "SELECT count(*), (SELECT count(*) FROM scalars) FROM metrics") == [(5, 40)]
    assert not [path for path in root.iterdir() if path.name.startswith(".")]


def test_a_migrated_index_has_the_form_of_a_new_one(store, run, ask):
    """Every table and column, and what is to say who may read it; the next change is told by a new number."""
    as_version_4(store.database)
    version = asked(store.database, "SELECT version FROM meta")[0][0]
    store.catch_up()
    assert store.version() > version
    migrated = ask(COLUMNS)
    store.reindex()
    assert ask(COLUMNS) == migrated == sorted((table.name, column) for table in TABLES for column in table.header)
    assert ask("SELECT readable_from FROM meta") == [(READABLE_FROM,)]


def test_what_the_older_version_could_not_see_is_read_from_the_files(store, root, clock, run):
    """Also of runs and stages that were over for it, and have not changed since."""
    run.supervisor(Status.FINISHED)
    manifest = run.folder.stage(Stage.parse("it01/train")).manifest
    before = manifest.stat()
    write_record(manifest, replace(read_record(manifest, Manifest), origin="gsm-bbbb/it01/train"))
    os.utime(manifest, ns=(before.st_atime_ns, before.st_mtime_ns))
    clock.now = run.folder.path.stat().st_mtime + 10
    store.catch_up()
    assert not store.catch_up()
    store.close()
    as_version_4(store.database)
    store.catch_up()
    assert store.run(run.name).stages[0].origin == "gsm-bbbb/it01/train"


def test_there_are_steps_from_version_4_to_this_one():
    """Whoever raises the version writes one."""
    assert sorted(STEPS) == list(range(4, VERSION))


@pytest.mark.parametrize("spoil", ["PRAGMA user_version = 3", "DROP TABLE comparisons"])
def test_what_cannot_be_migrated_is_its_own_backup(store, root, run, spoil):
    """Of a version from before all steps, or not what its version says: moved there, and built again."""
    before = told(store, run)
    as_version_4(store.database)
    changed(store.database, spoil)
    (version,) = asked(store.database, "PRAGMA user_version")[0]
    store.catch_up()
    assert told(store, run) == before
    assert asked(root / f"sirtui.db.v{version}.bak", "SELECT name FROM runs") == [(run.name,)]


def make_newer(store, readable_from) -> None:
    """Let the index be of a version to come, which knows more."""
    changed(
        store.database,
        "PRAGMA user_version = 7",
        "ALTER TABLE runs ADD COLUMN colour TEXT NOT NULL DEFAULT ''",
        f"UPDATE meta SET readable_from = {readable_from}",
        "PRAGMA wal_checkpoint(TRUNCATE)",
    )


@pytest.mark.parametrize(("readable_from", "can"), [(VERSION, True), (VERSION + 1, False)])
def test_a_newer_index_is_only_read(store, root, run, readable_from, can):
    """Where it says that this version may; what came since is not taken in, and one sentence says why."""
    before = told(store, run)
    make_newer(store, readable_from)
    content = store.database.read_bytes()
    make_run(root, "bbbb")
    assert store.catch_up() is False
    assert store.runs() == (before[0] if can else ())
    assert store.database.read_bytes() == content
    (problem,) = store.problems()
    assert "newer sirtui (schema 7" in problem
    assert ("it can be read" in problem, "sirtui reindex" in problem) == (can, True)


def test_a_newer_index_of_another_form_is_not_read(store, run):
    """It need not even have the table that says who may read it."""
    changed(store.database, "PRAGMA user_version = 7", "DROP TABLE meta")
    assert (store.runs(), store.catch_up(), store.version()) == ((), False, 0)
    assert "cannot be read" in store.problems()[0]


def test_reindex_keeps_a_newer_index_as_a_backup(store, root, run):
    """It was asked for: one for this version stands in its place."""
    before = told(store, run)
    make_newer(store, VERSION)
    store.reindex()
    assert told(store, run) == before
    assert asked(root / "sirtui.db.v7.bak", "SELECT name FROM runs") == [(run.name,)]


def test_a_backup_has_what_stands_beside_the_index(store, root, run):
    """Also while someone reads, who keeps SQLite from putting it in."""
    make_newer(store, VERSION)
    uri = f"{store.database.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as reader:
        reader.execute("SELECT name FROM runs").fetchall()
        changed(store.database, "UPDATE runs SET colour = 'green'")
        store.reindex()
    assert asked(root / "sirtui.db.v7.bak", "SELECT colour FROM runs") == [("green",)]


def test_an_index_migrated_beneath_an_open_store_is_left_alone(store, root, run):
    """Another process, of a newer version, may do so at any time."""
    store.catch_up()
    make_newer(store, VERSION)
    run.append("it01/sample", scalars(0, 1))
    make_run(root, "bbbb")
    assert store.catch_up() is False
    assert len(store.runs()) == 1


def test_a_former_backup_is_replaced(store, root, run):
    """Whoever goes back and forth keeps the newest of each version."""
    as_version_4(store.database)
    shutil.copy(store.database, root / "kept")
    store.catch_up()
    store.close()
    for ending in ("-wal", "-shm"):
        (root / f"sirtui.db{ending}").unlink(missing_ok=True)
    (root / "kept").replace(store.database)
    changed(store.database, "UPDATE runs SET reason = 'later'")
    Store(root).catch_up()
    assert asked(root / "sirtui.db.v4.bak", "SELECT reason FROM runs") == [("later",)]


def test_rows_know_sweep_slots_origin_and_what_was_pruned(store, root):
    """What the files say of them, and nothing of a supervisor that is gone."""
    run = make_run(root).supervisor().finish("it01/train").finish("it02/train")
    write_record(run.folder.record, replace(read_record(run.folder.record, RunRecord), sweep="lr"))
    told_by = read_record(run.folder.supervisor, SupervisorRecord)
    write_record(run.folder.supervisor, replace(told_by, slots=("GPU-1", "GPU-2")))
    manifest = run.folder.stage(Stage.parse("it01/train")).manifest
    write_record(manifest, replace(read_record(manifest, Manifest), origin="gsm-bbbb/it01/train", seconds=0.0))
    with run.supervised():
        store.catch_up()
        assert (store.runs()[0].sweep, store.runs()[0].slots) == ("lr", ("GPU-1", "GPU-2"))
        run.folder.stage(Stage.parse("it01/train")).pruned.touch()
        store.catch_up()
        view = store.run(run.name)
    assert [stage.origin for stage in view.stages if stage.id.endswith("train")] == ["gsm-bbbb/it01/train", ""]
    assert [(each.checkpoint[-16:], each.pruned) for each in view.iterations] == [("", True), ("train/checkpoint", False)]
    store.catch_up()
    assert store.runs()[0].slots == ()
