"""How runs, stages and iterations stand, by what lies in their folders and which locks are held."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from builders import NOW, make_run

from sirtui.core.events import Failed, Progress, Started
from sirtui.core.run import Status
from sirtui.store.status import of_iteration

TRAIN = "it01/train"


def run_status(store) -> Status:
    """The status of the only run."""
    store.catch_up()
    return store.runs()[0].status


def stage(store, run, stage_id=TRAIN):
    """One stage's row."""
    store.catch_up()
    return next(row for row in store.run(run.name).stages if row.id == stage_id)


def test_a_new_run_waits_then_is_lost(store, root, clock):
    """A supervisor has ten seconds to appear; no file changes when they are over."""
    run = make_run(root)
    clock.now = NOW + 9
    assert run_status(store) is Status.WAITING
    clock.now = NOW + 11
    assert run_status(store) is Status.LOST
    assert store.runs()[0].hint == f"sirtui resume {run.name}"


def test_a_held_lock_is_a_running_run(store, root):
    """The lock counts, not what the file says."""
    run = make_run(root).supervisor(Status.FINISHED)
    with run.supervised():
        assert run_status(store) is Status.RUNNING
    assert run_status(store) is Status.FINISHED


def test_a_killed_supervisor_is_noticed_without_any_file_changing(store, root):
    """SIGKILL releases the lock and writes nothing."""
    run = make_run(root).supervisor()
    with run.supervised():
        assert run_status(store) is Status.RUNNING
    assert run_status(store) is Status.LOST


def test_a_stop_request_shows_while_the_supervisor_lives(store, root):
    """Afterwards its own last word counts."""
    run = make_run(root).supervisor()
    run.folder.stop_request.parent.mkdir()
    run.folder.stop_request.touch()
    with run.supervised():
        assert run_status(store) is Status.STOPPING
    run.supervisor(Status.STOPPED, "stopped", ended=NOW + 9)
    assert run_status(store) is Status.STOPPED
    assert store.runs()[0].ended == NOW + 9


def test_a_failed_run_says_why(store, root):
    """Reason and hint are the supervisor's."""
    make_run(root).supervisor(Status.FAILED, "out of memory", "a smaller batch", NOW + 3)
    store.catch_up()
    row = store.runs()[0]
    assert (row.status, row.reason, row.hint, row.ended) == (Status.FAILED, "out of memory", "a smaller batch", NOW + 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "not a readable"),
        (b"\x00\xff", "not a readable"),
        (b'{"schema": 7, "id": "x"}', "schema 7"),
        (b'{"id": "x", "created": 1, "spec": {"name": "x"}}', "base_model"),
        (b'{"id":"x","created":1,"spec":{"name":"x","base_model":"b","task":"t","iterations":1000000000}}', "1000000000"),
        (None, "run.json"),
    ],
)
def test_a_run_that_cannot_be_understood_is_listed_as_failed(store, root, content, reason):
    """With the reason, among the others, and it can be looked at."""
    run, good = make_run(root, "bad", name="x"), make_run(root)
    run.folder.record.unlink() if content is None else run.folder.record.write_bytes(content)
    store.catch_up()
    view = store.run(run.name)
    assert (view.run.status, reason in view.run.reason, view.run.title, view.stages) == (Status.FAILED, True, "x", ())
    assert {row.name for row in store.runs()} == {run.name, good.name}


def test_what_is_no_run_folder_is_passed_over(store, root):
    """Files, and folders no run could be called by."""
    make_run(root)
    runs = store.folder.runs
    (runs / "file").touch()
    for name in (".hidden-1", "-rf", "x\x1b[31m-1", b"\xff-1".decode("utf-8", "surrogateescape")):
        (runs / name).mkdir()
    store.catch_up()
    assert len(store.runs()) == 1


def test_a_manifest_is_an_end(store, root):
    """With the seconds it took."""
    row = stage(store, make_run(root).supervisor().finish(TRAIN, seconds=90.0))
    assert (row.status, row.seconds, row.cpu_seconds, row.started, row.ended) == (Status.FINISHED, 90.0, 45.0, NOW, NOW + 90)


@pytest.mark.parametrize(
    ("told", "status", "reason"),
    [("no such file", "failed", "no such file"), ("", "failed", "CUDA out of memory"), ("stopped", "stopped", "stopped")],
)
def test_an_exit_without_a_manifest_is_a_failure_or_a_stop(store, root, told, status, reason):
    """The guard's reason comes first, else what the stage itself told last."""
    run = make_run(root).supervisor().launch(TRAIN).tell(TRAIN, Failed(what="CUDA out of memory")).exit(TRAIN, 1, told, "hint")
    row = stage(store, run)
    assert (row.status, row.reason, row.hint, row.ended) == (status, reason, "hint", NOW + 60)


@pytest.mark.parametrize(("code", "reason"), [(-11, "killed by signal 11"), (3, "exit code 3"), (0, "left no manifest")])
def test_an_unexplained_end_is_explained_by_its_code(store, root, code, reason):
    """Where neither guard nor stage said anything."""
    assert reason in stage(store, make_run(root).launch(TRAIN).exit(TRAIN, code)).reason


@pytest.mark.parametrize(
    ("working", "supervised", "status"),
    [
        (True, True, Status.RUNNING),
        (True, False, Status.RUNNING),
        (False, True, Status.RUNNING),
        (False, False, Status.LOST),
    ],
)
def test_a_launched_stage_lives_by_its_lock_or_its_supervisor(store, root, working, supervised, status):
    """A stage that is starting holds no lock yet; one whose supervisor died may live on."""
    run = make_run(root).supervisor().launch(TRAIN)
    with ExitStack() as stack:
        if working:
            stack.enter_context(run.working(TRAIN))
        if supervised:
            stack.enter_context(run.supervised())
        assert stage(store, run).status is status


def test_a_stage_outliving_its_supervisor_is_watched_until_it_ends(store, root, clock):
    """Though the run is lost, and its folder no longer changes."""
    run = make_run(root).supervisor().launch(TRAIN)
    clock.now = NOW + 1e8
    with run.working(TRAIN):
        assert (stage(store, run).status, run_status(store)) == (Status.RUNNING, Status.LOST)
        run.tell(TRAIN, Progress(done=1, total=2))
        assert stage(store, run).done == 1
    assert stage(store, run).status is Status.LOST


def test_a_new_attempt_takes_the_place_of_a_failed_one(store, root):
    """Only the newest attempt is shown."""
    run = make_run(root).launch(TRAIN).exit(TRAIN, 1, "first").launch(TRAIN, 2)
    with run.supervised():
        row = stage(store, run)
    assert (row.status, row.attempt, row.reason) == (Status.RUNNING, 2, "")


def test_times_and_progress_come_from_the_journal(store, root):
    """What the stage told last."""
    run = make_run(root).launch(TRAIN, created=NOW)
    run.tell(TRAIN, Started(at=NOW + 2, stage=TRAIN), Progress(done=1, total=9, unit="step", what="warming"))
    run.tell(TRAIN, Progress(done=4, total=9, unit="step", what="training"))
    with run.working(TRAIN):
        row = stage(store, run)
    assert (row.started, row.done, row.total, row.unit, row.what) == (NOW + 2, 4, 9, "step", "training")


@pytest.mark.parametrize(
    ("stages", "run", "status"),
    [
        ("finished finished", "running", "finished"),
        ("finished running", "lost", "running"),
        ("finished waiting", "running", "waiting"),
        ("finished failed", "running", "waiting"),
        ("finished failed", "failed", "failed"),
        ("finished lost", "lost", "lost"),
        ("finished stopped", "stopped", "stopped"),
        ("finished waiting", "failed", "waiting"),
    ],
)
def test_an_iteration_stands_as_its_stages_do(stages, run, status):
    """Bad ends show only once nobody is at it any more."""
    assert of_iteration([Status(each) for each in stages.split()], Status(run)) is Status(status)
