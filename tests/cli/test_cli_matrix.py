"""A file that stands for several runs: checked as a whole, started in order; and what the machine has for them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from builders import NOW, RunBuilder, make_run
from fake_nvml import GB, LOST, Box, FakeProcess
from msgspec.structs import replace
from toying import TOY
from trials import wait_until

from sirtui.cli import check, planned, run, starting, status, sweeps, waiting
from sirtui.core.files import make_folder, read_record, write_record
from sirtui.core.layout import StoreFolder
from sirtui.core.machine import Gpu, Machine, Waiting
from sirtui.core.matrix import load_all
from sirtui.core.plan import plan
from sirtui.core.run import JobRecord, Kind, Manifest, RunRecord, Stage, Status
from sirtui.core.sizes import answers, checkpoints, passing
from sirtui.core.spec import Spec
from sirtui.store import Store
from sirtui.supervise import gpus, nvml, slots

EXPERIMENT = """
name = "toy"
base_model = "model"
task = "toy.py"
iterations = 4
data = {data}
[matrix]
seed = [0, 1]
method = [["toy.py", "toy.py", "toy.py", "toy.py"], ["toy.py", "frozen", "frozen", "frozen"]]
[sampling]
sampler = "toy.py"
n = 4
max_new_tokens = 8
[evaluation]
samples = 4
first_samples = 4
repeats = 1
embedder = ""
[resources]
threads = 1
"""
NAMES = ["toy-toy.toy.toy.toy-s0", "toy-toy.toy.toy.toy-s1", "toy-toy.frozen.frozen.frozen-s0", "toy-toy.frozen.frozen.frozen-s1"]
MACHINE = Machine("box", (), nvml.NO_LIBRARY, 8, ("",) * 8)


def rows(text: str) -> dict[str, str]:
    """What `check` says, by the first word of each line; of several lines with one word all."""
    told: dict[str, str] = {}
    for line in text.splitlines():
        key, said = line[:11].strip(), line[12:]
        told[key] = f"{told[key]}\n{said}" if key in told else said
    return told


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An experiment file with a matrix of four, on a machine without a GPU."""
    shutil.copy(TOY, tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model/weights").write_bytes(bytes(10_000_000))
    (tmp_path / "toy.toml").write_text(EXPERIMENT.replace("data = {data}\n", ""))
    monkeypatch.setattr(check, "look", lambda _store: MACHINE)
    return tmp_path / "toy.toml"


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs whose supervisors would have been launched."""
    names: list[str] = []
    monkeypatch.setattr(starting, "launch_supervisor", lambda run: names.append(run.name))
    return names


def edit(file: Path, old: str, new: str) -> None:
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def test_check_says_what_all_of_them_take(file, sirtui):
    """How many, what varies, totals of stages, answers and disk; an M_1 of two methods and one seed is made once."""
    told = rows(sirtui(file.parent / "store", "check", str(file)).out)
    assert told["runs"] == f"4, a process each: {', '.join(NAMES)}"
    assert told["method"] == "toy,toy,toy,toy, toy,frozen,frozen,frozen"
    assert told["seed"] == "0, 1"
    assert "base_model" not in told
    assert told["stages"].startswith(f"{4 * 23} in all")
    first, later, last = 12 * 4 + 12 * 5 + 12 * 5, 12 * 4 + 12 * 5, 12 * 5
    assert told["answers"].startswith(f"{2 * first + 4 * (2 * later + last):,} in all, those of an M_1 that several share")
    assert told["disk"].startswith("140.0 MB for 14 checkpoints, 2 of M_1 shared; 120.0 MB more while one is trained; answers")
    assert told["machine"].startswith("each waits for 1 of 8 CPU slots")
    assert told["time"] == "not known: no such run has finished here yet"
    assert "TOO SMALL" not in told["disk"]


def test_check_counts_everything_where_nothing_is_shared(file, sirtui):
    """`share = false`: every run makes its own M_1. `keep+last`: three checkpoints of a run at a time."""
    edit(file, "[resources]\n", '[resources]\nshare = false\nretain = "keep+last"\n')
    told = rows(sirtui(file.parent / "store", "check", str(file)).out)
    assert told["disk"].startswith("120.0 MB for 12 checkpoints;")
    assert told["answers"] == f"{4 * (168 + 2 * 108 + 60):,} in all"


def test_check_warns_of_a_disk_that_is_too_small(file, sirtui, monkeypatch):
    """With both numbers, and where."""
    monkeypatch.setattr(planned, "_free", lambda _store: 200_000_000)
    told = rows(sirtui(file.parent / "store", "check", str(file)).out)
    assert told["disk"].splitlines()[1].startswith("TOO SMALL: 26")
    assert told["disk"].endswith(f"200.0 MB are free in {file.parent}/store")


def test_check_takes_the_time_of_runs_like_it(file, sirtui):
    """From their first stage on, one after another; what is not known is said to be."""
    store = StoreFolder(file.parent / "store")
    spec = replace(load_all(file)[0], name="toy")
    write_record(store.run("toy-aaaa").record, RunRecord("aaaa", spec, NOW - 9999))
    done = RunBuilder(store.run("toy-aaaa"), spec)
    for stage in plan(spec):
        done.finish(stage.id)
    done.supervisor(Status.FINISHED, ended=NOW + 600)
    told = rows(sirtui(store.path, "check", str(file)).out)
    assert told["time"] == "about 20:00 min for 2 of them one after another, and 2 of which no like has finished here yet"


def test_all_are_checked_before_any_is_started(file, sirtui, launched):
    """A mistake in the last of them: it is told which, and nothing exists."""
    edit(file, '["toy.py", "frozen", "frozen", "frozen"]', '["toy.py", "frozen", "frozen", "forzen"]')
    told = sirtui(file.parent / "store", "run", str(file), code=2)
    assert f"{file} (toy-toy.frozen.frozen.forzen-s0): method: no trainer is called 'forzen'" in told.err
    assert (told.out, launched) == ("", [])
    assert not (file.parent / "store/runs").exists()


def test_the_settings_are_asked_about_once(file, sirtui, launched, monkeypatch):
    """Loading a trainer's library takes seconds: not for every run that has the same settings."""
    asked: list[str] = []
    monkeypatch.setattr(sweeps, "check_settings", lambda spec, _file: asked.append(spec.name) or True)
    sirtui(file.parent / "store", "run", str(file))
    assert len(asked) == 1


def test_run_starts_all_in_order_and_prints_their_names(file, sirtui, launched):
    """A name a line; each a whole experiment of its own, the sweep in common; created one after the other."""
    told = sirtui(file.parent / "store", "run", str(file))
    names = told.out.splitlines()
    assert names == launched
    assert [name.rpartition("-")[0] for name in names] == NAMES
    records = [read_record(StoreFolder(file.parent / "store").run(name).record, RunRecord) for name in names]
    assert [record.created for record in records] == sorted({record.created for record in records})
    assert len({record.sweep for record in records}) == 1
    assert records[0].sweep
    assert {record.origin.file for record in records} == {str(file)}
    assert all(record.rule and record.spec.verdicts.essential is not None for record in records)
    assert [(record.spec.seed, record.spec.trainer(2)) for record in records] == [
        (0, f"{file.parent}/toy.py"),
        (1, f"{file.parent}/toy.py"),
        (0, "frozen"),
        (1, "frozen"),
    ]
    again = sirtui(file.parent / "store", "run", str(file)).out.splitlines()
    assert read_record(StoreFolder(file.parent / "store").run(again[0]).record, RunRecord).sweep != records[0].sweep


def test_a_single_run_is_no_sweep(file, sirtui, launched):
    """Neither by its record, nor by its name."""
    edit(file, "seed = [0, 1]\n", "")
    edit(file, ', ["toy.py", "frozen", "frozen", "frozen"]', "")
    (name,) = sirtui(file.parent / "store", "run", str(file)).out.splitlines()
    assert read_record(StoreFolder(file.parent / "store").run(name).record, RunRecord).sweep == ""
    assert name.startswith("toy-")
    assert len(name) == len("toy-ab12cd")


@pytest.mark.parametrize(("codes", "worst"), [((0, 0, 0, 0), 0), ((0, 3, 0, 0), 3), ((3, 1, 3, 0), 1)])
def test_whoever_waits_for_all_gets_the_worst_of_their_codes(monkeypatch, capsys, codes, worst):
    """A run that failed is worse than a reversal that was found; every one is waited for, and named."""
    left = list(codes)
    monkeypatch.setattr(waiting, "wait", lambda _store, name, _out: left.pop(0))
    assert run._wait(Store(Path("nowhere")), list("abcd")) == worst
    assert capsys.readouterr().err.splitlines() == ["a:", "b:", "c:", "d:"]
    assert left == []


@pytest.mark.parametrize("command", ["check", "run"])
def test_more_gpus_than_there_are_is_a_mistake(file, sirtui, launched, monkeypatch, command):
    """Told at once, rather than waited for in vain. Where none can be seen, nothing is said."""
    edit(file, "[resources]\n", "[resources]\ngpus = 4\n")
    monkeypatch.setattr(sweeps, "gpus", lambda: ((), nvml.NO_LIBRARY))
    sirtui(file.parent / "store", "check", str(file))
    monkeypatch.setattr(sweeps, "gpus", lambda: (tuple(Gpu(n, f"GPU-{n}", "") for n in range(2)), ""))
    told = sirtui(file.parent / "store", command, str(file), code=2)
    assert f"{file}: resources.gpus: 4, but this machine has 2\n  Expected at most 2." in told.err
    assert launched == []


def test_check_says_which_gpus_a_run_waits_for(file, sirtui, monkeypatch):
    """And who waits already."""
    found = Machine("box", (Gpu(0, "GPU-0", ""), Gpu(1, "GPU-1", "")), "", 8, queue=(Waiting("a-1", 1.0, 1, 1),))
    monkeypatch.setattr(check, "look", lambda _store: found)
    told = rows(sirtui(file.parent / "store", "check", str(file)).out)
    assert told["machine"] == "each waits for 1 of 2 GPUs, in the order above; 1 wait already"


def test_room_that_a_run_takes():
    """A training takes three checkpoints to resume from beside its result, of four models each; a frozen one none."""
    spec = Spec(name="a", base_model="m", task="nano", method="sft-dpo", iterations=3)
    frozen = Spec(name="a", base_model="m", task="nano", method="frozen", iterations=3)
    assert [passing(spec, t, 10**9) for t in (1, 2, 3)] == [12 * 10**9] * 3
    assert [passing(frozen, t, 10**9) for t in (2, 3)] == [0, 0]
    assert answers(spec, 10) == 10 * answers(spec, 1) > 10 * spec.sampling.max_new_tokens
    assert [checkpoints(each) for each in (spec, retained(spec))] == [3, 3]
    assert checkpoints(retained(Spec(name="a", base_model="m", task="nano", iterations=9))) == 3


def retained(spec: Spec) -> Spec:
    return replace(spec, resources=replace(spec.resources, retain="keep+last"))


def test_status_tells_gpus_and_queue(tmp_path, sirtui, monkeypatch):
    """For scripts everything that is known; for people a line of GPUs, and why each run waits."""
    waits = make_run(tmp_path, "wait")
    found = Machine(
        "box",
        (Gpu(0, "GPU-0", "H100", 80 * GB, 2 * GB, 0.5, holder="nano-ab12cd"), Gpu(1, "GPU-1", "H100", 80 * GB, GB // 2)),
        "",
        2,
        queue=(Waiting(waits.name, 5.0, 2, 1, "waits for 2 of 2 GPUs: GPU 0 is held by nano-ab12cd"),),
    )
    monkeypatch.setattr(status, "look", lambda _store: found)
    told = sirtui(tmp_path, "status", "--json").json
    assert [gpu["uuid"] for gpu in told["gpus"]] == ["GPU-0", "GPU-1"]
    assert (told["gpus"][0]["holder"], told["gpus"][0]["memory_used"]) == ("nano-ab12cd", 2 * GB)
    assert "temperature" not in told["gpus"][0]
    assert told["queue"][0]["run"] == waits.name
    assert told["queue"][0]["reason"] == found.queue[0].reason
    text = sirtui(tmp_path, "status").out
    assert text.splitlines()[0] == "GPUs of box (H100): 0 nano-ab12cd, 1 free"
    assert text.endswith(f"\n{waits.name} waits for 2 of 2 GPUs: GPU 0 is held by nano-ab12cd\n")


def test_status_in_a_real_box(tmp_path):
    """The command itself, with a driver: foreign processes, a leak, a lost device, in one line."""
    box = Box(tmp_path / "box")
    box.change(0, used=31 * GB, processes=(FakeProcess(4_194_305, 31 * GB),))
    box.change(1, used=50 * GB)
    box.change(2, code=LOST)
    make_run(tmp_path / "store").supervisor(Status.FINISHED)
    call = "import sys; from sirtui.cli import main; sys.exit(main(sys.argv[1:]))"
    text = box.python(call, "--store", tmp_path / "store", "status")
    assert "(Fake H100): 0 31.0 GB in use by python3, 1 50.0 GB in use, 2 is lost: the driver" in text.splitlines()[0]
    told = json.loads(box.python(call, "--store", tmp_path / "store", "status", "--json"))
    assert [gpu["problem"] for gpu in told["gpus"]] == ["", "", "is lost: the driver cannot reach it (see dmesg)"]
    assert (told["queue"], told["gpus_problem"]) == ([], "")


def test_status_on_a_laptop_says_nothing_of_gpus(tmp_path, sirtui, monkeypatch):
    """But that they cannot be seen where there ought to be some."""
    make_run(tmp_path).supervisor(Status.FINISHED)
    monkeypatch.setattr(status, "look", lambda _store: MACHINE)
    assert sirtui(tmp_path, "status").out.startswith("run ")
    assert sirtui(tmp_path, "status", "--json").json["gpus"] == []
    monkeypatch.setattr(status, "look", lambda _store: Machine("box", (), gpus.SILENT, 2))
    assert sirtui(tmp_path, "status").out.startswith(f"{gpus.SILENT}\n\nrun ")


@pytest.mark.slow
def test_a_sweep_waits_and_is_worked_off_in_order(file, capfd):
    """Real supervisors: all wait while the machine is taken; then one after the other finishes, in the order of the file."""
    store = StoreFolder(file.parent / "store")
    folder = gpus.queue_folder(store)
    make_folder(folder)
    edit(file, "threads = 1", "threads = 0")
    edit(file, ', ["toy.py", "frozen", "frozen", "frozen"]', "")
    locks = [slots.cpu_lock(folder, slot) for slot in range(gpus.cpu_count())]
    taken = [slots.take(lock, "someone") for lock in locks]
    names = [made.name for made in starting.start_all(Store(store.path), sweeps.all_checked(file), file)]
    wait_until(lambda: [each.run for each in gpus.look(store).queue] == names, 30)
    assert gpus.look(store).queue[0].reason.endswith("held by someone")
    assert not any((store.run(name).path / "it01").exists() for name in names)
    slots.give_back([each for each in taken if each is not None])
    assert run._wait(Store(store.path), names) == 0
    last = [read_record(store.run(name).stage(Stage(4, Kind.MEASURE)).manifest, Manifest).ended for name in names]
    begun = [read_record(store.run(name).stage(Stage(1, Kind.TRAIN)).attempt(1).job, JobRecord).created for name in names]
    assert begun[0] < last[0] <= begun[1] < last[1]
    assert gpus.look(store).queue == ()
