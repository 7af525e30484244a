"""`sirtui run FILE`: start an experiment under a supervisor of its own; print the run's name."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sirtui.cli import starting, waiting
from sirtui.cli.checked import check_settings, checked
from sirtui.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE, --wait."""
    parser.add_argument("file", type=Path, metavar="FILE", help="an experiment file (TOML)")
    parser.add_argument("--wait", action="store_true", help="stay until the run ends, with progress on stderr")


def call(asked: argparse.Namespace) -> int:
    """Check, start, print the name; with --wait, the run's end decides the exit code."""
    spec = checked(asked.file)
    check_settings(spec, str(asked.file))
    store = Store(asked.store)
    run = starting.start(store, spec, asked.file)
    sys.stdout.write(f"{run.name}\n")
    sys.stdout.flush()
    return waiting.wait(store, run.name, sys.stderr) if asked.wait else 0
