"""`sirtui run FILE`: start a file's experiments, each under a supervisor of its own; print the runs' names."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sirtui.cli import starting, waiting
from sirtui.cli.placing import check_place
from sirtui.cli.planned import check_room
from sirtui.cli.sweeps import all_checked, all_settings_checked, check_machine
from sirtui.store import Store

_WORST = (0, 3, 1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE, --wait, --anyway."""
    parser.add_argument("file", type=Path, metavar="FILE", help="an experiment file (TOML); with [matrix] several runs")
    parser.add_argument("--wait", action="store_true", help="stay until the runs end, with progress on stderr")
    parser.add_argument("--anyway", action="store_true", help="start also where the disk is too small for the checkpoints")


def call(asked: argparse.Namespace) -> int:
    """Check all, start all, print the names; with --wait the runs' ends decide the exit code."""
    check_place(asked.store)
    specs = all_checked(asked.file)
    check_machine(specs, str(asked.file))
    all_settings_checked(specs, str(asked.file))
    if not asked.anyway:
        check_room(specs, asked.store)
    store, names = Store(asked.store), []
    for run in starting.start_all(store, specs, asked.file):
        sys.stdout.write(f"{run.name}\n")
        sys.stdout.flush()
        names.append(run.name)
    return _wait(store, names) if asked.wait else 0


def _wait(store: Store, names: Sequence[str]) -> int:
    """Follow the runs, one after the other; the worst of their codes: a run that failed, then a reversal."""
    codes = []
    for name in names:
        if len(names) > 1:
            sys.stderr.write(f"{name}:\n")
        codes.append(waiting.wait(store, name, sys.stderr))
    return max(codes, key=_WORST.index)
