"""One SQLite in a process, and what is known of it; packed cells."""

from __future__ import annotations

import subprocess
import sys

import pytest
from builders import make_run
from hypothesis import given
from hypothesis import strategies as st
from journals import changed

from sirtui.core.errors import StoreError
from sirtui.core.events import Metric
from sirtui.store.packing import Damaged, pack, unpack
from sirtui.store.sqlite import has_wal_bug, sqlite3, sqlite_version


@pytest.mark.parametrize("version", ["3.7.0", "3.40.1", "3.44.5", "3.45.0", "3.50.6", "3.51.0", "3.51.2"])
def test_versions_with_the_bug(version):
    """All before the lines that were mended, and these lines before they were."""
    assert has_wal_bug(tuple(map(int, version.split("."))))


@pytest.mark.parametrize("version", ["3.44.6", "3.50.7", "3.51.3", "3.52.0", "3.53.4", "4.0.0"])
def test_versions_without_the_bug(version):
    """Mended, or later."""
    assert not has_wal_bug(tuple(map(int, version.split("."))))


def test_the_version_in_use_is_told():
    """That of the module every connection is made by."""
    text, bug = sqlite_version()
    assert (text, bug) == (sqlite3.sqlite_version, has_wal_bug(sqlite3.sqlite_version_info))


ONE = """
import sys
from pathlib import Path
{before}
from sirtui.store import Store
store = Store(Path(sys.argv[1]))
store.reindex()
import sqlite_utils.utils
from sirtui.store.sqlite import sqlite3
print(len(store.runs()), sqlite3.__name__, sqlite_utils.utils.sqlite3 is sqlite3)
"""


@pytest.mark.parametrize(
    ("before", "module"),
    [("", "pysqlite3"), ('sys.modules["pysqlite3"] = None', "sqlite3")],
)
def test_sqlite_utils_chooses_the_same(root, before, module):
    """Two copies in one process would lose each other's locks; without pysqlite3 the standard library's does."""
    make_run(root).finish("it01/measure", Metric(key="a", value=1.0))
    code = ONE.format(before=before)
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["1", module, "True"], done.stderr


VALUES = st.none() | st.floats(allow_nan=False)
ROWS = st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.text(), VALUES, VALUES, st.none() | st.integers(0, 9)))


@given(ROWS)
def test_what_is_packed_comes_back_exactly(rows):
    """Every bit of every number."""
    assert repr(unpack(pack(rows))) == repr(rows)


def test_what_is_not_a_number_comes_back_as_none():
    """No answer has NaN."""
    assert unpack(pack([(1, float("nan")), (2, 0.5)])) == [(1, None), (2, 0.5)]


@pytest.mark.parametrize("at", [0, 10, -1])
def test_damage_is_noticed(at):
    """A checksum stands behind it."""
    packed = bytearray(pack([(n, n / 7, "up") for n in range(200)]))
    packed[at] ^= 0xFF
    with pytest.raises(Damaged):
        unpack(bytes(packed))


def test_cells_that_cannot_be_unpacked_are_built_again(store, root, ask):
    """SQLite sees nothing wrong with them."""
    run = make_run(root).finish("it01/measure", Metric(key="a", value=1.0))
    store.catch_up()
    store.close()
    changed(store.database, "UPDATE metrics SET cells = x'00112233'")
    with pytest.raises(StoreError, match="damaged"):
        store.run(run.name)
    assert store.catch_up()
    assert store.run(run.name).iterations[0].cells["a"].value == 1.0
    assert (root / "sirtui.db.broken-1").exists()
