"""Fault 50: eight supervisors, two screens and a command asked again and again, on one store, for minutes."""

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from terminal import Terminal
from toying import EXPERIMENT, TOY

from sirtui.core import files
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.plan import plan
from sirtui.core.run import RunRecord, Status, SupervisorRecord
from sirtui.core.spec import Resources, Spec, parse
from sirtui.recipes.declare import resolved
from sirtui.store import Store
from sirtui.supervise import create, launch_supervisor, stop

SECONDS = float(os.environ.get("SOAK_S", "300"))
RUNS, ITERATIONS = 8, 6
SUPERVISOR = (sys.executable, str(Path(__file__).with_name("soaking_supervisor.py")))


@dataclass(frozen=True)
class Held:
    """What a process holds: open descriptors, threads, and memory of its own in kB."""

    descriptors: int
    threads: int
    memory: int


def held(pid: int) -> Held:
    """By a process; nothing where it has just ended."""
    proc = Path(f"/proc/{pid}")
    try:
        fields = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines() if ":" in line)
        return Held(len(os.listdir(proc / "fd")), int(fields["Threads"]), int(fields.get("RssAnon", "0 kB").split()[0]))
    except OSError:
        return Held(0, 0, 0)


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """The toy experiment: a minute or so of work where eight are at it."""
    shutil.copy(TOY, tmp_path)
    (tmp_path / "model").mkdir()
    toy = resolved(parse(EXPERIMENT, "toy.toml", tmp_path))
    method = tuple(toy.trainer(1) for _ in range(ITERATIONS))
    resources = Resources(threads=1)
    return msgspec.structs.replace(toy, method=method, iterations=ITERATIONS, resources=resources)


class Runs:
    """Eight runs at work, two and two of one seed; one that has finished is looked over, removed, and followed by another."""

    def __init__(self, folder: StoreFolder, spec: Spec) -> None:
        self._folder, self._spec, self._made = folder, spec, 0
        self._pool = ThreadPoolExecutor(RUNS)
        self.stages = 0
        self.now = [run.result() for run in [self._begin() for _ in range(RUNS)]]

    def _begin(self) -> Future[RunFolder]:
        number, self._made = self._made, self._made + 1
        record = RunRecord(f"{number:06x}", msgspec.structs.replace(self._spec, seed=number // 2), 1.0 + number)
        return self._pool.submit(self._launch, create(self._folder, record))

    def _launch(self, run: RunFolder) -> RunFolder:
        launch_supervisor(run, SUPERVISOR)
        return run

    def replace_finished(self) -> None:
        """Look over those that ended, and begin others."""
        for place, run in enumerate(self.now):
            if not files.is_locked(run.supervisor_lock):
                assert files.read_record(run.supervisor, SupervisorRecord).status == Status.FINISHED
                self.look_over(run)
                shutil.rmtree(run.path)
                self.now[place] = self._begin().result()

    def look_over(self, run: RunFolder) -> None:
        """Each stage was made once, or linked; whoever walked it had nothing to complain of."""
        done = [stage for stage in plan(self._spec) if run.stage(stage).manifest.exists()]
        assert all(run.stage(stage).attempts() == [1] for stage in done)
        assert run.supervisor_log.read_text() == ""
        self.stages += len(done)

    def stop(self) -> None:
        """End them all."""
        list(self._pool.map(lambda run: stop(run, 60, urgent=True), self.now))
        self._pool.shutdown()


@pytest.mark.slow
def test_fault_50_soak(tmp_path: Path, spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is locked, lost or doubled, and what the processes hold does not grow."""
    monkeypatch.setenv("PYTHON_TOY_PAUSE", "0.2")
    folder = StoreFolder(tmp_path / "store")
    runs = Runs(folder, spec)
    try:
        figures = soak(folder, runs)
    finally:
        runs.stop()
    for run in runs.now:
        runs.look_over(run)
    figures["finished stages"] = runs.stages
    print(json.dumps(figures, indent=1))
    assert runs.stages > SECONDS / 2
    assert_the_index_is_right(folder, runs.now)


def soak(folder: StoreFolder, runs: Runs) -> dict[str, object]:
    """Let them work, look and ask for `SECONDS`; what was measured."""
    screen = ("-m", "sirtui.cli", "--store", str(folder.path))
    with Terminal(program=screen, columns=120, lines=40) as one, Terminal(program=screen) as other:
        screens = {"screen 0": one, "screen 1": other}
        asked, wal = 0, 0
        halves: tuple[dict[str, Held], dict[str, Held]] = ({}, {})
        began = time.monotonic()
        while (age := time.monotonic() - began) < SECONDS:
            ask(folder)
            asked += 1
            for each, keys in zip(screens.values(), ("jk451", "jjkk!"), strict=True):
                each.press(keys)
                each.listen(0.2)
            runs.replace_finished()
            half, wal = halves[age > SECONDS / 2], max(wal, size(folder.database.with_name("sirtui.db-wal")))
            pids = {name: [terminal.child.pid] for name, terminal in screens.items()} | {"supervisors": map(walker, runs.now)}
            for name, those in pids.items():
                for pid in those:
                    half[name] = most(half.get(name), held(pid))
        assert_flat(*halves)
        for each in screens.values():
            assert each.child.poll() is None
            each.press("q")
            assert each.ended() == 0
    assert wal < 32 * 2**20
    return {"asked": asked, "largest WAL": wal, "first half": shown(halves[0]), "second half": shown(halves[1])}


def walker(run: RunFolder) -> int:
    """The pid of its supervisor."""
    return files.read_record(run.supervisor, SupervisorRecord).process.pid


def ask(folder: StoreFolder) -> None:
    """The command line, once; nothing is ever locked, and no run in trouble."""
    command = [sys.executable, "-m", "sirtui.cli", "--store", str(folder.path), "status", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert {run["status"] for run in json.loads(done.stdout)["runs"]} <= {"running", "waiting", "finished"}


def most(before: Held | None, now: Held) -> Held:
    """The larger of each."""
    if before is None:
        return now
    return Held(*(max(a, b) for a, b in zip(vars(before).values(), vars(now).values(), strict=True)))


def assert_flat(warm: dict[str, Held], largest: dict[str, Held]) -> None:
    """The second half within 5 % of the first: memory with 1.5 MB besides, descriptors and threads with what one stage takes."""
    for name, figure in largest.items():
        before = warm[name]
        assert figure.memory <= 1.05 * before.memory + 1536, (name, before, figure)
        assert figure.descriptors <= 1.05 * before.descriptors + 4, (name, before, figure)
        assert figure.threads <= before.threads + 1, (name, before, figure)


def shown(figures: dict[str, Held]) -> dict[str, str]:
    """For whoever reads the test's output."""
    return {name: f"{each.descriptors} descriptors, {each.threads} threads, {each.memory} kB" for name, each in figures.items()}


def assert_the_index_is_right(folder: StoreFolder, runs: list[RunFolder]) -> None:
    """It knows these runs alone, and says of them what a new one made from the files says."""
    store = Store(folder.path)
    store.catch_up(patience=30)
    before = {row.name: store.run(row.name) for row in store.runs()}
    assert before.keys() == {run.name for run in runs}
    store.reindex()
    assert {run.name: store.run(run.name) for run in runs} == before
    assert list(folder.path.glob("*.broken-*")) == []


def size(path: Path) -> int:
    """In bytes, 0 where it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
