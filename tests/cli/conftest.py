"""Runs with verdicts, and the commands in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs_judged import a_run

from sirtui.cli import main
from sirtui.stages import compare
from sirtui.supervise import comparing


class Told:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        """What was printed as strict JSON: never NaN or Infinity."""
        return json.loads(self.out, parse_constant=_refuse)


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@pytest.fixture
def sirtui(capsys, monkeypatch) -> Callable[..., Told]:
    """Run a command on a store, in this process; so are the comparisons that it asks for."""
    monkeypatch.setattr(comparing, "_make", lambda where: compare.main(where.path) and pytest.fail(capsys.readouterr().err))

    def run(root: Path, *arguments: str, code: int = 0) -> Told:
        capsys.readouterr()
        found = main(["--store", str(root), *arguments])
        told = Told(found, *capsys.readouterr())
        assert told.code == code, told.err
        return told

    return run


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A store with a run that reverses, `toy-aaaa`, and its frozen control, `toy-cold`. Only to be read."""
    root = tmp_path_factory.mktemp("cli") / "store"
    a_run(root, "cold", method="frozen")
    a_run(root, "aaaa", 1)
    return root
