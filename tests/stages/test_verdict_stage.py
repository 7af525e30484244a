"""The verdict stage: what it leaves, what it tells, and that both say the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from builders import NOW, RunBuilder, make_run, moved

from sirtui.core.events import Comparison, Concluded, Event
from sirtui.core.files import read_record, write_record
from sirtui.core.rule import Declared, declared, rule
from sirtui.core.run import JobRecord, Kind, RunRecord, Stage
from sirtui.core.spec import Topup
from sirtui.core.verdict import Kind as Verdict
from sirtui.core.verdict import Sign, VerdictRecord
from sirtui.stages import verdict
from sirtui.stages.context import Context

NAN = float("nan")
TARGET, NGRAM = "pass@1.sampled", "diversity.ngram.correct"


@pytest.fixture
def run(tmp_path: Path) -> RunBuilder:
    """Three iterations: at the third the target is up, one essential measure down, the other where it was."""
    verdicts = {"essential": ["pass@4", NGRAM], "watch": ["answers.length"]}
    evaluation = {"samples": 8, "repeats": 1, "embedder": ""}
    run = make_run(tmp_path, task="nano", method="sft", iterations=3, evaluation=evaluation, verdicts=verdicts)
    for repeat in (1, 2):
        of_m1 = {TARGET: moved(k=repeat), "pass@4": moved(k=3), NGRAM: moved(k=3), "answers.length": [100.0] * 64}
        run.measured(1, {**of_m1, "coverage.mass_train": [0.75] * 64, "pass@1.greedy": [0, 1] * 32}, repeat=repeat)
    for t, change in ((2, 0.0), (3, -0.1)):
        rest = {NGRAM: moved(change, k=4), "answers.length": [120.0] * 64, "pass@1.greedy": [1, 1] * 32}
        run.measured(t, {TARGET: moved(0.1, k=4), "pass@4": [NAN, *moved(k=3)[1:]], **rest})
    return run


def work(run: RunBuilder, t: int, out: Path, look: int = 1) -> tuple[VerdictRecord, list[Event], dict]:
    """What the stage leaves, tells, and answers."""
    told: list[Event] = []
    job = JobRecord(str(run.folder.path), Stage(t, Kind.VERDICT, look), 1, run.spec, NOW)
    settings = verdict.work(Context(job, run.folder, out, out, told.append))
    return read_record(out / "verdicts.json", VerdictRecord), told, settings


def test_what_is_told_is_what_is_left(run, tmp_path):
    """Of each measure with a change the numbers of its cell; then the verdict, without what can be long."""
    record, told, settings = work(run, 3, tmp_path)
    *changes, last = told
    assert (record.kind, record.names, record.look) == (Verdict.REVERSAL, (NGRAM,), 1)
    assert isinstance(last, Concluded)
    assert (last.record.cells, last.record.keep, last.record.validity) == ((), record.keep, record.validity)
    assert {each.key for each in changes} == {cell.key for cell in record.cells if cell.against}
    for each in changes:
        assert isinstance(each, Comparison)
        cell, against = record.cell(each.key), record.cell(each.key).against
        assert (each.against, each.role) == ("it01", cell.role)
        names = ("change", "stderr", "n", "lo90", "hi90", "lo95", "hi95")
        assert [getattr(each, name) for name in names] == [getattr(against, name) for name in names]
    assert settings == {"against": "it01", "rule": msgspec.to_builtins(rule(run.spec)), "hash": record.rule.hash}


def test_the_p_that_is_told_is_corrected_where_there_was_a_test(run, tmp_path):
    """Of measures that are only shown there is the raw one, and no verdict."""
    record, told, _ = work(run, 3, tmp_path)
    by_key = {each.key: each for each in told if isinstance(each, Comparison)}
    for key, sign in ((TARGET, Sign.UP), (NGRAM, Sign.DOWN), ("pass@4", Sign.FLAT), ("answers.length", Sign.UP)):
        assert by_key[key].p == record.cell(key).against.corrected
        assert (by_key[key].verdict, by_key[key].trend) == (sign, record.cell(key).trend)
    assert by_key[NGRAM].p > record.cell(NGRAM).against.p
    shown = by_key["pass@1.greedy"]
    assert (shown.role, shown.verdict, shown.trend) == ("shown", "", "")
    assert shown.p == record.cell("pass@1.greedy").against.p
    assert by_key["pass@4"].n == 63


def test_the_same_inputs_give_the_same_bytes(run, tmp_path):
    """Nothing in it is drawn, timed, or in the order of a set."""
    left = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        work(run, 3, tmp_path / name)
        left.append((tmp_path / name / "verdicts.json").read_bytes())
    assert left[0] == left[1]
    assert b"NaN" not in left[0]


def test_of_m1_there_is_advice_and_no_verdict(run, tmp_path):
    """Nothing is compared with itself."""
    record, told, _ = work(run, 1, tmp_path)
    assert (record.kind, record.cells, record.text, record.measured) == (None, (), "", (1,))
    assert record.advice.startswith("coverage 0.75, above one half: DPO or SFT-DPO")
    assert told == [Concluded(record=record)]


def other_rule(run: RunBuilder, change: Callable[[RunRecord], RunRecord]) -> None:
    write_record(run.folder.record, change(read_record(run.folder.record, RunRecord)))


def test_a_rule_that_is_not_the_declared_one_is_told(run, tmp_path):
    """With both: the one it was judged by, and the one that run.json has from before."""
    before = Declared("It was otherwise.", "0123456789ab")
    other_rule(run, lambda record: msgspec.structs.replace(record, rule=before))
    record, told, _ = work(run, 3, tmp_path)
    assert record.rule == declared(rule(run.spec))
    assert record.declared == before
    assert record.notes[0] == f"the rule is not the declared one: 0123456789ab when the run was made, now {record.rule.hash}"
    assert told[-1].record.declared == before


@pytest.mark.parametrize("known", ["the same", "none", "no file"])
def test_without_another_declared_rule_there_is_no_note(run, tmp_path, known):
    """The same one, none at all (an older run), or no run.json."""
    if known == "none":
        other_rule(run, lambda record: msgspec.structs.replace(record, rule=None))
    elif known == "no file":
        run.folder.record.unlink()
    record, _, _ = work(run, 3, tmp_path)
    assert (record.declared, record.notes) == (None, ())


def test_another_look_says_which(run, tmp_path):
    """How many evaluations of M_t it rests on, all of them pooled."""
    topped = run.topped_up(Topup(3, 2))
    for repeat in (3, 4):
        topped.measured(1, {TARGET: moved(k=repeat), "pass@4": moved(k=3), NGRAM: moved(k=3)}, repeat=repeat)
    for repeat in (2, 3):
        topped.measured(3, {TARGET: moved(0.4, k=repeat), "pass@4": moved(k=3), NGRAM: moved(-0.1, k=4)}, repeat=repeat)
    first, again = (work(topped, 3, tmp_path, look)[0] for look in (1, 3))
    assert (first.look, again.look) == (1, 3)
    assert (first.cell(TARGET).value, again.cell(TARGET).value) == (pytest.approx(0.6), pytest.approx(0.8))
    assert again.rule == first.rule
    assert "a further look: M_3 was evaluated 3 times for it, M_1 4 times" in again.notes


def test_an_iteration_that_was_not_measured_is_told(run, tmp_path):
    """The verdict is made of what there is."""
    run.folder.problems(2).unlink()
    record, _, _ = work(run, 3, tmp_path)
    assert (record.measured, record.notes) == ((1, 3), ("not measured: it2",))
    assert record.cell(TARGET).previous.t == 1


def test_a_look_that_was_not_declared_decides_nothing(run, tmp_path):
    """However clear it is."""
    run = RunBuilder(
        run.folder,
        msgspec.convert({**msgspec.to_builtins(run.spec), "verdicts": {"looks": [2], "essential": [NGRAM]}}, type(run.spec)),
    )
    record, told, _ = work(run, 3, tmp_path)
    assert record.kind is Verdict.UNDECIDED
    assert {each.verdict for each in told[:-1] if each.role in ("target", "essential")} == {Sign.UNDECIDED}
    assert "it3 is no declared look: its measures lean, nothing is decided" in record.notes
