"""The rule in an experiment file: what `[verdicts]` and `[[topups]]` take, and how each mistake is told."""

from pathlib import Path

import pytest

from sirtui.core import spec as specs
from sirtui.core.errors import SpecError
from sirtui.core.spec import Spec, Topup, Verdicts

LEAST = 'name = "a"\nbase_model = "hub/model"\ntask = "nano"\niterations = 5\n'
KEYS = "alpha, delta, essential, extra_looks, looks, on_reversal, target, watch"
LOOKS = "iterations from 2 to 5, in order."


def parse(text: str) -> Spec:
    return specs.parse(LEAST + text, "my.toml", Path())


def mistake(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_an_experiment_without_a_rule_has_the_usual_one():
    """Nothing is declared but the target, alpha, one extra look, and to go on whatever happens."""
    assert parse("").verdicts == Verdicts()
    assert parse("[verdicts]\n").verdicts == Verdicts("pass@1.sampled", None, None, 0.05, {}, None, 1, "continue")


@pytest.mark.parametrize(
    ("said", "key", "value"),
    [
        ('target = "pass@1.greedy"', "target", "pass@1.greedy"),
        ('essential = ["pass@4", "ood.accuracy"]', "essential", ("pass@4", "ood.accuracy")),
        ("essential = []", "essential", ()),
        ('watch = ["answers.length"]', "watch", ("answers.length",)),
        ("alpha = 0.01", "alpha", 0.01),
        ("delta = 1", "delta", 1.0),
        ("delta = 0.03", "delta", 0.03),
        ('delta = { "pass@4" = 0.05, mine = 2 }', "delta", {"pass@4": 0.05, "mine": 2.0}),
        ("looks = [3, 5]", "looks", (3, 5)),
        ('looks = "open"', "looks", "open"),
        ("extra_looks = 0", "extra_looks", 0),
        ('on_reversal = "pause"', "on_reversal", "pause"),
        ('on_reversal = "stop"', "on_reversal", "stop"),
    ],
)
def test_every_key_is_taken(said, key, value):
    """And none changes another."""
    found = parse(f"[verdicts]\n{said}").verdicts
    assert getattr(found, key) == value
    usual = Verdicts()
    assert [each for each in Verdicts.__struct_fields__ if getattr(found, each) != getattr(usual, each)] == [key]


def test_delta_may_be_a_table_of_its_own():
    """By key, for each measure another."""
    assert parse('[verdicts.delta]\n"pass@4" = 0.05\nmine = 2').verdicts.delta == {"pass@4": 0.05, "mine": 2.0}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("target = 3", "verdicts.target: got 3\n  Expected text."),
        ('target = ""', "verdicts.target: got ''\n  Expected text of length >= 1."),
        ('essential = "pass@4"', "verdicts.essential: got 'pass@4'\n  Expected a list"),
        ("essential = [17]", "verdicts.essential[0]: got 17\n  Expected text."),
        ('watch = ["a", true]', "verdicts.watch[1]: got True\n  Expected text."),
        ("alpha = 0", "verdicts.alpha: got 0\n  Expected a number > 0.0."),
        ("alpha = 1", "verdicts.alpha: got 1\n  Expected a number < 1.0."),
        ("alpha = nan", "verdicts.alpha: got nan\n  Expected a number > 0.0."),
        ('alpha = "5 %"', "verdicts.alpha: got '5 %'\n  Expected a number."),
        ('delta = "x"', "verdicts.delta: got 'x'\n  Expected a number or a table."),
        ("delta = true", "verdicts.delta: got True\n  Expected a number or a table."),
        ("delta = -0.1", "verdicts.delta: got -0.1\n  Expected a number > 0.0."),
        ("delta = nan", "verdicts.delta: got nan\n  Expected a number > 0.0."),
        ("delta = inf", "verdicts.delta: got a number that is not finite\n  Expected finite numbers."),
        ("delta = { a = inf }", "verdicts.delta: got a number that is not finite\n  Expected finite numbers."),
        ("delta = { a = 0 }", "verdicts.delta.*: got "),
        ("looks = 2", "verdicts.looks: got 2\n  Expected "),
        ('looks = "opn"', "verdicts.looks: got 'opn'\n  Expected one of open."),
        ("looks = [2, 1]", "verdicts.looks[1]: got 1\n  Expected a whole number >= 2."),
        ("looks = []", "verdicts.looks: got []\n  Expected at least one iteration, or no such key."),
        ("looks = [4, 2]", f"verdicts.looks: got [4, 2]\n  Expected {LOOKS}"),
        ("looks = [2, 2]", f"verdicts.looks: got [2, 2]\n  Expected {LOOKS}"),
        ("looks = [2, 6]", f"verdicts.looks: got [2, 6]\n  Expected {LOOKS}"),
        ("extra_looks = -1", "verdicts.extra_looks: got -1\n  Expected a whole number >= 0."),
        ("extra_looks = 1.5", "verdicts.extra_looks: got 1.5\n  Expected a whole number."),
        ('on_reversal = "halt"', "verdicts.on_reversal: got 'halt'\n  Expected one of continue, pause, stop."),
        ("on_reversal = true", "verdicts.on_reversal: got True\n  Expected text."),
        ('esential = ["pass@4"]', f"verdicts.esential: unknown key\n  Expected `essential`, or one of {KEYS}."),
        ('on_reversl = "stop"', f"verdicts.on_reversl: unknown key\n  Expected `on_reversal`, or one of {KEYS}."),
        ("zzz = 1", f"verdicts.zzz: unknown key\n  Expected one of {KEYS}."),
    ],
)
def test_a_wrong_rule_is_told_by_its_key(said, told):
    """File, dotted key, what stands there, what should."""
    assert mistake(f"[verdicts]\n{said}").startswith(f"my.toml: {told}")


@pytest.mark.parametrize(
    "said",
    [
        'essential = ["pass@1.sampled"]',
        'target = "pass@1.sampled"\nwatch = ["pass@1.sampled"]',
        'essential = ["pass@1.sampled", "b"]\ntarget = "b"',
        'essential = ["b", "b"]',
        'essential = ["b"]\nwatch = ["b"]',
        'watch = ["b", "a", "b"]',
    ],
)
def test_a_measure_has_one_part(said):
    """One that is named twice is told by name, with what it could be."""
    told = mistake(f"[verdicts]\n{said}")
    assert " is named 2 times\n  Expected each measure once" in told
    assert told.startswith(("my.toml: verdicts: pass@1.sampled", "my.toml: verdicts: b"))


def test_topups_are_read_in_order():
    """An experiment may hold what was added to a run, as its run.json does."""
    assert parse("[verdicts]\nextra_looks = 2\n[[topups]]\nt = 3\ntimes = 2\n[[topups]]\nt = 2").topups == (
        Topup(3, 2),
        Topup(2, 1),
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("[[topups]]\ntimes = 2", "topups[0].t: missing\n"),
        ("[[topups]]\nt = 1", "topups[0].t: got 1\n  Expected a whole number >= 2."),
        ("[[topups]]\nt = 2\n[[topups]]\nt = 2\ntimes = 0", "topups[1].times: got 0\n  Expected a whole number >= 1."),
        ("[[topups]]\nt = 2\ntime = 3", "topups[0].time: unknown key\n  Expected `times`, or one of t, times."),
        ("[[topups]]\nt = 6", "topups: names iteration 6\n  Expected iterations from 2 to 5."),
        ("topups = 3", "topups: got 3\n  Expected a list."),
    ],
)
def test_a_wrong_topup_is_told_by_its_key(said, told):
    """Like any other mistake."""
    assert mistake(said).startswith(f"my.toml: {told}")


@pytest.mark.parametrize("said", ["[verdicts]\nextra_looks = 0\n[[topups]]\nt = 2", "[[topups]]\nt = 2\n[[topups]]\nt = 3"])
def test_more_topups_than_extra_looks_are_refused(said):
    """Each of them is a look: all together would spend more than alpha."""
    assert mistake(said).startswith("my.toml: topups: ")


@pytest.mark.parametrize(
    ("topups", "t", "counts"),
    [
        ((), 1, [3]),
        ((), 2, [1]),
        ((Topup(3, 2), Topup(2)), 1, [3, 5, 6]),
        ((Topup(3, 2), Topup(2)), 2, [1, 1, 2]),
        ((Topup(3, 2), Topup(3, 4)), 3, [1, 3, 7]),
        ((Topup(3, 2), Topup(2)), 4, [1, 1, 1]),
    ],
)
def test_how_often_an_iteration_is_evaluated(topups, t, counts):
    """M_1 by its repeats and every topup, others by their own; counted up to each topup, and in all."""
    spec = Spec(name="a", base_model="m", task="nano", topups=topups)
    assert [spec.evaluations(t, number) for number in range(len(topups) + 1)] == counts
    assert spec.evaluations(t) == counts[-1]
