"""What befalls the index: many processes at once, kills, damage, full and read-only disks, other people, other versions."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from builders import make_run
from journals import COUNTS, asked, scalars
from version4 import as_version_4

from sirtui.core.errors import StoreError
from sirtui.core.events import Beat, Comparison, Metric, Scalars, encode
from sirtui.core.journal import Journal
from sirtui.core.layout import StoreFolder
from sirtui.store import Store, database, place
from sirtui.store.follow import follow
from sirtui.store.sqlite import sqlite3

TRAIN = "it01/train"
PATIENCE_S = 30.0
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away and mounts disks")


@pytest.fixture
def root(tmp_path):
    """Where the store lies."""
    return tmp_path / "a store"


@pytest.fixture
def index(root) -> Iterator[Store]:
    """The store's index."""
    index = Store(root)
    yield index
    index.close()


def measured(root):
    """A run with a measure."""
    return make_run(root).finish("it01/measure", Metric(key="a", value=1.0))


def is_whole(index: Store) -> bool:
    """Whether it holds the run with its measure."""
    return [index.run(row.name).iterations[0].cells["a"].value for row in index.runs()] == [1.0]


def python(code: str, *arguments: object, **options) -> subprocess.Popen[str]:
    """A process of its own that runs this."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def ended(process: subprocess.Popen[str]) -> str:
    """What it printed, once it has ended well."""
    out, err = process.communicate(timeout=2 * PATIENCE_S)
    assert (process.returncode, err) == (0, "")
    return out


SCREEN = """
import sys, time
from pathlib import Path
from sirtui.store import Store
root, name, steps = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
store, seen, deadline = Store(root), 0, time.monotonic() + 30
while seen < steps and time.monotonic() < deadline:
    store.catch_up()
    curve = store.curve(name, 1, "loss") if store.runs() else ()
    assert len(curve) >= seen, "it went back"
    assert [step for step, _ in curve] == list(range(len(curve))), "a hole"
    seen = len(curve)
print(seen)
"""


def test_fault_14_two_screens(root, index):
    """Both take in and read while lines come: neither fails, misses a line, sees one twice, or goes back."""
    run = make_run(root).launch(TRAIN)
    screens = [python(SCREEN, root, run.name, 3_000) for _ in range(2)]
    for first in range(0, 3_000, 50):
        run.append(TRAIN, scalars(first, first + 50))
        time.sleep(0.01)
    assert [ended(screen) for screen in screens] == ["3000\n"] * 2
    index.catch_up()
    assert asked(index.database, COUNTS) == [(3_000, 0, 3_000)]


FIRST = """
import sys, time
from pathlib import Path
from sirtui.store import Store
root, go = Path(sys.argv[1]), Path(sys.argv[2])
store = Store(root)
while not go.exists():
    time.sleep(0.001)
store.catch_up(patience=30)
print(len(store.runs()), len(store.problems()))
"""


def start_at_once(root, tmp_path) -> list[str]:
    """What eight processes find that come to the store at the same moment."""
    go = tmp_path / "go"
    processes = [python(FIRST, root, go) for _ in range(8)]
    time.sleep(1.0)
    go.touch()
    return [ended(process) for process in processes]


def test_fault_15_eight_first_starts_at_once(root, index, tmp_path):
    """One makes the index, none fails, each line is taken once."""
    run = make_run(root).launch(TRAIN).append(TRAIN, scalars(0, 2_000))
    assert start_at_once(root, tmp_path) == ["1 0\n"] * 8
    assert asked(index.database, COUNTS) == [(2_000, 0, 2_000)]
    assert len(index.curve(run.name, 1, "loss")) == 2_000


SLOWLY = """
import sys
from pathlib import Path
from sirtui.store import Store, ingest, journal
journal.CHUNK = ingest.BATCH = 8192
store = Store(Path(sys.argv[1]))
while True:
    store.catch_up()
"""


def lines_taken(index: Store) -> int:
    """How far the index is, asked past the store."""
    with suppress(sqlite3.Error):
        return asked(index.database, "SELECT sum(lines) FROM journals")[0][0] or 0
    return 0


def kill_in_the_middle(index: Store) -> None:
    """Start an ingester, and kill it when it has taken something new."""
    before, deadline = lines_taken(index), time.monotonic() + PATIENCE_S
    process = python(SLOWLY, index.folder.path)
    while lines_taken(index) == before and time.monotonic() < deadline:
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert lines_taken(index) > before


@pytest.mark.parametrize(("kills", "steps"), [(4, 30_000), pytest.param(50, 160_000, marks=pytest.mark.slow)])
def test_fault_16_sigkill_the_ingester(root, index, kills, steps):
    """However often it dies in the middle, in the end rows = lines."""
    run = make_run(root).launch(TRAIN).append(TRAIN, scalars(0, steps))
    for _ in range(kills):
        kill_in_the_middle(index)
    assert lines_taken(index) < steps
    index.catch_up()
    assert asked(index.database, COUNTS) == [(steps, 0, steps)]
    assert index.curve(run.name, 1, "loss") == tuple((step, float(step)) for step in range(steps))


def test_fault_17_torn_tail(root, index):
    """Half a line is no line; when the rest has come it is one, and not garbage."""
    run = make_run(root).launch(TRAIN)
    line = encode(Scalars(step=7, values={"loss": 0.5}))
    run.append(TRAIN, scalars(0, 2) + line[:20])
    index.catch_up()
    assert len(index.curve(run.name, 1, "loss")) == 2
    run.append(TRAIN, line[20:])
    index.catch_up()
    assert index.curve(run.name, 1, "loss") == ((0, 0.0), (1, 1.0), (7, 0.5))


def test_fault_17_torn_tail_that_never_ends(root, index):
    """Whoever opens the journal again ends it; half a line is then counted, and its neighbours taken."""
    run = make_run(root).launch(TRAIN).append(TRAIN, scalars(0, 2)[:-9])
    index.catch_up()
    journal = Journal(run.attempt(TRAIN).journal, lambda: 1.0)
    journal.emit(Scalars(step=7, values={"loss": 0.5}))
    journal.close()
    index.catch_up()
    assert asked(index.database, COUNTS) == [(3, 1, 2)]
    assert index.curve(run.name, 1, "loss") == ((0, 0.0), (7, 0.5))


@pytest.mark.parametrize(
    "garbage",
    [
        b"not json\n",
        b"\n",
        b"\x00\x00\xff\xfe\n",
        b"\x00" * 4096 + b"\n",
        b'{"kind":"scalars","step":99999999999999999999,"values":{"loss":1}}\n',
        b'{"kind":"metric","key":"k","value":1,"n":99999999999999999999}\n',
        b'{"kind":"scalars","step":1,"values":{"loss":NaN}}\n',
        b'{"kind":"scalars","step":1,"values":{"loss":1e999}}\n',
        b'{"kind":"from the future","what":1}\n',
        b'{"kind":"progress","done":"\\ud800","total":1}\n',
        b"[" * 100_000 + b"\n",
    ],
)
def test_fault_18_garbage_lines(root, index, garbage):
    """A line that is no event is counted and never fatal; its neighbours are taken."""
    make_run(root).launch(TRAIN).append(TRAIN, scalars(0, 1) + garbage + scalars(1, 2))
    index.catch_up()
    assert asked(index.database, COUNTS) == [(3, 1, 2)]


def test_fault_19_nan_and_infinity(root, index):
    """They arrive as None."""
    run = make_run(root).launch(TRAIN).tell(TRAIN, Scalars(step=1, values={"loss": float("nan"), "lr": float("inf")}), Beat())
    run.finish("it01/measure", Metric(key="a", value=float("nan")))
    run.finish("it01/verdict", Comparison(key="a", against="it01", change=float("inf")))
    index.catch_up()
    first = index.run(run.name).iterations[0]
    assert (dict(first.scalars), first.cells["a"].value, first.cells["a"].change) == ({"loss": None, "lr": None}, None, None)


def test_fault_19_a_value_of_10_mb(root, index):
    """A line that no stage of ours would write is garbage, whatever its length, and does not stop what follows."""
    run = make_run(root).launch(TRAIN)
    run.append(TRAIN, scalars(0, 1) + b'{"kind":"metric","key":"' + b"x" * 10_000_000 + b'","value":1}\n' + scalars(1, 30))
    index.catch_up()
    ((lines, garbage, rows),) = asked(index.database, COUNTS)
    assert (rows, lines - garbage) == (30, 30)
    assert 1 <= garbage <= 11


HOLD = """
import sys, time
from sirtui.store.sqlite import sqlite3
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("COMMIT")
"""


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Another process has the database to itself for so long."""
    process = python(HOLD, path, seconds)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield
    ended(process)


@pytest.mark.parametrize("seconds", [0.7, pytest.param(20.0, marks=pytest.mark.slow)])
def test_fault_20_database_locked(root, index, seconds):
    """Readers read on, the ingest waits, and takes in everything."""
    run = measured(root)
    index.catch_up()
    run.launch(TRAIN).append(TRAIN, scalars(0, 9))
    with locked(index.database, seconds):
        began = time.monotonic()
        assert is_whole(index)
        assert time.monotonic() - began < seconds / 2
        assert index.catch_up()
        assert time.monotonic() - began > seconds / 2
    assert len(index.curve(run.name, 1, "loss")) == 9


def test_fault_20_database_locked_beyond_all_patience(root, index, monkeypatch):
    """It is told plainly, and over when the lock is."""
    monkeypatch.setattr(database, "PATIENCE_S", 0.1)
    run = measured(root)
    index.catch_up()
    run.launch(TRAIN).append(TRAIN, scalars(0, 9))
    with locked(index.database, 1.0), pytest.raises(StoreError, match="locked"):
        index.catch_up()
    index.catch_up()
    assert len(index.curve(run.name, 1, "loss")) == 9


@pytest.mark.parametrize("content", [b"\0" * 50_000, b"garbage" * 1000, b"SQLite format 3\0" + b"\0" * 4080])
def test_fault_21_database_zeroed(root, index, content):
    """It reads as empty until the next catch-up has built it again, and is kept for whoever asks."""
    measured(root)
    index.catch_up()
    index.close()
    index.database.write_bytes(content)
    assert index.runs() == ()
    assert index.catch_up()
    assert is_whole(index)
    assert (root / "sirtui.db.broken-1").read_bytes() == content


def test_fault_22_no_room_for_the_index(small_disk):
    """It is told plainly; when there is room again every line is taken, once."""
    run = make_run(small_disk / "store").launch(TRAIN)
    index = Store(small_disk / "store")
    index.catch_up()
    run.append(TRAIN, scalars(0, 20_000))
    with suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass
    with pytest.raises(StoreError, match="full") as caught:
        index.catch_up()
    assert "disk full" in caught.value.hint
    assert [row.name for row in index.runs()] == [run.name]
    (small_disk / "filler").unlink()
    assert index.catch_up()
    assert asked(index.database, COUNTS) == [(20_000, 0, 20_000)]
    index.close()


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """The disk cannot be written."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    yield
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)


@pytest.mark.parametrize("killed", [False, True])
def test_fault_24_read_only_store(small_disk, killed):
    """It is read as it lies, also where its last writer was killed; to build it again is refused plainly."""
    root = small_disk / "store"
    measured(root)
    index = Store(root)
    if killed:
        ended(python(FIRST.replace("print", "connection = store._connection(); import os; os._exit(0); print"), root, root))
        assert (root / "sirtui.db-wal").exists()
    else:
        index.catch_up()
        index.close()
    with read_only(small_disk):
        assert index.catch_up() is False
        assert killed or is_whole(index)
        assert len(index.runs()) <= 1
        with pytest.raises(StoreError, match="Read-only"):
            index.reindex()
    assert index.catch_up() is killed or is_whole(index)
    assert is_whole(index)
    index.close()


FOLLOW = """
import sys, threading, time
from pathlib import Path
from sirtui.core.layout import StoreFolder
from sirtui.store.follow import follow
limit, value, root = sys.argv[1], sys.argv[2], Path(sys.argv[3])
Path("/proc/sys/user", limit).write_text(value)
from watchfiles._rust_notify import RustNotify
try:
    RustNotify([str(root / "runs"), *map(str, (root / "runs").iterdir())], False, False, 0, False, False)
    print("there are watches left")
except (OSError, RuntimeError):
    print("used up")
stop, count, began = threading.Event(), 0, time.monotonic()
for _ in follow(StoreFolder(root), stop, at_most_every_s=0.01, recheck_s=0.25):
    count += 1
    if count == 5:
        stop.set()
print(count, time.monotonic() - began < 3)
"""


@pytest.mark.parametrize("limit", ["max_inotify_instances", "max_inotify_watches"])
def test_fault_42_inotify_used_up(root, limit):
    """In a user namespace, which has limits of its own: it looks now and then instead."""
    make_run(root).supervisor()
    alone = ["unshare", "--user", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
        pytest.skip("there are no user namespaces here")
    command = [*alone, sys.executable, "-c", FOLLOW, limit, "1" if limit.endswith("watches") else "0", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.stdout.splitlines() == ["used up", "5 True"], done.stderr


def test_fault_42_network_disk(root, tmp_path, monkeypatch):
    """There is no notice of what other machines write: it looks now and then, and asks for none."""
    make_run(root)
    (tmp_path / "mounts").write_text(f"28 27 0:9 / {str(root).replace(' ', chr(92) + '040')} rw - nfs4 s:/ rw\n")
    monkeypatch.setattr(place, "_MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr("watchfiles._rust_notify.RustNotify", lambda *_: pytest.fail("notices were asked for"))
    stop, count = threading.Event(), 0
    for _ in follow(StoreFolder(root), stop, at_most_every_s=0.01, recheck_s=0.02):
        count += 1
        if count == 4:
            stop.set()
    assert count == 4


def test_fault_44_store_0777(root, index):
    """It is closed when it is written, and that is told once."""
    measured(root)
    root.chmod(0o777)
    index.catch_up()
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert index.problems() == (f"{root} could be written by others (mode 0777): it is 0700 now",)
    assert Store(root).problems() == ()
    assert is_whole(index)


@root_only
def test_fault_44_store_of_someone_else(root, index):
    """It is read as it lies, by root too; to build it again is refused."""
    measured(root)
    index.catch_up()
    index.close()
    make_run(root, "bbbb")
    os.chown(root, 65_000, 65_000)
    before = {path: path.stat().st_mtime_ns for path in root.iterdir()}
    assert index.catch_up() is False
    assert is_whole(index)
    assert index.problems() == (f"the store {root} belongs to user 65000: it is not written, but read as it lies",)
    with pytest.raises(StoreError, match="belongs to user 65000"):
        index.reindex()
    assert {path: path.stat().st_mtime_ns for path in root.iterdir() if path in before} == before


@root_only
def test_fault_44_runs_that_are_links_or_someone_else_s(root, index, tmp_path):
    """They are not followed, since their recipes would be run, and each is told; a run that becomes one is forgotten."""
    measured(root)
    theirs, linked = make_run(root, "bbbb"), make_run(tmp_path / "elsewhere", "cccc")
    index.catch_up()
    assert len(index.runs()) == 2
    os.chown(theirs.folder.path, 65_000, 65_000)
    (root / "runs" / linked.name).symlink_to(linked.folder.path)
    index.catch_up()
    assert is_whole(index)
    assert index.problems() == (
        f"{theirs.name} belongs to user 65000: it is left out",
        f"{linked.name} is a link: it is left out",
    )


def old_index(root: Path) -> Store:
    """A store whose index is of version 4, closed."""
    run = measured(root).launch(TRAIN).append(TRAIN, scalars(0, 500))
    index = Store(root)
    index.catch_up()
    index.close()
    as_version_4(index.database)
    assert run.name
    return index


def test_fault_47_eight_processes_on_an_old_index(root, tmp_path):
    """One migrates it, none fails, and every one reads it then; the backup is whole."""
    index = old_index(root)
    assert start_at_once(root, tmp_path) == ["1 0\n"] * 8
    assert asked(index.database, COUNTS) == [(501, 0, 500)] or asked(index.database, "SELECT count(*) FROM scalars") == [(500,)]
    assert asked(root / "sirtui.db.v4.bak", "SELECT count(*) FROM scalars") == [(500,)]
    assert sorted(path.name for path in root.glob("*.bak*")) == ["sirtui.db.v4.bak"]


MIGRATE = """
import os, signal, sys
from pathlib import Path
from sirtui.store import Store, aside, migrate
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
step = migrate.STEPS[4]
if sys.argv[2] == "backup":
    os.fsync = die
else:
    migrate.STEPS[4] = lambda connection: (step(connection), die())
Store(Path(sys.argv[1])).catch_up()
"""


@pytest.mark.parametrize("at", ["backup", "step"])
def test_fault_47_killed_while_migrating(root, at):
    """It is of the old version still, and whole: the next one does it."""
    index = old_index(root)
    process = python(MIGRATE, root, at)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert asked(index.database, "PRAGMA user_version") == [(4,)]
    assert asked(index.database, "SELECT value FROM metrics") == [(1.0,)]
    index.catch_up()
    assert is_whole(index)
    assert asked(root / "sirtui.db.v4.bak", "SELECT count(*) FROM scalars") == [(500,)]
    assert not list(root.glob(".sirtui*"))
    index.close()


def test_fault_47_no_room_for_the_backup(small_disk):
    """Without one nothing is changed; when there is room it is migrated."""
    index = old_index(small_disk / "store")
    content = index.database.read_bytes()
    with suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass
    with pytest.raises(StoreError, match="full"):
        index.catch_up()
    assert index.database.read_bytes() == content
    assert not list(index.folder.path.glob("*.bak*")) + list(index.folder.path.glob(".sirtui*"))
    (small_disk / "filler").unlink()
    index.catch_up()
    assert is_whole(index)
    index.close()


def test_fault_47_newer_index(root, index):
    """Beside it nothing is written, and its content is read."""
    measured(root)
    index.catch_up()
    index.close()
    with closing(sqlite3.connect(index.database)) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = index.database.read_bytes()
    make_run(root, "bbbb")
    assert index.catch_up() is False
    assert is_whole(index)
    assert index.database.read_bytes() == content
    assert [path.name for path in root.glob("*.bak*")] == []
    assert "newer sirtui (schema 99" in index.problems()[0]
