"""The training stage as a process: asked to stop it leaves a checkpoint, killed it goes on from the last one."""

import os
import signal
import subprocess
import sys

import pytest
from builders import NOW, make_run
from interrupted import MODEL
from trials import wait_until

from sirtui.core.files import find_record, read_record, write_record
from sirtui.core.run import ExitRecord, JobRecord, Manifest, Stage

pytestmark = pytest.mark.slow
TRAIN = Stage.parse("it01/train")


def training(folder, **resources):
    """A training of some seconds, with two attempts to be made."""
    settings = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "num_train_epochs": 12, "learning_rate": 1e-3}
    evaluation = {"embedder": "", "problems": {"train": 60}}
    run = make_run(folder, base_model=MODEL, task="nano", evaluation=evaluation, train={"sft": settings}, resources=resources)
    stage = run.folder.stage(TRAIN)
    for number in (1, 2):
        write_record(stage.attempt(number).job, JobRecord(str(run.folder.path), TRAIN, number, run.spec, NOW))
    return stage


def launch(stage, number):
    where = stage.attempt(number)
    with where.log.open("wb") as log:
        command, environment = [sys.executable, "-m", "sirtui.stages", str(where.path)], {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def sealed(stage):
    return sorted(path.parent.name for path in stage.partial.glob("checkpoint-*/sealed.json"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    stage = training(tmp_path_factory.mktemp("undisturbed"))
    assert launch(stage, 1).wait() == 0
    return read_record(stage.manifest, Manifest).digest()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_leaves_a_checkpoint(tmp_path, undisturbed, number):
    """Within the grace, with its own word on it; the next attempt goes on from there and ends with the same files."""
    stage = training(tmp_path)
    stopped = launch(stage, 1)
    wait_until(lambda: b'"unit":"steps"' in stage.attempt(1).journal.read_bytes() if stage.attempt(1).journal.exists() else False)
    stopped.send_signal(number)
    assert stopped.wait(timeout=20) == 128 + number
    assert read_record(stage.attempt(1).word, ExitRecord).reason == "stopped"
    (left,) = sealed(stage)
    assert not stage.attempt(1).out.exists()
    assert launch(stage, 2).wait() == 0
    assert f"going on from {left}" in stage.attempt(2).log.read_text()
    assert read_record(stage.manifest, Manifest).digest() == undisturbed
    assert not stage.partial.exists()


def test_killed_it_goes_on_from_the_last_checkpoint(tmp_path, undisturbed):
    """Nothing was asked, nothing could be said: at most what came after the last checkpoint is done twice."""
    stage = training(tmp_path, save_every_s=0.2)
    killed = launch(stage, 1)
    wait_until(lambda: len(sealed(stage)) == 2)
    killed.kill()
    killed.wait()
    assert find_record(stage.attempt(1).word, ExitRecord) is None
    assert launch(stage, 2).wait() == 0
    assert "going on from checkpoint-" in stage.attempt(2).log.read_text()
    assert read_record(stage.manifest, Manifest).digest() == undisturbed
    assert sorted(path.name for path in stage.path.iterdir() if path.is_dir()) == ["attempt-1", "attempt-2", "checkpoint"]
