"""`sirtui` alone: the screen, or where there is no terminal what `sirtui status` says."""

from __future__ import annotations

import argparse
import sys

from sirtui.store import Store


def call(asked: argparse.Namespace) -> int:
    """Open the screen on the store."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        from sirtui.cli import status

        return status.tell(Store(asked.store), as_json=False)
    from sirtui.tui import open_screen

    return open_screen(Store(asked.store), asked.run, ascii=asked.ascii or not draws_signs())


def draws_signs() -> bool:
    """Whether the terminal's encoding has more than ASCII."""
    return (sys.stdout.encoding or "").lower().startswith("utf")
