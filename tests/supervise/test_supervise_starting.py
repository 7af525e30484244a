"""Making a run, and what its processes are given."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from trials import SUPERVISOR, Trial, tiny

import sirtui
from sirtui.core import files
from sirtui.core.errors import SirtuiError, UsageError
from sirtui.core.layout import StoreFolder
from sirtui.core.rule import declared, rule
from sirtui.core.run import JobRecord, Kind, Origin, RunRecord, Stage, Status
from sirtui.supervise import launch_supervisor, start
from sirtui.supervise.environment import for_job, for_supervisor, importing_sirtui

Make = Callable[..., Trial]


def test_start(store: StoreFolder) -> None:
    """A run's folder holds its record, private to its owner, under the experiment's name and an id."""
    run = start(store, tiny(), Origin(file="tiny.toml"), now=lambda: 7.0, command=SUPERVISOR)
    assert re.fullmatch("tiny-[0-9a-f]{6}", run.name)
    record = files.read_record(run.record, RunRecord)
    assert record == RunRecord(run.name.removeprefix("tiny-"), tiny(), 7.0, Origin(file="tiny.toml"), declared(rule(tiny())))
    assert os.listdir(store.runs) == [run.name]
    assert {path.stat().st_mode & 0o077 for path in (store.path, store.runs, run.path, run.record, run.supervisor_log)} == {0}
    Trial(run, pytest.MonkeyPatch()).ended()


def test_start_anywhere(store: StoreFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the working directory nor a relative store matters."""
    monkeypatch.chdir(tmp_path)
    relative = StoreFolder(store.path.relative_to(tmp_path))
    run = start(relative, tiny(), Origin(), id="0000ff", command=SUPERVISOR)
    assert Trial(store.run(run.name), monkeypatch).ended().status == Status.FINISHED


def test_one_name_one_run(store: StoreFolder, make_trial: Make) -> None:
    """A run is never made over another, and nothing half-made is left."""
    trial = make_trial()
    before = trial.run.record.read_bytes()
    with pytest.raises(UsageError, match="tiny-000000 already"):
        start(store, tiny(2), Origin(), id="000000", command=SUPERVISOR)
    assert trial.run.record.read_bytes() == before
    assert os.listdir(store.runs) == ["tiny-000000"]


def test_supervisor_that_dies(make_trial: Make) -> None:
    """What it said last is told."""
    trial = make_trial()
    with pytest.raises(SirtuiError, match="did not start") as caught:
        launch_supervisor(trial.run, (sys.executable, "-c", "raise SystemExit('no luck today')"))
    assert caught.value.hint == "no luck today"


def job(kind: Kind, threads: int = 0) -> JobRecord:
    """A job at a stage of this kind."""
    return JobRecord("/runs/tiny-1", Stage(1, kind), 2, tiny(threads=threads), 1.0)


def test_environment() -> None:
    """What is needed passes, what is not named does not; each job is tagged."""
    given = {"PATH": "/bin", "LC_ALL": "C", "CUDA_VISIBLE_DEVICES": "1", "https_proxy": "p", "AWS_SECRET": "s", "FAULT": "f"}
    passed = for_job(job(Kind.JUDGE), given)
    assert given.items() - passed.items() == {("AWS_SECRET", "s"), ("FAULT", "f")}
    assert passed["SIRTUI_JOB"] == "/runs/tiny-1/it01/judge#2"
    assert passed["TQDM_DISABLE"] == "1"


@pytest.mark.parametrize("kind", Kind)
def test_tokens(kind: Kind) -> None:
    """Only what loads a model from the hub gets the person's token."""
    passed = for_job(job(kind), {"HF_TOKEN": "secret", "HUGGING_FACE_HUB_TOKEN": "secret", "HF_HOME": "/hf"})
    assert ("secret" in passed.values()) == kind.holds_model
    assert passed["HF_HOME"] == "/hf"


def test_threads() -> None:
    """`threads` reaches the libraries; 0 leaves them to what the person set."""
    assert for_job(job(Kind.TRAIN, threads=3), {"OMP_NUM_THREADS": "8"})["OMP_NUM_THREADS"] == "3"
    assert for_job(job(Kind.TRAIN), {"OMP_NUM_THREADS": "8"})["OMP_NUM_THREADS"] == "8"


def test_the_same_sirtui() -> None:
    """Another process imports the sirtui that this one runs, from wherever it works."""
    home = str(Path(sirtui.__file__).parent.parent)
    paths = importing_sirtui({"PYTHONPATH": "relative"})["PYTHONPATH"].split(os.pathsep)
    assert str(Path("relative").absolute()) in paths
    assert home in paths or "site-packages" in home


def test_job_file(make_trial: Make) -> None:
    """The intent says all a stage needs to know."""
    trial = make_trial()
    trial.launch()
    trial.ended()
    record = msgspec.json.decode(trial.attempt("it01/train").job.read_bytes(), type=JobRecord)
    assert (record.stage, record.attempt, record.spec) == (Stage.parse("it01/train"), 1, tiny())


def test_supervisors_know_no_more_than_their_stages() -> None:
    """What none of its stages may know is kept from a supervisor as well; our own settings are not."""
    given = {"PATH": "/bin", "HF_TOKEN": "t", "AWS_SECRET": "s", "WANDB_API_KEY": "w", "SIRTUI_LOCKS": "/l", "SIRTUI_JOB": "j"}
    assert given.items() & for_supervisor(given).items() == {("PATH", "/bin"), ("HF_TOKEN", "t"), ("SIRTUI_LOCKS", "/l")}
