"""Tables of the benchmarks of verdicts, for the terminal or for a page; and shares with their binomial bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scipy.stats import binomtest


@dataclass(frozen=True)
class Table:
    """Rows of text under a head, with a title above and remarks below."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: Sequence[str] = field(default=())

    def told(self, *, markdown: bool) -> str:
        """The whole of it, a line feed at its end."""
        lines = self._markdown() if markdown else self._plain()
        remarks = ["", *self.remarks] if self.remarks else []
        return "\n".join([f"**{self.title}**" if markdown else self.title, "", *lines, *remarks, ""])

    def _markdown(self) -> list[str]:
        return [f"| {' | '.join(row)} |" for row in (self.head, ["---"] * len(self.head), *self.rows)]

    def _plain(self) -> list[str]:
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        return ["  ".join(map(str.rjust, row, widths)) for row in (self.head, *self.rows)]


def share(count: int, of: int) -> str:
    """In per cent."""
    return f"{100 * count / of:.1f}"


def at_most(count: int, of: int) -> str:
    """In per cent, with the upper 95 % bound (one-sided, Clopper-Pearson)."""
    return f"{share(count, of)} (<= {100 * binomtest(count, of, alternative='less').proportion_ci(0.95).high:.1f})"


def at_least(count: int, of: int) -> str:
    """A share between 0 and 1, with the lower 95 % bound (one-sided, Clopper-Pearson)."""
    return f"{count / of:.3f} (>= {binomtest(count, of, alternative='greater').proportion_ci(0.95).low:.3f})"
