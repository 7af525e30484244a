"""`python -m sirtui.stages.settings`: whether the trainers take an experiment's settings, asked before anything runs.

Reads a Spec as JSON from stdin; the last line on stdout is a JSON list of Complaints, or null where the trainers'
libraries are not installed. A process of its own, since those libraries are heavy.
"""

from __future__ import annotations

import sys

import msgspec

from sirtui.core.errors import SirtuiError
from sirtui.core.spec import Spec
from sirtui.recipes.shelf import Trainer, find


class Complaint(msgspec.Struct, frozen=True):
    """What a trainer does not take: `NAME: problem`, and what was expected."""

    trainer: str
    message: str
    expected: str


def complaints(spec: Spec) -> list[Complaint]:
    """What is wrong with `spec.train`, trainer by trainer.

    Raises:
        ImportError: a trainer's library is not installed.
    """
    found = []
    for name, settings in spec.train.items():
        trainer: Trainer = find("trainers", name)
        try:
            trainer.check(settings)
        except SirtuiError as error:
            found.append(Complaint(name, error.message, error.hint.removeprefix("Expected ").rstrip(".")))
    return found


if __name__ == "__main__":
    try:
        answer: list[Complaint] | None = complaints(msgspec.json.decode(sys.stdin.buffer.read(), type=Spec))
    except ImportError:
        answer = None
    sys.stdout.buffer.write(b"\n" + msgspec.json.encode(answer) + b"\n")
