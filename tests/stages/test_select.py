"""Which answers are learnt from."""

from sirtui.core.samples import Answers, Mark, Marks, Outcome
from sirtui.core.spec import Selection
from sirtui.stages.select import correct, pairs, sort_out

TEXTS = ("a=1", "a=1 ", "b=1", "wrong", "cut off", "mute", "broken", "c=1")
ENDED = (True, True, True, True, False, True, True, True)
OUTCOMES = ("correct", "correct", "correct", "incorrect", "correct", "unparsed", "infra", "correct")
ANSWERS = Answers("p/1", TEXTS, (1,) * 8, ENDED, (None,) * 8)
MARKS = Marks("p/1", tuple(Mark(Outcome(outcome)) for outcome in OUTCOMES))


def sorted_out(**selection):
    return list(sort_out([ANSWERS], [MARKS], Selection(**selection), lambda text: tuple(text[1:].split())))


def test_answers_are_sorted_by_what_the_judge_found():
    """Cut-off answers are no examples, failures of the judge are nobody's fault, duplicates go."""
    (found,) = sorted_out()
    assert found.correct == ("a=1", "b=1", "c=1")
    assert found.incorrect == ("wrong", "mute")


def test_duplicates_can_be_told_by_their_steps_or_kept():
    """With the same steps the first wording stays; without dedup everything does."""
    assert sorted_out(dedup="steps")[0].correct == ("a=1",)
    assert sorted_out(dedup="none")[0].correct == ("a=1", "a=1 ", "b=1", "c=1")


def test_at_most_so_many_of_each_problem():
    """Correct ones for SFT; pairs, no answer used twice, for DPO."""
    assert list(correct(sorted_out(), 2)) == [("p/1", "a=1"), ("p/1", "b=1")]
    assert list(pairs(sorted_out(), 4)) == [("p/1", "a=1", "wrong"), ("p/1", "b=1", "mute")]
    assert list(pairs(sorted_out(), 1)) == [("p/1", "a=1", "wrong")]
