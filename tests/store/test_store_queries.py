"""What the store answers: runs, one run, curves, names, estimates."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from builders import NOW, make_run, make_spec

from sirtui.core.errors import NotFound
from sirtui.core.events import Comparison, Metric, Progress, Scalars
from sirtui.core.plan import plan
from sirtui.core.run import Kind, Status
from sirtui.store.eta import eta
from sirtui.store.rows import MeasureRow, StageRow


def test_runs_are_newest_first(store, root):
    """By when they were created."""
    for ident, created in (("b", NOW + 2), ("a", NOW + 1), ("c", NOW + 3)):
        make_run(root, ident, created)
    store.catch_up()
    assert [row.name for row in store.runs()] == ["gsm-c", "gsm-b", "gsm-a"]


def test_a_run_tells_what_it_is(store, root):
    """Its settings, as run.json has them."""
    make_run(root, method=["sft", "dpo", "dpo"], iterations=3, seed=2**70)
    store.catch_up()
    row = store.runs()[0]
    assert (row.title, row.method, row.task, row.base_model, row.seed, row.iterations) == (
        ("gsm", "sft,dpo,dpo", "gsm8k", "org/model", 2**70, 3)
    )


def test_the_most_urgent_stage_stands_for_the_run(store, root):
    """The main line before measuring, measuring before repeats."""
    run = make_run(root).supervisor()
    for stage in ("it01/repeat-2/sample", "it01/measure", "it02/train"):
        run.launch(stage).tell(stage, Progress(done=1, total=4, unit=stage))
    with run.supervised():
        store.catch_up()
    row = store.runs()[0]
    assert (row.t, row.stage, row.done, row.total, row.unit) == (2, "it02/train", 1, 4, "it02/train")


def test_between_two_stages_the_next_tells_the_iteration(store, root):
    """No stage runs, but it is known where the run stands."""
    run = make_run(root).supervisor()
    for kind in Kind:
        run.finish(f"it01/{kind}")
    with run.supervised():
        store.catch_up()
    assert (store.runs()[0].t, store.runs()[0].stage) == (2, "")


def test_a_run_that_is_over_tells_how_far_it_came(store, root):
    """The last iteration that anything happened to; nothing is at work."""
    make_run(root).finish("it01/train").supervisor(Status.STOPPED)
    store.catch_up()
    assert (store.runs()[0].t, store.runs()[0].stage, store.runs()[0].eta) == (1, "", None)
    assert store.run(store.runs()[0].name).run.t == 1


def test_all_planned_stages_and_iterations_are_there_from_the_start(store, root):
    """Those to which nothing happened yet are waiting."""
    run = make_run(root, iterations=3)
    store.catch_up()
    view = store.run(run.name)
    assert [row.id for row in view.stages] == [stage.id for stage in plan(run.spec)]
    assert {row.status for row in (*view.stages, *view.iterations, *view.repeats)} == {Status.WAITING}
    assert [(row.t, row.repeat, row.trainer) for row in view.iterations] == [(1, 1, "sft"), (2, 1, "dpo"), (3, 1, "sft")]
    assert [(row.t, row.repeat) for row in view.repeats] == [(1, 2)]


def test_a_cell_joins_a_measure_with_its_change(store, root):
    """The value from the measure stage, the change from the verdict stage, of each iteration its own."""
    run = make_run(root)
    for t, value in ((1, 0.5), (2, 0.25)):
        run.finish(f"it0{t}/measure", Metric(key="pass@1", value=value, stderr=0.125, n=99, direction=1, counts={"ok": t}))
        run.finish(f"it0{t}/verdict", Comparison(key="pass@1", against="it01", change=value - 0.5, stderr=0.0625, n=90))
    store.catch_up()
    cell = store.run(run.name).iterations[1].cells["pass@1"]
    assert (cell.value, cell.stderr, cell.n, cell.counts) == (0.25, 0.125, 99, {"ok": 2})
    assert (cell.change, cell.change_stderr, cell.change_n, cell.against) == (-0.25, 0.0625, 90, "it01")


def test_of_several_changes_the_one_against_the_first_iteration_is_shown(store, root):
    """Whatever order they were told in."""
    run = make_run(root).finish("it02/measure", Metric(key="a", value=1.0))
    run.finish("it02/verdict", *(Comparison(key="a", against=base, change=0.0) for base in ("it02", "it01", "it03")))
    store.catch_up()
    assert store.run(run.name).iterations[1].cells["a"].against == "it01"


def test_measures_come_in_the_order_they_were_first_told(store, root):
    """By iteration, then by line."""
    run = make_run(root)
    run.finish("it02/measure", *(Metric(key=key, value=0.0) for key in ("new", "a", "b")))
    run.finish("it01/measure", Metric(key="b", value=0.0, direction=1, unit="%"), Metric(key="a", value=0.0, direction=-1))
    store.catch_up()
    assert store.run(run.name).measures == (MeasureRow("b", 1, "%"), MeasureRow("a", -1, ""), MeasureRow("new", 0, ""))


def test_repeats_have_cells_of_their_own(store, root):
    """M_1 evaluated again is no iteration."""
    run = (
        make_run(root)
        .finish("it01/measure", Metric(key="a", value=1.0))
        .finish("it01/repeat-2/measure", Metric(key="a", value=2.0))
    )
    store.catch_up()
    view = store.run(run.name)
    assert (view.iterations[0].cells["a"].value, view.repeats[0].cells["a"].value) == (1.0, 2.0)


def test_a_checkpoint_is_named_once_it_is_there(store, root):
    """Its path, when the training is finished."""
    run = make_run(root).finish("it01/train").launch("it02/train")
    store.catch_up()
    assert [row.checkpoint for row in store.run(run.name).iterations] == [str(run.folder.checkpoint(1)), ""]


def test_curves_and_their_last_values(store, root):
    """By step; the iteration shows what was told last."""
    run = make_run(root).launch("it01/train")
    for step, loss in ((2, 0.5), (1, 1.0), (3, None)):
        run.tell("it01/train", Scalars(step=step, values={"loss": loss, "lr": 0.1}))
    store.catch_up()
    assert store.curve(run.name, 1, "loss") == ((1, 1.0), (2, 0.5), (3, None))
    assert store.run(run.name).iterations[0].scalars == {"loss": None, "lr": 0.1}


def test_curves_stand_in_the_order_they_were_told(store, root):
    """The same one however often the index is built."""
    told = [f"key-{number * 7 % 10}" for number in range(10)]
    run = make_run(root).tell("it01/train", Scalars(step=1, values=dict.fromkeys(told, 1.0)))
    store.catch_up()
    assert list(store.run(run.name).iterations[0].scalars) == told
    assert (store.curve(run.name, 2, "loss"), store.curve("none", 1, "loss"), store.curve(run.name, 1, "none")) == ((), (), ())


def test_any_thread_may_ask(store, root):
    """The screen's threads share one store."""
    run = make_run(root)
    store.catch_up()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: (store.catch_up(), store.runs(), store.run(run.name).run, store.version()), range(40)))
    assert all(runs == (row,) for _, runs, row, _ in answers)


def test_a_closed_store_opens_again(store, root):
    """Closing gives descriptors back, no more."""
    make_run(root)
    store.catch_up()
    store.close()
    make_run(root, "bbbb")
    assert store.catch_up()
    assert len(store.runs()) == 2


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("gsm-aa11", "gsm-aa11"),
        ("aa11", "gsm-aa11"),
        ("gsm", "gsm-bb22"),
        ("gsm-a", "gsm-aa11"),
        ("math-", "math-cc33"),
        ("latest", "math-cc33"),
    ],
)
def test_a_run_is_found_by_what_people_type(store, root, text, name):
    """Full name, id, experiment (its newest run), unique beginning, `latest`."""
    make_run(root, "aa11", NOW)
    make_run(root, "bb22", NOW + 1)
    make_run(root, "cc33", NOW + 2, name="math")
    store.catch_up()
    assert store.find(text) == name


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("gsm-", "2 runs", "gsm-bb22, gsm-aa11"),
        ("gms-aa11", "no run", "gsm-aa11"),
        ("", "no run", "gsm-bb22"),
        ("\x1b[1m", "no run", ""),
    ],
)
def test_a_run_that_cannot_be_found_is_told_with_what_there_is(store, root, text, message, hint):
    """The names that are near, or meant."""
    make_run(root, "aa11", NOW)
    make_run(root, "bb22", NOW + 1)
    store.catch_up()
    with pytest.raises(NotFound) as caught:
        store.find(text)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "\x1b" not in str(caught.value)


def test_without_runs_it_says_how_to_start_one(store):
    """The first thing anyone sees."""
    with pytest.raises(NotFound, match="no runs yet"):
        store.find("latest")
    with pytest.raises(NotFound, match="no run is called"):
        store.run("gsm-aaaa")


def rows(spec, **told) -> list[StageRow]:
    """The stages of a plan; `told` gives, by id with underscores, seconds (finished) or a share (running)."""
    known = {key.replace("_", "/"): value for key, value in told.items()}
    return [row(stage, known.get(stage.id)) for stage in plan(spec)]


def row(stage, told) -> StageRow:
    """One stage: finished after an int of seconds, running with a float of its share done, or waiting."""
    place = (stage.id, stage.t, stage.repeat, stage.kind)
    if isinstance(told, int):
        return StageRow(*place, Status.FINISHED, seconds=float(told))
    if isinstance(told, float):
        return StageRow(*place, Status.RUNNING, done=told, total=1.0)
    return StageRow(*place, Status.WAITING)


ONE_LOOP = {"it01_train": 100, "it01_sample": 50, "it01_judge": 10, "it01_measure": 7, "it01_verdict": 1}


def test_nothing_known_no_estimate():
    """Before anything like it has finished, nothing is said."""
    spec = make_spec()
    assert eta(spec, rows(spec)) is None
    assert eta(spec, rows(spec, it01_train=100, it01_sample=50)) is None


def test_what_remains_of_the_main_line_and_its_last_measuring():
    """Training, sampling, judging one after another, then measure and verdict."""
    spec = make_spec(iterations=3, method="sft", evaluation={"repeats": 0})
    assert eta(spec, rows(spec, **ONE_LOOP)) == 2 * (100 + 50 + 10) + 7 + 1


def test_a_running_stage_counts_by_what_is_left_of_it():
    """Three quarters done is a quarter left."""
    spec = make_spec(iterations=2, method="sft", evaluation={"repeats": 0})
    assert eta(spec, rows(spec, **ONE_LOOP, it02_train=0.75)) == 25 + 50 + 10 + 7 + 1


def test_a_trainer_is_known_by_its_own_runs_first():
    """DPO takes as long as DPO did, and as long as any training before that is known."""
    spec = make_spec(iterations=4, method="dpo", evaluation={"repeats": 0})
    first = eta(spec, rows(spec, **ONE_LOOP))
    loop = {"it02_train": 1000, "it02_sample": 50, "it02_judge": 10, "it02_measure": 7, "it02_verdict": 1}
    assert (first, eta(spec, rows(spec, **ONE_LOOP, **loop))) == (3 * 160 + 8, 2 * 1060 + 8)


def test_repeats_run_beside_where_models_may_share_the_machine():
    """With one model at a time they add up, with two they hide behind the main line."""
    alone = make_spec(iterations=2, method="sft", evaluation={"repeats": 3})
    beside = make_spec(iterations=2, method="sft", evaluation={"repeats": 3}, resources={"parallel": 2})
    assert eta(alone, rows(alone, **ONE_LOOP)) == 100 + 50 + 3 * 50
    assert eta(beside, rows(beside, **ONE_LOOP)) == 100 + 50 + 10 + 7 + 1


def test_nothing_left_takes_no_time():
    """All finished."""
    spec = make_spec(iterations=1, evaluation={"repeats": 0})
    assert eta(spec, rows(spec, **ONE_LOOP)) == 0.0
