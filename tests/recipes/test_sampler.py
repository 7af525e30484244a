"""The transformers sampler on the nano model: greedy like `generate`, sampled from the right distribution."""

import dataclasses

import msgspec
import pytest

from sirtui.core.spec import Sampling
from sirtui.recipes.locate import locate
from sirtui.recipes.samplers.transformers import SAMPLER, nucleus
from sirtui.recipes.shelf import Request
from sirtui.recipes.tasks.nano import TASK

MODEL = locate("package:sirtui/recipes/nano/model")
SETTINGS = Sampling(n=4, max_new_tokens=60, batch_size=16)
PROBLEMS = TASK.problems("test")[:24]


def requests(n, *, greedy=False):
    return [Request(problem.id, TASK.prompt(problem), n, greedy, number) for number, problem in enumerate(PROBLEMS)]


def answers(n, *, greedy=False, **settings):
    with SAMPLER.open(MODEL, msgspec.structs.replace(SETTINGS, **settings)) as engine:
        return list(engine.sample(requests(n, greedy=greedy)))


@pytest.fixture(scope="module")
def generated():
    """What transformers' own `generate` answers greedily, prompt by prompt, without padding."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(MODEL).eval(), AutoTokenizer.from_pretrained(MODEL)
    texts = []
    for problem in PROBLEMS:
        ids = torch.tensor([tokenizer(TASK.prompt(problem))["input_ids"]])
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=60, do_sample=False)
        texts.append(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True))
    return texts


def test_greedy_answers_are_those_of_generate(generated):
    """Batched, padded and with rows leaving early, every answer is the same."""
    found = answers(1, greedy=True)
    assert [each.texts[0] for each in found] == generated
    assert [each.problem for each in found] == [problem.id for problem in PROBLEMS]
    assert all(each.ended[0] for each in found)
    assert all(each.logprobs[0] < 0 for each in found)


@pytest.mark.parametrize("size", [1, 5, 96])
def test_what_is_drawn_does_not_depend_on_the_batch(size):
    """Every sample has random numbers of its own."""
    few = requests(4)[:6]
    with SAMPLER.open(MODEL, SETTINGS) as engine:
        wanted = [each.texts for each in engine.sample(few)]
    with SAMPLER.open(MODEL, msgspec.structs.replace(SETTINGS, batch_size=size)) as engine:
        assert [each.texts for each in engine.sample(few)] == wanted


def test_a_long_neighbour_shortens_no_answer():
    """How much room the window leaves is each prompt's own matter."""
    short, long = requests(4)[0], Request("nano/long", "Tom has 3 coins. " * 48, 1, greedy=False, seed=1)
    with SAMPLER.open(MODEL, SETTINGS) as engine:
        (alone,) = engine.sample([short])
        beside, crowded = engine.sample([short, long])
    assert beside == alone
    assert all(alone.ended)
    assert crowded.tokens[0] < 40


def test_another_seed_draws_other_answers():
    """And the same seed the same ones."""
    with SAMPLER.open(MODEL, SETTINGS) as engine:
        first = [each.texts for each in engine.sample(requests(8))]
        again = [each.texts for each in engine.sample(requests(8))]
        other = [each.texts for each in engine.sample([dataclasses.replace(each, seed=each.seed + 1000) for each in requests(8)])]
    assert first == again
    assert first != other


def test_an_answer_that_is_cut_off_says_so():
    """Five tokens are too few for any answer: none ended, all have five."""
    for each in answers(2, max_new_tokens=5):
        assert each.ended == (False, False)
        assert each.tokens == (5, 5)
        assert "####" not in each.texts[0]


def test_a_prompt_that_leaves_no_room_gets_no_answer():
    """The window of the model is never overrun."""
    with SAMPLER.open(MODEL, SETTINGS) as engine:
        (found,) = engine.sample([Request("nano/long", "Tom has 3 coins. " * 60, 1, False, 1)])
    assert found.texts == ("",)
    assert found.ended == (False,)


def test_the_nucleus_is_sampled_in_proportion():
    """Inverting the distribution at evenly spread points gives each token its share, and none outside the nucleus."""
    import torch

    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    spread = (torch.arange(1000) + 0.5) / 1000
    drawn = nucleus(logits.expand(1000, 4), 0.9, spread).bincount(minlength=4)
    assert drawn.tolist() == pytest.approx([1000 * p / 0.95 for p in (0.5, 0.3, 0.15)] + [0], abs=1)
    assert set(nucleus(logits.expand(1000, 4), 0.5, spread).tolist()) == {0}
    assert set(nucleus(logits.expand(1000, 4), 1.0, spread).tolist()) == {0, 1, 2, 3}
    assert nucleus(logits[None], 0.9, torch.ones(1)).tolist() == [2]
