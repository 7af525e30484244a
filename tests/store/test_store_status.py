"""How runs, stages and iterations stand, by what lies in their folders and which locks are held."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack

import pytest
from builders import NOW, make_run
from msgspec.structs import replace

from sirtui.core.events import Failed, Progress, Started
from sirtui.core.files import read_record, write_record
from sirtui.core.process import current, identify
from sirtui.core.run import Manifest, Stage, StateRecord, Status, SupervisorRecord
from sirtui.store import scan
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
    """Though the supervisor is gone, and its folder no longer changes."""
    run = make_run(root).supervisor().launch(TRAIN)
    clock.now = NOW + 1e8
    with run.working(TRAIN):
        assert (stage(store, run).status, run_status(store)) == (Status.RUNNING, Status.ORPHANED)
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


@pytest.fixture
def payload():
    """A process that lives, as the guard would write it down."""
    process = subprocess.Popen(["sleep", "60"])
    yield identify(process.pid, NOW)
    process.kill()
    process.wait()


HERE = current(NOW)
GONE = replace(HERE, ticks=1)


def written(run, payload, number=1):
    """The run with a state.json of a training."""
    write_record(run.attempt(TRAIN, number).state, StateRecord(GONE, payload))
    return run


@pytest.mark.parametrize("supervised", [True, False])
def test_a_payload_without_its_guard_is_an_orphan(store, root, payload, supervised):
    """Its lock is free, and it lives on: said with what to do, also while a supervisor is about to find it."""
    run = written(make_run(root).supervisor().launch(TRAIN), payload)
    with ExitStack() as stack:
        if supervised:
            stack.enter_context(run.supervised())
        row, status = stage(store, run), run_status(store)
    assert (row.status, row.reason) == (Status.ORPHANED, f"its guard died, but process {payload.pid} lives on")
    assert (f"sirtui stop {run.name}" in row.hint, f"sirtui resume {run.name}" in row.hint) == (True, True)
    assert status is (Status.RUNNING if supervised else Status.ORPHANED)


def test_an_orphan_is_watched_until_it_ends(store, root, clock):
    """Though no file changes, however long that takes."""
    process = subprocess.Popen(["sleep", "60"])
    written(make_run(root).supervisor().launch(TRAIN), identify(process.pid, NOW))
    clock.now = NOW + 1e8
    assert run_status(store) is Status.ORPHANED
    process.kill()
    process.wait()
    assert run_status(store) is Status.LOST


@pytest.fixture
def hidden():
    """Start a process that carries a stage's tag, which its payload did not take with it; its end."""
    started = []

    def start(run, number=1):
        environment = {**os.environ, "SIRTUI_JOB": f"{run.name}/{TRAIN}#{number}"}
        started.append(subprocess.Popen(["sleep", "60"], env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_what_a_dead_payload_left_is_an_orphan(store, root, clock, hidden):
    """Guard and payload died, but a grandchild that hid lives: it is watched until it ends, however long that takes."""
    run = written(make_run(root).supervisor().launch(TRAIN), GONE)
    one, other = hidden(run), hidden(run)
    hidden(run, 2)
    clock.now = NOW + 1e8
    row = stage(store, run)
    assert (row.status, row.reason) == (Status.ORPHANED, "its guard died, but 2 processes of it live on")
    assert "ends it and repeats the stage" in row.hint
    assert run_status(store) is Status.ORPHANED
    one.kill()
    one.wait()
    assert stage(store, run).reason == "its guard died, but 1 process of it lives on"
    other.kill()
    other.wait()
    assert (stage(store, run).status, run_status(store)) == (Status.LOST, Status.LOST)


def test_processes_are_looked_through_for_the_lost_alone(store, root, payload, monkeypatch):
    """Never for what is finished, ended, locked, alive, of another boot or host, or without a word of who worked at it."""
    asked = []
    monkeypatch.setattr(scan, "tagged", lambda tags: asked.extend(tags) or {tag: [] for tag in tags})
    written(make_run(root, "alive").supervisor().launch(TRAIN), payload)
    for number, changes in enumerate(({"boot": "another"}, {"host": "elsewhere"})):
        written(make_run(root, f"away{number}").supervisor().launch(TRAIN), replace(GONE, **changes))
    written(make_run(root, "ended").supervisor().launch(TRAIN), GONE).exit(TRAIN, 1, "broken")
    written(make_run(root, "done").supervisor().launch(TRAIN), GONE).finish(TRAIN)
    make_run(root, "new").supervisor().launch(TRAIN)
    locked = written(make_run(root, "held").supervisor().launch(TRAIN), GONE)
    with locked.working(TRAIN):
        store.catch_up()
    assert asked == []
    store.catch_up()
    assert asked == [f"{locked.name}/{TRAIN}#1"]


def test_a_payload_with_its_guard_runs_and_with_its_end_is_over(store, root, payload):
    """A number that lives means nothing once the end is told."""
    run = written(make_run(root).supervisor().launch(TRAIN), payload)
    with run.working(TRAIN):
        assert stage(store, run).status is Status.RUNNING
    run.exit(TRAIN, 1, "broken")
    assert stage(store, run).status is Status.FAILED


@pytest.mark.parametrize(
    ("process", "reason"),
    [(GONE, "its process died without a word"), (replace(HERE, boot="another"), "the machine was started again")],
)
def test_a_payload_that_is_gone_is_lost(store, root, process, reason):
    """Its number may belong to another by now, or to nobody since this boot."""
    row = stage(store, written(make_run(root).supervisor().launch(TRAIN), process))
    assert (row.status, row.reason) == (Status.LOST, reason)
    assert row.hint


@pytest.mark.parametrize(
    ("process", "reason", "hint"),
    [
        (GONE, "the supervisor died", "sirtui resume gsm-aaaa"),
        (replace(HERE, boot="another"), "the machine was started again", "sirtui resume gsm-aaaa"),
        (
            replace(HERE, host="elsewhere"),
            "nothing is heard of its supervisor on elsewhere",
            "Look there. If elsewhere is gone: sirtui resume gsm-aaaa --force",
        ),
    ],
)
def test_a_run_whose_supervisor_is_gone_says_why(store, root, process, reason, hint):
    """And what to do."""
    write_record(make_run(root).folder.supervisor, SupervisorRecord(process))
    store.catch_up()
    row = store.runs()[0]
    assert (row.status, row.reason, row.hint) == (Status.LOST, reason, hint)


def test_a_run_whose_stage_outlives_its_supervisor_is_an_orphan(store, root, clock):
    """It is shown at work, nobody knows for how long, and is looked at until it ends, however long that takes."""
    run = make_run(root).supervisor().finish(TRAIN).launch("it01/sample").tell("it01/sample", Progress(done=1, total=2))
    clock.now = NOW + 1e8
    with run.working("it01/sample"):
        store.catch_up()
        view = store.run(run.name)
        assert (view.run.status, view.run.reason) == (Status.ORPHANED, "its supervisor died; it01/sample still runs")
        assert view.run.hint == f"sirtui resume {run.name} takes it up, sirtui stop {run.name} ends it"
        assert (view.run.stage, view.run.done, view.run.eta) == ("it01/sample", 1, None)
        assert store.runs()[0] == view.run
        run.tell("it01/sample", Progress(done=2, total=2))
        store.catch_up()
        assert store.runs()[0].done == 2
    assert run_status(store) is Status.LOST


def test_a_supervisor_that_ended_leaves_no_stage_unseen(store, root):
    """Its last word counts once nothing lives; each stage at work is named."""
    run = make_run(root).supervisor(Status.STOPPED, "stopped").launch(TRAIN).launch("it01/sample")
    with run.working(TRAIN), run.working("it01/sample"):
        store.catch_up()
        assert store.runs()[0].reason == "its supervisor ended; it01/train, it01/sample still run"
    assert run_status(store) is Status.STOPPED


def test_a_waiting_run_says_for_what(store, root):
    """Its supervisor lives; who asks it to stop sees that instead."""
    run = make_run(root).supervisor(Status.WAITING, "for 2 GPUs: 1 is free", "See sirtui status.")
    with run.supervised():
        store.catch_up()
        row = store.runs()[0]
        assert (row.status, row.reason, row.hint) == (Status.WAITING, "for 2 GPUs: 1 is free", "See sirtui status.")
        run.supervisor(Status.WAITING, "for its turn")
        store.catch_up()
        assert store.runs()[0].hint == f"It goes on by itself; sirtui stop {run.name} gives up its turn."
        run.folder.stop_request.parent.mkdir()
        run.folder.stop_request.touch()
        assert run_status(store) is Status.STOPPING
    assert run_status(store) is Status.LOST


@pytest.mark.parametrize("status", [Status.FAILED, Status.STOPPED, Status.PAUSED, Status.FINISHED])
def test_every_end_but_a_good_one_has_a_way_on(store, root, status):
    """Where the supervisor itself names none."""
    run = make_run(root).supervisor(status).launch(TRAIN).exit(TRAIN, 1)
    row = stage(store, run)
    assert row.hint == f"sirtui resume {run.name} repeats it"
    assert store.runs()[0].hint == ("" if status is Status.FINISHED else f"sirtui resume {run.name}")


def test_a_guard_that_begins_meanwhile_is_no_dead_one(store, root, payload, monkeypatch):
    """Between a look at the lock and one at state.json it takes the one and writes the other."""
    run = make_run(root).supervisor().launch(TRAIN)
    lock, asked = run.folder.stage(Stage.parse(TRAIN)).lock, []

    def looked(path):
        asked.append(path)
        if path == lock and asked.count(lock) == 1:
            written(run, payload)
            return False
        return path == lock

    monkeypatch.setattr("sirtui.store.scan.is_locked", looked)
    assert stage(store, run).status is Status.RUNNING


def test_linked_stages_do_not_tell_how_long_one_takes(store, root):
    """They took no time."""
    run = make_run(root, iterations=3, evaluation={"repeats": 0}).supervisor()
    for done in ("it01/train", "it01/sample", "it01/judge"):
        run.finish(done)
        manifest = run.folder.stage(Stage.parse(done)).manifest
        write_record(manifest, replace(read_record(manifest, Manifest), origin=f"gsm-bbbb/{done}", seconds=0.0))
    with run.supervised():
        store.catch_up()
        assert store.runs()[0].eta is None
