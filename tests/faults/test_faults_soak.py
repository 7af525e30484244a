"""Fault 50: eight supervisors, two screens and a command asked again and again, on one store, for minutes."""

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from terminal import Terminal
from toying import EXPERIMENT, TOY
from trials import wait_until

from sirtui.core import files
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.plan import plan
from sirtui.core.run import RunRecord, Status, SupervisorRecord
from sirtui.core.spec import Resources, Spec, parse
from sirtui.recipes.declare import resolved
from sirtui.store import Store
from sirtui.supervise import create, launch_supervisor, stop

SECONDS = float(os.environ.get("SOAK_S", "300"))
WARM_S = SECONDS / 2
RUNS, ITERATIONS = 8, 400
SUPERVISOR = (sys.executable, str(Path(__file__).with_name("soaking_supervisor.py")))


@dataclass(frozen=True)
class Held:
    """What a process holds: open descriptors, threads, and memory of its own in kB."""

    descriptors: int
    threads: int
    memory: int


def held(pid: int) -> Held:
    """By a living process."""
    proc = Path(f"/proc/{pid}")
    fields = dict(line.split(":", 1) for line in (proc / "status").read_text().splitlines() if ":" in line)
    memory = int(fields["RssAnon"].split()[0])
    return Held(len(os.listdir(proc / "fd")), int(fields["Threads"]), memory)


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    """The toy experiment, with more iterations than there is time for."""
    shutil.copy(TOY, tmp_path)
    (tmp_path / "model").mkdir()
    toy = resolved(parse(EXPERIMENT, "toy.toml", tmp_path))
    method = tuple(toy.trainer(1) for _ in range(ITERATIONS))
    resources = Resources(threads=1, share=False)
    return msgspec.structs.replace(toy, method=method, iterations=ITERATIONS, resources=resources)


@pytest.mark.slow
def test_fault_50_soak(tmp_path: Path, spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is locked, lost or doubled, and what the processes hold does not grow."""
    monkeypatch.setenv("PYTHON_TOY_PAUSE", "0.5")
    folder = StoreFolder(tmp_path / "store")
    runs = [
        create(folder, RunRecord(f"{number:06x}", msgspec.structs.replace(spec, seed=number), 1.0 + number))
        for number in range(RUNS)
    ]
    with ThreadPoolExecutor(RUNS) as pool:
        list(pool.map(lambda run: launch_supervisor(run, SUPERVISOR), runs))
    try:
        figures = soak(folder, runs)
    finally:
        with ThreadPoolExecutor(RUNS) as pool:
            list(pool.map(lambda run: stop(run, 60, urgent=True), runs))
    print(json.dumps(figures, indent=1))
    assert figures["finished stages"] > 50
    assert_nothing_is_lost(folder, runs)


def soak(folder: StoreFolder, runs: list[RunFolder]) -> dict[str, object]:
    """Let them work, look and ask for `SECONDS`; what was measured."""
    screen = ("-m", "sirtui.cli", "--store", str(folder.path))
    with Terminal(program=screen, columns=120, lines=40) as one, Terminal(program=screen) as other:
        screens = [one, other]
        pids = {f"supervisor {number}": walker(run) for number, run in enumerate(runs)}
        pids |= {f"screen {number}": asked.child.pid for number, asked in enumerate(screens)}
        asked, warm, largest, wal = 0, {}, {}, 0
        began = time.monotonic()
        while time.monotonic() - began < SECONDS:
            ask(folder)
            asked += 1
            for each, keys in zip(screens, ("jk4]1", "jjkk!"), strict=True):
                each.press(keys)
                each.listen(0.2)
            now = {name: held(pid) for name, pid in pids.items()}
            if time.monotonic() - began < WARM_S:
                warm = {name: most(warm.get(name), figure) for name, figure in now.items()}
            else:
                largest = {name: most(largest.get(name), figure) for name, figure in now.items()}
            wal = max(wal, size(folder.database.with_name("sirtui.db-wal")))
        assert_flat(warm, largest)
        for each in screens:
            assert each.child.poll() is None
            each.press("q")
            assert each.ended() == 0
    assert wal < 32 * 2**20
    finished = sum(run.stage(stage).manifest.exists() for run in runs for stage in plan(spec_of(run)))
    return {"asked": asked, "finished stages": finished, "largest WAL": wal, "warm": shown(warm), "largest": shown(largest)}


def walker(run: RunFolder) -> int:
    """The pid of its supervisor."""
    wait_until(lambda: files.read_record(run.supervisor, SupervisorRecord).status == Status.RUNNING)
    return files.read_record(run.supervisor, SupervisorRecord).process.pid


def ask(folder: StoreFolder) -> None:
    """The command line, once; nothing is ever locked, and no run in trouble."""
    command = [sys.executable, "-m", "sirtui.cli", "--store", str(folder.path), "status", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert {run["status"] for run in json.loads(done.stdout)["runs"]} <= {"running", "waiting"}


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


def assert_nothing_is_lost(folder: StoreFolder, runs: list[RunFolder]) -> None:
    """Every stage was made once, and the index says what a new one made from the files says."""
    for run in runs:
        done = [stage for stage in plan(spec_of(run)) if run.stage(stage).manifest.exists()]
        assert all(run.stage(stage).attempts() == [1] for stage in done)
    store = Store(folder.path)
    store.catch_up(patience=30)
    before = {run.name: store.run(run.name) for run in runs}
    store.reindex()
    assert {run.name: store.run(run.name) for run in runs} == before
    assert list(folder.path.glob("*.broken-*")) == []
    for run in runs:
        assert "Error" not in run.supervisor_log.read_text()


def spec_of(run: RunFolder) -> Spec:
    """What it does."""
    return files.read_record(run.record, RunRecord).spec


def size(path: Path) -> int:
    """In bytes, 0 where it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
