"""`sirtui doctor`: what this machine can and cannot do, each with what to do about it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

import msgspec

from sirtui.cli.doctoring.checks import findings
from sirtui.cli.doctoring.finding import Finding, Ground, Sign
from sirtui.cli.text import folded, terminal_width
from sirtui.core.layout import StoreFolder

_INDENT = " " * 21


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="for scripts")


def call(asked: argparse.Namespace) -> int:
    """Look, and print a line a check; 1 where something is missing that runs need."""
    found = findings(Ground(StoreFolder(asked.store)))
    sys.stdout.write((as_json(found) if asked.json else as_text(found)) + "\n")
    return 1 if missing(found) else 0


def missing(found: Mapping[str, Finding]) -> list[str]:
    """The checks that say that runs cannot work."""
    return [name for name, finding in found.items() if finding.sign is Sign.NO]


def as_json(found: Mapping[str, Finding]) -> str:
    """One line; `ok`: whether runs can work here."""
    checks = [{"check": name, **_without_gaps(finding)} for name, finding in found.items()]
    return msgspec.json.encode({"schema": 1, "ok": not missing(found), "checks": checks}).decode()


def _without_gaps(finding: Finding) -> dict[str, str]:
    return {key: value for key, value in msgspec.structs.asdict(finding).items() if value}


def as_text(found: Mapping[str, Finding]) -> str:
    """A line a check, what to do below it; at the end whether runs can work."""
    width = terminal_width()
    lines = []
    for name, finding in found.items():
        lines.append(_fold(f"{finding.sign:<5} {name:<14} {finding.found}", width))
        if finding.advice:
            lines.append(_fold(f"{_INDENT}{finding.advice}", width))
    return "\n".join([*lines, "", _conclusion(found)])


def _fold(line: str, width: int | None) -> str:
    return folded(line, width)


def _conclusion(found: Mapping[str, Finding]) -> str:
    if lacking := missing(found):
        return f"Runs cannot work here: see {', '.join(lacking)}."
    warned = sum(finding.sign is Sign.WARN for finding in found.values())
    return "Runs can work here" + (
        f"; {warned} things could be better." if warned > 1 else "; one could be better." if warned else "."
    )
