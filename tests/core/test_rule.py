"""The rule as declared: its defaults, its words, its hash."""

from typing import Any

import msgspec
import pytest

from sirtui.core.rule import Rule, declared, default_essential, default_watch, essential_pass, rule
from sirtui.core.spec import Spec

CORRECT = {name: f"diversity.{name}.correct" for name in ("ngram", "semantic", "equations")}


def a_spec(samples: int = 50, **changes: Any) -> Spec:
    fields = {"name": "a", "base_model": "hub/model", "task": "nano", "evaluation": {"samples": samples}}
    return msgspec.convert({**fields, **changes}, Spec)


@pytest.mark.parametrize(
    ("samples", "key"),
    [(1, None), (3, None), (4, "pass@2"), (7, "pass@2"), (8, "pass@4"), (16, "pass@8"), (50, "pass@16"), (64, "pass@32")],
)
def test_the_essential_pass_is_the_highest_k_of_half_the_samples(samples, key):
    """K = 2, 4, 8 ...; none below four samples."""
    assert essential_pass(samples) == key


@pytest.mark.parametrize(
    ("samples", "essential"),
    [
        (1, ("ood.accuracy",)),
        (4, ("pass@2", "ood.accuracy")),
        (8, ("pass@4", *CORRECT.values(), "ood.accuracy")),
        (16, ("pass@8", *CORRECT.values(), "ood.accuracy")),
        (50, ("pass@16", *CORRECT.values(), "ood.accuracy")),
    ],
)
def test_what_is_essential_by_default(samples, essential):
    """What so many samples can tell."""
    assert default_essential(a_spec(samples)) == essential
    assert rule(a_spec(samples)).essential == essential


def test_essential_is_what_the_task_has():
    """No semantic diversity without an embedder, no equations where answers have none, each OOD task by name."""
    plain = a_spec(evaluation={"embedder": ""})
    assert default_essential(plain) == ("pass@16", CORRECT["ngram"], CORRECT["equations"], "ood.accuracy")
    assert default_essential(plain, equations=False, ood=()) == ("pass@16", CORRECT["ngram"])
    several = default_essential(plain, equations=False, ood=("a/", "b/"))
    assert several == ("pass@16", CORRECT["ngram"], "a/ood.accuracy", "b/ood.accuracy")
    watched = default_watch(plain, ood=("a/", "b/"))
    assert {"a/ood.disparity", "b/ood.disparity"} < set(watched)
    assert "ood.disparity" not in watched


def test_no_measure_has_two_parts():
    """What is named as target, essential or on watch is no default elsewhere."""
    aimed = rule(a_spec(verdicts={"target": "pass@16"}))
    assert aimed.role("pass@16") == "target"
    assert "pass@16" not in aimed.essential
    told = rule(a_spec(verdicts={"essential": ["ood.disparity", "pass@1.greedy"]}))
    assert not set(told.watch) & set(told.essential)
    told = rule(a_spec(verdicts={"watch": ["ood.accuracy"]}))
    assert (told.role("ood.accuracy"), told.watch) == ("watch", ("ood.accuracy",))
    assert "ood.accuracy" not in told.essential


def test_each_measure_has_a_role():
    """One that the rule does not name is shown, and decides nothing."""
    found = rule(a_spec())
    keys = ("pass@1.sampled", "pass@16", "answers.length", "sets.gained")
    assert [found.role(key) for key in keys] == ["target", "essential", "watch", "shown"]


@pytest.mark.parametrize(
    ("delta", "key", "unit", "reference", "size"),
    [
        ({}, "pass@16", "share", 0.4, 0.02),
        ({}, "diversity.ngram.correct", "", 0.4, 0.02),
        ({}, "ood.disparity", "share", 0.4, 0.03),
        ({}, "math/ood.disparity", "share", 0.4, 0.03),
        ({}, "answers.length", "tokens", 200.0, 10.0),
        ({}, "answers.nll", "nats", -0.4, 0.02),
        ({"pass@16": 0.05}, "pass@16", "share", 0.4, 0.05),
        ({"pass@16": 0.05}, "pass@1.sampled", "share", 0.4, 0.02),
        (0.01, "ood.disparity", "share", 0.4, 0.01),
        (0.01, "answers.length", "tokens", 200.0, 0.01),
    ],
)
def test_the_smallest_change_that_matters(delta, key, unit, reference, size):
    """As declared by key, else for all, else by what the measure is."""
    assert rule(a_spec(verdicts={"delta": delta})).delta_of(key, unit, reference) == pytest.approx(size)


@pytest.mark.parametrize(
    ("iterations", "verdicts", "weight"),
    [
        (5, {}, 1 / 5),
        (5, {"extra_looks": 0}, 1 / 4),
        (10, {"extra_looks": 2}, 1 / 11),
        (10, {"looks": [5, 10]}, 1 / 3),
        (1, {"extra_looks": 0}, 1),
    ],
)
def test_the_looks_share_alpha_evenly(iterations, verdicts, weight):
    """Extra looks included, so that all together spend no more than alpha."""
    found = rule(a_spec(iterations=iterations, verdicts=verdicts))
    assert [found.weight(t) for t in (2, iterations)] == pytest.approx([weight] * 2)
    assert weight * (len(found.looks) + found.extra_looks) <= 1 + 1e-12


def test_open_looks_spend_less_each_time():
    """1/(k(k + 1)) for the k-th, so that however many there are they sum to less than 1."""
    found = rule(a_spec(iterations=3, verdicts={"looks": "open"}))
    assert [found.weight(t) for t in (2, 3, 4)] == pytest.approx([1 / 2, 1 / 6, 1 / 12])
    assert 0.99 < sum(found.weight(t) for t in range(2, 500)) < 1
    assert found.extra_looks == 0
    assert "a look at every iteration, the k-th at 1/(k(k + 1)) of it" in declared(found).sentence


def test_open_looks_are_the_same_rule_however_many_iterations_there_are():
    """That their number may grow is what was declared."""
    one, other = (rule(a_spec(iterations=iterations, verdicts={"looks": "open"})) for iterations in (3, 5))
    assert declared(one).sentence == declared(other).sentence
    assert declared(one).hash == declared(other).hash


def test_what_the_experiment_leaves_out():
    """Every iteration from the second on is a look; M_1 is evaluated once and as often again as said."""
    found = rule(a_spec(iterations=4, evaluation={"repeats": 3}))
    assert (found.target, found.alpha, found.looks, found.extra_looks) == ("pass@1.sampled", 0.05, (2, 3, 4), 1)
    assert (found.evaluations, found.delta, found.default_delta) == (4, {}, None)


BASE = rule(a_spec())
OTHER = {
    "target": "pass@1.greedy",
    "essential": ("pass@16",),
    "watch": ("pass@16",),
    "alpha": 0.01,
    "delta": {"pass@16": 0.05},
    "default_delta": 0.01,
    "looks": (5,),
    "extra_looks": 0,
    "evaluations": 1,
    "is_open": True,
    "version": 99,
}


def test_the_hash_changes_with_every_part_of_the_rule():
    """There is no part that this does not look at."""
    assert set(OTHER) == {field.name for field in msgspec.structs.fields(Rule)}
    hashes = {declared(msgspec.structs.replace(BASE, **{name: value})).hash for name, value in OTHER.items()}
    assert len(hashes | {declared(BASE).hash}) == len(OTHER) + 1


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "b"},
        {"seed": 3},
        {"base_model": "hub/other"},
        {"sampling": {"n": 10}},
        {"method": "frozen"},
        {"verdicts": {"on_reversal": "stop"}},
        {"verdicts": {"essential": BASE.essential, "watch": BASE.watch, "looks": BASE.looks, "alpha": 0.05}},
    ],
)
def test_the_hash_changes_with_nothing_else(changes):
    """The same rule by another experiment, or said in full, has the same hash."""
    assert declared(rule(a_spec(**changes))) == declared(BASE)


def test_the_hash_is_short_and_the_order_of_deltas_does_not_matter():
    """Twelve hexadecimal digits."""
    one, other = (rule(a_spec(verdicts={"delta": dict(sizes)})) for sizes in ([("a", 1.0), ("b", 2.0)], [("b", 2.0), ("a", 1.0)]))
    assert declared(one).hash == declared(other).hash
    assert len(declared(one).hash) == 12
    assert int(declared(one).hash, 16) >= 0


@pytest.mark.parametrize(("looks", "told"), [([2, 3, 4, 5], "4 looks (it2-it5)"), ([3, 5], "2 looks (it3, it5)")])
def test_the_sentence_names_target_essentials_and_looks(looks, told):
    """All that a reader must know to judge the verdicts."""
    verdicts = {"essential": ["pass@16", "ood.accuracy"], "looks": looks, "delta": {"pass@16": 0.05}, "alpha": 0.01}
    sentence = declared(rule(a_spec(verdicts=verdicts))).sentence
    share = f"each at 1/{len(looks) + 1} of it"
    for part in ("pass@1.sampled up", "any of pass@16, ood.accuracy is down", told, share, "alpha 0.01", "pass@16 0.05"):
        assert part in sentence
    assert "M_1 is evaluated 3 times" in sentence


def test_the_sentence_without_essentials_or_looks():
    """It says that there are none."""
    sentence = declared(rule(a_spec(iterations=1, verdicts={"essential": []}))).sentence
    assert "any of (nothing)" in sentence
    assert "0 looks (none)" in sentence
