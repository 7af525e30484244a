"""Verdicts in the index: of each iteration the last look, and of a run its last iteration's."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from builders import a_verdict, make_run, make_spec

from sirtui.core.events import Comparison, Concluded, Event, Metric, encode
from sirtui.core.files import read_record, write_record
from sirtui.core.rule import declared, rule
from sirtui.core.run import RunRecord, Stage, Status
from sirtui.core.spec import Topup
from sirtui.core.verdict import Keep, Kind
from sirtui.store import Store
from sirtui.store.rows import RunVerdict

EVIL = "evil\x1b]52;c;cHduZWQ=\x07\x1b[2J\r\nname\x9b31m\u202e"
ALARMS = [kind for kind in Kind if kind.alarm]


def keep(t: int) -> Keep:
    return Keep(t, 0.5, 0.1, None, None, "the highest")


def told(store, run):
    """The run's row in the list, which is the same as with the run itself."""
    store.catch_up()
    (row,) = [row for row in store.runs() if row.name == run.name]
    assert store.run(run.name).run == row
    return row


def test_a_run_without_a_verdict_has_none(store, root):
    """M_1's advice is none."""
    run = make_run(root).concluded(a_verdict(1, None, advice="coverage .7"))
    row = told(store, run)
    assert (row.verdict, row.alarm) == (None, False)
    assert store.run(run.name).iterations[0].verdict.advice == "coverage .7"


def test_the_last_iteration_speaks_for_the_run(store, root):
    """However it went before; the alarms of all iterations are counted."""
    run = make_run(root, iterations=4)
    for record in (a_verdict(4, "gain_undecided", "pass@4", keep=keep(3)), a_verdict(1, None)):
        run.concluded(record)
    run.concluded(a_verdict(2, "reversal", "pass@4", "ood.accuracy", keep=keep(1))).concluded(a_verdict(3, "loss"))
    assert told(store, run).verdict == RunVerdict(Kind.GAIN_UNDECIDED, ("pass@4",), None, "gain_undecided: pass@4", 2, 3)
    assert not told(store, run).alarm


@pytest.mark.parametrize("kind", Kind)
def test_what_was_lost_for_sure_is_an_alarm(store, root, kind):
    """Four kinds of nine."""
    row = told(store, make_run(root).concluded(a_verdict(2, kind)))
    assert (row.verdict.kind, row.verdict.alarms, row.alarm) == (kind, int(kind in ALARMS), kind in ALARMS)


@pytest.mark.parametrize(
    ("first", "again", "alarms"), [("loss", "no_change", 0), ("undecided", "reversal", 1), ("loss", "loss", 1)]
)
def test_of_several_looks_the_last_counts(store, root, first, again, alarms):
    """In the list, in the run, and once for each iteration."""
    run = make_run(root, iterations=3).topped_up(Topup(2, 2)).concluded(a_verdict(3, "progress"))
    run.concluded(a_verdict(2, again, look=3, keep=keep(2))).concluded(a_verdict(2, first, keep=keep(1)))
    row = told(store, run)
    assert (row.verdict.kind, row.verdict.alarms) == ("progress", alarms)
    view = store.run(run.name)
    assert (view.iterations[1].verdict.kind, view.iterations[1].verdict.look) == (again, 3)
    assert [each.verdict for each in view.repeats] == [None] * len(view.repeats)
    assert (2, 3) in {(each.t, each.repeat) for each in view.repeats}


def test_a_verdict_is_whole_but_for_what_is_long(store, root):
    """What it rests on and which to keep, as told."""
    record = a_verdict(2, "loss", "pass@4", keep=keep(1), notes=["not measured: it3"], measured=[1, 2])
    run = make_run(root).concluded(record)
    store.catch_up()
    assert store.run(run.name).iterations[1].verdict == record


CHANGE = Comparison("a", "it01", -0.1, 0.01, 30, -0.12, -0.08, -0.13, -0.07, 0.25, "undecided", "declined", "essential")


def test_a_cell_has_what_the_last_look_said(store, root):
    """Change, intervals, p, verdict, trend and part; value and error are of the evaluation itself."""
    last = msgspec.structs.replace(CHANGE, change=-0.2, p=0.001, verdict="down", n=29)
    run = make_run(root).topped_up(Topup(2)).finish("it02/measure", Metric("a", 0.4, 0.02, 31))
    run.finish("it02/repeat-2/measure", Metric("a", 0.3, 0.03, 32))
    run.concluded(a_verdict(2, "loss", look=2), last).concluded(a_verdict(2, "undecided"), CHANGE)
    store.catch_up()
    cell = store.run(run.name).iterations[1].cells["a"]
    assert (cell.value, cell.stderr, cell.n) == (0.4, 0.02, 31)
    assert (cell.change, cell.change_stderr, cell.change_n, cell.against) == (-0.2, 0.01, 29, "it01")
    assert (cell.lo90, cell.hi90, cell.lo95, cell.hi95, cell.p) == (-0.12, -0.08, -0.13, -0.07, 0.001)
    assert (cell.verdict, cell.trend, cell.role) == ("down", "declined", "essential")
    again = next(each for each in store.run(run.name).repeats if each.t == 2)
    assert (again.cells["a"].value, again.cells["a"].change, again.cells["a"].verdict) == (0.3, None, "")


def test_the_rule_is_what_was_declared(store, root):
    """As run.json has it, whatever verdicts rest on; a run of before has none."""
    run = make_run(root).concluded(a_verdict(2, "loss"))
    store.catch_up()
    assert store.run(run.name).rule == declared(rule(run.spec)) != store.run(run.name).iterations[1].verdict.rule
    write_record(run.folder.record, msgspec.structs.replace(read_record(run.folder.record, RunRecord), rule=None))
    store.catch_up()
    assert store.run(run.name).rule is None


def test_a_verdict_is_news(store, root):
    """Whoever compares versions looks again; a stage that is made anew forgets what it said."""
    run = make_run(root).supervisor()
    with run.supervised():
        assert told(store, run).verdict is None
        version = store.version()
        run.concluded(a_verdict(2, "loss", keep=keep(1)))
        assert told(store, run).verdict.kind == "loss"
        assert store.version() != version
        run.folder.stage(Stage.parse("it02/verdict")).manifest.unlink()
        run.launch("it02/verdict", 2).tell("it02/verdict", Metric("a", 1.0), number=2)
        assert told(store, run).verdict is None
    assert store.run(run.name).iterations[1].verdict is None


def test_an_index_built_again_says_the_same(store, root):
    """Verdicts, cells and all."""
    run = make_run(root).topped_up(Topup(2)).finish("it02/measure", Metric("a", 0.4))
    run.concluded(a_verdict(2, "loss", keep=keep(1)), CHANGE).concluded(a_verdict(2, "no_change", look=2), CHANGE)
    before = told(store, run), store.run(run.name)
    store.reindex()
    assert (told(store, run), store.run(run.name)) == before


def test_hostile_text_is_cleaned(store, root):
    """In the list, and in the cells: neither escapes nor line breaks, and no more than a line."""
    change = Comparison("a", "it01", 0.1, verdict=EVIL * 9, trend=EVIL, role=EVIL)
    run = make_run(root).finish("it02/measure", Metric("a", 0.4)).concluded(a_verdict(2, "loss", EVIL, text=EVIL * 500), change)
    found = told(store, run).verdict
    cell = store.run(run.name).iterations[1].cells["a"]
    assert len(found.text) <= 1000
    assert len(cell.verdict) <= 40
    for text in (found.text, *found.names, cell.verdict, cell.trend, cell.role):
        assert text.startswith("evil")
        assert text.isprintable()


@pytest.mark.parametrize("field", ["text", "advice", "notes", "names", "keep", "validity"])
def test_an_iteration_s_verdict_is_ready_to_be_shown(store, root, field):
    """Rows are: whoever draws them cleans nothing. A measure's name, of a recipe of one's own, is enough for this."""
    evil = {
        "notes": [EVIL],
        "names": [EVIL],
        "keep": Keep(1, None, None, None, None, EVIL),
        "validity": [{"name": "judge", "state": "warn", "text": EVIL}],
    }
    run = make_run(root).concluded(a_verdict(2, "loss", **{field: evil.get(field, EVIL)}))
    store.catch_up()
    assert b"\\u001b" not in msgspec.json.encode(store.run(run.name).iterations[1].verdict)


@pytest.mark.parametrize("number", [2**63, 2**64, 10**30])
def test_a_number_that_no_index_could_hold_does_no_harm(store, root, number):
    """Taken, or counted as garbage; but never the end of every command. What stands beside it is taken."""
    line = encode(Concluded(a_verdict(2, "loss", keep=keep(7)))).replace(b'"keep":{"t":7', b'"keep":{"t":%d' % number)
    run = make_run(root).finish("it02/measure", Metric("a", 0.5)).launch("it02/verdict")
    run.tell("it02/verdict", CHANGE).append("it02/verdict", line)
    store.catch_up()
    assert store.run(run.name).iterations[1].cells["a"].change == CHANGE.change
    assert len(store.runs()) == 1


def test_a_new_run_inherits_no_verdict(store, root):
    """Of one that was removed, whose number in the index it may get."""
    run = make_run(root).concluded(a_verdict(2, "loss"))
    assert told(store, run).alarm
    shutil.rmtree(run.folder.path)
    store.catch_up()
    assert told(store, make_run(root, "bbbb")).verdict is None


@pytest.mark.parametrize(
    "record",
    [
        b'{"t":2,"look":1,"against":"it01","rule":{"sentence":"","hash":""},"kind":"doom"}',
        b'{"t":"two","look":1,"against":"it01","rule":{"sentence":"","hash":""}}',
        b"null",
    ],
)
def test_a_verdict_of_another_kind_is_no_verdict(store, root, ask, record):
    """From a later version, or none at all: passed over like any line that is not known."""
    run = make_run(root).launch("it02/verdict").append("it02/verdict", b'{"kind":"concluded","record":' + record + b"}\n")
    assert told(store, run).verdict is None
    assert ask("SELECT garbage FROM journals") == [(1,)]


def test_a_run_with_too_many_topups_is_refused_like_one_with_too_many_iterations(store, root):
    """`sirtui topup --times 200000`, say: no command would come back."""
    from sirtui.store.scan import _too_long

    assert _too_long(make_spec(iterations=100_000))
    assert _too_long(make_spec(topups=[{"t": 2, "times": 200_000}]))


ITERATIONS = 20
DONE = b'{"stage":"","attempt":1,"ended":1,"seconds":1,"cpu_seconds":1,"inputs":{},"settings":{},"files":[]}'


@pytest.mark.parametrize("count", [30, pytest.param(1_000, marks=pytest.mark.slow)])
def test_verdicts_do_not_slow_the_list_down(tmp_path, count):
    """Runs of twenty iterations: with all their verdicts the list takes at most a few times as long as without."""
    verdicts = [
        Concluded(a_verdict(t, "loss" if t % 2 else "progress", "pass@4", keep=keep(1))) for t in range(2, ITERATIONS + 1)
    ]
    without = seconds(tmp_path / "without", count, [Metric("a", 1.0)] * (ITERATIONS - 1), None)
    assert seconds(tmp_path / "with", count, verdicts, ("progress", (ITERATIONS - 1) // 2)) < 5 * without + 0.005


def seconds(root: Path, count: int, told: Sequence[Event], expected: tuple[str, int] | None) -> float:
    """How long the list of so many runs takes, whose verdict stages told this."""
    lines = [encode(event) for event in told]
    for number in range(count):
        run = make_run(root, f"{number:04}", iterations=ITERATIONS).supervisor(Status.FINISHED)
        for t, line in enumerate(lines, 2):
            stage = run.folder.path / f"it{t:02}" / "verdict"
            (stage / "attempt-1").mkdir(parents=True)
            (stage / "attempt-1" / "events.jsonl").write_bytes(line)
            (stage / "manifest.json").write_bytes(DONE)
    store, taken = Store(root), []
    store.catch_up()
    for _ in range(5):
        begun = time.perf_counter()
        found = store.runs()
        taken.append(time.perf_counter() - begun)
    assert [row.verdict and (row.verdict.kind, row.verdict.alarms) for row in found] == [expected] * count
    store.close()
    return min(taken)
