"""The verdict on an iteration: every combination of its measures, against the table, row by row."""

from itertools import product

import pytest
from courses import DOWN, FLAT, LEANING, OPEN, TARGET, UP, a_course, a_rule, cell, moving

from sirtui.core.verdict import Kind, Sign
from sirtui.verdicts.iteration import Decisive, Standing, standing, verdict

KNOWN = (Sign.UP, Sign.FLAT, Sign.UNDECIDED)
STATES = [(sign, holds) for sign in Sign for holds in (True, False) if sign in KNOWN or not holds]
"""All that a measure can be: whether its loss can be excluded is open only where it is known and has not fallen."""
ROWS = [
    (("up",), lambda past, signs, holds: "down" in signs, Kind.REVERSAL),
    (("up",), lambda past, signs, holds: past, Kind.PAST_PEAK),
    (("up",), lambda past, signs, holds: bool(signs) and all(holds), Kind.PROGRESS),
    (("up",), lambda past, signs, holds: True, Kind.GAIN_UNDECIDED),
    (("down",), lambda past, signs, holds: True, Kind.REGRESSION),
    (("flat",), lambda past, signs, holds: "down" in signs, Kind.LOSS),
    (("undecided", "suspended", "undefined"), lambda past, signs, holds: "down" in signs, Kind.LOSS),
    (("flat",), lambda past, signs, holds: "up" in signs, Kind.GAIN_ELSEWHERE),
    (("flat",), lambda past, signs, holds: set(signs) == {"flat"}, Kind.NO_CHANGE),
    (("flat", "undecided", "suspended", "undefined"), lambda past, signs, holds: True, Kind.UNDECIDED),
]
"""The rows of the table: the target, what else must be, the verdict. The first that fits."""


def expected(target, past, states):
    signs, holds = [sign.value for sign, _ in states], [each for _, each in states]
    return next(kind for targets, fits, kind in ROWS if target.value in targets and fits(past, signs, holds))


def judged(target, past, states):
    essential = [Decisive(f"m{i}", *state) for i, state in enumerate(states)]
    return verdict(Standing(Decisive(TARGET, target, holds=False), past, essential))


@pytest.mark.parametrize("past", [None, 3])
@pytest.mark.parametrize("target", list(Sign))
def test_every_combination_has_the_verdict_of_its_row(target, past):
    """Up to three essentials in every state that they can have."""
    for count in range(4):
        for states in product(STATES, repeat=count):
            found = judged(target, past, states)
            assert found.kind is expected(target, past is not None, states), states
            down = tuple(f"m{i}" for i, (sign, _) in enumerate(states) if sign is Sign.DOWN)
            if down and found.kind.alarm:
                assert found.names == down, states
            if found.kind is Kind.PROGRESS:
                assert states, "never without essentials"
                assert all(holds for _, holds in states), states


@pytest.mark.parametrize(
    ("target", "past", "states", "text"),
    [
        (Sign.UP, 3, [(Sign.DOWN, False)], "reversal: m0 (past the peak, it3)"),
        (Sign.UP, 3, [(Sign.UNDECIDED, False)], "past the peak (it3)"),
        (Sign.UP, None, [], "gain, undecided: no essential measure is declared"),
        (Sign.UP, None, [(Sign.UP, True), (Sign.UNDEFINED, False)], "gain, undecided: m1"),
        (Sign.DOWN, 3, [], "regression"),
        (Sign.DOWN, None, [(Sign.UP, True), (Sign.DOWN, False)], "regression: m1"),
        (Sign.FLAT, None, [(Sign.UP, True), (Sign.UNDECIDED, False)], "gain elsewhere: m0"),
        (Sign.FLAT, None, [(Sign.FLAT, True)], "no change"),
        (Sign.FLAT, None, [], "undecided: no essential measure is declared"),
        (Sign.FLAT, None, [(Sign.FLAT, True), (Sign.UNDECIDED, True)], "undecided: m1"),
        (Sign.UNDECIDED, None, [(Sign.UP, True)], "undecided: pass@1"),
    ],
)
def test_the_verdict_in_words(target, past, states, text):
    """Names are those it is about; a peak is named by its iteration."""
    assert judged(target, past, states).text == text


def test_what_is_needed_stands_beside_the_name():
    """So that an undecided gain says what would decide it."""
    essential = [Decisive("ood.accuracy", Sign.UNDECIDED, holds=False, needs="needs 900 problems")]
    found = verdict(Standing(Decisive(TARGET, Sign.UP, holds=True), None, essential))
    assert found.text == "gain, undecided: OOD (needs 900 problems)"


@pytest.mark.parametrize(
    ("change", "direction", "sign", "holds"),
    [
        (UP, 1, Sign.UP, True),
        (FLAT, 1, Sign.FLAT, True),
        (LEANING, 1, Sign.UNDECIDED, True),
        (OPEN, 1, Sign.UNDECIDED, False),
        (DOWN, 1, Sign.DOWN, False),
        (DOWN, -1, Sign.UP, True),
        ((-0.015, 0.006), -1, Sign.UNDECIDED, True),
        ((-0.015, 0.006), 1, Sign.UNDECIDED, False),
        ((0.015, 0.006), -1, Sign.UNDECIDED, False),
    ],
)
def test_a_loss_is_excluded_by_the_lower_bound(change, direction, sign, holds):
    """In the measure's better direction: its lower 90 % bound above -delta."""
    course = a_course(moving(changes={2: UP}), moving("ngram", {2: change}, direction=direction))
    found = standing(course.cells(2), TARGET, ["ngram"])
    assert (found.target.sign, found.past_peak) == (Sign.UP, None)
    assert (found.essential[0].sign, found.essential[0].holds) == (sign, holds)


def test_what_is_suspended_undefined_or_too_small_excludes_nothing():
    """However well it seems to stand; and it says why."""
    shifted = tuple(moving(changes={9: (each, 0.01)}).rows[9] for each in (0, 0.2, 0.1))
    series = (
        moving(changes={2: UP}),
        moving("unsteady", {2: UP}, firsts=shifted),
        moving("gone", {2: UP}, firsts=(moving().first * float("nan"),) * 3),
    )
    course = a_course(*series, rule=a_rule("unsteady", "gone", "never"))
    found = {each.key: each for each in standing(course.cells(2), TARGET, course.rule.essential).essential}
    assert {key: each.sign for key, each in found.items()} == {
        "unsteady": Sign.SUSPENDED,
        "gone": Sign.UNDEFINED,
        "never": Sign.UNDEFINED,
    }
    assert not any(each.holds for each in found.values())
    assert found["unsteady"].needs.startswith("M_1 does not repeat itself")
    assert found["never"].needs == "nowhere defined in this run"
    few = a_course(moving(changes={2: UP}, n=16), moving("ngram", {2: (0.0, 0.001)}, n=16))
    assert cell(few, "ngram").why == "only 16 problems"
    assert not standing(few.cells(2), TARGET, ["ngram"]).essential[0].holds


def test_past_the_peak_by_the_targets_own_change():
    """Up against M_1 and down against it2."""
    course = a_course(moving(changes={2: (0.3, 0.01), 3: (0.1, 0.01)}), moving("ngram", {2: FLAT, 3: FLAT}))
    found = standing(course.cells(3), TARGET, ["ngram"])
    assert found.past_peak == 2
    assert verdict(found).text == "past the peak (it2)"
