"""Which measures of a run head its table: those it is judged by; where nothing is judged yet, the usual ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sirtui.core.verdict import Sign
from sirtui.store.rows import MeasureRow, RunView
from sirtui.tui.tables.words import label

ROLES = ("target", "essential", "watch")
_USUAL = (
    "pass@1.sampled",
    "diversity.ngram.correct",
    "diversity.equations.correct",
    "ood.accuracy",
    "pass@1.greedy",
    "diversity.semantic.correct",
)
_WHOLE, _VALUES, _CHANGES = 60, 50, 10
_PASS_AT = re.compile(r"pass@(\d+)")


@dataclass(frozen=True)
class Headline:
    """A measure that has columns of its own in the table; the highest `drop` gives way first, 0 never.

    `values`: the same for the column of its values, where the changes alone may stay.
    """

    measure: MeasureRow
    label: str
    role: str = ""
    drop: int = 0
    values: int = 0


def roles(view: RunView) -> Mapping[str, str]:
    """What part each measure has in the rule, as far as anything was judged by it."""
    return {key: cell.role for row in view.iterations for key, cell in row.cells.items() if cell.role in ROLES}


def target(view: RunView) -> MeasureRow | None:
    """The measure that is to go up, where anything was judged."""
    parts = roles(view)
    return next((measure for measure in view.measures if parts.get(measure.key) == "target"), None)


def headlines(view: RunView) -> tuple[Headline, ...]:
    """The measures to show in the table: the target, then what must not fall, else the usual ones.

    When room runs out, what did not fall gives way first, then the values of what did, then its changes but the worst.
    """
    parts = roles(view)
    targets = [measure for measure in view.measures if parts.get(measure.key) == "target"]
    essential = [measure for measure in view.measures if parts.get(measure.key) == "essential"]
    if not targets and not essential:
        return _usual(view)
    found = [Headline(measure, label(measure.key), "target") for measure in targets]
    bad = {measure.key: _badness(view, measure.key) for measure in essential}
    worst = sorted(bad, key=lambda key: bad[key])
    for measure in essential:
        place, fell = worst.index(measure.key), bad[measure.key] == 0
        drop = (_CHANGES if fell else _WHOLE) + place if place else 0
        found.append(Headline(measure, label(measure.key), "essential", drop, _VALUES if fell or not place else drop))
    return tuple(found)


def _badness(view: RunView, key: str) -> int:
    """0 for what fell and still is down, 1 for what was down once, 2 for what nobody can tell, 3 for the rest."""
    told = [cell.verdict for row in view.iterations if (cell := row.cells.get(key)) and cell.verdict]
    if Sign.DOWN in told:
        return 0 if told[-1] == Sign.DOWN else 1
    return 2 if told and told[-1] not in (Sign.UP, Sign.FLAT) else 3


def _usual(view: RunView) -> tuple[Headline, ...]:
    known = {measure.key: measure for measure in view.measures}
    found = [_named(known, key) for key in _USUAL]
    shown = [measure for measure in found if measure.unit != "?"]
    if widest := _widest_pass(view.measures):
        shown.append(known[widest])
    return tuple(
        Headline(measure, label(measure.key.rpartition("/")[2]), "", 2 + place if place else 0, 2 + place if place else 0)
        for place, measure in enumerate(shown)
    )


def _named(known: Mapping[str, MeasureRow], key: str) -> MeasureRow:
    with_task = (measure for name, measure in known.items() if name.endswith(f"/{key}"))
    return known.get(key) or next(with_task, MeasureRow(key, 0, "?"))


def _widest_pass(measures: Iterable[MeasureRow]) -> str | None:
    """pass@K with the highest K of at most half the samples: above that, the estimate is too noisy to head a table."""
    counts = [int(found[1]) for measure in measures if (found := _PASS_AT.fullmatch(measure.key))]
    wanted = [count for count in counts if count <= max(counts) // 2]
    return f"pass@{max(wanted)}" if wanted else None
