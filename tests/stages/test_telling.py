"""What a stage says of its progress."""

from sirtui.core.events import Beat, Metric, Progress, Scalars
from sirtui.stages.telling import line, telling


def test_progress_tells_what_is_left(capsys):
    """By the pace since the first time; a new unit begins anew; nothing is claimed before something was done."""
    now, told = [0.0], []
    tell = telling(told.append, lambda: now[0])
    for at, done in ((0.0, 10), (5.0, 20), (10.0, 30)):
        now[0] = at
        tell(Progress(done, 50, "steps"))
    tell(Progress(1, 4, "sets"))
    assert [event.left for event in told] == [None, 15.0, 10.0, None]
    assert capsys.readouterr().out.count("\n") == 3


def test_the_log_is_not_flooded(capsys):
    """A thousand bits of progress in a second are two lines, the first and the last; the journal has them all."""
    now, told = [0.0], []
    tell = telling(told.append, lambda: now[0])
    for done in range(1, 1001):
        now[0] += 0.001
        tell(Progress(done, 1000, "answers"))
    assert len(told) == 1000
    assert capsys.readouterr().out.count("\n") == 2


def test_what_is_said():
    """Training curves, measures and gaps, each on a line; a beat is not worth one."""
    assert line(Scalars(5, {"loss": 0.41333, "lr": None})) == "step=5 loss=0.4133 lr=undefined"
    assert line(Metric("pass@1.sampled", 0.5, 0.0123, 400)) == "pass@1.sampled = 0.5 +- 0.012 (n=400)"
    assert line(Metric("ood.disparity", None)) == "ood.disparity = undefined"
    assert line(Beat()) == ""
