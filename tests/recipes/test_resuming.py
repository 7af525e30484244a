"""A training that was interrupted ends with exactly the weights of one that was not."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from interrupted import DATA, MODEL, After, attempt, job, steps_done

from sirtui.core.checkpoints import flaw
from sirtui.core.errors import StageError
from sirtui.recipes.shelf import find
from sirtui.recipes.trl import learning


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory):
    """The nano model with dropout: its training depends on the state of the random numbers."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("forgetful")
    model = AutoModelForCausalLM.from_pretrained(MODEL)
    model.config.attention_dropout = 0.1
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(MODEL).save_pretrained(folder)
    return folder


def names(folder):
    return sorted(path.name for path in (folder / "partial").iterdir())


def test_sft_goes_on_exactly_where_it_was(tmp_path, forgetful):
    """Stopped in the first epoch and at its end: order, dropout, optimizer, schedule and accumulation are as they were."""
    undisturbed = attempt(job(tmp_path / "a", "sft", forgetful), "sft")
    training = job(tmp_path / "b", "sft", forgetful)
    assert attempt(training, "sft", steps=1) is None
    assert names(tmp_path / "b") == ["checkpoint-1"]
    assert attempt(training, "sft", steps=2) is None
    told = []
    assert attempt(training, "sft", told=told) == undisturbed
    assert steps_done(told) == (3, 6)


@pytest.mark.slow
def test_random_numbers_are_part_of_it(tmp_path, forgetful, monkeypatch):
    """Without their state the same training ends elsewhere: the tests here can fail."""
    from transformers import Trainer

    undisturbed = attempt(job(tmp_path / "a", "sft", forgetful), "sft")
    training = job(tmp_path / "b", "sft", forgetful)
    attempt(training, "sft", steps=1)
    monkeypatch.setattr(Trainer, "_load_rng_state", lambda *given: None)
    assert attempt(training, "sft") != undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize(
    "settings",
    [
        {"gradient_accumulation_steps": 1, "num_train_epochs": 1},
        {"gradient_accumulation_steps": 2},
        {"gradient_accumulation_steps": 3, "lr_scheduler_type": "linear", "warmup_steps": 2},
        {"gradient_accumulation_steps": 2, "max_steps": 5},
    ],
    ids=["no accumulation", "two", "three", "steps"],
)
def test_stopped_again_and_again(tmp_path, forgetful, name, steps, settings):
    """SFT and DPO, every so many steps, with full and partial accumulation, by epochs and by steps."""
    undisturbed = attempt(job(tmp_path / "a", name, forgetful, **settings), name)
    training = job(tmp_path / "b", name, forgetful, **settings)
    while (found := attempt(training, name, steps=steps)) is None:
        pass
    assert found == undisturbed


def test_checkpoints_are_left_as_time_goes_by(tmp_path):
    """Two stay, whole, without a pickle that nothing needs; saving changes no weight, and none is left at the end."""
    one, other = job(tmp_path / "a", "sft"), job(tmp_path / "b", "sft")
    assert attempt(one, "sft", save_every_s=1e-9) == attempt(other, "sft")
    assert names(tmp_path / "a") == ["checkpoint-4", "checkpoint-5"]
    assert names(tmp_path / "b") == []
    for folder in (tmp_path / "a/partial").iterdir():
        assert flaw(folder, "key") == ""
        assert flaw(folder, "other") == "it was trained from something else"
        assert not (folder / "training_args.bin").exists()
        history = json.loads((folder / "trainer_state.json").read_text())["log_history"]
        assert max(each.get("highest_learning_rate", 0) for each in history) == 1e-3


def test_an_attempt_that_fails_leaves_no_half_checkpoint(tmp_path, monkeypatch):
    """Whatever it was, what has no seal goes; what has one stays."""
    from transformers import Trainer

    training, saved = job(tmp_path, "sft"), []

    def failing(*given):
        saved.append(given)
        if len(saved) == 2:
            raise RuntimeError("Cosmic rays")

    monkeypatch.setattr(Trainer, "_save_rng_state", failing)
    with pytest.raises(RuntimeError, match="Cosmic rays"):
        attempt(training, "sft", save_every_s=1e-9)
    assert names(tmp_path) == ["checkpoint-1"]


def ended(state, *rates):
    """What the callback says of a training that goes on from `state` with these learning rates."""
    callback, schedule, control = learning(), SimpleNamespace(), SimpleNamespace(should_save=True)
    callback.on_train_begin(None, state, None)
    for rate in rates:
        schedule.get_last_lr = lambda rate=rate: [rate]
        callback.on_step_begin(None, state, control, lr_scheduler=schedule)
        state.global_step += 1
        callback.on_step_end(None, state, control)
    callback.on_train_end(None, state, None)


def test_that_nothing_was_learnt_is_told_of_all_attempts():
    """A learning rate of 0 in the steps of the last attempt is no failure; of 0 in all attempts it is, at the end alone."""
    learnt, idle = (SimpleNamespace(log_history=[], global_step=0, max_steps=3) for _ in range(2))
    ended(learnt, 0.0, 0.1)
    ended(learnt, 0.0)
    ended(idle, 0.0, 0.0)
    with pytest.raises(StageError, match="learning rate was 0 in each of the 3 steps"):
        ended(idle, 0.0)


def test_a_trainer_that_takes_no_notice_needs_nothing(tmp_path):
    """`frozen` looks at neither key, time nor signal."""
    training = replace(job(tmp_path, "sft"), settings={}, data=[], stopping=After(1))
    training.out.mkdir()
    find("trainers", "frozen").train(training, lambda event: None)
    assert (training.out / "model.safetensors").exists()
    assert names(tmp_path) == []
