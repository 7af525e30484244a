"""Faults 23, 25, 26, 39 and 46: what an interrupted stage leaves cannot be written, is damaged, holds a program, or is used.

The trainings are real ones of the nano model, by TRL.
"""

import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from builders import NOW, make_run
from interrupted import MODEL, attempt, job, steps_done
from trials import wait_until

from sirtui.core.checkpoints import STATE, seal
from sirtui.core.errors import SpecError, StageError
from sirtui.core.files import read_lines, read_record, write_lines, write_record
from sirtui.core.run import ExitRecord, JobRecord, Stage
from sirtui.core.samples import Answers, Marks, SampleSet
from sirtui.core.spec import load
from sirtui.recipes import checkpoint as loading


def names(folder):
    return sorted(path.name for path in (folder / "partial").iterdir())


def kept(folder):
    """The content of all that checkpoints hold."""
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("checkpoint-*/*"))}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A training stopped after four of its six steps, with two checkpoints; and where an undisturbed one ends."""
    folder = tmp_path_factory.mktemp("trained")
    undisturbed = attempt(job(folder / "undisturbed", "sft"), "sft")
    assert attempt(job(folder / "stopped", "sft"), "sft", steps=4, save_every_s=1e-9) is None
    assert names(folder / "stopped") == ["checkpoint-3", "checkpoint-4"]
    return folder / "stopped", undisturbed


@pytest.fixture
def stopped(trained, tmp_path):
    """A copy of it, to be damaged."""
    shutil.copytree(trained[0], tmp_path / "copy")
    return job(tmp_path / "copy", "sft")


def going_on(training, trained, steps):
    """The next attempt finds so many steps done, and ends as if nothing had been."""
    told = []
    assert attempt(training, "sft", told=told) == trained[1]
    assert steps_done(told) == (steps, 6)


def training_of_a_run(folder):
    """The first training of a run that saves at each step."""
    settings = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 1, "num_train_epochs": 1}
    run = make_run(
        folder,
        base_model=MODEL,
        task="nano",
        evaluation={"embedder": "", "problems": {"train": 24}},
        train={"sft": {**settings, "learning_rate": 1e-3}},
        resources={"save_every_s": 1e-9},
    )
    return launched(run, "it01/train")


def launched(run, stage):
    """The stage, with two attempts to be made."""
    folder = run.folder.stage(Stage.parse(stage))
    for number in (1, 2):
        write_record(folder.attempt(number).job, JobRecord(str(run.folder.path), Stage.parse(stage), number, run.spec, NOW))
    return folder


def work_at(stage, number, largest_file=resource.RLIM_INFINITY):
    """The stage's own program, which may write files of so many bytes; its word on how it ended."""

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    where = stage.attempt(number)
    with where.log.open("wb") as log:
        subprocess.run(
            [sys.executable, "-m", "sirtui.stages", str(where.path)],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=log,
            stderr=log,
            preexec_fn=limited,
            check=False,
            timeout=120,
        )
    return read_record(where.word, ExitRecord)


@pytest.mark.slow
def test_fault_23_no_room_for_a_checkpoint(tmp_path):
    """Weights fit, the optimizer does not: the stage says so, leaves nothing half-written, and ends well when tried again."""
    stage = training_of_a_run(tmp_path)
    failed = work_at(stage, 1, largest_file=2_000_000)
    assert failed.code != 0
    assert "File too large" in failed.reason
    assert not stage.manifest.exists()
    assert not stage.checkpoint.exists()
    assert [path.name for path in stage.partial.iterdir()] == ["partial.json"]
    assert not stage.attempt(1).out.exists()
    assert work_at(stage, 2).code == 0
    assert stage.manifest.exists()
    assert (stage.checkpoint / "model.safetensors").exists()
    assert not stage.partial.exists()


def test_fault_23_what_was_left_before_stays(trained, stopped):
    """A limit on this very process: the error has its number, earlier checkpoints are as they were, and are gone on from."""
    before = kept(stopped.partial)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
        with pytest.raises(OSError, match="File too large"):
            attempt(stopped, "sft", save_every_s=1e-9)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert kept(stopped.partial) == before
    going_on(stopped, trained, 4)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder: cut(folder / "model.safetensors"), "model.safetensors has "),
        (lambda folder: (folder / STATE).unlink(), f"{STATE} is missing"),
        (lambda folder: (cut(folder / "optimizer.pt"), reseal(folder)), "optimizer.pt is damaged: "),
    ],
    ids=["weights cut off", "no state", "optimizer cut off before it was sealed"],
)
def test_fault_25_the_newest_checkpoint_is_damaged(trained, stopped, capsys, damage, told):
    """It is renamed, not deleted, the log says why, and the training goes on from the one before: same weights."""
    damage(stopped.partial / "checkpoint-4")
    going_on(stopped, trained, 3)
    said = capsys.readouterr().out
    assert f"set aside as bad-checkpoint-4: {told}" in said
    assert "going on from checkpoint-3" in said
    assert (stopped.partial / "bad-checkpoint-4/model.safetensors").exists()


def test_fault_25_a_checkpoint_half_written(trained, stopped):
    """Killed while it was written: the seal is missing. No damage, but not used."""
    (stopped.partial / "checkpoint-4/sealed.json").unlink()
    going_on(stopped, trained, 3)
    assert "unfinished-checkpoint-4" in names(stopped.partial.parent)


def test_fault_26_all_checkpoints_are_bad(trained, stopped):
    """The stage asks rather than begin anew by itself, as often as it is tried; put aside, it begins at the beginning."""
    for folder in stopped.partial.iterdir():
        (folder / STATE).unlink()
    for _ in range(2):
        with pytest.raises(StageError, match="none of the 2 checkpoints of it02/train can be used") as caught:
            attempt(replace(stopped, run="mine-1"), "sft")
        assert "`sirtui resume mine-1 --anew`" in caught.value.hint
        assert names(stopped.partial.parent) == ["bad-checkpoint-3", "bad-checkpoint-4"]
    stopped.partial.rename(stopped.partial.parent / "partial.old-1")
    stopped.partial.mkdir()
    going_on(stopped, trained, 1)


def test_fault_26_killed_while_the_first_one_was_written(trained, stopped):
    """Nothing was there to be damaged: nobody is asked."""
    shutil.rmtree(stopped.partial / "checkpoint-3")
    (stopped.partial / "checkpoint-4/sealed.json").unlink()
    going_on(stopped, trained, 1)


SLOW_JUDGE = """
import os, time
from sirtui.core.samples import Mark, Outcome, Problem

class Task:
    name, levels, ood = "slow", (), ()

    def problems(self, split, data):
        return [Problem(f"slow/{split}-{n}", "?", "a0") for n in range(12)]

    def prompt(self, problem): ...
    def steps(self, answer): ...

    def judge(self, answers):
        for problem, answer in answers:
            with open(__file__ + ".log", "ab", buffering=0) as log:
                log.write(b".")
            time.sleep(0.001)
            yield Mark(Outcome.CORRECT if answer == problem.reference else Outcome.INCORRECT, answer)

TASK = Task()
"""


def test_fault_39_the_judge_is_killed(tmp_path):
    """SIGKILL in the second of three shards: each answer has one mark, its own, and one shard at most was judged twice."""
    task = tmp_path / "slow.py"
    task.write_text(SLOW_JUDGE)
    run = make_run(tmp_path / "store", task=str(task), evaluation={"embedder": "", "ood": []})
    texts = tuple(f"a{n}" for n in range(100))
    drawn = [Answers(f"slow/test-{n}", texts, (1,) * 100, (True,) * 100, (None,) * 100) for n in range(12)]
    write_lines(run.folder.answers(1, 1, SampleSet.TEST), drawn)
    run.finish("it01/sample")
    stage, calls = launched(run, "it01/judge"), task.with_name("slow.py.log")
    killed = subprocess.Popen([sys.executable, "-m", "sirtui.stages", str(stage.attempt(1).path)])
    wait_until(lambda: calls.exists() and calls.stat().st_size > 800)
    killed.kill()
    killed.wait()
    assert not stage.manifest.exists()
    assert work_at(stage, 2).code == 0
    marks = list(read_lines(run.folder.marks(1, 1, SampleSet.TEST), Marks))
    assert [(each.problem, [mark.read for mark in each.marks]) for each in marks] == [(d.problem, list(texts)) for d in drawn]
    assert 1200 < calls.stat().st_size <= 1200 + 600


class Program:
    """Unpickled, it makes a folder."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def reseal(folder: Path) -> None:
    """As if the checkpoint had been written so."""
    (folder / "sealed.json").unlink()
    seal(folder, "key")


def plant(path: Path, mark: Path, *, zipped: bool) -> None:
    """A program as a pickle of Python's, or in the form of torch's."""
    import torch

    if zipped:
        torch.save({"cpu": Program(mark)}, path)
    else:
        path.write_bytes(pickle.dumps(Program(mark)))


@pytest.mark.parametrize("zipped", [True, False], ids=["torch", "pickle"])
@pytest.mark.parametrize("name", ["rng_state.pth", "optimizer.pt", "scheduler.pt", "pytorch_model.bin", "training_args.bin"])
def test_fault_46_a_program_in_a_checkpoint(stopped, tmp_path, capsys, name, zipped):
    """In the newest one, and the seal is right: it is set aside, never run; where all hold one, the stage asks."""
    mark = tmp_path / "it ran"
    for folder in stopped.partial.iterdir():
        plant(folder / name, mark, zipped=zipped)
        reseal(folder)
    with pytest.raises(StageError, match="none of the 2 checkpoints"):
        attempt(stopped, "sft")
    assert f"set aside as bad-checkpoint-4: {name} " in capsys.readouterr().out
    assert not mark.exists()


def test_fault_46_the_trap_would_work(tmp_path):
    """What is planted here does run where pickles are trusted."""
    for zipped in (True, False):
        mark, trap = tmp_path / f"ran-{zipped}", tmp_path / "trap"
        plant(trap, mark, zipped=zipped)
        import torch

        torch.load(trap, weights_only=False) if zipped else pickle.loads(trap.read_bytes())
        assert mark.exists()


@pytest.mark.parametrize("zipped", [True, False], ids=["torch", "pickle"])
@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors", "training_args.bin"])
def test_fault_46_a_program_in_a_base_model(tmp_path, name, zipped):
    """Instead of the weights it is refused in plain words; beside them it is not looked at."""
    mark, model = tmp_path / "it ran", tmp_path / "model"
    shutil.copytree(MODEL, model)
    if name == "pytorch_model.bin":
        (model / "model.safetensors").unlink()
    plant(model / name, mark, zipped=zipped)
    if name == "training_args.bin":
        loading.load(str(model))
    else:
        with pytest.raises(StageError, match="no model loads from here") as caught:
            loading.load(str(model))
        assert "pickled ones are not opened" in caught.value.hint
    assert not mark.exists()


def test_fault_46_code_beside_a_model(tmp_path):
    """A configuration that names a Python file of its own is refused; nobody is asked, nothing runs."""
    mark, model = tmp_path / "it ran", tmp_path / "model"
    shutil.copytree(MODEL, model)
    (model / "trap.py").write_text(f"import os\nos.mkdir({str(mark)!r})\n")
    config = json.loads((model / "config.json").read_text())
    named = {"AutoConfig": "trap.Config", "AutoModelForCausalLM": "trap.Model"}
    (model / "config.json").write_text(json.dumps({**config, "model_type": "trap", "auto_map": named}))
    with pytest.raises(StageError, match="no model loads from here"):
        loading.load(str(model))
    assert not mark.exists()


@pytest.mark.parametrize("text", ['!!python/object/apply:os.mkdir ["{}"]', 'name: !!python/object/apply:os.mkdir ["{}"]\n'])
def test_fault_46_an_experiment_in_yaml(tmp_path, text):
    """An experiment is TOML: anything else is told, none of it is done."""
    mark, file = tmp_path / "it ran", tmp_path / "mine.yaml"
    file.write_text(text.replace("{}", str(mark)))
    with pytest.raises(SpecError, match=r"mine\.yaml: not TOML"):
        load(file)
    assert not mark.exists()
