"""What the screen has done by `sirtui.supervise`, on the files of real runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs
from trials import tiny

from sirtui import supervise
from sirtui.core import files
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.run import JobRecord, RunRecord, Stage
from sirtui.supervise.changes import changes
from sirtui.tui.commands import LazySupervision

TRAIN = Stage.parse("it01/train")


@pytest.fixture
def run(tmp_path) -> RunFolder:
    """A run of which nobody walks the plan."""
    return supervise.create(StoreFolder(tmp_path), RunRecord("abc123", tiny(), 1.0))


def lazy(tmp_path: Path) -> LazySupervision:
    """What the screen uses unless it is told otherwise."""
    return LazySupervision(StoreFolder(tmp_path))


def test_stop_and_hurry_are_requests(tmp_path, run):
    """One asks, the other asks not to wait; both leave files for the supervisor."""
    lazy(tmp_path).request_stop(run)
    assert (run.stop_request.exists(), run.urgent_request.exists()) == (True, False)
    lazy(tmp_path).hurry(run)
    assert run.urgent_request.exists()


def test_end_ends_what_nobody_watches(tmp_path, run):
    """Where no supervisor lives it returns once nothing of the run does."""
    lazy(tmp_path).end(run)
    assert run.stop_request.exists()


def test_only_what_was_told_is_accepted(tmp_path, run, monkeypatch):
    """A yes goes on with the changes that were shown, written down before the run is resumed; not with later ones."""
    attempt = run.stage(TRAIN).attempt(1)
    attempt.path.mkdir(parents=True)
    files.write_record(attempt.job, JobRecord(str(run.path), TRAIN, 1, structs.replace(tiny(), seed=7), 2.0))
    seen = []
    monkeypatch.setattr(supervise, "resume", lambda resumed: seen.append((resumed, changes(resumed))))
    screen = lazy(tmp_path)
    assert screen.changes(run) == ("seed: 7 -> 0",)
    files.write_record(
        run.record, structs.replace(files.read_record(run.record, RunRecord), spec=structs.replace(tiny(), iterations=3))
    )
    screen.resume(run)
    ((resumed, left),) = seen
    assert (resumed, [change.key for change in left]) == (run, ["iterations"])


def test_submit_starts_in_this_store(tmp_path, monkeypatch):
    """The file goes to `sirtui.supervise.submit`, with the store that is looked at."""
    asked = []
    monkeypatch.setattr(supervise, "submit", lambda *given: (asked.append(given), "nano-ab12cd")[1])
    assert lazy(tmp_path).submit(Path("x.toml")) == "nano-ab12cd"
    assert asked == [(StoreFolder(tmp_path), Path("x.toml"))]
