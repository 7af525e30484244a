"""What the tests share: a supervision that only remembers, looking at the screen until it shows something, tables as text."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from sirtui.core.errors import UsageError
from sirtui.core.layout import RunFolder
from sirtui.tui.app import SirtuiApp
from sirtui.tui.paint import plain, width
from sirtui.tui.tables.table import Table, lay_out

DEADLINE_S = 10.0
FAILED = "gsm8k-llama3-dpo-a1b2"


class Supervision:
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.changed: tuple[str, ...] = ()

    def request_stop(self, run: RunFolder) -> None:
        """Remember."""
        self.asked.append(f"stop {run.name}")

    def hurry(self, run: RunFolder) -> None:
        """Remember."""
        self.asked.append(f"hurry {run.name}")

    def end(self, run: RunFolder) -> None:
        """Remember."""
        self.asked.append(f"end {run.name}")

    def changes(self, run: RunFolder) -> tuple[str, ...]:
        """What a test says."""
        return self.changed

    def submit(self, file: Path) -> str:
        """Remember; there is one experiment."""
        self.asked.append(f"submit {file}")
        if file.name != "nano.toml":
            raise UsageError(f"{file}: no such file", "Name an experiment file.")
        return "nano-ab12cd"

    def resume(self, run: RunFolder) -> None:
        """Remember, and fail."""
        self.asked.append(f"resume {run.name}")
        raise UsageError("it is at work already", "Stop it first.")


def seen(app: SirtuiApp) -> str:
    """What stands on the screen."""
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def until(pilot: Pilot, true: Callable[[], object]) -> None:
    """Let the app work until something is true."""
    end = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < end, f"it never became true; seen:\n{seen(pilot.app)}"
        await pilot.pause(0.01)


async def ready(pilot: Pilot, text: str = "pass1") -> None:
    """Wait for the first data."""
    await until(pilot, lambda: text in seen(pilot.app))


def drawn(table: Table, cells: int) -> str:
    """A table as it stands in `cells`, blanks at the ends of lines left out."""
    layout = lay_out(table, cells)
    lines = [*layout.head, *(layout.drawn(row) for row in table.rows)]
    assert {width(each) for each in lines} == {cells}
    return "\n".join(plain(each).rstrip() for each in lines) + "\n"
