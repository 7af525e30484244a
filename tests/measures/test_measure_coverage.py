"""Answer coverage on training and test problems."""

from evaluations import judged, measured

from sirtui.recipes.measures.coverage import MEASURE
from sirtui.recipes.shelf import Evaluation


def test_coverage_of_training_and_test_problems():
    """Mass is mean c/N, `any` the share of training problems with a correct sample."""
    train = [judged("t1", "ccii"), judged("t2", "iiii"), judged("t3", "ciii")]
    found = measured(MEASURE, Evaluation(1, [judged("a", "ci")], train=train))
    assert {key: each.value for key, each in found.items()} == {
        "coverage.mass_train": 0.25,
        "coverage.mass_test": 0.5,
        "coverage.any": 2 / 3,
    }
    assert found["coverage.any"].scores == {"fake/t1": 1.0, "fake/t2": 0.0, "fake/t3": 1.0}
    assert {each.direction for each in found.values()} == {1}


def test_without_training_answers_there_is_no_training_coverage():
    """The keys are left out, not zero."""
    assert list(measured(MEASURE, Evaluation(5, [judged("a", "ci")]))) == ["coverage.mass_test"]
