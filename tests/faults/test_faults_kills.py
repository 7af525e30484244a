"""Fault 27: killed at every boundary and at random, a run ends with the results of an undisturbed one."""

import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from itertools import cycle
from pathlib import Path

import pytest
from toying import EXPERIMENT, TOY
from trials import HERE, wait_until

from sirtui.core import files
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.plan import plan
from sirtui.core.process import alive, signal_safely
from sirtui.core.run import Manifest, RunRecord, StateRecord, Status, SupervisorRecord
from sirtui.core.spec import Spec, parse
from sirtui.recipes.declare import resolved
from sirtui.supervise import create, launch_supervisor, resume, supervise
from sirtui.supervise.launchers.local import LocalLauncher

MORTAL = (sys.executable, str(Path(__file__).with_name("mortal_stage.py")))
SUPERVISOR = (sys.executable, str(HERE / "fake_supervisor.py"))


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RunFolder]:
    """Makes runs of the toy experiment with two iterations, each in a store of its own."""
    folder = tmp_path_factory.mktemp("toy")
    shutil.copy(TOY, folder)
    (folder / "model").mkdir()
    text = EXPERIMENT.replace('["toy.py", "toy.py", "toy.py"]', '["toy.py", "toy.py"]')
    spec = resolved(parse(text.replace("iterations = 3", "iterations = 2"), "toy.toml", folder))
    return lambda name: create(StoreFolder(folder / name), RunRecord("000000", spec, 1.0))


def spec_of(run: RunFolder) -> Spec:
    """What it does."""
    return files.read_record(run.record, RunRecord).spec


def result(run: RunFolder) -> str:
    """One hash of all that its stages left."""
    digests = [files.read_record(run.stage(stage).manifest, Manifest).digest() for stage in plan(spec_of(run))]
    return sha256("".join(digests).encode()).hexdigest()


def attempts(run: RunFolder) -> int:
    """How many were made in all."""
    return sum(len(run.stage(stage).attempts()) for stage in plan(spec_of(run)))


@pytest.fixture(scope="module")
def undisturbed(toy: Callable[[str], RunFolder]) -> str:
    """The result of a run that nobody disturbs."""
    run = toy("undisturbed")
    assert supervise(run, LocalLauncher()) == Status.FINISHED
    assert attempts(run) == len(plan(spec_of(run)))
    return result(run)


@pytest.mark.slow
def test_fault_27_a_stage_killed_at_every_boundary(toy: Callable[[str], RunFolder], undisturbed: str) -> None:
    """Each stage dies before each of its renames in turn, and is resumed every time."""
    run = toy("boundaries")
    while supervise(run, LocalLauncher(MORTAL)) != Status.FINISHED:
        pass
    killed = attempts(run) - len(plan(spec_of(run)))
    print(f"killed {killed} times")
    assert killed >= 40
    assert result(run) == undisturbed


@pytest.mark.slow
def test_fault_27_a_supervisor_killed_at_every_boundary(
    toy: Callable[[str], RunFolder], undisturbed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies before and after every launch; no stage is made twice but those that were never launched."""
    run, kills = toy("supervisors"), 0
    monkeypatch.setenv("SIRTUI_REAL", "1")
    for moment in cycle(("before *", "after *")):
        monkeypatch.setenv("SIRTUI_DIE", moment)
        (resume if kills else launch_supervisor)(run, command=SUPERVISOR)
        wait_until(lambda: not files.is_locked(run.supervisor_lock), 60)
        if ended(run) == Status.FINISHED:
            break
        kills += 1
    print(f"killed {kills} times")
    assert kills >= len(plan(spec_of(run)))
    assert attempts(run) <= len(plan(spec_of(run))) + kills // 2 + 1
    assert result(run) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_fault_27_killed_at_random(
    toy: Callable[[str], RunFolder], undisturbed: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Supervisor, guard or stage killed at random moments, at least five times a run."""
    run, chance, kills = toy(f"random-{seed}"), random.Random(seed), 0
    monkeypatch.setenv("SIRTUI_REAL", "1")
    monkeypatch.setenv("PYTHON_TOY_PAUSE", "0.2")
    launch_supervisor(run, SUPERVISOR)
    while (status := ended(run)) != Status.FINISHED or files.is_locked(run.supervisor_lock):
        if status not in (Status.RUNNING, Status.WAITING) and not files.is_locked(run.supervisor_lock):
            resume(run, command=SUPERVISOR)
        time.sleep(chance.uniform(0, 0.4))
        if kills < 8 and kill_one(run, chance):
            kills += 1
    assert kills >= 5
    assert result(run) == undisturbed


def ended(run: RunFolder) -> Status:
    """How the supervisor says the run stands; failed where it is dead and says it lives."""
    record = files.read_record(run.supervisor, SupervisorRecord)
    return Status.FAILED if record.status.alive and not alive(record.process) else record.status


def kill_one(run: RunFolder, chance: random.Random) -> bool:
    """SIGKILL the supervisor, or a guard or payload at work; whether there was one."""
    known = [files.read_record(run.supervisor, SupervisorRecord).process]
    for stage in plan(spec_of(run)):
        folder = run.stage(stage)
        if (numbers := folder.attempts()) and (state := files.find_record(folder.attempt(numbers[-1]).state, StateRecord)):
            known += [state.guard, state.payload]
    living = [process for process in known if alive(process)]
    return bool(living) and signal_safely(chance.choice(living), signal.SIGKILL)
