"""The order of stages."""

from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sirtui.core import spec as specs
from sirtui.core.errors import NotFound
from sirtui.core.plan import evidence, needs, next_stages, plan, waits
from sirtui.core.run import Kind, Stage
from sirtui.core.spec import Topup, Verdicts

SPEC = specs.parse('name = "a"\nbase_model = "m"\ntask = "nano"\niterations = 3\n', "f", Path())


def test_a_run_begins_with_its_first_training():
    """Nothing else can start before M_1 is trained."""
    assert next_stages(SPEC, []) == (Stage(1, Kind.TRAIN),)


def test_the_next_training_comes_first_then_m1_again_then_measuring():
    """Once M_1 is judged, M_2's training is the most urgent; then what its verdict needs."""
    done = [Stage(1, Kind.TRAIN), Stage(1, Kind.SAMPLE), Stage(1, Kind.JUDGE)]
    ready = [stage.id for stage in next_stages(SPEC, done)]
    assert ready == ["it02/train", "it01/repeat-2/sample", "it01/repeat-3/sample", "it01/measure"]
    ready = [stage.id for stage in next_stages(SPEC, [*done, Stage(2, Kind.TRAIN)])]
    assert ready[:3] == ["it01/repeat-2/sample", "it01/repeat-3/sample", "it02/sample"]


def test_a_verdict_rests_on_all_evaluations_of_m1_and_on_every_iteration_so_far():
    """The null, the reference, the peak."""
    needed = [stage.id for stage in needs(SPEC, Stage(3, Kind.VERDICT))]
    assert needed == ["it01/measure", "it01/repeat-2/measure", "it01/repeat-3/measure", "it02/measure", "it03/measure"]
    assert [stage.id for stage in needs(SPEC, Stage(1, Kind.VERDICT))] == ["it01/measure"]


def test_a_topup_adds_evaluations_of_both_sides_and_a_look():
    """M_t and M_1 so many times more, then a verdict on all of it; a second topup goes on from there."""
    spec = msgspec.structs.replace(SPEC, topups=(Topup(3, 2), Topup(2)))
    added = [stage.id for stage in plan(spec)[len(plan(SPEC)) :]]
    again = [
        f"it{t:02}/repeat-{r}/{kind}" for t, r in ((3, 2), (3, 3), (1, 4), (1, 5)) for kind in ("sample", "judge", "measure")
    ]
    assert added[:13] == [*again, "it03/repeat-3/verdict"]
    assert added[13:] == [
        *(f"it02/repeat-2/{kind}" for kind in ("sample", "judge", "measure")),
        *(f"it01/repeat-6/{kind}" for kind in ("sample", "judge", "measure")),
        "it02/repeat-2/verdict",
    ]
    look = [stage.id for stage in needs(spec, Stage(3, Kind.VERDICT, 3))]
    first = ["it01/measure", *(f"it01/repeat-{r}/measure" for r in (2, 3, 4, 5))]
    assert look == [*first, "it02/measure", "it03/measure", "it03/repeat-2/measure", "it03/repeat-3/measure"]
    assert needs(spec, Stage(3, Kind.VERDICT)) == needs(SPEC, Stage(3, Kind.VERDICT))


@pytest.mark.parametrize(("acts", "waits_for"), [("continue", False), ("pause", True), ("stop", True)])
def test_training_waits_for_the_verdict_where_that_may_end_the_run(acts, waits_for):
    """The verdict is no input of the training: what comes out is the same."""
    spec = msgspec.structs.replace(SPEC, verdicts=Verdicts(on_reversal=acts))
    verdict = Stage(2, Kind.VERDICT)
    assert (verdict in waits(spec, Stage(3, Kind.TRAIN))) is waits_for
    assert verdict not in needs(spec, Stage(3, Kind.TRAIN))
    assert waits(spec, Stage(2, Kind.TRAIN)) == needs(spec, Stage(2, Kind.TRAIN))


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


def test_a_verdict_rests_on_what_had_been_evaluated_at_that_look():
    """M_1 and those between as often as by then: at a first look as planned, at a further one with the topups so far."""
    spec = msgspec.structs.replace(SPEC, topups=(Topup(2), Topup(3, 2)))
    first = ((1, 1), (1, 2), (1, 3))
    assert evidence(spec, 1, 1) == ((1, 1),)
    assert evidence(spec, 3, 1) == (*first, (2, 1), (3, 1))
    assert evidence(spec, 2, 2) == (*first, (1, 4), (2, 1), (2, 2))
    again = ((1, 4), (1, 5), (1, 6))
    assert evidence(spec, 3, 3) == (*first, *again, (2, 1), (2, 2), (3, 1), (3, 2), (3, 3))
