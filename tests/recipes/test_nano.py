"""The nano world: arithmetic that is true, told in text, the same for ever."""

from collections import Counter
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sirtui.core.samples import Outcome, Problem
from sirtui.recipes.equations import equations
from sirtui.recipes.nano import algebra, chain, words
from sirtui.recipes.tasks.nano import TASK as NANO
from sirtui.recipes.tasks.nano_algebra import TASK as ALGEBRA

SEEDS = some.integers(0, 2**32)


@given(SEEDS, some.integers(1, 5))
def test_every_strategy_reaches_the_answer_by_true_equations(seed, length):
    """Numbers stay small, the last equation's value is the answer, and each equation holds."""
    random = Random(seed)
    drawn = chain.draw(random, length)
    assert len(drawn.steps) == length
    for solve in chain.STRATEGIES.values():
        found = solve(drawn, random)
        assert found[-1][1] == drawn.answer
        for left, value in found:
            assert eval(left) == value
            assert 0 <= value <= chain.LARGEST


def test_strategies_differ():
    """One chain, four ways of working it out."""
    drawn = chain.Chain(17, (chain.Step("-", 2), chain.Step("+", 5), chain.Step("+", 3)))
    ways = {name: [left for left, _ in solve(drawn, Random(1))] for name, solve in chain.STRATEGIES.items()}
    assert ways["order"] == ["17-2", "15+5", "20+3"]
    assert ways["reorder"] != ways["order"]
    assert ways["net"] == ["5+3", "8-2", "17+6"]
    assert ways["one"] == ["17-2+5+3"]


@given(SEEDS, some.integers(1, 4))
def test_a_story_is_solved_in_gsm8k_format(seed, level):
    """The solution ends with #### and the answer, and its equations are found again."""
    random = Random(seed)
    story = words.draw(random, level)
    solution = words.solve(story, random)
    assert solution.endswith(f"\n#### {story.chain.answer}")
    assert equations(solution)
    assert next(NANO.judge([(Problem("nano/x", story.question, solution), solution)])).correct


@given(SEEDS, some.integers(1, 5))
def test_a_system_is_solved_in_gsm8k_format(seed, level):
    """So is algebra."""
    random = Random(seed)
    system = algebra.draw(random, level)
    assert system.question.count("=") == level + 1
    assert algebra.solve(system, random).endswith(f"\n#### {system.chain.answer}")


@pytest.mark.parametrize("task", [NANO, ALGEBRA])
def test_problems_are_the_same_for_ever_and_never_shared(task):
    """No question stands twice or in both splits; ids, levels and texts are those of the first release."""
    train, test = task.problems("train"), task.problems("test")
    questions = [problem.question for problem in (*train, *test)]
    assert len(set(questions)) == len(questions)
    assert all(problem.id.startswith(f"{task.name}/") for problem in (*train, *test))
    assert sha256(repr([*train, *test]).encode()).hexdigest() == DIGESTS[task.name]


DIGESTS = {
    "nano": "a40ef744f242487127978db58510537a1b68ba58213d00b8d678bb823cf7af15",
    "nano-algebra": "957493b428b941cade413597e35c6ee1baeb99ace19a051352734445198b1ece",
}


def test_any_first_problems_are_a_fair_sample():
    """The first 70 and the first 300 weigh the levels alike."""
    for count in (70, 350):
        levels = Counter(problem.level for problem in NANO.problems("test")[:count])
        assert {level: n * 7 / count for level, n in levels.items()} == {"1": 1, "2": 2, "3": 2, "4": 2}
    assert set(Counter(problem.level for problem in ALGEBRA.problems("test")[:400]).values()) == {80}


@pytest.mark.parametrize(
    ("answer", "outcome", "read"),
    [
        ("so\n#### 20", Outcome.CORRECT, "20"),
        ("#### 20\n#### 21", Outcome.CORRECT, "20"),
        ("#### 21", Outcome.INCORRECT, "21"),
        ("#### -20", Outcome.INCORRECT, "-20"),
        ("####20", Outcome.CORRECT, "20"),
        ("20", Outcome.UNPARSED, None),
        ("#### twenty", Outcome.UNPARSED, None),
        ("#### 20 apples", Outcome.UNPARSED, None),
        ("#### " + "2" * 10_000, Outcome.UNPARSED, None),
        ("", Outcome.UNPARSED, None),
    ],
)
def test_the_judge_reads_the_number_after_the_hashes(answer, outcome, read):
    """And nothing else; what cannot be read is unparsed, not wrong."""
    (mark,) = NANO.judge([(Problem("nano/x", "?", "by hand\n#### 20"), answer)])
    assert (mark.outcome, mark.read) == (outcome, read)
