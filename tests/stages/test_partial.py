"""What one attempt leaves is found by the next one that was made from the same, by no other."""

import msgspec
import pytest
from builders import NOW, make_run

from sirtui.core.files import write_lines
from sirtui.core.run import JobRecord, Kind, Stage
from sirtui.core.samples import Answers
from sirtui.core.spec import Resources, Topup
from sirtui.stages.partial import claim, discard, key_of


@pytest.fixture
def stage(tmp_path):
    return make_run(tmp_path).folder.stage(Stage(1, Kind.TRAIN))


def test_what_lies_there_stays_for_the_same_key(stage):
    """And is private to its owner."""
    (claim(stage, "a") / "shard").write_text("made")
    assert (claim(stage, "a") / "shard").read_text() == "made"
    assert stage.partial.stat().st_mode & 0o077 == 0


def test_what_another_key_left_is_set_aside(stage):
    """Renamed each time, with all that it holds; never used, never overwritten."""
    for number, key in enumerate("abc"):
        folder = claim(stage, key)
        assert [path.name for path in folder.iterdir()] == ["partial.json"]
        (folder / "made").write_text(str(number))
    assert [(stage.path / f"partial.old-{n}/made").read_text() for n in (1, 2)] == ["0", "1"]
    assert (stage.partial / "made").read_text() == "2"


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b'{"key": 3}', b"\xff"])
def test_what_names_no_key_is_set_aside(stage, record):
    """A damaged record says nothing of what lies beside it."""
    (claim(stage, "a") / "made").write_text("x")
    (stage.partial / "partial.json").write_bytes(record)
    assert not (claim(stage, "a") / "made").exists()
    assert (stage.path / "partial.old-1/made").exists()


def test_a_finished_stage_keeps_nothing_of_it(stage):
    """Also what was set aside."""
    for key in "ab":
        claim(stage, key)
    (stage.path / "checkpoint").mkdir()
    discard(stage)
    discard(stage)
    assert [path.name for path in stage.path.iterdir()] == ["checkpoint"]


def test_the_jobs_own_key_is_taken_or_one_is_made(tmp_path):
    """Without one it depends on stage, experiment and inputs, not on what a run takes of the machine or on topups."""
    run = make_run(tmp_path).finish("it01/train")
    job = JobRecord(str(run.folder.path), Stage(1, Kind.SAMPLE), 1, run.spec, NOW)
    replace = msgspec.structs.replace
    key = key_of(job, run.folder)
    assert key_of(replace(job, key="own"), run.folder) == "own"
    elsewhere = replace(run.spec, resources=Resources(threads=3), topups=(Topup(2),))
    assert key_of(replace(job, attempt=2, spec=elsewhere), run.folder) == key
    others = [replace(job, stage=Stage(1, Kind.SAMPLE, 2)), replace(job, spec=replace(run.spec, seed=9))]
    assert len({key, *(key_of(other, run.folder) for other in others)}) == 3
    write_lines(run.folder.stage(Stage(1, Kind.TRAIN)).path / "selected.jsonl", [Answers("p", (), (), (), ())])
    run.finish("it01/train")
    assert key_of(job, run.folder) != key
