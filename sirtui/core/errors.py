"""The one error tree.

SirtuiError            anything told to a person: what happened, and what to do
├── SpecError          an experiment file is wrong (exit code 2)
├── UsageError         a command was asked for something impossible (exit code 2)
├── NotFound           no such run, stage, task, trainer ... (exit code 2)
├── StageError         a stage cannot do its work
└── StoreError         the store or one of its files cannot be used
"""

from __future__ import annotations


class SirtuiError(Exception):
    """What happened, where, and what to do about it (`hint`, may be empty)."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class SpecError(SirtuiError):
    """An experiment file is wrong."""

    exit_code = 2


class UsageError(SirtuiError):
    """A command was asked for something that cannot be."""

    exit_code = 2


class NotFound(SirtuiError):
    """Something named does not exist."""

    exit_code = 2


class StageError(SirtuiError):
    """A stage cannot do its work."""


class StoreError(SirtuiError):
    """The store, or a file in it, cannot be used."""
