"""What a verdict rests on, part by part."""

import numpy as np
import pytest
from courses import DOWN, FLAT, OPEN, UP, a_course, a_form, a_rule, even, ids, moved, moving
from hypothesis import given, settings
from hypothesis import strategies as some

from sirtui.core.verdict import State
from sirtui.verdicts.conclude import Evidence, conclude
from sirtui.verdicts.validity import Form, Forms, split, strip

STILL = a_course(moving(changes={2: FLAT}), moving("ngram", {2: FLAT}))
RISEN = a_course(moving(changes={2: UP}), moving("ngram", {2: FLAT}))


SAME = (a_form(), a_form())


def part(name, course=STILL, forms=SAME, contaminated=(0, 1000), ood=None):
    every = forms and Forms(forms, ood)
    return next(each for each in strip(course, 2, every, contaminated) if each.name == name)


@some.composite
def some_form(draw):
    total = draw(some.integers(1, 500))
    infra = draw(some.integers(0, total))
    unparsed = draw(some.integers(0, total - infra))
    return Form(total, infra, unparsed, draw(some.integers(0, total)), draw(some.integers(0, total - infra - unparsed)))


@settings(derandomize=True, max_examples=60, deadline=None, database=None)
@given(some_form(), some_form())
def test_both_parts_add_up_to_the_change_of_pass1(now, first):
    """Exactly, whatever was not read or not judged."""
    parts = split(now, first)
    shares = [form.correct / form.scored if form.scored else 0.0 for form in (now, first)]
    assert parts.answered + parts.right == pytest.approx(shares[0] - shares[1], abs=1e-12)


def test_the_split_by_hand():
    """Of 80 % right among the answered, 90 % answered and then all: .08; of answers none better."""
    now, first = a_form(unparsed=0, correct=800), a_form(unparsed=100, correct=720)
    assert (split(now, first).answered, split(now, first).right) == (pytest.approx(0.08), pytest.approx(0.0))


@pytest.mark.parametrize(
    ("now", "first", "state"),
    [
        (a_form(), a_form(), State.OK),
        (a_form(unparsed=49), a_form(), State.OK),
        (a_form(unparsed=51), a_form(), State.WARN),
        (a_form(), a_form(unparsed=51), State.WARN),
        (a_form(infra=1), a_form(), State.WARN),
        (a_form(infra=10), a_form(), State.WARN),
        (a_form(infra=11), a_form(), State.BROKEN),
        (a_form(), a_form(infra=11), State.BROKEN),
        (a_form(unparsed=201), a_form(), State.BROKEN),
        (a_form(infra=1000, unparsed=0, correct=0), a_form(), State.BROKEN),
        (Form(0, 0, 0, 0, 0), a_form(), State.WARN),
    ],
)
def test_the_judge(now, first, state):
    """By what it failed on and what could not be read, on either side."""
    assert part("judge", forms=(now, first)).state is state


def test_the_form_without_evidence_warns():
    """Nothing is known of the judge, the format and the problems."""
    assert {part(name, forms=None, contaminated=None).state for name in ("judge", "format", "contamination")} == {State.WARN}


MORE_READ = (a_form(unparsed=0, correct=600), a_form(unparsed=100, correct=540))


@pytest.mark.parametrize(
    ("course", "forms", "state"),
    [
        (RISEN, (a_form(correct=600), a_form()), State.OK),
        (STILL, (a_form(ended=960), a_form()), State.WARN),
        (STILL, MORE_READ, State.WARN),
        (RISEN, MORE_READ, State.BROKEN),
        (RISEN, (a_form(unparsed=0, correct=640), MORE_READ[1]), State.BROKEN),
        (RISEN, (a_form(unparsed=0, correct=680), MORE_READ[1]), State.WARN),
        (RISEN, (a_form(unparsed=0, correct=700), a_form(unparsed=100, correct=450)), State.WARN),
        (a_course(moving(changes={2: DOWN})), MORE_READ[::-1], State.BROKEN),
    ],
)
def test_the_format(course, forms, state):
    """Broken where a decided change is mostly that more answers could be read; else it warns of a shift."""
    assert part("format", course, forms).state is state


def test_the_split_is_told():
    """In points, both parts and their sum."""
    told = part("format", RISEN, MORE_READ).text
    assert "pass@1 +6.0 = answered +6.0, correct when answered +0.0" in told


def repeated(key, *shifts):
    """With M_1's evaluations apart by these z."""
    return moving(key, {2: UP}, firsts=tuple(moved(z * 0.01, 0.01 / np.sqrt(2), k=5 + i) for i, z in enumerate(shifts)))


@pytest.mark.parametrize(
    ("shifts", "state"), [((0,), State.WARN), ((0, 0, 1), State.OK), ((0, 0, 2.8), State.WARN), ((0, 0, 3.4), State.BROKEN)]
)
def test_the_null(shifts, state):
    """Not measured, without alarm, widened, not repeatable."""
    found = part("null", a_course(repeated("pass@1.sampled", *shifts)))
    assert found.state is state
    assert ("pass@1" in found.text) is (len(shifts) > 1 and state is not State.OK)


def test_the_null_of_an_essential_only_warns():
    """It is suspended by itself; a target that is not repeatable breaks the verdict."""
    course = a_course(repeated("pass@1.sampled", 0, 0, 0), repeated("ood.accuracy", 0, 0, 9))
    assert part("null", course).state is State.WARN
    assert "OOD" in part("null", course).text


@pytest.mark.parametrize("how", [2.8, 9])
def test_two_measures_that_do_not_repeat_themselves_tell_of_a_fault(how):
    """One may by chance; suspended or widened, whichever."""
    course = a_course(*(repeated(key, 0, 0, z) for key, z in (("pass@1.sampled", 0), ("ood.accuracy", 9), ("ngram", how))))
    assert part("null", course).state is State.BROKEN


def test_the_null_of_what_is_only_shown_is_no_ground():
    """Only the target and the essentials are what a verdict rests on."""
    course = a_course(repeated("pass@1.sampled", 0, 0, 0), repeated("shown", 0, 0, 9), rule=a_rule())
    assert part("null", course).state is State.OK


@pytest.mark.parametrize(
    ("found", "state"),
    [((0, 1000), State.OK), ((1, 1000), State.WARN), ((10, 1000), State.WARN), ((11, 1000), State.BROKEN), (None, State.WARN)],
)
def test_contamination(found, state):
    """Up to one in a hundred warns."""
    assert part("contamination", contaminated=found).state is state


@pytest.mark.parametrize(
    ("course", "state"),
    [
        (a_course(moving(changes={2: (0.0, 0.005)})), State.OK),
        (a_course(moving(changes={2: OPEN})), State.WARN),
        (a_course(moving(changes={2: (0.3, 0.03)})), State.OK),
        (a_course(moving(changes={2: UP}, firsts=(even() * np.nan,))), State.BROKEN),
        (a_course(moving(changes={2: UP}, clusters=np.zeros(256, dtype=np.int64))), State.BROKEN),
        (a_course(moving("ngram", {2: UP})), State.BROKEN),
    ],
)
def test_power(course, state):
    """By the change that is seen four times in five, unless the target is decided; broken where no error can be told."""
    assert part("power", course).state is state


def test_power_is_told_in_points():
    """(2.4977 + .842) x .01 at alpha .05/4; at least delta + .842 SE: of .005 alone it would be 1.7."""
    assert "256 problems: a change of 3.3 points of pass@1" in part("power", a_course(moving(changes={2: (0.0, 0.01)}))).text
    assert "256 problems: a change of 2.4 points of pass@1" in part("power").text


def test_power_below_thirty_problems_is_not_ok():
    """No change of any size is seen there."""
    found = part("power", a_course(moving(changes={2: (0.1, 0.001)}, n=16)))
    assert (found.state, found.text) == (State.BROKEN, "only 16 problems: fewer than 30 decide nothing")


def test_the_strip_has_its_five_parts_in_order():
    """Shown before the verdict."""
    parts = strip(STILL, 2, Forms(SAME), (0, 1000))
    assert [each.name for each in parts] == ["judge", "format", "null", "contamination", "power"]
    assert {each.state for each in parts} == {State.OK}


def test_a_verdict_that_rests_on_a_broken_part_says_so():
    """Each by name; and nothing where all hold."""
    sound = Evidence(ids(), forms={1: a_form(), 2: a_form(correct=600)}, contaminated=(0, 256))
    shaky = Evidence(ids(), forms={1: MORE_READ[1], 2: MORE_READ[0]}, contaminated=(30, 256))
    assert (conclude(RISEN, sound, 2).text, conclude(RISEN, sound, 2).broken) == ("progress", ())
    found = conclude(RISEN, shaky, 2)
    assert found.text == "progress; rests on a broken part: format, contamination"
    assert found.broken == ("format", "contamination")
    assert conclude(RISEN, sound, 2).alpha == RISEN.rule.alpha


FORGOT = a_course(moving(changes={2: UP}), moving("ood.accuracy", {2: DOWN}))
NOT_READ = (a_form(unparsed=300, correct=345), a_form())


def test_ood_answers_that_cannot_be_read_break_the_verdict():
    """OOD is down, and most of it is form: judge and format are broken by it, and the verdict says so."""
    judge, form = (part(name, FORGOT, ood=NOT_READ) for name in ("judge", "format"))
    assert (judge.state, form.state) == (State.BROKEN, State.BROKEN)
    assert judge.text == "OOD: unparsed 1.0 -> 30.0 %; else unparsed 1.0 -> 1.0 %"
    assert form.text.startswith("OOD: OOD -15.5 = answered ")
    assert "; else pass@1 +0.0 = answered +0.0" in form.text
    evidence = Evidence(
        ids(),
        forms={1: a_form(), 2: a_form(correct=600)},
        ood_forms={1: NOT_READ[1], 2: NOT_READ[0]},
        contaminated=(0, 256),
    )
    assert conclude(FORGOT, evidence, 2).text == "reversal: OOD; rests on a broken part: judge, format"


@pytest.mark.parametrize("ood", [None, SAME, (Form(0, 0, 0, 0, 0), a_form()), (a_form(correct=300), a_form())])
def test_ood_is_told_only_where_it_stands_worse(ood):
    """None there, the same, none drawn, or worse answers that could be read."""
    for name in ("judge", "format"):
        assert part(name, FORGOT, ood=ood) == part(name, FORGOT)
    shaky = (a_form(unparsed=300, correct=345), a_form())
    assert "OOD" not in part("judge", forms=shaky, ood=NOT_READ).text


def test_ood_that_is_not_decided_is_no_ground_for_broken_format():
    """It warns of the shift alone."""
    still = a_course(moving(changes={2: UP}), moving("ood.accuracy", {2: FLAT}))
    assert part("format", still, ood=NOT_READ).state is State.WARN


def test_the_length_of_answers_is_told_with_their_form():
    """Where it was measured; of the test problems."""
    length = moving("answers.length", {2: (20.0, 1.0)}, direction=0, unit="tokens", firsts=(even(base=100.0),) * 3)
    length.rows[2][:] += 99.5
    told = part("format", a_course(*RISEN.series, length, rule=a_rule("ngram")), ood=NOT_READ).text
    assert told.startswith("OOD: OOD -")
    assert told.endswith("length 100 -> 120 tokens")
    assert "tokens" not in part("format", RISEN).text
