"""Verdicts on request: asked once, kept, and never answered with a traceback."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from builders import RunBuilder, make_run, moved

from sirtui.cli.judged import request
from sirtui.core.errors import SirtuiError, StoreError
from sirtui.core.files import write_record
from sirtui.core.layout import StoreFolder
from sirtui.core.verdict import ComparisonRecord, Request
from sirtui.store import Store
from sirtui.supervise import compare, comparing

TARGET = "pass@1.sampled"
ASKED = Request(("/runs/a-1",), "previous", None, {"a-1/it01/measure": "0"}, ("0123456789ab",))


@pytest.fixture
def program(monkeypatch):
    """Have this shell script, which is given the folder as $0, make the verdicts."""

    def use(script: str) -> None:
        monkeypatch.setattr(comparing, "PROGRAM", ("/bin/sh", "-c", script))

    return use


def a_run(root: Path, iterations: int = 2) -> RunBuilder:
    evaluation = {"samples": 8, "repeats": 0, "embedder": ""}
    run = make_run(root, task="nano", iterations=3, evaluation=evaluation, verdicts={"essential": []})
    for t in range(1, iterations + 1):
        run.measured(t, {TARGET: moved(0.1 * t, k=t)})
    return run


def previous(run: RunBuilder) -> Request:
    """What `sirtui verdict RUN --against previous` asks."""
    return request(Store(run.folder.path.parents[1]), [run.folder], "previous", None)


def test_a_question_is_answered_once(tmp_path, program):
    """By a process of its own; asked again none is started; of other measures it is another question."""
    store, run = StoreFolder(tmp_path), a_run(tmp_path)
    first = compare(store, previous(run))
    assert [(record.t, record.against) for record in first.verdicts] == [(2, "it01")]
    assert first.request == previous(run)
    program("echo 'it was asked again' >&2; exit 1")
    assert compare(store, previous(run)) == first
    for change in (lambda: run.measured(3, {TARGET: moved(0.3)}), lambda: run.measured(2, {TARGET: moved(0.4)})):
        change()
        with pytest.raises(SirtuiError, match="it was asked again"):
            compare(store, previous(run))
    assert len(list((tmp_path / "comparisons").iterdir())) == 3


def test_nothing_to_compare_is_told_by_a_hint(tmp_path):
    """As the process told it."""
    with pytest.raises(SirtuiError) as caught:
        compare(StoreFolder(tmp_path), previous(a_run(tmp_path, 1)))
    assert (caught.value.message, caught.value.hint) == (
        "there is nothing to compare with previous yet",
        "Both must be measured, and what is compared with comes first.",
    )


@pytest.mark.parametrize(
    ("script", "message", "hint"),
    [
        ("echo 'no such run' >&2; echo '  Name another.' >&2; exit 2", "no such run", "Name another."),
        ("echo 'it cannot be' >&2; exit 1", "it cannot be", ""),
        ("printf 'evil\\033[2J\\033]0;x\\007 name\\n' >&2; exit 1", "evil name", ""),
        ("exit 1", "the comparison failed", "log.txt."),
        ("kill -9 $$", "the comparison failed", "log.txt."),
        ("echo 'out of memory' >&2; kill -9 $$", "the comparison failed", "log.txt."),
    ],
)
def test_a_failure_is_told_in_plain_words_and_not_kept(tmp_path, program, script, message, hint):
    """The next who asks has it tried again."""
    program(script)
    for _ in range(2):
        with pytest.raises(SirtuiError) as caught:
            compare(StoreFolder(tmp_path), ASKED)
        assert caught.value.message == message
        assert caught.value.hint.endswith(hint)
    answer = tmp_path / "answer.json"
    write_record(answer, ComparisonRecord(ASKED, ()))
    program(f'cp "{answer}" "$0/verdicts.json"')
    assert compare(StoreFolder(tmp_path), ASKED) == ComparisonRecord(ASKED, ())


def test_a_program_that_leaves_nothing_is_told(tmp_path, program):
    """However well it ended."""
    program("exit 0")
    with pytest.raises(StoreError, match="verdicts.json: not a readable ComparisonRecord"):
        compare(StoreFolder(tmp_path), ASKED)


def test_no_traceback_reaches_a_person(tmp_path, program):
    """What broke belongs into a log beside the request; a person is told what to do."""
    program("echo 'Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: (1, 1)' >&2; exit 1")
    with pytest.raises(SirtuiError, match="the comparison failed") as caught:
        compare(StoreFolder(tmp_path), ASKED)
    assert "Traceback" not in str(caught.value)
    assert 'File "' not in str(caught.value)


def test_what_cannot_be_asked_ends_a_command_with_2(tmp_path, program):
    """As core.errors says of UsageError."""
    program("echo 'there is nothing to compare yet' >&2; exit 2")
    with pytest.raises(SirtuiError) as caught:
        compare(StoreFolder(tmp_path), ASKED)
    assert caught.value.exit_code == 2


def test_two_who_ask_at_once_share_the_answer(tmp_path, program):
    """One process makes it, the other waits for it."""
    answer, count = tmp_path / "answer.json", tmp_path / "count"
    write_record(answer, ComparisonRecord(ASKED, ()))
    program(f'echo x >> "{count}"; sleep 0.1; cp "{answer}" "$0/verdicts.json"')
    with ThreadPoolExecutor(3) as pool:
        found = [each.result() for each in [pool.submit(compare, StoreFolder(tmp_path), ASKED) for _ in range(3)]]
    assert found == [ComparisonRecord(ASKED, ())] * 3
    assert count.read_text() == "x\n"
