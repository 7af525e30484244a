"""The verdict on an iteration, from the verdicts on its measures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sirtui.core.labels import short
from sirtui.core.verdict import Cell, Kind, Sign


@dataclass(frozen=True)
class Verdict:
    """The kind, the measures it is about, and it all in words."""

    kind: Kind
    names: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Decisive:
    """A measure that decides. `holds`: whether its loss can be excluded (the lower 90 % bound is above -delta).

    `needs`: why it is not decided, and what would decide it.
    """

    key: str
    sign: Sign
    holds: bool
    needs: str = ""


@dataclass(frozen=True)
class Standing:
    """What decides: how the target stands, whether (and since when) it is past its peak, and the essential measures."""

    target: Decisive
    past_peak: int | None
    essential: Sequence[Decisive]


def standing(cells: Iterable[Cell], target: str, essential: Sequence[str]) -> Standing:
    """How things stand by the cells of an iteration, in which all declared measures have their place."""
    known = {cell.key: cell for cell in cells}
    aim = known[target]
    past = aim.peak.t if aim.peak and aim.peak.sign is Sign.DOWN and aim.verdict is not Sign.SUSPENDED else None
    return Standing(_decisive(aim), past, [_decisive(known[key]) for key in essential])


def _decisive(cell: Cell) -> Decisive:
    needs = cell.why if cell.verdict in (Sign.UNDEFINED, Sign.SUSPENDED) else cell.needed.text if cell.needed else ""
    return Decisive(cell.key, cell.verdict, _holds(cell), needs)


def _holds(cell: Cell) -> bool:
    if cell.verdict not in (Sign.UP, Sign.FLAT, Sign.UNDECIDED) or cell.against is None or cell.delta is None:
        return False
    worst = cell.against.hi90 if cell.direction < 0 else cell.against.lo90
    enough = cell.verdict is not Sign.UNDECIDED or not cell.why
    return enough and worst is not None and worst * (cell.direction or 1) > -cell.delta


def verdict(now: Standing) -> Verdict:
    """The first row that fits; there is exactly one.

    | target | essential | verdict |
    |---|---|---|
    | up | any down | reversal |
    | up, down against its peak | none down | past_peak |
    | up | all hold, and there are some | progress |
    | up | otherwise | gain_undecided |
    | down | any | regression |
    | flat, or not known | any down | loss |
    | flat | some up, none down | gain_elsewhere |
    | flat | all flat, and there are some | no_change |
    | else | | undecided |
    """
    down = tuple(each.key for each in now.essential if each.sign is Sign.DOWN)
    match now.target.sign:
        case Sign.UP:
            return _gained(now, down)
        case Sign.DOWN:
            return Verdict(Kind.REGRESSION, down, _with("regression", down))
        case Sign.FLAT:
            return _still(now, down)
    if down:
        return Verdict(Kind.LOSS, down, _with("loss, gain undecided", down))
    return _undecided([now.target])


def _gained(now: Standing, down: tuple[str, ...]) -> Verdict:
    past = f"past the peak, it{now.past_peak}" if now.past_peak else ""
    if down:
        return Verdict(Kind.REVERSAL, down, _with("reversal", down) + (f" ({past})" if past else ""))
    if past:
        return Verdict(Kind.PAST_PEAK, (), f"past the peak (it{now.past_peak})")
    if not now.essential:
        return Verdict(Kind.GAIN_UNDECIDED, (), "gain, undecided: no essential measure is declared")
    open_ = [each for each in now.essential if not each.holds]
    if not open_:
        return Verdict(Kind.PROGRESS, (), "progress")
    return Verdict(Kind.GAIN_UNDECIDED, tuple(each.key for each in open_), f"gain, undecided: {_told(open_)}")


def _still(now: Standing, down: tuple[str, ...]) -> Verdict:
    if down:
        return Verdict(Kind.LOSS, down, _with("loss without gain", down))
    up = tuple(each.key for each in now.essential if each.sign is Sign.UP)
    if up:
        return Verdict(Kind.GAIN_ELSEWHERE, up, _with("gain elsewhere", up))
    if now.essential and all(each.sign is Sign.FLAT for each in now.essential):
        return Verdict(Kind.NO_CHANGE, (), "no change")
    return _undecided([each for each in now.essential if each.sign is not Sign.FLAT])


def _undecided(open_: Sequence[Decisive]) -> Verdict:
    told = _told(open_) or "no essential measure is declared"
    return Verdict(Kind.UNDECIDED, tuple(each.key for each in open_), f"undecided: {told}")


def _told(open_: Sequence[Decisive]) -> str:
    return ", ".join(f"{short(each.key)} ({each.needs})" if each.needs else short(each.key) for each in open_)


def _with(text: str, names: Sequence[str]) -> str:
    return f"{text}: {', '.join(map(short, names))}" if names else text
