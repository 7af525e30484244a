"""What a verdict is, with everything that it came from: `verdict/verdicts.json`.

Changes are now - reference, in the measure's unit; `verdict` says whether that is better (`up`) or worse (`down`). Where a
measure has no better direction the number itself went up or down.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from sirtui.core.rule import Declared
from sirtui.core.spec import Verdicts


class Kind(StrEnum):
    """The verdict on an iteration, or a run."""

    REVERSAL = "reversal"
    PAST_PEAK = "past_peak"
    PROGRESS = "progress"
    GAIN_UNDECIDED = "gain_undecided"
    REGRESSION = "regression"
    LOSS = "loss"
    GAIN_ELSEWHERE = "gain_elsewhere"
    NO_CHANGE = "no_change"
    UNDECIDED = "undecided"

    @property
    def alarm(self) -> bool:
        """Whether something was lost for sure."""
        return self in (Kind.REVERSAL, Kind.PAST_PEAK, Kind.REGRESSION, Kind.LOSS)

    @property
    def reversed(self) -> bool:
        """Whether there was a gain that turned: into a loss elsewhere, or below its own peak."""
        return self in (Kind.REVERSAL, Kind.PAST_PEAK)


class Sign(StrEnum):
    """The verdict on one measure."""

    UP = "up"
    DOWN = "down"
    FLAT = "flat"
    UNDECIDED = "undecided"
    SUSPENDED = "suspended"
    UNDEFINED = "undefined"


class Trend(StrEnum):
    """The verdict on one measure over time, where it says more than that against M_1."""

    REVERSED = "reversed"
    DECLINED = "declined"
    PAST_PEAK = "regressed from peak"
    PLATEAU = "plateau"
    IMPROVING = "improving"


class Against(msgspec.Struct, frozen=True):
    """A measure's change against one earlier evaluation: of `n` problems, with its 90 and 95 % intervals.

    `t`: which one, 1 for the mean over M_1's evaluations. `p`: two-sided; `corrected`: for all that is tested, None where
    this is for display. `df` None: infinite; `stderr` None: one cluster alone.
    """

    t: int
    n: int
    change: float
    stderr: float | None
    df: float | None
    lo90: float | None
    hi90: float | None
    lo95: float | None
    hi95: float | None
    p: float | None
    corrected: float | None
    sign: Sign


class Needed(msgspec.Struct, frozen=True):
    """What would decide what is undecided, all else as it is: so many problems, or so many samples a problem.

    `evaluations`: how often more M_t and M_1 would have to be evaluated for those samples. None: no number would.
    """

    aim: str
    problems: int | None
    samples: int | None
    evaluations: int | None
    text: str


class Cell(msgspec.Struct, frozen=True):
    """One measure of M_t.

    `value` and `reference`: means over the problems defined there; `delta`: the smallest change that matters; `inflation`:
    lambda, `inflated` whether it widened the error; `family`: how many measures p was corrected for, `weight` the look's share
    of alpha; `why`: what is odd about it.
    """

    key: str
    role: str
    direction: int
    unit: str
    verdict: Sign
    value: float | None = None
    reference: float | None = None
    delta: float | None = None
    against: Against | None = None
    peak: Against | None = None
    previous: Against | None = None
    trend: str = ""
    inflation: float | None = None
    inflated: bool = False
    family: int = 1
    weight: float = 1.0
    needed: Needed | None = None
    counts: dict[str, int] = {}
    why: str = ""


class State(StrEnum):
    """How a part of the validity strip stands."""

    OK = "ok"
    WARN = "warn"
    BROKEN = "broken"


class Part(msgspec.Struct, frozen=True):
    """One part of the validity strip: `judge`, `format`, `null`, `contamination`, `power`."""

    name: str
    state: State
    text: str


class Named(msgspec.Struct, frozen=True):
    """A problem gained or lost by name: correct of all samples then and now, Fisher's p and Benjamini-Hochberg's q."""

    problem: str
    first: tuple[int, int]
    now: tuple[int, int]
    p: float
    q: float


class Sets(msgspec.Struct, frozen=True):
    """Problems that M_t solves and M_1 does not, and the other way round.

    `gained`, `lost`: greedily, gross; `chance`: what M_1 against itself gives, the mean of both ways; `p`: McNemar's.
    `gained_mass`, `lost_mass`: mean gain of the problems that gained, mean loss of those that lost, over all problems,
    cross-fitted. None where there are no greedy answers, or no samples. `crossing`: the K from which on pass@K is below
    M_1's, where that may be claimed.
    """

    gained: int | None
    lost: int | None
    problems: int
    chance: float | None
    p: float | None
    gained_mass: float | None
    lost_mass: float | None
    named_gained: tuple[Named, ...] = ()
    named_lost: tuple[Named, ...] = ()
    crossing: int | None = None

    @property
    def net_gained(self) -> float | None:
        """The improvement set beyond chance."""
        return None if self.gained is None else self.gained - (self.chance or 0.0)

    @property
    def net_lost(self) -> float | None:
        """The lost set beyond chance."""
        return None if self.lost is None else self.lost - (self.chance or 0.0)


class Keep(msgspec.Struct, frozen=True):
    """Which checkpoint to keep. `value`, `gain`: of the target, and against M_1, as seen by whom the choice was made.

    `fitted`, `fitted_gain`: the same chosen on one half of the problems and reported on the other (None: too few).
    """

    t: int
    value: float | None
    gain: float | None
    fitted: float | None
    fitted_gain: float | None
    reason: str


class VerdictRecord(msgspec.Struct, frozen=True):
    """`verdicts.json`: the verdict on M_t. `kind` is None for M_1, which is what is compared against.

    `names`: the measures that it is about; `past_peak`: the iteration from which the target fell for sure; `text`: it in words.
    `look`: which look at M_t (more than 1 after a topup); `declared`: the rule written down before the run started, where it
    differs from `rule`; `notes`: what the verdict rests on and should be known with it; `measured`: iterations with measures.
    """

    t: int
    look: int
    against: str
    rule: Declared
    kind: Kind | None = None
    names: tuple[str, ...] = ()
    text: str = ""
    cells: tuple[Cell, ...] = ()
    validity: tuple[Part, ...] = ()
    sets: Sets | None = None
    keep: Keep | None = None
    advice: str = ""
    notes: tuple[str, ...] = ()
    measured: tuple[int, ...] = ()
    past_peak: int | None = None
    alpha: float = 0.05
    declared: Declared | None = None
    schema: int = 1

    @property
    def broken(self) -> tuple[str, ...]:
        """The parts of the validity strip that do not hold."""
        return tuple(part.name for part in self.validity if part.state is State.BROKEN)

    def cell(self, key: str) -> Cell | None:
        """The cell of a measure."""
        return next((cell for cell in self.cells if cell.key == key), None)


class Answered(msgspec.Struct, frozen=True):
    """`control/answered.json`: what was known to be lost when someone said to go on; that alone stops the run no more."""

    known: tuple[str, ...] = ()


class Request(msgspec.Struct, frozen=True):
    """`request.json`: verdicts asked for. Of one run against another reference than M_1, or of several runs as one group.

    `runs`: folders; `against`: `it01`, another iteration, `previous`, `peak` (of the target), or `FOLDER/it03` of another
    run; `verdicts`: a rule in place of the declared one; `inputs`: digests of the evaluations it is made from; `rules`: hashes
    of the rules that the runs have now.
    """

    runs: tuple[str, ...]
    against: str
    verdicts: Verdicts | None
    inputs: dict[str, str]
    rules: tuple[str, ...]


class ComparisonRecord(msgspec.Struct, frozen=True):
    """`verdicts.json` of a request: a verdict for each iteration that can be compared."""

    request: Request
    verdicts: tuple[VerdictRecord, ...]
    schema: int = 1
