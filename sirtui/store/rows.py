"""What the store answers with: frozen rows, ready to be shown. The screen and the CLI compute nothing on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from sirtui.core.rule import Declared
from sirtui.core.run import Kind as StageKind
from sirtui.core.run import Status
from sirtui.core.verdict import Kind, VerdictRecord


class RunVerdict(msgspec.Struct, frozen=True):
    """What a run's list tells of its verdict: see `core.verdict.VerdictRecord`.

    `alarms`: at how many iterations something was lost for sure; `keep`: which checkpoint to keep.
    """

    kind: Kind
    names: tuple[str, ...]
    past_peak: int | None
    text: str
    alarms: int
    keep: int | None


@dataclass(frozen=True)
class RunRow:
    """One run in the list. Times are seconds since the epoch, `eta` seconds from now (None: not known).

    `name` is the full name (its folder), `t` the iteration at work, or reached, `stage` the id of the most urgent running stage,
    `done` of `total` `unit`s its progress, `left` the seconds it still takes at its pace. `reason` and `hint` say why it
    failed or waits, and what to do. `verdict`: the one on its last measured iteration, None where there is none yet. `sweep`:
    what it has in common with the runs of one `[matrix]`; `slots`: the GPUs (by UUID) or CPUs it has while it lives.
    """

    name: str
    title: str
    status: Status
    method: str
    task: str
    base_model: str
    seed: int
    iterations: int
    created: float
    ended: float | None = None
    t: int | None = None
    stage: str = ""
    done: float | None = None
    total: float | None = None
    unit: str = ""
    left: float | None = None
    eta: float | None = None
    reason: str = ""
    hint: str = ""
    verdict: RunVerdict | None = None
    sweep: str = ""
    slots: tuple[str, ...] = ()

    @property
    def alarm(self) -> bool:
        """Whether its verdict is that something was lost for sure."""
        return self.verdict is not None and self.verdict.kind.alarm


@dataclass(frozen=True)
class StageRow:
    """One stage of a run: its newest attempt. `origin`: the stage (`RUN/it01/train`) whose result it has, empty where its own."""

    id: str
    t: int
    repeat: int
    kind: StageKind
    status: Status
    attempt: int = 0
    started: float | None = None
    ended: float | None = None
    done: float | None = None
    total: float | None = None
    unit: str = ""
    what: str = ""
    left: float | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    reason: str = ""
    hint: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Cell:
    """One measure at one iteration, and its paired change against `against` over `change_n` problems.

    With the intervals of the change, its p (corrected where it was tested), and the verdict on it (`core.verdict.Sign`,
    empty where none is given), over time in `trend`; `role`: what part the measure has in the rule.
    """

    value: float | None
    stderr: float | None = None
    n: int | None = None
    change: float | None = None
    change_stderr: float | None = None
    change_n: int | None = None
    lo90: float | None = None
    hi90: float | None = None
    lo95: float | None = None
    hi95: float | None = None
    p: float | None = None
    verdict: str = ""
    trend: str = ""
    role: str = ""
    against: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class IterationRow:
    """One iteration: M_t, or M_1 evaluated again (`repeat` > 1). `stage` is the running stage's kind, if any.

    `scalars` holds the newest value of each training curve (`loss`, `learning_rate`, ...); `verdict` is the newest on it,
    without cells and lists of problems. `pruned`: its checkpoint was deleted to make room.
    """

    t: int
    repeat: int
    trainer: str
    status: Status
    stage: str = ""
    done: float | None = None
    total: float | None = None
    unit: str = ""
    checkpoint: str = ""
    cells: Mapping[str, Cell] = field(default_factory=dict)
    scalars: Mapping[str, float | None] = field(default_factory=dict)
    verdict: VerdictRecord | None = None
    pruned: bool = False


@dataclass(frozen=True)
class MeasureRow:
    """One measure as it is named: direction +1 where higher is better, -1 lower, 0 neither."""

    key: str
    direction: int
    unit: str


@dataclass(frozen=True)
class RunView:
    """One run with everything the home screen shows of it. `rule`: by what it is judged, as declared before it started."""

    run: RunRow
    iterations: tuple[IterationRow, ...]
    repeats: tuple[IterationRow, ...]
    measures: tuple[MeasureRow, ...]
    stages: tuple[StageRow, ...]
    rule: Declared | None = None
