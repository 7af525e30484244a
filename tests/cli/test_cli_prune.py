"""`sirtui prune`: what goes and why is told first; nothing goes without a yes."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest
from builders import RunBuilder, a_verdict, make_run

from sirtui.core import files
from sirtui.core.plan import plan
from sirtui.core.run import Kind, Manifest
from sirtui.core.verdict import Keep
from sirtui.supervise import retention

MODEL = b"x" * 2_000_000


class Terminal(io.StringIO):
    """Someone who types this."""

    def isatty(self) -> bool:
        """Someone is there."""
        return True


def a_finished_run(root: Path, ident: str) -> RunBuilder:
    """Three iterations, the second of which the verdicts recommend: the first can go."""
    run = make_run(root, ident, iterations=3)
    for stage in plan(run.spec):
        files.write_record(run.folder.stage(stage).manifest, Manifest(stage.id, 1, 1.0, 0, 0, {}, {}, ()))
        if stage.kind is Kind.TRAIN:
            files.write(run.folder.checkpoint(stage.t) / "model.safetensors", MODEL)
        if stage.kind is Kind.VERDICT and stage.t > 1:
            keep = Keep(2, 0.5, 0.1, None, None, "the highest")
            files.write_record(run.folder.verdict(stage.t), a_verdict(stage.t, "progress", keep=keep))
    return run


@pytest.fixture
def run(tmp_path: Path) -> RunBuilder:
    """A run with something to prune."""
    return a_finished_run(tmp_path / "store", "aaaa")


@pytest.fixture
def root(run: RunBuilder) -> Path:
    """Its store."""
    return run.folder.path.parent.parent


def left(run: RunBuilder) -> list[int]:
    """The checkpoints that are there."""
    return [t for t in (1, 2, 3) if run.folder.checkpoint(t).exists()]


def test_what_would_go(sirtui, root, run):
    """A dry run says what, why, how much, and what stays; nothing goes."""
    keeps, head, goes, total = sirtui(root, "prune", "aaaa", "--dry-run").out.splitlines()
    assert keeps == "gsm-aaaa keeps it02 (recommended by the verdict on it03); it03 (the last one)"
    assert head.split() == ["goes", "why", "frees"]
    assert goes == "gsm-aaaa/it01/train/checkpoint  neither recommended nor the last, and nothing needs it  2.0 MB"
    assert total == "in all at least 2.0 MB"
    assert left(run) == [1, 2, 3]


def test_nobody_to_ask(sirtui, root, run, monkeypatch):
    """Without a terminal it is refused, and --yes named."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    told = sirtui(root, "prune", "aaaa", code=2)
    assert "--yes" in told.err
    assert left(run) == [1, 2, 3]


@pytest.mark.parametrize("typed", ["y\n", "n\n", "\n", ""])
def test_someone_is_asked(sirtui, run, monkeypatch, typed):
    """Only a yes deletes; an empty line, or the end of the input, is none."""
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    yes = typed == "y\n"
    told = sirtui(run.folder.path.parent.parent, "prune", "aaaa", code=0 if yes else 1)
    assert "Delete this? [y/N]" in told.err
    assert ("2.0 MB freed" in told.out) is yes
    assert left(run) == ([2, 3] if yes else [1, 2, 3])


def test_yes(sirtui, root, run):
    """It says how much was freed; afterwards there is nothing to prune."""
    assert sirtui(root, "prune", "latest", "aaaa", "--yes").out.endswith("\n2.0 MB freed\n")
    assert left(run) == [2, 3]
    assert sirtui(root, "prune", "aaaa", "--yes").out.endswith("\nnothing to prune\n")


def test_which_runs(sirtui, root, run):
    """Either some, or all: never all by accident."""
    assert "--all" in sirtui(root, "prune", code=2).err
    assert "--all" in sirtui(root, "prune", "aaaa", "--all", code=2).err
    assert "no run" in sirtui(root, "prune", "zzzz", code=2).err


def test_all_runs(sirtui, root, run):
    """Those whose run.json cannot be read are left alone; damaged indexes that were set aside go too."""
    other, broken = a_finished_run(root, "bbbb"), a_finished_run(root, "cccc")
    broken.folder.record.write_text("{")
    (root / "sirtui.db.broken-1").write_bytes(b"x" * 1000)
    told = sirtui(root, "prune", "--all", "--yes").out
    assert "sirtui.db.broken-1" in told
    assert "4.0 MB freed" in told
    assert (left(run), left(other), left(broken)) == ([2, 3], [2, 3], [1, 2, 3])
    assert sorted(path.name for path in root.iterdir() if "broken" in path.name) == []


def test_linked_checkpoints_free_their_room_with_the_last(sirtui, root, run):
    """Two runs that have one file: the table promises nothing, and what was freed is what really was."""
    other = a_finished_run(root, "bbbb")
    here, there = (each.folder.checkpoint(1) / "model.safetensors" for each in (run, other))
    there.unlink()
    os.link(here, there)
    told = sirtui(root, "prune", "--all", "--yes").out
    assert "2.0 MB more are shared with other runs" in told
    assert "in all at least 0 kB" in told
    assert told.endswith("2.0 MB freed\n")


def test_nothing_is_measured_while_the_run_looks_at_work(sirtui, root, run, monkeypatch):
    """Measuring a large checkpoint takes minutes on some disks: meanwhile nobody is told that the run is at work."""
    measured, size = [], retention._size

    def watched(path):
        measured.append(files.is_locked(run.folder.supervisor_lock))
        return size(path)

    monkeypatch.setattr(retention, "_size", watched)
    sirtui(root, "prune", "aaaa", "--yes")
    assert measured
    assert not any(measured)
