"""Waiting for GPUs and CPUs: in order, all or nothing, and with a reason that says what is missing."""

import os
import subprocess
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from builders import make_run
from msgspec.structs import replace

from sirtui.core.errors import SirtuiError
from sirtui.core.files import is_locked
from sirtui.core.layout import StoreFolder
from sirtui.core.machine import Gpu, GpuProcess, GpuSample
from sirtui.core.run import Stage
from sirtui.supervise import gpus, nvml, queue, slots, tickets
from sirtui.supervise.queue import Place
from sirtui.supervise.telemetry import Telemetry, Use, by_stage, newest

GB = 10**9


class Machine:
    """What the driver says of a machine."""

    def __init__(self, count: int, problem: str = "") -> None:
        self.gpus = [Gpu(n, f"GPU-{n}", "H100", 80 * GB, 0, 0.5, 40.0, 250.0) for n in range(count)]
        self.problem, self.looks = problem, 0

    def change(self, index: int, **to: object) -> None:
        self.gpus[index] = replace(self.gpus[index], **to)

    def __call__(self) -> gpus.Seen:
        self.looks += 1
        return tuple(self.gpus), self.problem


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Locks of its own, four CPUs, and a driver that may be asked all the time."""
    monkeypatch.setenv("SIRTUI_LOCKS", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(queue, "LOOK_S", 0.0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2, 3})


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., Place]:
    """Make runs, and their places; those made later were created later."""
    made: list[str] = []

    def make(machine: Machine, **resources: object) -> Place:
        made.append("abcdefgh"[len(made)])
        run = make_run(tmp_path / "store", made[-1], len(made), resources=resources)
        return Place(StoreFolder(tmp_path / "store"), run.folder, run.spec, look=machine, host="box")

    return make


def test_gpus_are_taken_by_lock_and_memory(place):
    """As many as are wanted, the first free ones, all at once; the stages see just these."""
    machine = Machine(3)
    machine.change(0, memory_used=31 * GB, processes=(GpuProcess(7, "python", "anna", 31 * GB),))
    one = place(machine, gpus=2)
    assert (one.slots, one.descriptors) == ((), ())
    assert one.take() == ""
    assert one.slots == ("GPU-1", "GPU-2")
    assert one.environment == {"CUDA_VISIBLE_DEVICES": "GPU-1,GPU-2", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert [gpu.uuid for gpu in one.gpus] == ["GPU-1", "GPU-2"]
    assert all(os.get_inheritable(each) is False for each in one.descriptors)
    machine.change(1, memory_used=80 * GB)
    assert one.take() == ""
    two = place(machine, gpus=1)
    assert two.take() == (
        "waits for 1 of 3 GPUs: GPU 0 has 31.0 of 80.0 GB in use by python (anna), GPU 1 is held by gsm-a, GPU 2 is held by gsm-a"
    )
    one.release()
    assert (one.slots, one.descriptors, one.gpus) == ((), (), ())
    assert two.take() == ""
    assert two.slots == ("GPU-2",)


def test_nothing_is_taken_before_all_can_be(place):
    """A run that wants two holds none while it waits: whoever has another store could wait for it, and it for them."""
    machine = Machine(2)
    machine.change(1, memory_used=9 * GB)
    waiting = place(machine, gpus=2)
    assert waiting.take() == "waits for 2 of 2 GPUs: GPU 1 has 9.0 of 80.0 GB in use by no process that can be seen"
    assert slots.holder(slots.gpu_lock("GPU-0")) == ""


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"problem": "is lost: see dmesg"}, "GPU 0 is lost: see dmesg"),
        ({"memory_used": 8 * GB}, ""),
        ({"memory_used": 8 * GB + 1}, "GPU 0 has 8.0 of 80.0 GB in use by no process that can be seen"),
        ({"memory_total": None, "memory_used": None}, ""),
        ({"processes": (GpuProcess(7, "", "", None),)}, "GPU 0 is used by process 7"),
        ({"processes": (GpuProcess(7, "python", "", None, "x-1/it01/train"),)}, "GPU 0 is used by x-1/it01/train"),
    ],
)
def test_when_a_gpu_is_free(place, state, told):
    """It works, enough memory is free (little is taken by nobody, as by a desktop), and nobody computes on it."""
    machine = Machine(1)
    machine.change(0, **state)
    assert place(machine).take() == (told and f"waits for 1 of 1 GPUs: {told}")


def test_how_much_must_be_free_can_be_said(place):
    """`resources.gpu_free`: a share of all the memory there is."""
    machine = Machine(1)
    machine.change(0, memory_used=31 * GB)
    modest, greedy = place(machine, gpu_free=0.6), place(machine, gpu_free=0.7)
    assert modest.take() == ""
    modest.release()
    assert "31.0 of 80.0 GB" in greedy.take()


def test_strictly_in_the_order_of_creation(place):
    """Only the first may take what is free, also where a later one wants less; a run that goes on keeps its old place."""
    machine = Machine(2)
    first, big, small = place(machine), place(machine, gpus=2), place(machine)
    assert first.take() == ""
    assert big.take() == "waits for 2 of 2 GPUs: GPU 0 is held by gsm-a"
    assert small.take() == "waits for its turn: 1 run is before it, gsm-b"
    first.release()
    assert first.take() == ""
    first.release()
    assert big.take() == ""
    assert small.take() == "waits for 1 of 2 GPUs: GPU 0 is held by gsm-b, GPU 1 is held by gsm-b"
    last = place(machine)
    assert last.take() == "waits for its turn: 1 run is before it, gsm-c"
    assert first.take().startswith("waits for 1 of 2 GPUs")
    assert last.take() == "waits for its turn: 2 runs are before it, first gsm-a"
    first.leave()
    small.leave()
    assert last.take().startswith("waits for 1 of 2 GPUs")


def test_the_dead_are_not_waited_for(place, tmp_path):
    """Their tickets are recognised by the lock, and taken away; what is no ticket is left alone."""
    folder = tmp_path / "store/queue/box"
    run = make_run(tmp_path / "store", "dead", 0.5)
    ticket = tickets.Ticket(folder, run.name, 0.5, tickets.Line.GPU)
    ticket.ahead()
    (folder / "notes").touch()
    one = place(Machine(1))
    assert one.take() == "waits for its turn: 1 run is before it, gsm-dead"
    os.close(ticket._descriptor)
    assert one.take() == ""
    assert sorted(os.listdir(folder)) == ["notes"]


def test_a_ticket_taken_away_is_made_again(place, tmp_path):
    """Someone who tidies up costs nobody their place."""
    machine = Machine(1)
    machine.change(0, problem="is lost")
    one, two = place(machine), place(machine)
    one.take()
    (ticket,) = (tmp_path / "store/queue/box").iterdir()
    ticket.unlink()
    two.take()
    assert one.take() == "waits for 1 of 1 GPUs: GPU 0 is lost"
    assert two.take() == "waits for its turn: 1 run is before it, gsm-a"


def test_a_ticket_made_again_while_a_dead_one_is_cleared_away(tmp_path, monkeypatch):
    """Its run is resumed at that very moment: what is cleared away is the dead one's file, never the living one's."""
    dead = tickets.Ticket(tmp_path, "gsm-a", 1.0, tickets.Line.GPU)
    dead.ahead()
    os.close(dead._descriptor)
    living, lock = tickets.Ticket(tmp_path, "gsm-a", 1.0, tickets.Line.GPU), slots.lock

    def interfere(descriptor: int) -> bool:
        monkeypatch.setattr(slots, "lock", lock)
        dead._path.unlink()
        living.ahead()
        return lock(descriptor)

    monkeypatch.setattr(slots, "lock", interfere)
    later = tickets.Ticket(tmp_path, "gsm-b", 2.0, tickets.Line.GPU)
    assert later.ahead() == ["gsm-a"]
    assert living._lies_there()


def test_what_waits_tells_it_in_the_queue(place, tmp_path):
    """Since when, for what and why, as the screen shows it; a ticket being written is still one."""
    machine = Machine(1)
    machine.change(0, problem="is lost")
    one = place(machine, gpus=1, parallel=2, threads=1)
    one.take()
    folder = tmp_path / "store/queue/box"
    (told,) = tickets.waiting(folder)
    assert (told.run, told.gpus, told.cpus, told.reason) == ("gsm-a", 1, 2, "waits for 1 of 1 GPUs: GPU 0 is lost")
    assert abs(told.since - time.time()) < 60
    (ticket,) = folder.iterdir()
    ticket.write_bytes(ticket.read_bytes()[:-9])
    assert [(each.run, each.since) for each in tickets.waiting(folder)] == [("gsm-a", 1.0)]
    one.leave()
    assert tickets.waiting(folder) == ()


def test_only_numbers_are_no_news(place, monkeypatch):
    """Memory in use moves all the time: who follows the run is not told four times a second."""
    machine = Machine(1)
    one = place(machine)
    machine.change(0, memory_used=31 * GB)
    before = one.take()
    machine.change(0, memory_used=33 * GB)
    assert one.take() == before
    monkeypatch.setattr(queue, "STEADY_S", 0.0)
    one._steady_until = 0.0
    assert "33.0 of 80.0" in one.take()
    machine.change(0, memory_used=0)
    assert one.take() == ""


def test_the_driver_is_asked_once_a_second_at_most(place, monkeypatch):
    """However often a run asks; and by who is not the first in line only once, when it comes."""
    monkeypatch.setattr(queue, "LOOK_S", 60.0)
    machine, later = Machine(1), Machine(1)
    machine.change(0, problem="is lost")
    one, two = place(machine), place(later)
    for _ in range(20):
        one.take()
        two.take()
    assert (machine.looks, later.looks) == (1, 1)
    monkeypatch.setattr(queue, "LOOK_S", 0.0)
    two._due = 0.0
    two.take()
    assert later.looks == 1


def test_with_gpus_there_are_two_lines(place, tmp_path):
    """Who wants none, or is shown none, waits for CPUs with others of the kind; neither line holds up the other."""
    machine = Machine(1)
    machine.change(0, problem="is lost")
    gpu, cpus, later = place(machine), place(machine, gpus=0), place(machine, gpus=0, threads=1)
    hidden, last = place(machine, threads=1), place(machine)
    hidden._environment = {"CUDA_VISIBLE_DEVICES": ""}
    assert gpu.take() == "waits for 1 of 1 GPUs: GPU 0 is lost"
    assert cpus.take() == ""
    assert later.take() == "waits for a CPU slot: held by gsm-b"
    assert hidden.take() == "waits for its turn: 1 run is before it, gsm-c"
    assert last.take() == "waits for its turn: 1 run is before it, gsm-a"
    told = tickets.waiting(tmp_path / "store/queue/box")
    assert [each.run for each in told] == ["gsm-a", "gsm-c", "gsm-d", "gsm-e"]
    machine.change(0, problem="")
    assert (gpu.take(), last.take()) == ("", "waits for 1 of 1 GPUs: GPU 0 is held by gsm-a")
    cpus.release()
    assert (later.take(), hidden.take(), last.slots) == ("", "", ())


def test_without_gpus_there_is_one_line(place):
    """Whether a run wants GPUs or none, it wants CPUs here, and nobody overtakes."""
    machine = Machine(0, nvml.NO_GPU)
    one, two, three = place(machine), place(machine, gpus=0), place(machine, threads=1)
    assert one.take() == ""
    assert two.take() == "waits for 4 of 4 CPU slots: held by gsm-a"
    assert three.take() == "waits for its turn: 1 run is before it, gsm-b"
    one.release()
    assert three.take() == "waits for its turn: 1 run is before it, gsm-b"
    assert two.take() == ""
    two.release()
    assert three.take() == ""


def test_who_stands_in_the_wrong_line_goes_over(place, tmp_path):
    """A driver that does not answer may hide GPUs; when it turns out that there are none, it is CPUs that are waited for."""
    silent = Machine(0, gpus.SILENT)
    one, two = place(silent, threads=1), place(Machine(0), gpus=0)
    assert one.take() == f"waits until the GPUs can be seen: {gpus.SILENT}"
    assert two.take() == ""
    silent.problem = nvml.NO_GPU
    assert one.take() == "waits for a CPU slot: held by gsm-b"
    (ticket,) = (path.name for path in (tmp_path / "store/queue/box").iterdir() if path.suffix != ".lock")
    assert ticket.endswith("-cpu-gsm-a")
    two.release()
    assert one.take() == ""


def test_memory_is_waited_for_between_stages(place):
    """As much of each GPU that the run has must be free again; one that it has not, or that tells nothing, is nothing to it."""
    machine = Machine(2)
    machine.change(0, problem="is lost")
    one = place(machine)
    assert (one.settled(), one.take(), one.settled()) == ("", "", "")
    machine.change(0, memory_used=80 * GB)
    assert one.settled() == ""
    machine.change(1, memory_used=31 * GB, processes=(GpuProcess(7, "python", "anna", 31 * GB),))
    assert one.settled() == "waits until the memory of GPU 1 is free: 31.0 of 80.0 GB in use by python (anna)"
    machine.change(1, memory_used=30 * GB)
    assert one.settled() == "waits until the memory of GPU 1 is free: 31.0 of 80.0 GB in use by python (anna)"
    machine.change(1, memory_used=8 * GB)
    assert one.settled() == ""
    machine.change(1, memory_used=None)
    assert one.settled() == ""
    machine.change(1, memory_used=80 * GB, memory_total=None)
    assert one.settled() == ""
    cpus = place(Machine(0), gpus=0)
    assert (cpus.take(), cpus.settled()) == ("", "")


def test_what_was_seen_while_a_stage_was_at_work_is_looked_at_anew(place, monkeypatch):
    """Once: afterwards the driver is asked once a second at most, as ever."""
    machine = Machine(1)
    one = place(machine)
    one.take()
    monkeypatch.setattr(queue, "LOOK_S", 60.0)
    machine.change(0, memory_used=80 * GB)
    assert one.gpus[0].memory_used == 80 * GB
    machine.change(0, memory_used=0)
    assert one.settled() == ""
    machine.change(0, memory_used=80 * GB)
    one._due, machine.looks = 0.0, 0
    assert [bool(one.settled()) for _ in range(9)] == [True] * 9
    assert machine.looks == 2


@pytest.mark.parametrize("problem", [nvml.NO_LIBRARY, nvml.NO_DRIVER, nvml.NO_GPU, ""])
def test_without_gpus_there_are_cpus(place, tmp_path, problem):
    """As many slots as threads times parallel; the stages' environment is left as it is."""
    machine = Machine(0, problem)
    one, two, three = place(machine, threads=1, parallel=2), place(machine, threads=1), place(machine, threads=1, parallel=2)
    assert one.take() == two.take() == ""
    assert (one.slots, two.slots) == (("cpu-0", "cpu-1"), ("cpu-2",))
    assert one.environment == {}
    assert one.gpus == ()
    assert three.take() == "waits for 2 of 4 CPU slots: held by gsm-a, gsm-b"
    assert slots.holder(tmp_path / "store/queue/box/cpu-1.lock") == "gsm-a"
    two.release()
    assert three.take() == ""


@pytest.mark.parametrize("wants", [{}, {"threads": 64}])
def test_all_cpus_and_never_more_than_there_are(place, wants):
    """Where threads are left to torch a run needs the machine; one that wants more gets what there is."""
    machine = Machine(0)
    one, two = place(machine, **wants), place(machine, threads=1)
    assert one.take() == ""
    assert one.slots == ("cpu-0", "cpu-1", "cpu-2", "cpu-3")
    assert two.take() == "waits for a CPU slot: held by gsm-a"


def test_a_run_that_wants_no_gpu(place):
    """It takes CPUs on a machine with GPUs, and its stages see none of these; the driver is not even asked."""
    machine = Machine(2)
    one = place(machine, gpus=0, threads=1)
    assert one.take() == ""
    assert one.slots == ("cpu-0",)
    assert one.environment == {"CUDA_VISIBLE_DEVICES": ""}
    assert machine.looks == 0


def test_gpus_that_cannot_be_seen_are_waited_for(place):
    """A driver that was updated under a running machine is no reason to train a language model on CPUs."""
    machine = Machine(0, "the driver and its library NVML are of different versions")
    one = place(machine)
    assert one.take() == f"waits until the GPUs can be seen: {machine.problem}"
    assert one.slots == ()


def test_what_can_never_be_had_is_refused(place):
    """It would hold up everybody behind it for ever: it stands in line no more."""
    one = place(Machine(2), gpus=4)
    with pytest.raises(SirtuiError, match="wants 4 GPUs, and this machine has 2") as caught:
        one.take()
    assert "resources.gpus" in caught.value.hint
    assert place(Machine(2)).take() == ""


@pytest.mark.parametrize(
    ("visible", "slots_taken"),
    [("1", ("GPU-1",)), ("GPU-2, 0", ("GPU-2",)), ("9,1", ("cpu-0",)), ("", ("cpu-0",)), ("-1", ("cpu-0",))],
)
def test_whoever_starts_a_run_may_name_its_gpus(place, monkeypatch, visible, slots_taken):
    """CUDA_VISIBLE_DEVICES is obeyed as CUDA obeys it: what follows an unknown one does not count; none means CPUs."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    one = place(Machine(3), threads=1)
    assert one.take() == ""
    assert one.slots == slots_taken


def test_what_a_guard_has_inherited_stays_taken(place):
    """Without its supervisor too: the run that goes on waits for its own stage, and then has the GPU first."""
    machine = Machine(1)
    one = place(machine)
    one.take()
    with subprocess.Popen(["sleep", "60"], pass_fds=one.descriptors) as guard:
        one.release()
        assert one.take() == "waits for 1 of 1 GPUs: GPU 0 is held by a stage of its own that still runs"
        guard.kill()
    assert one.take() == ""


def test_a_place_that_cannot_be_written_is_told(place, tmp_path, monkeypatch):
    """No folder for locks, or a link in its place: the run waits and says for what; then it takes it."""
    one = place(Machine(1))
    monkeypatch.setenv("SIRTUI_LOCKS", str(tmp_path / "locks"))
    assert one.take() == f"waits: {tmp_path}/locks/sirtui-gpu-GPU-0.lock cannot be used: No such file or directory"
    (tmp_path / "locks").mkdir()
    assert one.take() == ""


def test_telemetry_is_kept_with_the_run(place, tmp_path, monkeypatch):
    """A line a GPU the run has, with the stages at work; rarer the fuller the file is, and in the end no more."""
    machine = Machine(3)
    machine.change(0, problem="is lost")
    one = place(machine, gpus=2)
    telemetry = Telemetry(one._run, one, now=lambda: 12.0)
    telemetry.sample(["it01/train"])
    assert newest(one._run) == ()
    one.take()
    telemetry.sample(["it02/sample", "it01/train"])
    telemetry.sample(["it09/train"])
    first, second = newest(one._run)
    assert (first.uuid, second.uuid, first.index) == ("GPU-1", "GPU-2", 1)
    assert (first.at, first.utilization, first.memory_used, first.memory_total) == (12.0, 0.5, 0, 80 * GB)
    assert first.stages == ("it01/train", "it02/sample")
    with one._run.gpus.open("ab") as file:
        file.write(b'{"torn')
    again = Telemetry(one._run, one, now=lambda: 13.0)
    again.sample()
    assert [each.at for each in newest(one._run)] == [13.0, 13.0]
    assert one._run.gpus.read_bytes().count(b"\n") == 5
    monkeypatch.setattr("sirtui.supervise.telemetry._STEP", one._run.gpus.stat().st_size)
    again._due = 0.0
    before = time.monotonic()
    again.sample()
    assert again._due - before == pytest.approx(10.0, abs=1.0)
    monkeypatch.setattr("sirtui.supervise.telemetry._MOST", one._run.gpus.stat().st_size)
    again._due = 0.0
    again.sample()
    assert one._run.gpus.read_bytes().count(b"\n") == 7


def sampled(run, **of):
    """Append a sample to the run's telemetry."""
    sample = GpuSample(**{"at": 1.0, "uuid": "GPU-0", "index": 0, "memory_total": 80 * GB, "stages": ("it01/train",), **of})
    with run.gpus.open("ab") as file:
        file.write(msgspec.json.encode(sample) + b"\n")


def test_telemetry_by_stage(tmp_path):
    """Mean utilization of what was told, peak memory, by GPU; what is torn, of no stage or of none we know is left out."""
    run = make_run(tmp_path / "store").folder
    assert by_stage(run) == ()
    sampled(run, utilization=0.5, memory_used=10 * GB)
    with run.gpus.open("ab") as file:
        file.write(b'{"at": 1, "uuid": "GPU-0", "ind\n\xff\n[]\n' + b"x" * 200_000 + b"\n")
    sampled(run, utilization=1.0, memory_used=30 * GB, stages=("it01/train", "it02/sample", "../evil"))
    sampled(run, memory_used=20 * GB)
    sampled(run, utilization=0.1, stages=())
    sampled(run, uuid="GPU-1", index=1, memory_total=None)
    sampled(run, utilization=0.25, memory_used=GB, stages=("it01/sample",))
    with run.gpus.open("ab") as file:
        file.write(b'{"torn')
    train, sample, later = map(Stage.parse, ("it01/train", "it01/sample", "it02/sample"))
    assert by_stage(run) == (
        Use(train, 0, 0.75, 30 * GB, 80 * GB, 3),
        Use(train, 1, None, None, None, 1),
        Use(sample, 0, 0.25, GB, 80 * GB, 1),
        Use(later, 0, 1.0, 30 * GB, 80 * GB, 1),
    )


def test_telemetry_is_read_in_bounded_memory(tmp_path):
    """However long the file, and however long its lines."""
    run = make_run(tmp_path / "store").folder
    for _ in range(3000):
        sampled(run, utilization=0.5)
    with run.gpus.open("ab") as file:
        file.write(b"x" * 4_000_000)
    tracemalloc.start()
    try:
        (use,) = by_stage(run)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert use.samples == 3000
    assert peak < 400_000


def test_telemetry_ends_no_run(place, tmp_path):
    """Nowhere to write, a folder in the way: there is none, and that is all."""
    one = place(Machine(1))
    one.take()
    one._run.gpus.mkdir()
    Telemetry(one._run, one).sample(["it01/train"])
    assert newest(one._run) == ()


def test_locks_look_used(place, tmp_path):
    """What tidies /tmp must not take away the lock of a run that has a GPU for weeks."""
    one = place(Machine(1))
    one.take()
    os.utime(slots.gpu_lock("GPU-0"), (1, 1))
    Telemetry(one._run, one).sample()
    assert slots.gpu_lock("GPU-0").stat().st_mtime > 1
    assert is_locked(slots.gpu_lock("GPU-0"))
