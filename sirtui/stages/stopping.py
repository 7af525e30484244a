"""Being asked to stop: at once by default, politely where a stage would rather leave its work in order first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """A signal, its first argument, asked the stage to stop."""


class Stopping:
    """What SIGINT and SIGTERM do, once installed: they raise `Stopped`, or inside `politely` are only remembered."""

    def __init__(self) -> None:
        self._number = 0
        self._polite = False

    def install(self) -> None:
        """Take the signals; from the main thread alone."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._heard)

    @contextmanager
    def politely(self) -> Iterator[None]:
        """In this block the first signal is only remembered (see `asked`); a second one stops at once.

        Raises:
            Stopped: on leaving, where a signal came. An error that leaves the block goes first.
        """
        self._polite = True
        try:
            yield
        finally:
            self._polite = False
        if self._number:
            self._stop(self._number)

    def asked(self) -> bool:
        """Whether a signal came."""
        return self._number != 0

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        again, self._number = self._number != 0, number
        if again or not self._polite:
            self._stop(number)

    def _stop(self, number: int) -> None:
        """Once is enough: whatever comes while the stage ends is ignored."""
        for each in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(each) == self._heard:
                signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)
