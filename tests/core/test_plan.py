"""The order of stages."""

from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sirtui.core import spec as specs
from sirtui.core.errors import NotFound
from sirtui.core.plan import needs, next_stages, plan
from sirtui.core.run import Kind, Stage

SPEC = specs.parse('name = "a"\nbase_model = "m"\ntask = "nano"\niterations = 3\n', "f", Path())


def test_a_run_begins_with_its_first_training():
    """Nothing else can start before M_1 is trained."""
    assert next_stages(SPEC, []) == (Stage(1, Kind.TRAIN),)


def test_the_next_training_comes_before_measuring_and_repeats():
    """Once M_1 is judged, M_2's training is the most urgent of what can start."""
    done = [Stage(1, Kind.TRAIN), Stage(1, Kind.SAMPLE), Stage(1, Kind.JUDGE)]
    ready = [stage.id for stage in next_stages(SPEC, done)]
    assert ready == ["it02/train", "it01/measure", "it01/repeat-2/sample", "it01/repeat-3/sample"]


@given(some.integers(0, 10_000))
def test_any_order_of_finishing_walks_the_whole_plan(seed):
    """Whichever ready stage ends first, each is offered once, after all it needs, and none is left."""
    random, done = Random(seed), []
    while ready := next_stages(SPEC, done):
        stage = random.choice(ready)
        assert set(needs(SPEC, stage)) <= set(done)
        assert stage not in done
        done.append(stage)
    assert set(done) == set(plan(SPEC))
    assert len(done) == 3 * 5 + 2 * 3


def test_training_from_the_base_does_not_wait_for_the_previous_checkpoint_itself():
    """With init = base only the previous answers are read."""
    spec = msgspec.structs.replace(SPEC, init="base")
    assert needs(spec, Stage(2, Kind.TRAIN)) == (Stage(1, Kind.SAMPLE), Stage(1, Kind.JUDGE))


def test_a_stage_is_known_by_its_id():
    """Ids go to stages and back; anything else is not found."""
    for stage in plan(SPEC):
        assert Stage.parse(stage.id) == stage
    for wrong in ("it1", "train", "it01/repeat-2", "it01/../train", ""):
        with pytest.raises(NotFound):
            Stage.parse(wrong)
