"""The GPUs of a machine as NVML tells them, played by a library of our own: whatever it does, there are plain answers."""

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from builders import held, make_run
from fake_nvml import GB, LOST, NO_DRIVER, OTHER_VERSION, Box, FakeGpu, FakeProcess

from sirtui.core.layout import StoreFolder
from sirtui.supervise import gpus, nvml, slots, tickets
from sirtui.supervise.gpus import _Driver

LOOKING = (
    "import sys, msgspec\n"
    "from pathlib import Path\n"
    "from sirtui.core.layout import StoreFolder\n"
    "from sirtui.supervise import gpus\n"
    "assert 'pynvml' not in sys.modules\n"
    "gpus._sees_all = lambda: sys.argv[1] == 'all'\n"
    "for line in sys.stdin:\n"
    "    gpus.PATIENCE_S = 0.2\n"
    "    found = gpus.look(StoreFolder(Path(line.strip()))) if line.strip() else gpus.gpus(0.2 if sys.argv[2:] else 10)\n"
    "    print(msgspec.json.encode(found).decode(), flush=True)\n"
)


@dataclass
class Looker:
    """A process in a box that looks when it is told to."""

    box: Box
    process: subprocess.Popen[str]

    def look(self, store: str = "") -> Any:
        """The GPUs and the problem; with a store the whole machine."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{store}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture
def looking(tmp_path: Path) -> Iterator[Callable[..., Looker]]:
    """Start processes that look, in a box of their own."""
    lookers: list[Looker] = []

    def start(*arguments: str, without: str = "") -> Looker:
        box = Box(tmp_path / f"box-{len(lookers)}", without=without)
        lookers.append(Looker(box, box.start(LOOKING, *(arguments or ("all",)))))
        return lookers[-1]

    yield start
    for looker in lookers:
        looker.process.kill()
        looker.process.communicate()


def test_what_each_gpu_is_and_does(looking):
    """Index, UUID, name, memory, utilization, temperature, power: in the units that are promised."""
    looker = looking()
    looker.box.change(1, used=31 * GB, utilization=97)
    found, problem = looker.look()
    assert problem == ""
    assert [gpu["index"] for gpu in found] == [0, 1, 2]
    second = found[1]
    assert (second["uuid"], second["name"]) == ("GPU-bbbbbbbb-0000", "Fake H100")
    assert (second["memory_total"], second["memory_used"]) == (80 * GB, 31 * GB)
    assert (second["utilization"], second["temperature"], second["power"]) == (0.97, 41.0, 250.0)
    assert {gpu["problem"] for gpu in found} == {""}


def test_who_computes_on_it(looking):
    """Ours by the stage, others by name and user; what also draws is a desktop; a number without a process has its name."""
    environment = {**os.environ, "SIRTUI_JOB": "/store/runs/nano-ab12cd/it01/repeat-2/sample#3"}
    with subprocess.Popen(["sleep", "60"], env=environment) as ours, subprocess.Popen(["sleep", "60"]) as foreign:
        looker = looking()
        numbers = (ours.pid, foreign.pid, 4_194_305)
        computing = tuple(FakeProcess(pid, 2 * GB, "/opt/python3.12 -m x") for pid in numbers)
        looker.box.change(0, processes=(*computing, FakeProcess(1, GB, "/usr/bin/Xorg", draws=True), FakeProcess(1)))
        first, second, third = looker.look()[0][0]["processes"]
        ours.kill()
        foreign.kill()
    assert (first["job"], first["memory"]) == ("nano-ab12cd/it01/repeat-2/sample", 2 * GB)
    assert (second["name"], second["job"], second["pid"]) == ("python3.12 -m x", "", foreign.pid)
    assert second["user"] == gpus._user(os.getuid())
    assert (third["name"], third["user"]) == ("python3.12 -m x", "")


def test_in_a_container_numbers_mean_nothing(looking):
    """NVML tells the host's: no user and no stage are made up from whoever has such a number here."""
    looker = looking("none")
    looker.box.change(0, processes=(FakeProcess(os.getpid(), path="/bin/train"),))
    (process,) = looker.look()[0][0]["processes"]
    assert process == {"pid": os.getpid(), "name": "train", "user": "", "memory": GB, "job": ""}


def test_a_lost_gpu_hides_no_other(looking):
    """It is told by its index; the others are there in full. When it is back, so is it."""
    looker = looking()
    looker.box.change(1, code=LOST)
    found, problem = looker.look()
    assert [bool(gpu["problem"]) for gpu in found] == [False, True, False]
    assert found[1]["problem"] == "is lost: the driver cannot reach it (see dmesg)"
    assert (found[1]["index"], found[1]["uuid"], problem) == (1, "", "")
    assert found[2]["memory_total"] == 80 * GB
    looker.box.change(1, code=0)
    assert looker.look()[0][1]["uuid"] == "GPU-bbbbbbbb-0000"


def test_a_split_gpu_is_told_as_one(looking):
    """MIG: sirtui uses whole GPUs only."""
    looker = looking()
    looker.box.change(0, mig=1)
    looker.box.change(1, mig=0)
    assert [gpu["problem"] for gpu in looker.look()[0]] == ["is split by MIG, of which only whole GPUs are used", "", ""]


def test_what_nvml_does_not_tell_is_left_out(looking):
    """Memory that is not supported, as where it is shared with the CPU, is no problem."""
    looker = looking()
    looker.box.change(0, total=0, utilization=-1)
    first = looker.look()[0][0]
    assert (first["memory_total"], first["utilization"], first["problem"]) == (None, None, "")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (NO_DRIVER, nvml.NO_DRIVER),
        (OTHER_VERSION, "the driver and its library NVML are of different versions: updated without a restart?"),
        (999, "NVML: Unknown Error"),
    ],
)
def test_a_driver_that_fails_is_asked_again(looking, code, told):
    """A plain sentence; and the GPUs as soon as it works, in the same process. Also where it fails later."""
    looker = looking()
    looker.box.say(code)
    assert looker.look() == [[], told]
    looker.box.say()
    assert len(looker.look()[0]) == 3
    looker.box.say(code)
    assert looker.look() == [[], told]
    looker.box.say()
    assert len(looker.look()[0]) == 3


def test_a_library_that_lacks_a_function(looking):
    """NVMLLibraryMismatchError is no NVMLError: the GPUs are there, and it is told what cannot be seen."""
    found, problem = looking("all", without="processes").look()
    assert len(found) == 3
    assert problem.startswith("the processes on GPU 0 cannot be seen: the driver's library NVML is of another version")


def test_no_gpu_and_no_driver(looking, monkeypatch):
    """Most laptops: a sentence each, the same for all time."""
    looker = looking()
    looker.box.gpus.clear()
    looker.box.say()
    assert looker.look() == [[], nvml.NO_GPU]
    box = looking().box
    monkeypatch.setattr(Box, "environment", {**os.environ, "LD_LIBRARY_PATH": "/nowhere"})
    assert "no GPU: " in box.python("from sirtui.supervise import gpus; print(gpus.gpus())")


def test_without_its_package(monkeypatch):
    """The driver's package can be missing too; whoever wants GPUs must not be given CPUs for that."""
    monkeypatch.setitem(__import__("sys").modules, "pynvml", None)
    assert nvml.read() == ((), "GPUs cannot be seen: nvidia-ml-py is not installed")
    assert nvml.read()[1] not in nvml.ABSENT


def test_a_driver_that_hangs_holds_nobody_up(looking):
    """It is not waited for; nobody asks a second time meanwhile; what it says in the end is told."""
    looker = looking("all", "briefly")
    looker.box.say(hang=True)
    assert looker.look() == [[], gpus.SILENT]
    assert looker.look() == [[], gpus.SILENT]
    looker.box.say()
    while not (found := looker.look())[0]:
        assert found[1] == gpus.SILENT
    assert len(found[0]) == 3


def test_an_answer_that_came_too_late_is_not_told_later(monkeypatch):
    """What nobody waited for is old when someone asks again."""
    answers, late = iter(["old", "new"]), threading.Event()

    def read():
        late.wait(5)
        return (), next(answers)

    driver = _Driver(read)
    assert driver.ask(0) == ((), gpus.SILENT)
    late.set()
    driver._thread.join()
    monkeypatch.setattr(gpus, "_FRESH_S", 0.0)
    assert driver.ask(5) == ((), "new")


def test_the_whole_machine(looking, tmp_path):
    """GPUs with the runs that have them, CPU slots, and who waits: what the screen and `status --json` tell."""
    looker = looking()
    store = StoreFolder(tmp_path / "store")
    folder = gpus.queue_folder(store)
    folder.mkdir(parents=True)
    lock = slots.gpu_lock("GPU-aaaaaaaa-0000", looker.box.environment)
    taken = [slots.take(lock, "nano-ab12cd"), slots.take(slots.cpu_lock(folder, 0), "nano-cpu")]
    name = make_run(store.path, "wait").name
    waits = [tickets.Ticket(folder, name, 5.0, tickets.Line.GPU), tickets.Ticket(folder, "gsm-cpu", 4.0, tickets.Line.CPU)]
    assert [ticket.ahead() for ticket in waits] == [[], []]
    told = looker.look(str(store.path))
    assert [gpu["holder"] for gpu in told["gpus"]] == ["nano-ab12cd", "", ""]
    assert told["cpus"] == len(told["cpu_holders"]) == len(os.sched_getaffinity(0))
    assert told["cpu_holders"][0] == "nano-cpu"
    assert [(each["run"], each["since"]) for each in told["queue"]] == [("gsm-cpu", 4.0), ("gsm-wait", 5.0)]
    for ticket in waits:
        ticket.give_up()
    slots.give_back([each for each in taken if each is not None])
    told = looker.look(str(store.path))
    assert {*(gpu["holder"] for gpu in told["gpus"]), *told["cpu_holders"]} == {""}
    assert told["queue"] == []


def test_a_lock_is_there_for_everybody(tmp_path, monkeypatch):
    """Mode 0666 whatever the umask; a holder without a name is someone; a link is not followed."""
    before = os.umask(0o077)
    try:
        path = slots.gpu_lock("GPU-x/../y", {"SIRTUI_LOCKS": str(tmp_path)})
        descriptor = slots.take(path, "a")
    finally:
        os.umask(before)
    assert path.parent == tmp_path
    assert path.stat().st_mode & 0o777 == 0o666
    assert slots.holder(path) == "a"
    slots.give_back([descriptor])
    path.write_bytes(b"")
    with held(path):
        assert slots.holder(path) == "someone"
        assert slots.take(path, "b") is None
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        slots.take(tmp_path / "link", "a")
    assert not (tmp_path / "elsewhere").exists()


def test_all_locks_or_none(tmp_path):
    """What was taken already is given back when one is held, or cannot be opened."""
    paths = [tmp_path / name for name in "abc"]
    with held(paths[1]):
        assert slots.take_all(paths, "run") == ()
        assert slots.holder(paths[0]) == ""
    with pytest.raises(FileNotFoundError):
        slots.take_all([paths[0], tmp_path / "nowhere/b"], "run")
    assert slots.holder(paths[0]) == ""
    taken = slots.take_all(paths, "run")
    assert [slots.holder(path) for path in paths] == ["run"] * 3
    slots.give_back(taken)
    assert [slots.holder(path) for path in paths] == [""] * 3


def test_where_locks_lie(monkeypatch):
    """In the folder that all people of the machine share, by its mode; never by who asks."""
    assert slots.gpu_lock("GPU-1", {"SIRTUI_LOCKS": "/x"}) == Path("/x/sirtui-gpu-GPU-1.lock")
    monkeypatch.setattr(slots, "_SHARED", 0o7777)
    assert slots.gpu_lock("GPU-1", {}) == Path("/tmp/sirtui-gpu-GPU-1.lock")


def test_a_box_of_another_size(tmp_path):
    """The library is asked how many there are, never a number remembered."""
    box = Box(tmp_path / "box", [FakeGpu("GPU-only")])
    assert json.loads(box.python("import json; from sirtui.supervise import gpus; print(json.dumps(len(gpus.gpus()[0])))")) == 1
