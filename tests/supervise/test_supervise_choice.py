"""Which stages to launch: the decision alone."""

from trials import tiny

from sirtui.core.plan import plan
from sirtui.core.run import Stage
from sirtui.core.spec import Spec
from sirtui.supervise.walk import to_launch

PARSE = Stage.parse


def chosen(spec: Spec, done: str = "", running: str = "", processes: int = 8) -> list[str]:
    """The ids of what is launched."""
    stages = to_launch(spec, {*map(PARSE, done.split())}, {*map(PARSE, running.split())}, processes)
    return [stage.id for stage in stages]


def test_the_first_stage() -> None:
    """A run begins with training M_1."""
    assert chosen(tiny(2, 2)) == ["it01/train"]


def test_nothing_twice() -> None:
    """What runs is not launched again."""
    assert chosen(tiny(2), running="it01/train") == []


def test_models_share_no_gpu() -> None:
    """One stage that holds the model at a time, by default."""
    assert chosen(tiny(1, 2), done="it01/train") == ["it01/sample"]
    assert chosen(tiny(1, 2), done="it01/train", running="it01/sample") == []


def test_parallel_models() -> None:
    """As many as `parallel` says, most urgent first."""
    spec = tiny(1, 2, parallel=2)
    assert chosen(spec, done="it01/train") == ["it01/sample", "it01/repeat-2/sample"]
    assert chosen(spec, done="it01/train", running="it01/sample") == ["it01/repeat-2/sample"]


def test_the_rest_runs_beside() -> None:
    """What holds no model waits for no model."""
    done = "it01/train it01/sample it01/judge"
    assert chosen(tiny(2), done) == ["it02/train", "it01/measure"]
    assert chosen(tiny(2), done, running="it02/train") == ["it01/measure"]


def test_as_many_processes_as_cores() -> None:
    """The machine bounds all kinds together."""
    assert chosen(tiny(2), "it01/train it01/sample it01/judge", processes=1) == ["it02/train"]


def test_more_gpus_than_cores() -> None:
    """`parallel` is kept to where it is more than the machine's cores."""
    assert len(chosen(tiny(1, 3, parallel=3), "it01/train", processes=1)) == 3


def test_nothing_left() -> None:
    """A finished plan launches nothing."""
    assert to_launch(tiny(2, 1), plan(tiny(2, 1)), (), 8) == ()


def test_always_goes_on() -> None:
    """With one core and one place, every stage has its turn."""
    spec, done = tiny(3, 2), list[Stage]()
    while stages := to_launch(spec, done, (), 1):
        done += stages
    assert sorted(done) == sorted(plan(spec))
