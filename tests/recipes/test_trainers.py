"""The trainers on the nano model, by TRL itself."""

import math

import pytest

from sirtui.core.errors import SirtuiError, StageError
from sirtui.core.events import Progress, Scalars
from sirtui.recipes.locate import locate
from sirtui.recipes.shelf import Example, Pair, TrainJob, find, names
from sirtui.recipes.tasks.nano import TASK

MODEL = locate("package:sirtui/recipes/nano/model")
SETTINGS = {"gradient_accumulation_steps": 1, "per_device_train_batch_size": 4, "learning_rate": 1e-3, "num_train_epochs": 1}
PROBLEMS = TASK.problems("train")[:16]


def job(tmp_path, data, *, t=2, model=MODEL, **settings):
    for name in ("checkpoint", "partial"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    used = {**SETTINGS, **settings} if data else settings
    return TrainJob(t, str(model), data, used, 3, tmp_path / "checkpoint", tmp_path / "scratch", tmp_path / "partial")


DATA = {
    "correct": [Example(TASK.prompt(each), each.reference) for each in PROBLEMS],
    "pairs": [Pair(TASK.prompt(each), each.reference, "It is unknown.\n#### 0") for each in PROBLEMS],
    "nothing": [],
}


@pytest.fixture(scope="module")
def base():
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(MODEL).state_dict()


@pytest.mark.parametrize("name", names("trainers"))
def test_a_trainer_leaves_a_checkpoint_that_loads(tmp_path, base, name):
    """Every trainer on the shelf: progress is told, weights moved (or did not, when frozen), no pickle is left."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    trainer, told = find("trainers", name), []
    trainer.train(job(tmp_path, DATA[trainer.needs]), told.append)
    out = tmp_path / "checkpoint"
    after = AutoModelForCausalLM.from_pretrained(out).state_dict()
    moved = any(not after[key].equal(base[key]) for key in base)
    assert moved == (name != "frozen")
    assert AutoTokenizer.from_pretrained(out)("Tom has 3 coins.")["input_ids"]
    assert isinstance(told[-1], Progress)
    assert told[-1].done == told[-1].total
    assert not [file for file in out.rglob("*") if file.suffix in (".bin", ".pt", ".pkl")]
    curves = [event for event in told if isinstance(event, Scalars)]
    assert bool(curves) == (name != "frozen")
    assert all(math.isfinite(event.values["loss"]) for event in curves)


def test_dpo_measures_against_the_checkpoint_it_starts_from(tmp_path):
    """Before the first step rewards are zero and the loss is ln 2, also for an M_{t-1} whose configuration names M_0."""
    find("trainers", "sft").train(job(tmp_path / "m1", DATA["correct"]), lambda event: None)
    told = []
    start = job(tmp_path / "m2", DATA["pairs"], t=3, model=tmp_path / "m1/checkpoint", logging_steps=1)
    find("trainers", "dpo").train(start, told.append)
    first = next(event for event in told if isinstance(event, Scalars))
    assert first.values["loss"] == pytest.approx(math.log(2), abs=1e-3)
    assert first.values["rewards/margins"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("name", ["sft", "dpo"])
def test_training_that_cannot_learn_fails(tmp_path, name):
    """One step whose learning rate is still warming up changes nothing: that is an error, not a result."""
    trainer = find("trainers", name)
    with pytest.raises(StageError, match="learning rate was 0 in each of the 1 steps"):
        trainer.train(job(tmp_path, DATA[trainer.needs], per_device_train_batch_size=16), lambda event: None)


@pytest.mark.parametrize(
    ("name", "settings", "told"),
    [
        ("sft", {"learning_rte": 1}, "learning_rte: unknown key\n  Expected `learning_rate`."),
        ("sft", {"learning_rate": "fast"}, "learning_rate: got 'fast'\n  Expected `float`, got `str`."),
        ("sft", {"output_dir": "x"}, "output_dir: is set by sirtui"),
        ("dpo", {"lr_scheduler_type": "bent"}, "lr_scheduler_type"),
        ("dpo", {"num_train_epochs": [1]}, "num_train_epochs: got [1]"),
        ("frozen", {"learning_rate": 1e-5}, "learning_rate: unknown key"),
    ],
)
def test_a_wrong_setting_is_told_before_training(name, settings, told):
    """By its name, with what was expected."""
    with pytest.raises(SirtuiError) as caught:
        find("trainers", name).check(settings)
    assert str(caught.value).startswith(told)


def test_right_settings_pass():
    """Whole numbers stand for floats; nothing is trained."""
    find("trainers", "sft").check({"learning_rate": 1, "warmup_steps": 5, "max_length": 256, "packing": False})
    find("trainers", "dpo").check({"beta": 0.05, "loss_type": ["ipo"]})
