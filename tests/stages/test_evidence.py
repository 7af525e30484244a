"""From the files of evaluations to what verdicts are computed from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from builders import RunBuilder, a_problem, make_run

from sirtui.core.errors import StoreError
from sirtui.core.spec import Topup
from sirtui.core.verdict import Sign
from sirtui.stages.evidence import Gathered, Subject, gather, rebased
from sirtui.verdicts.paired import FIRST_LEVEL, LAST_LEVEL
from sirtui.verdicts.series import Series, Shape

NAN = float("nan")
TARGET = "pass@1.sampled"


@dataclass(frozen=True)
class FakeTask:
    """A task as far as evidence asks for one."""

    name: str
    levels: tuple[str, ...] = ()


def gathered(run: RunBuilder, t: int, look: int = 1, others: tuple[FakeTask, ...] = (), **more) -> Gathered:
    """What is known up to M_t; trained on `nano`, with these other tasks."""
    return gather(
        Subject(run.folder, run.spec, {each.name: each for each in (FakeTask("nano", ("1", "2")), *others)}), t, look, **more
    )


def series(found: Gathered) -> dict[str, Series]:
    return {each.key: each for each in found.course.series}


def a_run(root: Path, repeats: int = 0, iterations: int = 4, **spec) -> RunBuilder:
    evaluation = {"samples": 8, "ood_samples": 4, "repeats": repeats}
    return make_run(root, iterations=iterations, method="sft", evaluation=evaluation, **spec)


def test_scores_lie_by_problem_and_iteration(tmp_path):
    """M_1's apart; what has no score, there or at all, is a gap; direction and unit are the measure's."""
    run = a_run(tmp_path).measured(1, {TARGET: [0.25, 0.5, NAN], "answers.length": [9, 10, 11]})
    run.measured(2, {TARGET: [0.5, NAN, 1.0], "answers.length": [1, 2, 3], "new": [1, 1, 1]})
    found = series(gathered(run, 2))
    assert list(found) == [TARGET, "answers.length", "new"]
    np.testing.assert_array_equal(found["new"].firsts, [[NAN] * 3])  # what M_1 lacks cannot be compared
    np.testing.assert_array_equal(found["new"].rows[2], [1, 1, 1])
    np.testing.assert_array_equal(found[TARGET].rows[2], [0.5, NAN, 1.0])
    np.testing.assert_array_equal(found[TARGET].firsts, [[0.25, 0.5, NAN]])
    assert (found[TARGET].direction, found[TARGET].unit, found[TARGET].shape) == (1, "share", Shape.MEAN)
    assert (found["answers.length"].direction, found["answers.length"].unit) == (0, "tokens")


def test_a_measure_without_any_score_is_left_out(tmp_path):
    """In any evaluation; where one alone has none, that has gaps, and there is nothing to compare."""
    run = a_run(tmp_path).measured(1, {TARGET: [0.5, 0.5], "odd": [NAN, NAN], "gone": [1, 1], "no": [NAN] * 2})
    run.measured(2, {TARGET: [0.5, 0.5], "odd": [1, 1], "gone": [NAN, NAN], "no": [NAN] * 2})
    found = series(gathered(run, 2))
    assert set(found) == {TARGET, "odd", "gone"}
    np.testing.assert_array_equal(found["gone"].rows[2], [NAN, NAN])
    cells = {cell.key: cell for cell in gathered(run, 2).course.cells(2)}
    assert {cells[key].verdict for key in ("odd", "gone")} == {Sign.UNDEFINED}
    assert all(cells[key].why for key in ("odd", "gone"))


def test_an_iteration_without_measures_is_left_out(tmp_path):
    """In the middle of a course; the others stay what they are, and it is told."""
    run = a_run(tmp_path)
    for t in (1, 2, 4):
        run.measured(t, {TARGET: [t / 10] * 3})
    found = gathered(run, 4)
    assert found.course.measured == (1, 2, 4)
    assert {t: row[0] for t, row in series(found)[TARGET].rows.items()} == {2: 0.2, 4: 0.4}
    assert set(found.evidence.tallies) == set(found.evidence.forms) == {1, 2, 4}
    assert gathered(run, 2).course.measured == (1, 2)


def test_what_the_judge_failed_on_counts_nowhere(tmp_path):
    """INFRA marks are out of the tallies, their halves, and the shares of the strip; they are counted as such alone."""
    bits = (True, True, False, True, False, False)
    problems = [a_problem(0, bits=bits, infra=(0, 2), unparsed=1, truncated=2), a_problem(1, bits=bits)]
    found = gathered(a_run(tmp_path).measured(1, {TARGET: [0.5, 0.5]}, problems=problems), 1).evidence
    tally, form = found.tallies[1], found.forms[1]
    assert (tally.correct.tolist(), tally.drawn.tolist()) == ([2, 3], [4, 6])
    assert tally.half_correct[:, 0].tolist() == [1, 1]  # of True, True, False, False the first and third, second and fourth
    assert (form.drawn, form.infra, form.unparsed, form.ended, form.correct, form.scored) == (12, 2, 1, 10, 5, 10)


def test_only_test_problems_are_tallied(tmp_path):
    """Problems of other splits have their scores, but nothing drawn."""
    problems = [a_problem(0), a_problem(0, "other", "ood"), a_problem(0, split="train")]
    run = a_run(tmp_path).measured(
        1, {TARGET: [0.5], "ood.accuracy": [NAN, 0.5], "coverage.any": [NAN, NAN, 1]}, problems=problems
    )
    found = gathered(run, 1)
    assert found.evidence.problems == [each.problem for each in problems]
    assert found.evidence.tallies[1].drawn.tolist() == [8, 0, 0]
    assert (found.evidence.forms[1].drawn, found.evidence.ood_forms[1].drawn) == (8, 8)
    np.testing.assert_array_equal(series(found)["coverage.any"].first, [NAN, NAN, 1])


def test_problems_of_one_cluster_share_a_number(tmp_path):
    """One without a cluster is one of its own, also where another's cluster is called like it."""
    clusters = ["a", None, "a", "nano/test-1", None]
    problems = [a_problem(n, cluster=cluster) for n, cluster in enumerate(clusters)]
    found = gathered(a_run(tmp_path).measured(1, {TARGET: [0.5] * 5}, problems=problems), 1)
    assert series(found)[TARGET].clusters.tolist() == [0, 1, 0, 2, 3]
    assert found.evidence.cluster == {"nano/test-0": "a", "nano/test-2": "a", "nano/test-3": "nano/test-1"}


def test_without_clusters_there_are_none(tmp_path):
    """Not one a problem: the plain error needs no groups."""
    assert series(gathered(a_run(tmp_path).measured(1, {TARGET: [0.5] * 3}), 1))[TARGET].clusters is None


def forgetting(root: Path, *tasks: str) -> RunBuilder:
    """One test problem, and of each task one at each of three levels; in M_2 each is solved once more."""
    front = "{}/" if len(tasks) > 1 else ""
    problems = [a_problem(0), *(a_problem(n, task, "ood", level=str(n + 1)) for task in tasks for n in range(3))]
    run = a_run(root)
    for t in (1, 2):
        scores = {TARGET: [0.5]}
        for place, task in enumerate(tasks):
            rest = [NAN] * (1 + 3 * place)
            scores[f"{front.format(task)}ood.accuracy"] = [*rest, 0.25 * t, 0.2 * t, 0.1 * t]
        run.measured(t, scores, problems=problems)
    return run


def test_each_other_task_with_levels_has_a_disparity_of_its_own(tmp_path):
    """Made of its accuracy, and of its own first and last level alone; a task without levels has none."""
    others = (FakeTask("a", ("1", "2", "3")), FakeTask("b"), FakeTask("c", ("2", "1")))
    found = series(gathered(forgetting(tmp_path, "a", "b", "c"), 2, others=others))
    assert [key for key in found if "disparity" in key] == ["a/ood.disparity", "c/ood.disparity"]
    first, last = FIRST_LEVEL, LAST_LEVEL
    assert found["a/ood.disparity"].levels.tolist() == [-1, first, -1, last, *[-1] * 6]
    assert found["c/ood.disparity"].levels.tolist() == [*[-1] * 7, last, first, -1]
    assert found["a/ood.disparity"].value(found["a/ood.disparity"].first) == pytest.approx(1 - 0.1 / 0.25)
    assert (found["c/ood.disparity"].direction, found["c/ood.disparity"].shape) == (-1, Shape.DISPARITY)
    assert found["c/ood.disparity"].rows is found["c/ood.accuracy"].rows


def test_of_one_other_task_nothing_stands_in_front(tmp_path):
    """As its measures are called."""
    found = series(gathered(forgetting(tmp_path, "a"), 2, others=(FakeTask("a", ("1", "3")),)))
    assert found["ood.disparity"].levels.tolist() == [-1, FIRST_LEVEL, -1, LAST_LEVEL]


def test_m1_evaluated_again_is_not_averaged_away(tmp_path):
    """Each evaluation by itself: the null lies between them. A training measure has one alone."""
    run = a_run(tmp_path, repeats=2)
    problems = [a_problem(0), a_problem(0, split="train")]
    run.measured(1, {TARGET: [0.1], "coverage.mass_train": [NAN, 0.5]}, problems=problems)
    for repeat in (2, 3):
        run.measured(1, {TARGET: [0.1 * repeat]}, repeat=repeat)
    run.measured(2, {TARGET: [0.9], "coverage.mass_train": [NAN, 0.75]}, problems=problems)
    found = series(gathered(run, 2))
    np.testing.assert_allclose([row[0] for row in found[TARGET].firsts], [0.1, 0.2, 0.3])
    assert (found[TARGET].evaluations, found[TARGET].draws) == ({1: 3, 2: 1}, {1: 24, 2: 8})
    trained = found["coverage.mass_train"]
    assert (len(trained.firsts), trained.evaluations, trained.draws) == (1, {1: 1, 2: 1}, {1: 50, 2: 50})
    assert gathered(run, 2).evidence.tallies[1].drawn.tolist() == [24, 0]


def test_topped_up_evaluations_are_pooled(tmp_path):
    """Of M_t the mean over all its evaluations, of each problem over those where it is defined; a former look sees none of it."""
    run = a_run(tmp_path).topped_up(Topup(2, 2))
    for t, repeat, row in (
        (1, 1, [0.0, 0]),
        (1, 2, [0.3, 0]),
        (1, 3, [0.6, 0]),
        (2, 1, [0.1, 0.2]),
        (2, 2, [0.2, NAN]),
        (2, 3, [0.6, 0.4]),
    ):
        run.measured(t, {TARGET: row}, repeat=repeat)
    found = gathered(run, 2, look=3)
    np.testing.assert_allclose(series(found)[TARGET].rows[2], [0.3, 0.3])
    assert (len(series(found)[TARGET].firsts), series(found)[TARGET].evaluations) == (3, {1: 3, 2: 3})
    assert found.evidence.tallies[2].drawn.tolist() == [24, 24]
    assert found.course.is_look(2)
    before = series(gathered(run, 2))[TARGET]
    assert (before.rows[2].tolist(), len(before.firsts)) == ([0.1, 0.2], 1)


def test_an_extra_look_decides_where_none_was_declared(tmp_path):
    """What was not among the looks is one when it is topped up, and only then."""
    run = a_run(tmp_path, verdicts={"looks": [4], "essential": []}).topped_up(Topup(2))
    for t, repeat in ((1, 1), (1, 2), (2, 1), (2, 2)):
        run.measured(t, {TARGET: [0.5]}, repeat=repeat)
    assert not gathered(run, 2).course.is_look(2)
    assert gathered(run, 2, look=2).course.is_look(2)


def test_problems_are_matched_by_id(tmp_path):
    """In whatever order they lie; one that is gone is a gap, one that is new is no ground for a comparison."""
    run = a_run(tmp_path).measured(1, {TARGET: [0.1, 0.2, 0.3]}, problems=[a_problem(n) for n in (0, 1, 2)])
    run.measured(2, {TARGET: [0.9, 0.6, 0.8]}, problems=[a_problem(n) for n in (9, 0, 2)])
    found = gathered(run, 2)
    np.testing.assert_array_equal(series(found)[TARGET].rows[2], [0.6, NAN, 0.8])
    assert found.evidence.tallies[2].drawn.tolist() == [8, 0, 8]
    other = gathered(run, 2, problems=["nano/test-2", "nano/test-9", "nano/test-0"])
    np.testing.assert_array_equal(series(other)[TARGET].rows[2], [0.8, 0.9, 0.6])
    np.testing.assert_array_equal(series(other)[TARGET].first, [0.3, NAN, 0.1])


def test_how_many_samples_stand_behind_a_share(tmp_path):
    """Of those keys that are shares of correct samples, and of no other."""
    keys = (
        TARGET,
        "coverage.mass_test",
        "a/ood.accuracy",
        "ood.accuracy.level_2",
        "ood.accuracy.greedy",
        "pass@1.greedy",
        "pass@4",
    )
    found = series(gathered(a_run(tmp_path).measured(1, {key: [0.5] for key in keys}), 1))
    assert {key: each.draws.get(1) for key, each in found.items()} == dict(zip(keys, (8, 8, 4, 4, None, None, None), strict=True))
    assert [key for key, each in found.items() if each.shape is Shape.MARKS] == ["ood.accuracy.greedy", "pass@1.greedy"]


@pytest.mark.parametrize(("count", "found"), [(None, None), (0, (0, 2)), (2, (2, 2))])
def test_contamination_is_what_m1_found(tmp_path, count, found):
    """None where nobody looked, or nothing tells of it."""
    run = a_run(tmp_path).measured(1, {TARGET: [0.5, 0.5]}, contaminated=count)
    assert gathered(run, 1).evidence.contaminated == found
    run.folder.evaluation(1).unlink()
    assert gathered(run, 1).evidence.contaminated is None


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("problems.jsonl", b'{"problem":"a","split":"test"}\n{"problem"\n', "problems.jsonl:2: "),
        ("problems.jsonl", b'{"problem":"a","split":"test","bits":["yes"]}\n', "problems.jsonl:1: "),
        ("measures.json", b"{", "not a readable TotalsRecord"),
        ("measures.json", None, "not a readable TotalsRecord"),
    ],
)
def test_a_damaged_file_is_told(tmp_path, name, content, told):
    """With its path, and the line; it is never read as if nothing had been measured."""
    run = a_run(tmp_path).measured(1, {TARGET: [0.5]}).measured(2, {TARGET: [0.5]})
    file = run.folder.problems(2).with_name(name)
    file.unlink() if content is None else file.write_bytes(content)
    with pytest.raises(StoreError) as caught:
        gathered(run, 2)
    assert told in caught.value.message
    assert str(file) in caught.value.message


def test_another_iteration_takes_the_place_of_m1(tmp_path):
    """Its scores, samples and answers; of another run by the same problems; what it lacks is a gap."""
    run = a_run(tmp_path)
    run.measured(1, {TARGET: [0.1, 0.1], "gone": [1, 1]})
    run.measured(2, {TARGET: [0.5, 0.6]}, problems=[a_problem(0, bits=(True,)), a_problem(1, bits=(False,))])
    run.measured(3, {TARGET: [0.9, 0.9], "gone": [1, 1]})
    mine = gathered(run, 3)
    found = rebased(mine, mine, 2, same=True)
    assert np.isnan(series(found)["gone"].reference).all()
    assert series(found)[TARGET].reference.tolist() == [0.5, 0.6]
    assert found.course.reference == 2
    assert (found.evidence.tallies[1].correct.tolist(), found.evidence.tallies[3].drawn.tolist()) == ([1, 0], [8, 8])
    other = gathered(make_run(tmp_path, "bbbb").measured(1, {TARGET: [0.3, 0.4]}), 1)
    assert rebased(mine, other, 1, same=False).course.reference == 0
    assert series(rebased(mine, other, 1, same=False))[TARGET].reference.tolist() == [0.3, 0.4]
