"""What goes into a stage's key, and what does not."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from builders import make_spec

from sirtui.core import inputs
from sirtui.core.plan import plan
from sirtui.core.run import Kind, Stage
from sirtui.core.spec import Spec

BASE = {"method": "sft", "iterations": 3, "evaluation": {"repeats": 1, "embedder": "package:e/e", "measures": ["/r/measure.py"]}}
ABOUT = {"versions": {"torch": "2.8"}}


def spec(**changes: Any) -> Spec:
    """The same experiment but for these, dots for tables: `sampling__n`."""
    table = msgspec.to_builtins(make_spec(**BASE))
    for key, value in changes.items():
        folder, _, name = key.rpartition("__")
        (table[folder] if folder else table)[name] = value
    return msgspec.convert(table, Spec)


def keys(of: Spec) -> dict[str, str]:
    """The key of each stage, equal inputs assumed."""
    return {stage.id: inputs.key(of, stage, {"before": "d"}, ABOUT) for stage in plan(of)}


def changed(**changes: Any) -> set[str]:
    """The stages whose keys these changes change."""
    before, after = keys(spec()), keys(spec(**changes))
    return {stage for stage in before if before[stage] != after.get(stage)}


EVERY = {stage.id for stage in plan(spec()) if stage.kind is not Kind.VERDICT}


def of(*kinds: str) -> set[str]:
    """The stages of these kinds."""
    return {stage for stage in EVERY if stage.rpartition("/")[2] in kinds}


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"resources": {"parallel": 2, "threads": 3, "gpus": 2, "retain": "keep+last"}},
        {"verdicts": {"alpha": 0.01}},
        {"topups": [{"t": 2}]},
        {"evaluation__repeats": 2},
        {"train": {"dpo": {"beta": 0.2}}},
    ],
)
def test_what_cannot_matter_is_left_out(changes: dict[str, Any]) -> None:
    """Names, resources, rules, and settings of trainers that are not used change no key."""
    assert changed(**changes) == set()


@pytest.mark.parametrize(
    ("changes", "stages"),
    [
        ({"seed": 1}, of("train", "sample", "measure")),
        ({"base_model": "org/other"}, {"it01/train"}),
        ({"train": {"sft": {"learning_rate": 0.1}}}, of("train")),
        ({"selection": {"per_problem": 2}}, {"it02/train", "it03/train"}),
        ({"sampling__temperature": 0.5}, of("sample", "measure")),
        ({"data": "/data"}, EVERY),
        ({"task": "math"}, EVERY),
        ({"evaluation__ood": ["math"]}, of("sample", "judge", "measure")),
        ({"evaluation__problems": {"train": 5}}, EVERY),
        ({"evaluation__problems": {"test": 5}}, of("sample", "judge", "measure")),
        ({"evaluation__first_samples": 99}, {"it01/sample"}),
        ({"evaluation__samples": 40}, of("sample", "measure") - {"it01/sample"}),
        ({"evaluation__ood_samples": 4}, of("sample")),
        ({"evaluation__embedder": ""}, of("measure")),
        ({"evaluation__embedded": 4}, of("measure")),
        ({"evaluation__measures": []}, of("measure")),
        ({"method": "frozen"}, {"it02/train", "it03/train", "it02/measure", "it03/measure"}),
        ({"iterations": 4}, {"it03/sample"}),
    ],
)
def test_what_matters_goes_in(changes: dict[str, Any], stages: set[str]) -> None:
    """Each part of the experiment changes the keys of the stages that use it, and of no others."""
    assert changed(**changes) == stages


def test_methods_share_the_first_iteration() -> None:
    """Runs of one seed that differ in their method have M_1 in common, and part at the training of M_2."""
    sft, dpo, both = (keys(spec(method=method)) for method in ("sft", "dpo", "sft-dpo"))
    same = {stage for stage in EVERY if sft[stage] == dpo[stage] == both[stage]}
    assert {stage for stage in EVERY if stage.startswith("it01")} <= same
    assert sft["it02/train"] != dpo["it02/train"] == both["it02/train"]
    assert dpo["it03/train"] != both["it03/train"] == sft["it03/train"]


def test_starting_from_the_base_model_again() -> None:
    """Then every training reads it, and none the checkpoint before."""
    again = spec(init="base")
    assert inputs.decides(again, Stage(2, Kind.TRAIN))["base_model"] == "org/model"
    assert inputs.decides(spec(), Stage(2, Kind.TRAIN))["base_model"] is None
    assert inputs.checkpoint(again, Stage(2, Kind.TRAIN)) is None
    assert [inputs.checkpoint(spec(), Stage(2, kind)) for kind in Kind] == [1, 2, None, None, None]
    assert inputs.checkpoint(spec(), Stage(1, Kind.TRAIN)) is None


def test_inputs_and_facts_go_in() -> None:
    """Another digest of an input, or another version of a library, is another result; their order is none."""
    stage, known = Stage(1, Kind.JUDGE), spec()
    one = inputs.key(known, stage, {"a": "1", "b": "2"}, ABOUT)
    assert one == inputs.key(known, stage, {"b": "2", "a": "1"}, ABOUT)
    assert len({one, inputs.key(known, stage, {"a": "1", "b": "3"}, ABOUT), inputs.key(known, stage, {"a": "1"}, ABOUT)}) == 3
    assert one != inputs.key(known, stage, {"a": "1", "b": "2"}, {"versions": {"torch": "2.9"}})
    assert one != inputs.key(known, Stage(1, Kind.JUDGE, 2), {"a": "1", "b": "2"}, ABOUT)
    assert one != inputs.key(known, Stage(2, Kind.JUDGE), {"a": "1", "b": "2"}, ABOUT)


def test_verdicts_are_never_shared() -> None:
    """They have no key: a verdict rests on the whole run and its rule."""
    assert inputs.key(spec(), Stage(2, Kind.VERDICT), {}, ABOUT) == ""


def test_what_is_read_from_outside() -> None:
    """Recipes that are files, by path; problems; models: where each kind of stage reads them."""
    own = spec(task="/r/task.py:MINE", method=["sft", "/r/train.py", "sft"], data="/d", sampling__sampler="/r/s.py")
    found = {kind: inputs.outside(own, Stage(1, kind)) for kind in Kind}
    assert found[Kind.TRAIN] == inputs.Outside(("/r/task.py",), ("/d",), ("org/model",))
    assert inputs.outside(own, Stage(2, Kind.TRAIN)) == inputs.Outside(("/r/train.py", "/r/task.py"), ("/d",), ())
    assert found[Kind.SAMPLE] == inputs.Outside(("/r/s.py", "/r/task.py"), ("/d",))
    assert found[Kind.JUDGE] == inputs.Outside(("/r/task.py",), ("/d",))
    assert found[Kind.MEASURE] == inputs.Outside(("/r/task.py", "/r/measure.py"), ("/d",), ("package:e/e",))
    assert found[Kind.VERDICT] == inputs.Outside()


def test_a_measure_rests_on_its_training_too() -> None:
    """It names the checkpoint: with another one of the same answers it would say something else."""
    assert Stage(2, Kind.TRAIN) in inputs.reads(spec(), Stage(2, Kind.MEASURE))
    assert inputs.reads(spec(), Stage(1, Kind.TRAIN)) == ()
