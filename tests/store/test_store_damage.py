"""The index is thrown away and built again, whatever became of it: the files are the truth."""

from __future__ import annotations

import stat
import subprocess
import sys

import pytest
from builders import make_run
from journals import changed

from sirtui.core.errors import StoreError
from sirtui.core.events import Comparison, Metric, Scalars
from sirtui.core.run import Status
from sirtui.store import Store


@pytest.fixture
def run(store, root):
    """A run that is in the index, the index closed."""
    run = make_run(root).finish("it01/measure", Metric(key="a", value=1.0))
    store.catch_up()
    store.close()
    return run


def whole(store, run) -> bool:
    """Whether the index holds what the files say."""
    return [row.name for row in store.runs()] == [run.name] and store.run(run.name).iterations[0].cells["a"].value == 1.0


def test_an_empty_file_is_an_empty_index(store, run):
    """Nothing to keep of it."""
    store.database.write_bytes(b"")
    assert store.runs() == ()
    store.catch_up()
    assert whole(store, run)


def test_damage_in_the_middle_is_found_by_whoever_reads_there(store, root, run):
    """The ingest need not stumble over it: a reader that does has it built again."""
    for key in range(2_000):
        run.tell("it01/measure", Metric(key=f"k{key}", value=1.0))
    store.reindex()
    store.close()
    database = store.database
    pages = database.read_bytes()
    database.write_bytes(pages[: len(pages) // 4] + b"\xff" * (len(pages) // 2) + pages[3 * len(pages) // 4 :])
    with pytest.raises(StoreError, match="damaged"):
        store.run(run.name)
    store.catch_up()
    assert whole(store, run)
    assert (root / "sirtui.db.broken-1").exists()


def test_damage_beneath_an_open_store_is_healed(store, root, run):
    """Also when the ingest still remembers what stood there."""
    store.catch_up()
    size = store.database.stat().st_size
    make_run(root, "bbbb")
    store.database.write_bytes(b"\0" * size)
    for _ in range(3):
        store.runs()
        store.catch_up()
    assert len(store.runs()) == 2


def test_reindex_builds_the_same_again(store, run):
    """And every reader notices."""
    store.catch_up()
    view, version = store.run(run.name), store.version()
    store.reindex()
    assert store.run(run.name) == view
    assert store.version() != version


def test_a_deleted_index_comes_back_beneath_an_open_store(store, root, run):
    """Another store, and another process, go on with the new one."""
    other = Store(root)
    other.catch_up()
    store.reindex()
    make_run(root, "bbbb")
    assert other.catch_up()
    assert len(store.runs()) == len(other.runs()) == 2
    other.close()


def test_the_index_is_its_owners_alone(store, run):
    """0600, companions too."""
    store.catch_up()
    files = [path for path in store.folder.path.iterdir() if path.name.startswith("sirtui.db")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_an_index_that_cannot_be_written_says_so(store, root):
    """With its path, and what to do."""
    make_run(root)
    store.database.mkdir()
    with pytest.raises(StoreError, match=r"sirtui\.db: "):
        store.catch_up()


def test_odd_characters_in_the_path_do_no_harm(tmp_path):
    """The store's path goes into a URI."""
    root = tmp_path / "a?b#c%20d é"
    run = make_run(root).finish("it01/measure", Metric(key="a", value=1.0))
    store = Store(root)
    store.catch_up()
    assert whole(store, run)
    store.close()


LIGHT = """
import sys
from pathlib import Path
import sirtui.store
assert not {"sqlite3", "pysqlite3"} & sys.modules.keys()
store = sirtui.store.Store(Path(sys.argv[1]))
print(len(store.runs()), store.catch_up(), len(store.runs()))
heavy = {"sqlite_utils", "watchfiles", "textual", "numpy", "pandas", "pyarrow", "asyncio", "torch"}
print(*sorted(heavy & sys.modules.keys()))
"""


def catch_up_elsewhere(root, before=""):
    """What a fresh process finds and loads, line by line."""
    done = subprocess.run([sys.executable, "-c", before + LIGHT, str(root)], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_reading_and_finding_nothing_new_load_nothing_heavy(store, root):
    """Neither sqlite-utils nor watchfiles; importing alone not even SQLite."""
    make_run(root).supervisor(Status.FINISHED)
    store.catch_up()
    assert catch_up_elsewhere(root) == ["1 False 1", ""]


def test_writing_loads_sqlite_utils_without_pandas_and_numpy(root):
    """It would import them where they are installed; afterwards nothing hides them."""
    make_run(root)
    assert catch_up_elsewhere(root) == ["0 True 1", "sqlite_utils"]


def test_numpy_that_is_there_already_stays(root):
    """Whoever writes the index may have imported it before."""
    make_run(root)
    before = 'import sys, types; numpy = sys.modules["numpy"] = types.ModuleType("numpy")'
    assert catch_up_elsewhere(root, before) == ["0 True 1", "numpy sqlite_utils"]


def test_rows_never_change_the_schema(store, root, run, ask):
    """sqlite-utils makes tables and columns from rows where it lacks them: here it never does."""
    store.catch_up()
    before = ask("PRAGMA schema_version")
    run.finish("it01/verdict", Comparison(key="a", against="it00", change=0.5))
    run.tell("it01/train", Scalars(step=1, values={"loss": None}))
    make_run(root, "bbbb")
    assert store.catch_up()
    assert ask("PRAGMA schema_version") == before


def test_an_index_without_one_of_its_tables_is_built_again(store, run):
    """A table made up from rows would have no key."""
    changed(store.database, "DROP TABLE metrics")
    store.catch_up()
    assert whole(store, run)
