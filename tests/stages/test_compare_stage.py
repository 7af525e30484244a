"""Verdicts on request: against any reference, and of several runs as one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from builders import RunBuilder, a_problem, make_run, moved
from msgspec.structs import replace

from sirtui.core.errors import SirtuiError, StoreError, UsageError
from sirtui.core.files import read_record, write_record
from sirtui.core.layout import ComparisonFolder
from sirtui.core.measures import EvaluationRecord
from sirtui.core.rule import Declared, declared, rule
from sirtui.core.run import RunRecord
from sirtui.core.spec import Topup, Verdicts
from sirtui.core.verdict import Kind, Request, Sign, VerdictRecord
from sirtui.stages.compare import AFTERWARDS, SPANNED, answer, main

TARGET, ESSENTIAL = "pass@1.sampled", "pass@4"
COURSE = {1: 0.0, 2: 0.2, 3: 0.1, 4: 0.1}


def a_run(root: Path, ident: str = "aaaa", course: dict[int, float] | None = None, drop: float = 0.0, **spec) -> RunBuilder:
    """A run whose target moves by `course` from M_1's; its one essential measure falls by `drop` at every iteration but M_1."""
    fields = {"task": "nano", "method": "sft", "iterations": 4, "evaluation": {"samples": 8, "repeats": 0, "embedder": ""}}
    run = make_run(root, ident, **{**fields, "verdicts": {"essential": [ESSENTIAL], "watch": []}, **spec})
    for t, change in (COURSE if course is None else course).items():
        run.measured(t, {TARGET: moved(change, k=t), ESSENTIAL: moved(-drop if t > 1 else 0, k=t)})
    return run


def asked(*runs: RunBuilder, against: str = "it01", verdicts: Verdicts | None = None) -> dict[int, VerdictRecord]:
    """The verdicts by iteration."""
    request = Request(tuple(str(run.folder.path) for run in runs), against, verdicts, {}, ())
    found = answer(request)
    assert found.request == request
    return {record.t: record for record in found.verdicts}


def changes(found: dict[int, VerdictRecord]) -> dict[int, tuple[str, float]]:
    """By iteration what it was compared with, and how the target changed."""
    return {t: (record.against, round(record.cell(TARGET).against.change, 6)) for t, record in found.items()}


@pytest.mark.parametrize(
    ("against", "told"),
    [
        ("it01", {2: ("it01", 0.2), 3: ("it01", 0.1), 4: ("it01", 0.1)}),
        ("previous", {2: ("it01", 0.2), 3: ("it02", -0.1), 4: ("it03", 0.0)}),
        ("peak", {2: ("it01", 0.2), 3: ("it02", -0.1), 4: ("it02", -0.1)}),
        ("it02", {3: ("it02", -0.1), 4: ("it02", -0.1)}),
        ("it03", {4: ("it03", 0.0)}),
    ],
)
def test_each_iteration_is_compared_with_what_was_asked_for(tmp_path, against, told):
    """As far as that lies before it."""
    assert changes(asked(a_run(tmp_path), against=against)) == told


def test_only_against_m1_the_declared_error_rate_holds(tmp_path):
    """Any other comparison is afterwards, and says so."""
    found = asked(a_run(tmp_path), against="previous")
    assert [AFTERWARDS in found[t].notes for t in (2, 3, 4)] == [False, True, True]
    assert found[3].kind is Kind.REGRESSION
    assert found[3].keep is None


def test_an_iteration_that_was_not_measured_is_passed_over(tmp_path):
    """The one before it is the previous one."""
    run = a_run(tmp_path, course={1: 0.0, 2: 0.2, 4: 0.1})
    assert changes(asked(run, against="previous")) == {2: ("it01", 0.2), 4: ("it02", -0.1)}


def test_another_run_is_compared_by_the_same_problems(tmp_path):
    """Of a run with fewer problems, in another order, those that both have; every iteration can be compared with it."""
    run = a_run(tmp_path)
    other = make_run(tmp_path, "bbbb", task="nano", iterations=2, evaluation={"samples": 8, "repeats": 0})
    backwards = [a_problem(n) for n in reversed(range(40))]
    for t in (1, 2):
        other.measured(t, {TARGET: [0.1 * t] * 40, ESSENTIAL: [0.5] * 40}, problems=backwards)
    found = asked(run, against=f"{other.folder.path}/it02")
    assert {t: record.against for t, record in found.items() if record.kind} == dict.fromkeys((2, 3, 4), "gsm-bbbb/it02")
    cell = found[3].cell(TARGET)
    assert (cell.against.n, cell.against.t, cell.verdict, cell.reference) == (40, 0, Sign.UP, pytest.approx(0.2))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"grader": "else"}, "judge"),
        ({"problems": "else", "sampler": "else"}, "problems, sampling settings"),
        ({"rarefied_to": 4}, "number of samples"),
    ],
)
def test_runs_that_were_evaluated_in_other_ways_are_not_compared(tmp_path, changed, told):
    """What differs is named; other checkpoints, seeds and repeats do not matter."""
    run, other = a_run(tmp_path), a_run(tmp_path, "bbbb", {1: 0.0}, seed=1)
    of_it = other.folder.evaluation(1)
    record = replace(read_record(of_it, EvaluationRecord), checkpoint="another")
    write_record(of_it, record)
    assert asked(run, against=f"{other.folder.path}/it01")
    write_record(of_it, replace(record, **changed))
    with pytest.raises(UsageError) as caught:
        asked(run, against=f"{other.folder.path}/it01")
    assert caught.value.message == f"gsm-aaaa and gsm-bbbb were evaluated in other ways: {told}"
    assert caught.value.hint


def test_the_best_of_all_before_is_paid_for(tmp_path):
    """Against the peak p counts as often as there were iterations to choose from."""
    run = a_run(tmp_path, course={1: 0.0, 2: 0.2, 3: 0.18, 4: 0.17})
    best, named = (asked(run, against=against)[4].cell(TARGET).against for against in ("peak", "it02"))
    assert (best.t, best.p) == (named.t, named.p)
    assert 0 < best.corrected == pytest.approx(3 * named.corrected)


def test_another_run_with_other_problems_has_nothing_in_common(tmp_path):
    """Which makes no verdict, and no failure."""
    other = make_run(tmp_path, "bbbb", task="nano").measured(1, {TARGET: [0.5]}, problems=[a_problem(0, "else")])
    found = asked(a_run(tmp_path), against=f"{other.folder.path}/it01")
    assert {record.kind for record in found.values() if record.t > 1} == {Kind.UNDECIDED}
    assert found[2].cell(TARGET).verdict is Sign.UNDEFINED


def test_another_rule_judges_the_same_numbers(tmp_path):
    """Both are told."""
    run = a_run(tmp_path, drop=0.1)
    plain, other = asked(run)[2], asked(run, verdicts=Verdicts(essential=(), delta=0.5))[2]
    assert (plain.kind, plain.declared) == (Kind.REVERSAL, None)
    assert other.kind is not Kind.REVERSAL
    assert other.declared == declared(rule(run.spec)) != other.rule
    assert "the rule is not the declared one" in other.notes[0]


def test_the_newest_look_that_is_measured_counts(tmp_path):
    """A topup that is not through is none yet."""
    run = a_run(tmp_path, course={1: 0.0, 2: 0.1}).topped_up(Topup(2))
    assert asked(run)[2].look == 1
    for t in (1, 2):
        run.measured(t, {TARGET: moved(0.3 * (t - 1), k=t), ESSENTIAL: moved(k=t)}, repeat=2)
    found = asked(run)[2]
    assert (found.look, found.cell(TARGET).against.change) == (2, pytest.approx(0.2))


@pytest.mark.parametrize(("seeds", "kind"), [((0, 1), Kind.REVERSAL), ((0, 1, 2), Kind.REVERSAL)])
def test_runs_that_differ_in_their_seed_are_judged_as_one(tmp_path, seeds, kind):
    """At the iterations that all of them have; the seeds are told."""
    courses = [{1: 0.0, 2: 0.1 + 0.001 * seed, **({} if seed else {3: 0.1})} for seed in seeds]
    runs = [a_run(tmp_path, f"r{seed}", courses[seed], 0.1 + 0.001 * seed, seed=seed) for seed in seeds]
    found = asked(*runs)
    assert list(found) == [2]
    assert (found[2].kind, found[2].names, found[2].against) == (kind, (ESSENTIAL,), "it01")
    assert found[2].cell(TARGET).against.n == len(seeds)
    spanned = (SPANNED,) if len(seeds) == 2 else ()
    assert found[2].notes == (f"{len(seeds)} runs as one group, seeds {', '.join(map(str, seeds))}", *spanned)


def test_two_runs_must_agree(tmp_path):
    """One that says otherwise leaves it open."""
    runs = [a_run(tmp_path, f"r{seed}", {1: 0.0, 2: change}, seed=seed) for seed, change in enumerate((0.1, -0.1))]
    found = asked(*runs)[2]
    assert (found.kind, found.cell(TARGET).verdict) == (Kind.UNDECIDED, Sign.UNDECIDED)
    assert "1 up, 1 down" in found.text


def test_a_group_is_told_when_its_rule_is_not_the_declared_one(tmp_path):
    """As with every verdict."""
    runs = [a_run(tmp_path, f"r{seed}", {1: 0.0, 2: 0.1}, seed=seed) for seed in range(2)]
    before = Declared("It was otherwise.", "0123456789ab")
    for run in runs:
        write_record(run.folder.record, replace(read_record(run.folder.record, RunRecord), rule=before))
    assert asked(runs[0])[2].declared == before
    assert asked(*runs)[2].declared == before


@pytest.mark.parametrize("course", [{}, {1: 0.0}])
@pytest.mark.parametrize("against", ["it01", "previous", "peak"])
def test_nothing_to_compare_is_told(tmp_path, course, against):
    """With what to wait for."""
    with pytest.raises(UsageError, match="nothing to compare") as caught:
        asked(a_run(tmp_path, course=course), against=against)
    assert caught.value.message == f"there is nothing to compare with {against} yet"
    assert caught.value.hint == "Both must be measured, and what is compared with comes first."


def test_a_group_without_a_common_iteration_has_nothing_to_compare(tmp_path):
    """However far each of them came."""
    with pytest.raises(UsageError, match="nothing to compare"):
        asked(a_run(tmp_path, "r0", {1: 0.0, 2: 0.1}), a_run(tmp_path, "r1", {1: 0.0, 3: 0.1}, seed=1))


def break_record(run: RunBuilder) -> None:
    run.folder.record.write_bytes(b"{")


def lose_record(run: RunBuilder) -> None:
    run.folder.record.unlink()


def tear_problems(run: RunBuilder) -> None:
    run.folder.problems(2).write_bytes(b'{"problem":')


def lose_totals(run: RunBuilder) -> None:
    run.folder.totals(1).unlink()


@pytest.mark.parametrize("damage", [break_record, lose_record, tear_problems, lose_totals])
def test_a_broken_run_is_told_by_its_file(tmp_path, damage):
    """Never a traceback: what cannot be read, and where."""
    run = a_run(tmp_path)
    damage(run)
    with pytest.raises(StoreError, match=run.folder.name):
        asked(run, against="previous")


@pytest.mark.parametrize("against", ["it01", "previous"])
def test_a_run_that_lost_its_m1_is_told(tmp_path, against):
    """What everything is compared with is no small gap."""
    run = a_run(tmp_path)
    run.folder.problems(1).unlink()
    with pytest.raises(SirtuiError):
        asked(run, against=against)


def test_a_run_whose_task_is_gone_is_told(tmp_path):
    """A recipe of one's own was moved away."""
    with pytest.raises(SirtuiError, match="no such recipe file"):
        asked(a_run(tmp_path, task=f"{tmp_path}/gone.py"))


def test_the_program_leaves_an_answer_or_says_why_not(tmp_path, capsys):
    """`verdicts.json` and 0; else nothing, the message on stderr, and its exit code."""
    for name, course, code in (("one", COURSE, 0), ("other", {}, 2)):
        where = ComparisonFolder(tmp_path / name)
        run = a_run(tmp_path, name, course)
        write_record(where.request, Request((str(run.folder.path),), "previous", None, {}, ()))
        assert main(where.path) == code
        assert where.verdicts.exists() is (code == 0)
    assert capsys.readouterr().err.startswith("there is nothing to compare with previous yet\n  Both must be measured")
    assert main(tmp_path / "nowhere") == 1


def test_the_same_question_has_the_same_answer(tmp_path):
    """Byte for byte."""
    run = a_run(tmp_path, drop=0.1)
    request = Request((str(run.folder.path),), "peak", None, {}, ())
    assert msgspec.json.encode(answer(request)) == msgspec.json.encode(answer(request))


def test_the_same_reference_by_two_names_is_the_same(tmp_path):
    """`it2` and `RUN/it2`, `it1` and `RUN/it1`: all evaluations of it, either way."""
    run = a_run(tmp_path)
    for t in (1, 2):
        plain, named = (asked(run, against=f"{front}it{t:02}")[4] for front in ("", f"{run.folder.path}/"))
        assert plain.cell(TARGET).against.change == named.cell(TARGET).against.change
        assert plain.cell(TARGET).against.stderr == named.cell(TARGET).against.stderr
