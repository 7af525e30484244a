"""Writing whole or not at all, reading with a reason, locks that die with their holder."""

import os
import stat
import subprocess
import sys

import pytest

from sirtui.core import files
from sirtui.core.errors import StoreError
from sirtui.core.run import ExitRecord
from sirtui.core.samples import Mark, Marks, Outcome


def test_a_record_is_written_whole_and_private(tmp_path):
    """It can be read back, only its owner can, and nothing else is left beside it."""
    path = tmp_path / "deep" / "exit.json"
    files.write_record(path, ExitRecord(0, 1.0))
    assert files.read_record(path, ExitRecord) == ExitRecord(0, 1.0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["exit.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"code": "x"}', b"\xff"])
def test_a_damaged_record_is_told_by_path(tmp_path, content):
    """Reading says which file is wrong; looking for it just finds nothing."""
    path = tmp_path / "exit.json"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="exit.json"):
        files.read_record(path, ExitRecord)
    assert files.find_record(path, ExitRecord) is None


def test_a_damaged_line_is_told_by_number(tmp_path):
    """The lines before it are read."""
    path = tmp_path / "marks.jsonl"
    marks = Marks("nano/test-1", (Mark(Outcome.CORRECT, "3"),))
    assert files.write_lines(path, [marks]) == 1
    with path.open("ab") as file:
        file.write(b"rubbish\n")
    read = files.read_lines(path, Marks)
    assert next(read) == marks
    with pytest.raises(StoreError, match=r"marks.jsonl:2"):
        next(read)


def test_a_lock_is_held_by_one_and_freed_by_death(tmp_path):
    """A second taker gets nothing, an onlooker sees it, and SIGKILL of the holder frees it."""
    path = tmp_path / "stage.lock"
    code = "import sys, time; from pathlib import Path; from sirtui.core import files;"
    code += "assert files.try_lock(Path(sys.argv[1])) is not None; print(flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder.stdout:
        holder.stdout.readline()
        assert files.is_locked(path)
        assert files.try_lock(path) is None
        holder.kill()
        holder.wait()
    assert not files.is_locked(path)
    descriptor = files.try_lock(path)
    assert descriptor is not None
    os.close(descriptor)
    assert not files.is_locked(tmp_path / "never made")
