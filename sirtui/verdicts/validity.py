"""What a verdict rests on: the judge, the form of the answers, the null, the problems, the power. Shown before the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scipy import special

from sirtui.core.labels import short
from sirtui.core.rule import Rule
from sirtui.core.verdict import Cell, Part, Sign, State
from sirtui.verdicts.cells import LEAST_PROBLEMS, Course

_UNPARSED, _UNREADABLE = 0.05, 0.2
_INFRA_WARN, _INFRA = 0.0, 0.01
_FORM = 0.02
_HALF = 0.5
_CONTAMINATED = 0.01
_ORDER = (State.OK, State.WARN, State.BROKEN)


@dataclass(frozen=True)
class Form:
    """How the samples of one evaluation were read: counts over all samples of its test problems, or of those of another kind."""

    drawn: int
    infra: int
    unparsed: int
    ended: int
    correct: int

    @property
    def scored(self) -> int:
        """Samples with a mark."""
        return self.drawn - self.infra

    @property
    def answered(self) -> float:
        """The share of them in which an answer could be read."""
        return (self.scored - self.unparsed) / self.scored if self.scored else 0.0

    @property
    def right(self) -> float:
        """The share of correct ones among those."""
        read = self.scored - self.unparsed
        return self.correct / read if read else 0.0


@dataclass(frozen=True)
class Split:
    """The change of the share of correct samples in two parts that add up: that more were answered, that answers are better."""

    answered: float
    right: float


def split(now: Form, first: Form) -> Split:
    """pass@1 = answered x right, so its change is (change of answered) mean(right) + (change of right) mean(answered)."""
    by_answered = (now.answered - first.answered) * (now.right + first.right) / 2
    return Split(by_answered, (now.right - first.right) * (now.answered + first.answered) / 2)


@dataclass(frozen=True)
class Forms:
    """Of M_t and of M_1, for the test problems and (None: there are none) for those of another kind."""

    test: tuple[Form, Form]
    ood: tuple[Form, Form] | None = None


def strip(course: Course, t: int, forms: Forms | None, contaminated: tuple[int, int] | None) -> tuple[Part, ...]:
    """The five parts. `contaminated`: test problems that occur in training, of how many."""
    cells = {cell.key: cell for cell in course.cells(t)}
    return (
        _both("judge", forms, _judge),
        _both("format", forms, lambda pair, what: _format(pair, what, cells, course.rule)),
        _null(course),
        _contamination(contaminated),
        _power(cells[course.rule.target], course.rule.alpha),
    )


def _both(name: str, forms: Forms | None, of: Callable[[tuple[Form, Form], str], Part]) -> Part:
    """The part for the test problems, and for the others where these stand worse."""
    if forms is None or not all(form.drawn for form in forms.test):
        return Part(name, State.WARN, "no samples were judged")
    test = of(forms.test, "pass@1")
    if forms.ood is None or not all(form.drawn for form in forms.ood):
        return test
    other = of(forms.ood, "OOD")
    worse = _ORDER.index(other.state) > _ORDER.index(test.state)
    return Part(name, other.state, f"OOD: {other.text}; else {test.text}") if worse else test


def _judge(forms: tuple[Form, Form], _what: str) -> Part:
    infra = max(form.infra / form.drawn for form in forms)
    unread = max(1 - form.answered for form in forms)
    state = State.BROKEN if infra > _INFRA or unread > _UNREADABLE + 1e-9 else State.OK
    if state is State.OK and (infra > _INFRA_WARN or unread > _UNPARSED + 1e-9):
        state = State.WARN
    failed = f", judge failed on {100 * infra:.2g} %" if infra else ""
    return Part("judge", state, f"unparsed {100 * (1 - forms[1].answered):.1f} -> {100 * (1 - forms[0].answered):.1f} %{failed}")


def _format(forms: tuple[Form, Form], what: str, cells: Mapping[str, Cell], rule: Rule) -> Part:
    """Broken where most of a change that was called up or down is a change of how many answers could be read."""
    now, first = forms
    parts = split(now, first)
    ended = now.ended / now.drawn - first.ended / first.drawn
    change = parts.answered + parts.right
    about = [rule.target] if what == "pass@1" else [key for key in rule.essential if key.endswith("ood.accuracy")]
    decided = any(cells[key].verdict in (Sign.UP, Sign.DOWN) for key in about)
    if decided and abs(parts.answered) > _HALF * abs(change) and abs(parts.answered) >= _FORM:
        state = State.BROKEN
    else:
        state = State.WARN if max(abs(parts.answered), abs(ended)) >= _FORM else State.OK
    text = f"{what} {100 * change:+.1f} = answered {100 * parts.answered:+.1f}, correct when answered {100 * parts.right:+.1f}"
    length = cells.get("answers.length")
    told = [f"ended {100 * ended:+.1f}"] if abs(ended) >= _FORM else []
    if length and length.reference is not None and length.value is not None and what == "pass@1":
        told.append(f"length {length.reference:.0f} -> {length.value:.0f} tokens")
    return Part("format", state, "; ".join((text, *told)))


def _null(course: Course) -> Part:
    """One measure may fail to repeat itself by chance, in one or two runs of a hundred; two tell of a fault."""
    repeats = max((len(each.firsts) - 1 for each in course.series), default=0)
    if not repeats:
        return Part("null", State.WARN, "M_1 was not evaluated again: noise between evaluations is not measured")
    declared = (course.rule.target, *course.rule.essential)
    suspended = [key for key in declared if key in course.nulls and course.nulls[key].suspended]
    widened = [key for key in declared if key in course.nulls and course.nulls[key].acts and key not in suspended]
    times = f"M_1 evaluated {repeats + 1} times"
    told = [f"not repeatable, so suspended: {_names(suspended)}"] if suspended else []
    told += [f"noisier than chance, so errors widened: {_names(widened)}"] if widened else []
    many = len(suspended) + len(widened) > 1
    state = State.BROKEN if course.rule.target in suspended or many else State.WARN if told else State.OK
    return Part("null", state, f"{times}, {'; '.join(told) or 'no alarm'}")


def _names(keys: Sequence[str]) -> str:
    return ", ".join(map(short, keys))


def _contamination(found: tuple[int, int] | None) -> Part:
    if found is None:
        return Part("contamination", State.WARN, "not checked")
    count, problems = found
    if not count:
        return Part("contamination", State.OK, "no test problem occurs in training")
    state = State.BROKEN if count > _CONTAMINATED * problems else State.WARN
    return Part("contamination", state, f"{count} of {problems} test problems occur in training")


def _power(target: Cell, alpha: float) -> Part:
    if target.against is None or target.against.stderr is None or target.delta is None:
        return Part("power", State.BROKEN, f"{short(target.key)}: {target.why or 'no error can be told'}")
    if target.against.n < LEAST_PROBLEMS:
        return Part("power", State.BROKEN, f"only {target.against.n} problems: fewer than {LEAST_PROBLEMS} decide nothing")
    level = alpha * target.weight
    seen = max(float(special.ndtri(1 - level / 2)) * target.against.stderr, target.delta) + 0.842 * target.against.stderr
    state = State.WARN if target.verdict is Sign.UNDECIDED and seen > 2 * target.delta else State.OK
    size = f"{100 * seen:.1f} points" if target.unit == "share" else f"{seen:.3g}"
    return Part("power", state, f"{target.against.n} problems: a change of {size} of {short(target.key)} is seen 4 times in 5")
