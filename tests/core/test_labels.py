"""What measures are called where room is short."""

import pytest

from sirtui.core.labels import short


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("pass@1.sampled", "pass@1"),
        ("pass@1.greedy", "greedy"),
        ("pass@16", "pass@16"),
        ("cover@.5", "cover@.5"),
        ("ood.accuracy", "OOD"),
        ("ood.disparity", "disparity"),
        ("math-algebra/ood.accuracy", "math-algebra OOD"),
        ("my/own/ood.disparity", "my/own disparity"),
        ("diversity.ngram.correct", "ngram"),
        ("diversity.ngram.incorrect", "ngram incorrect"),
        ("diversity", "diversity"),
        ("answers.entropy", "entropy"),
        ("coverage.mass_train", "mass_train"),
        ("sets.gained", "gained"),
        ("mine", "mine"),
    ],
)
def test_a_measure_in_short(key, name):
    """The part that tells it from others; a measure of one's own is called by its key."""
    assert short(key) == name


def test_no_two_declared_measures_share_a_name():
    """Else a verdict would name something else."""
    keys = ["pass@1.sampled", "pass@1.greedy", "pass@8", "ood.accuracy", "ood.disparity", "a/ood.accuracy", "b/ood.accuracy"]
    keys += [f"diversity.{name}.{of}" for name in ("ngram", "semantic", "equations") for of in ("correct", "incorrect")]
    assert len({short(key) for key in keys}) == len(keys)
