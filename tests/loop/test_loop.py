"""A whole loop by the command line: recipes of one's own, files, resuming after kills."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from sirtui.core.files import find_record, is_locked, read_lines, read_record
from sirtui.core.layout import RunFolder
from sirtui.core.measures import ProblemRecord
from sirtui.core.process import alive
from sirtui.core.run import Kind, Manifest, Stage, StateRecord, SupervisorRecord


def shown(shell, run="latest"):
    return json.loads(shell("show", run, "--json").stdout)


def measures(shell, run="latest"):
    return [(each["t"], each["measures"]) for each in shown(shell, run)["iterations"] + shown(shell, run)["repeats"]]


def folder(shell, name):
    return RunFolder(shell.store / "runs" / name)


def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_a_task_a_trainer_a_sampler_and_a_measure_are_one_new_file_each(shell):
    """An experiment with none but private recipes runs to its end, and its measures are there by name."""
    done = shell("run", "toy.toml", "--wait")
    name = done.stdout.strip()
    assert name.startswith("toy-")
    assert "it03/verdict finished" in done.stderr
    told = shown(shell)
    assert (told["schema"], told["run"], told["status"]) == (1, name, "finished")
    first, *_, last = told["iterations"]
    assert last["measures"]["pass@1.sampled"]["value"] > first["measures"]["pass@1.sampled"]["value"]
    assert last["measures"]["toy.doubt"]["change"] < 0
    assert "change" not in first["measures"]["toy.doubt"]
    assert {"stderr", "n", "value"} <= set(last["measures"]["pass@8"])
    assert "ood.accuracy" not in last["measures"]
    assert "NaN" not in json.dumps(told)


def test_values_that_are_no_numbers_are_undefined(shell):
    """NaN and infinite scores are left out, the others compared; a NaN in total is no value; nothing fails."""
    name = shell("run", "toy.toml", "--wait").stdout.strip()
    last = shown(shell)["iterations"][-1]
    assert "toy.broken" not in last["measures"]
    records = list(read_lines(folder(shell, name).problems(3), ProblemRecord))
    assert [record.scores.get("toy.broken") for record in records] == [None, None, *[0.5] * 10]


def test_the_files_of_a_run_lie_where_they_are_said_to(shell):
    """Every stage left its manifest, whose hashes name its inputs'; the selected answers and the marks are there."""
    name = shell("run", "toy.toml", "--wait").stdout.strip()
    run = folder(shell, name)
    manifest = read_record(run.stage(Stage(2, Kind.TRAIN)).manifest, Manifest)
    assert set(manifest.inputs) == {"it01/train", "it01/sample", "it01/judge"}
    assert manifest.settings["settings"] == {"step": 0.1}
    assert {file.path for file in manifest.files} == {"selected.jsonl", "checkpoint/skill.json"}
    records = list(read_lines(run.problems(3), ProblemRecord))
    assert [record.split for record in records] == ["test"] * 12
    assert all(len(record.bits) == 8 and record.further == () for record in records)
    first = [record for record in read_lines(run.problems(1), ProblemRecord) if record.split == "test"]
    assert [len(record.further) for record in first] == [8] * 12
    assert (run.path / "it01/repeat-2/measure/problems.jsonl").exists()
    assert not list(run.path.rglob("scratch"))
    assert os.stat(run.path).st_mode & 0o077 == 0


@pytest.mark.slow
def test_two_runs_of_one_seed_are_the_same_and_of_two_seeds_are_not(shell):
    """Everything drawn is drawn from the seed."""
    text = (shell.folder / "toy.toml").read_text()
    one, two = (shell("run", "toy.toml", "--wait").stdout.strip() for _ in range(2))
    (shell.folder / "other.toml").write_text(text.replace("seed = 7", "seed = 8"))
    other = shell("run", "other.toml", "--wait").stdout.strip()
    assert measures(shell, one) == measures(shell, two)
    assert digests(shell, one) == digests(shell, two)
    assert measures(shell, one) != measures(shell, other)
    assert digests(shell, one) != digests(shell, other)


def digests(shell, name):
    """Of every stage, what it was made from and what it made; of every evaluation, what was measured."""
    run = folder(shell, name)
    manifests = [read_record(path, Manifest) for path in sorted(run.path.rglob("manifest.json"))]
    evaluations = [path.read_bytes() for path in sorted(run.path.rglob("evaluation.json"))]
    return [(each.stage, each.inputs, each.digest()) for each in manifests], evaluations


def attempts(run):
    """Per stage, how many attempts were made."""
    found = {}
    for path in run.path.rglob("attempt-*"):
        found[str(path.parent.relative_to(run.path))] = found.get(str(path.parent.relative_to(run.path)), 0) + 1
    return found


@pytest.mark.parametrize(
    "victim", [pytest.param("stage", marks=pytest.mark.slow), pytest.param("supervisor", marks=pytest.mark.slow), "both"]
)
def test_kill_9_and_resume_ends_like_an_undisturbed_run(shell, victim):
    """Whoever is killed, resuming ends with the same measures and repeats no finished stage."""
    undisturbed = shell("run", "toy.toml", "--wait").stdout.strip()
    shell.environment["PYTHON_TOY_PAUSE"] = "0.3"
    name = shell("run", "toy.toml").stdout.strip()
    run = folder(shell, name)
    training = run.stage(Stage(2, Kind.TRAIN)).attempt(1)
    until(lambda: find_record(training.state, StateRecord) is not None)
    until(lambda: training.journal.exists() and b"progress" in training.journal.read_bytes())
    finished = {str(path.parent.relative_to(run.path)) for path in run.path.rglob("manifest.json")}
    stage, supervisor = read_record(training.state, StateRecord).payload, read_record(run.supervisor, SupervisorRecord).process
    for process in {"supervisor": [supervisor], "stage": [stage], "both": [supervisor, stage]}[victim]:
        os.kill(process.pid, signal.SIGKILL)
    until(lambda: not is_locked(run.supervisor_lock))
    assert shown(shell, name)["status"] in ("lost", "failed", "orphaned")
    shell("resume", name, "--wait")
    assert measures(shell, name) == measures(shell, undisturbed)
    made = attempts(run)
    assert {stage: made[stage] for stage in finished} == dict.fromkeys(finished, 1)
    assert made["it02/train"] == (1 if victim == "supervisor" else 2)
    assert not alive(stage)


def test_stop_ends_everything_and_resume_goes_on(shell):
    """A stopped run says so, holds no lock, and ends like any other when resumed."""
    shell.environment["PYTHON_TOY_PAUSE"] = "0.3"
    name = shell("run", "toy.toml").stdout.strip()
    run = folder(shell, name)
    until(run.stage(Stage(1, Kind.TRAIN)).attempt(1).journal.exists)
    shell("stop", "latest", "--wait")
    assert shown(shell, name)["status"] == "stopped"
    assert not [path for path in run.path.rglob("*.lock") if is_locked(path)]
    shell.environment["PYTHON_TOY_PAUSE"] = "0"
    shell("resume", name, "--wait")
    assert shown(shell, name)["status"] == "finished"
    assert "is finished" in shell("resume", name, code=2).stderr


def test_a_failing_stage_says_why_and_where(shell):
    """The reason, a hint and the log are one command away; the exit code is 1."""
    toy = (shell.folder / "toy.py").read_text()
    (shell.folder / "toy.py").write_text(
        toy.replace("before = Path", "raise RuntimeError('no memory [bold]\\x1b[2J')\n        before = Path")
    )
    done = shell("run", "toy.toml", "--wait", code=1)
    assert "RuntimeError: no memory [bold]" in done.stderr
    assert "\x1b" not in done.stderr
    assert "RuntimeError" in shell("logs", "latest").stdout
    assert "failed" in shell("status").stdout


def test_a_wrong_experiment_leaves_nothing_behind(shell):
    """Exit code 2, file and key named, and not even a store made."""
    text = (shell.folder / "toy.toml").read_text()
    for wrong, key in ((text.replace('task = "toy.py"', 'task = "gsm9k"'), "task"), (text + "n = 3\n", "resources.n")):
        (shell.folder / "wrong.toml").write_text(wrong)
        done = shell("run", "wrong.toml", code=2)
        assert f"wrong.toml: {key}: " in done.stderr
        assert done.stdout == ""
    assert not shell.store.exists()


def test_the_log_is_printed_safely(shell):
    """Escapes in what a stage printed do not reach the terminal, markup stays text."""
    shell("run", "toy.toml", "--wait")
    said = shell("logs", "latest", "it02/train").stdout
    assert "learnt from" in said
    assert "[bold]not markup" in said
    assert "\x1b" not in said
    assert Path(shell("logs", "latest", "it02/train", "--path").stdout.strip()).exists()


def test_the_index_can_be_thrown_away(shell):
    """Deleting the database loses nothing, reindex makes the same one."""
    name = shell("run", "toy.toml", "--wait").stdout.strip()
    before = shown(shell)
    for file in shell.store.glob("sirtui.db*"):
        file.unlink()
    assert shown(shell) == before
    assert "1 runs" in shell("reindex").stderr
    assert shown(shell, name[: len("toy-") + 3]) == before


def test_names_of_runs(shell):
    """An unknown run is told with what there is; an empty store says how to begin."""
    assert "sirtui demo" in shell("status").stdout
    told = json.loads(shell("status", "--json").stdout)
    assert (told["schema"], told["runs"], told["jobs"], told["queue"]) == (1, [], [], [])
    assert "no run" in shell("show", "latest", code=2).stderr.lower()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('embedder = ""', 'embedder = "/nope"'), "evaluation.embedder: /nope does not exist"),
        (("n = 8", "n = 8\ntemperature = inf"), "sampling.temperature: got inf"),
        (('embedder = ""', 'embedder = ""\nood = ["toy.py"]'), "evaluation.ood: tasks of one name: adding, adding"),
        (('task = "toy.py"', 'task = "nano"\ndata = "toy.toml"'), "data: nano makes its own problems"),
        (('measures = ["toy.py"]', 'measures = ["broken.py"]'), "evaluation.measures: "),
        (("[resources]", "[train.sft]\nlearning_rate = nan\n[resources]"), "train.sft.learning_rate: got nan"),
    ],
)
def test_what_would_fail_later_is_told_first(shell, change, told):
    """Before anything starts, by file and key, with exit code 2 and no traceback."""
    (shell.folder / "broken.py").write_text("def of(:\n")
    (shell.folder / "wrong.toml").write_text((shell.folder / "toy.toml").read_text().replace(*change))
    done = shell("check", "wrong.toml", code=2)
    assert f"wrong.toml: {told}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_log_is_followed_from_stage_to_stage(shell):
    """Without a stage, whichever is at work, until the run ends."""
    shell.environment["PYTHON_TOY_PAUSE"] = "0.2"
    name = shell("run", "toy.toml").stdout.strip()
    run = folder(shell, name)
    until(run.stage(Stage(1, Kind.TRAIN)).attempt(1).journal.exists)
    said = shell("logs", "latest", "-f").stdout
    assert {"it01/train, attempt 1", "it03/train, attempt 1"} <= {line.partition(" ")[2] for line in said.splitlines()}
    assert "==> " in said


def test_what_outlived_its_supervisor_can_be_stopped(shell):
    """`stop` ends it at once, with or without --wait, and says so only when it is true."""
    shell.environment["PYTHON_TOY_PAUSE"] = "5"
    name = shell("run", "toy.toml").stdout.strip()
    run = folder(shell, name)
    training = run.stage(Stage(1, Kind.TRAIN)).attempt(1)
    until(lambda: find_record(training.state, StateRecord) is not None)
    os.kill(read_record(run.supervisor, SupervisorRecord).process.pid, signal.SIGKILL)
    until(lambda: not is_locked(run.supervisor_lock))
    assert "stopped" in shell("stop", name).stderr
    assert not alive(read_record(training.state, StateRecord).payload)


def test_a_store_may_be_called_like_a_command(shell):
    """What stands behind --store is never taken for the command."""
    assert json.loads(shell("--store", "run", "status", "--json").stdout)["runs"] == []
    assert "RUN" in shell("--store", "run", "show", "--help").stdout
