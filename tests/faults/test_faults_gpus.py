"""GPUs that others use, that leak, that are lost, and that many want at once: fake NVML, real locks, real processes."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import make_run
from fake_nvml import GB, LOST, Box, FakeGpu, FakeProcess
from trials import wait_until

from sirtui.core.layout import StoreFolder
from sirtui.supervise import slots, tickets
from sirtui.supervise.gpus import queue_folder

WAITING = """
import subprocess, sys, time
from pathlib import Path
from sirtui.core.files import read_record
from sirtui.core.layout import StoreFolder
from sirtui.core.run import RunRecord
from sirtui.supervise import queue
from sirtui.supervise.queue import Place

queue.LOOK_S = 0.0 if sys.argv[3] == "stages" else queue.LOOK_S
store, name, what, notes = StoreFolder(Path(sys.argv[1])), sys.argv[2], sys.argv[3], open(sys.argv[4], "ab", buffering=0)
run = store.run(name)
place = Place(store, run, read_record(run.record, RunRecord).spec)
said = None
while (reason := place.take()) or said is None:
    if reason != said:
        said = reason
        print(reason, flush=True)
    time.sleep(0 if not reason else 0.01)
print("has", *place.slots, place.environment["CUDA_VISIBLE_DEVICES"], flush=True)
notes.write(f"{name} takes {place.slots[0]}\\n".encode())
if what == "stages":
    settled = sys.stdin.readline()
    while settled:
        if (why := place.settled()) != settled:
            settled = why
            print(why or "settled", flush=True)
        time.sleep(0.01)
if what == "guard":
    guard = subprocess.Popen(["sleep", "600"], pass_fds=place.descriptors, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    print(guard.pid, flush=True)
if what == "work":
    time.sleep(0.02)
    notes.write(f"{name} gives {place.slots[0]}\\n".encode())
else:
    sys.stdin.readline()
place.release()
"""


class Runs:
    """Runs that want GPUs of one box, each a process."""

    def __init__(self, root: Path) -> None:
        self.root, self.box = root / "store", Box(root / "box")
        self.notes = root / "notes"
        self.notes.touch()
        self.processes: list[subprocess.Popen[str]] = []

    def run(self, what: str = "keep", ident: str | None = None, **resources: object) -> subprocess.Popen[str]:
        """A run that waits, and when it has what it wants, keeps it until it is told a line, or works a moment."""
        number = len(self.processes)
        run = make_run(self.root, ident or f"{number:02}", number, resources=resources)
        self.processes.append(self.box.start(WAITING, self.root, run.name, what, self.notes))
        return self.processes[-1]

    def waiting(self) -> list[str]:
        """Who stands in the queue, in order."""
        return [each.run for each in tickets.waiting(queue_folder(StoreFolder(self.root)))]

    def lock(self, index: int) -> Path:
        """Where the lock of a GPU of the box lies."""
        return slots.gpu_lock(self.box.gpus[index].uuid, self.box.environment)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    """Runs in a box with three GPUs; nothing of them is left afterwards."""
    made = Runs(tmp_path)
    yield made
    for process in made.processes:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    """The next line of a run."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_fault_40_foreign_process_leak_and_lost_device(runs):
    """None of the three is taken, each told with its reason; the foreign process lives; what becomes free is taken at once."""
    with subprocess.Popen(["sleep", "600"]) as foreign:
        runs.box.change(0, used=31 * GB, processes=(FakeProcess(foreign.pid, 31 * GB, "/usr/bin/python3"),))
        runs.box.change(1, used=50 * GB)
        runs.box.change(2, code=LOST)
        run = runs.run()
        reason = said(run)
        assert reason.startswith("waits for 1 of 3 GPUs: GPU 0 has 31.0 of 80.0 GB in use by python3")
        assert "GPU 1 has 50.0 of 80.0 GB in use by no process that can be seen" in reason
        assert reason.endswith("GPU 2 is lost: the driver cannot reach it (see dmesg)")
        assert foreign.poll() is None
        runs.box.change(1, used=0)
        assert said(run) == "has GPU-bbbbbbbb-0000 GPU-bbbbbbbb-0000"
        assert foreign.poll() is None
        foreign.kill()


def test_fault_40_a_small_foreign_process(runs):
    """Someone who has only begun to compute is in the way too, however little memory that takes so far."""
    runs.box.gpus[:] = [FakeGpu("GPU-one", used=GB, processes=(FakeProcess(4_194_305, GB),))]
    runs.box.say()
    run = runs.run()
    assert said(run) == "waits for 1 of 1 GPUs: GPU 0 is used by python3"
    runs.box.change(0, used=0, processes=())
    assert said(run) == "has GPU-one GPU-one"


def test_fault_40_memory_that_stays_in_use_between_stages(runs):
    """What an earlier stage, or another, leaves on the run's GPU is waited for before the next stage, and told."""
    runs.box.gpus[:] = [FakeGpu("GPU-one")]
    runs.box.say()
    run = runs.run("stages")
    assert [said(run), said(run)] == ["", "has GPU-one GPU-one"]
    runs.box.change(0, used=31 * GB, processes=(FakeProcess(4_194_305, 31 * GB),))
    run.stdin.write("the stage ended\n")
    run.stdin.flush()
    assert said(run) == "waits until the memory of GPU 0 is free: 31.0 of 80.0 GB in use by python3"
    runs.box.change(0, used=0, processes=())
    assert said(run) == "settled"


def test_fault_41_a_race_for_one_gpu(runs):
    """Six want it at the same moment: it is one's at a time, and all get it, in the order in which the runs were created."""
    runs.box.gpus[1:] = []
    runs.box.say()
    before = slots.take(runs.lock(0), "gsm-before")
    assert before is not None
    for _ in range(6):
        runs.run("work")
    wait_until(lambda: len(runs.waiting()) == 6)
    assert runs.notes.read_bytes() == b""
    slots.give_back([before])
    for process in runs.processes:
        assert process.wait(30) == 0
    steps = [f"gsm-{number:02} {step} GPU-aaaaaaaa-0000" for number in range(6) for step in ("takes", "gives")]
    assert runs.notes.read_text().splitlines() == steps
    assert runs.waiting() == []


def test_fault_41_killed_while_it_waits_and_while_it_has_it(runs):
    """Locks and tickets die with their process: the next in order has the GPU within moments."""
    runs.box.gpus[1:] = []
    runs.box.say()
    first = runs.run()
    assert [said(first), said(first)] == ["", "has GPU-aaaaaaaa-0000 GPU-aaaaaaaa-0000"]
    second, third = runs.run(), runs.run()
    wait_until(lambda: runs.waiting() == ["gsm-01", "gsm-02"])
    second.send_signal(signal.SIGKILL)
    first.send_signal(signal.SIGKILL)
    assert said(third)
    while not (line := said(third)).startswith("has"):
        assert line.startswith("waits")
    assert runs.waiting() == []


def test_fault_41_a_supervisor_killed_above_its_stage(runs):
    """The stage goes on, and so its GPU stays taken; the supervisor that comes after waits for it, before all others."""
    runs.box.gpus[1:] = []
    runs.box.say()
    killed = runs.run("guard")
    guard = int([said(killed) for _ in range(3)][-1])
    killed.send_signal(signal.SIGKILL)
    killed.wait(30)
    other = runs.run()
    assert said(other) == "waits for 1 of 1 GPUs: GPU 0 is held by gsm-00"
    again = runs.box.start(WAITING, runs.root, "gsm-00", "keep", runs.notes)
    runs.processes.append(again)
    assert said(again) == "waits for 1 of 1 GPUs: GPU 0 is held by a stage of its own that still runs"
    assert said(other) == "waits for its turn: 1 run is before it, gsm-00"
    subprocess.run(["kill", "-KILL", str(guard)], check=True)
    assert said(again) == "has GPU-aaaaaaaa-0000 GPU-aaaaaaaa-0000"
    assert said(other) == "waits for 1 of 1 GPUs: GPU 0 is held by gsm-00"
