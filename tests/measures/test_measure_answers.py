"""What the answers are like: readable, ended, long, varied, likely."""

from math import log

import pytest
from evaluations import judged, measured

from sirtui.recipes.measures.answers import MEASURE
from sirtui.recipes.shelf import Evaluation


def test_shares_and_lengths():
    """Per problem over its samples, then over problems; INFRA counts for what does not ask the judge."""
    now = Evaluation(1, [judged("a", "cuix", ended=[True, False, True, True]), judged("b", "ut")])
    found = measured(MEASURE, now)
    assert found["answers.unparsed"].scores == {"fake/a": pytest.approx(1 / 3), "fake/b": 0.5}
    assert found["answers.ended"].scores == {"fake/a": 0.75, "fake/b": 1.0}
    assert found["answers.length"].value == 3.0
    assert [(each.direction, each.unit) for each in found.values()] == [(-1, "share"), (1, "share"), (0, "tokens"), (0, "nats")]


def test_entropy_is_of_the_answers_read():
    """Unparsed and timed-out answers are classes of their own; INFRA is left out."""
    now = Evaluation(
        1,
        [
            judged("a", "ciiu", reads=["1", "2", "2", None]),
            judged("b", "cccx"),
            judged("d", "utut"),
        ],
    )
    scores = measured(MEASURE, now)["answers.entropy"].scores
    assert scores == {"fake/a": pytest.approx(1.5 * log(2)), "fake/b": 0.0, "fake/d": pytest.approx(log(2))}


def test_entropy_is_left_out_where_the_judge_reads_no_answer():
    """Programs that pass or fail their tests have no answer to be read."""
    now = Evaluation(1, [judged("a", "ci", reads=["", ""])])
    silent = Evaluation(1, [judged("a", "tu")])
    assert "answers.entropy" in measured(MEASURE, silent)
    programs = judged("a", "ci")
    unread = tuple(type(each)(each.outcome) for each in programs.marks.marks)
    now = Evaluation(1, [type(programs)(programs.problem, programs.samples, type(programs.marks)("fake/a", unread))])
    assert "answers.entropy" not in measured(MEASURE, now)


def test_nll_is_over_the_samples_whose_log_probability_is_known():
    """The mean of -logprob; left out where the sampler knows none."""
    now = Evaluation(1, [judged("a", "cci", logprobs=[-0.5, None, -1.5]), judged("b", "c", logprobs=[None])])
    found = measured(MEASURE, now)["answers.nll"]
    assert (found.scores, found.n) == ({"fake/a": 1.0}, 1)
    assert "answers.nll" not in measured(MEASURE, Evaluation(1, [judged("a", "c")]))
