"""Walking the plan, end to end, with fake stages."""

from collections.abc import Callable
from itertools import pairwise
from statistics import median

from trials import Trial, tiny, wait_until

from sirtui.core import files
from sirtui.core.plan import needs, plan
from sirtui.core.run import JobRecord, Stage, Status

Make = Callable[..., Trial]


def test_undisturbed(make_trial: Make) -> None:
    """Every stage runs once, after those it needs; the next is launched at once when one ends; nothing is left."""
    trial = make_trial(iterations=2, repeats=1)
    trial.launch()
    assert trial.ended().status == Status.FINISHED
    finished, spec = trial.lines("finished.txt"), tiny(2, 1)
    assert sorted(finished) == sorted(stage.id for stage in plan(spec))
    for stage in plan(spec):
        assert all(finished.index(need.id) < finished.index(stage.id) for need in needs(spec, stage))
    assert trial.record.ended
    assert trial.living == []
    assert median(gaps(trial)) < 0.15


def gaps(trial: Trial) -> list[float]:
    """Seconds from the end of each evaluation's stage to the intent of the next, where one waits for the other."""
    chain = ["it01/train", "it01/sample", "it01/judge", "it02/train", "it02/sample", "it02/judge"]
    ends = trial.moments("ends.txt")
    created = [files.read_record(trial.attempt(stage).job, JobRecord).created for stage in chain]
    return [start - ends[before] for before, start in zip(chain, created[1:], strict=False)]


def test_models_one_at_a_time(make_trial: Make) -> None:
    """Stages that hold the model do not overlap; measuring runs beside."""
    trial = make_trial(iterations=2)
    trial.launch("it01/measure=gate")
    trial.process("it02/train")
    trial.process("it01/measure")
    (trial.attempt("it01/measure").path / "open").touch()
    assert trial.ended().status == Status.FINISHED
    starts, ends = trial.moments("starts.txt"), trial.moments("ends.txt")
    models = sorted((starts[name], ends[name]) for name in starts if Stage.parse(name).kind.holds_model)
    assert all(end <= start for (_, end), (start, _) in pairwise(models))


def test_failure(make_trial: Make) -> None:
    """A stage's own reason and hint become the run's; nothing new is started."""
    trial = make_trial()
    trial.launch("it01/sample=crash")
    record = trial.ended()
    assert (record.status, record.reason) == (Status.FAILED, "it01/sample: it does not compute")
    assert record.hint == f"Compute less. sirtui resume {trial.run.name} goes on where it was."
    assert trial.lines("finished.txt") == ["it01/train"]
    assert trial.attempts("it01/judge") == []


def test_failure_lets_the_others_finish(make_trial: Make) -> None:
    """What runs beside a failing stage ends in its own time."""
    trial = make_trial(iterations=2)
    trial.launch("it02/train=crash it01/measure=gate")
    wait_until(trial.attempt("it02/train").exit.exists)
    trial.process("it01/measure")
    assert trial.supervised
    (trial.attempt("it01/measure").path / "open").touch()
    assert trial.ended().status == Status.FAILED
    assert "it01/measure" in trial.lines("finished.txt")
    assert trial.attempts("it02/sample") == trial.attempts("it01/verdict") == []


def test_uncaught(make_trial: Make) -> None:
    """A stage that dies with a traceback is told by its last line."""
    trial = make_trial()
    trial.launch("it01/train=raise")
    assert trial.ended().reason == "it01/train: ended with code 1: RuntimeError: nobody catches this"
    assert str(trial.attempt("it01/train").log) in trial.record.hint


def test_no_manifest(make_trial: Make) -> None:
    """Ending well without results is a failure."""
    trial = make_trial()
    trial.launch("it01/train=empty")
    assert trial.ended().reason == "it01/train: ended with code 0, but left no manifest.json"


def test_killed_stage(make_trial: Make) -> None:
    """A SIGKILL is recorded with its number, and memory is suspected; resumed, the stage is made anew."""
    trial = make_trial()
    trial.launch("it01/sample=kill")
    record = trial.ended()
    assert record.reason == "it01/sample: killed by signal 9 (SIGKILL)"
    assert "memory" in record.hint
    assert trial.exit("it01/sample").code == -9
    trial.resume()
    assert trial.ended().status == Status.FINISHED
    assert trial.attempts("it01/sample") == [1, 2]
    assert trial.attempts("it01/train") == [1]


def test_what_a_stage_leaves_behind(make_trial: Make) -> None:
    """A grandchild that hid from its session is swept when its stage ends."""
    trial = make_trial()
    trial.launch("it01/train=leave")
    assert trial.ended().status == Status.FINISHED
    assert trial.living == []


def test_stages_tell_their_run(make_trial: Make) -> None:
    """A stage's process finds its run's folder in its job, and is tagged with it."""
    trial = make_trial()
    trial.launch("it01/train=hang")
    state = trial.state("it01/train")
    assert trial.living == [state.guard.pid, state.payload.pid]
    assert files.read_record(trial.attempt("it01/train").job, JobRecord).run == str(trial.run.path)
