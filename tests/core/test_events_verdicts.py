"""What a verdict stage tells in its journal."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sirtui.core import events
from sirtui.core.events import Comparison, Concluded, Event, Unknown, decode, encode
from sirtui.core.rule import Declared
from sirtui.core.verdict import Keep, Kind, Named, Part, Sets, State, VerdictRecord

HOSTILE = "evil\x1b]52;c;cHduZWQ=\x07[bold]x[/]\x1b[2J\r\n\x9b31m\u202e\x00"
FULL = VerdictRecord(
    t=3,
    look=2,
    against="it01",
    rule=Declared("A reversal is ...", "0123456789ab"),
    kind=Kind.REVERSAL,
    names=("pass@4", "diversity.ngram.correct"),
    text="reversal: pass@4, ngram",
    validity=(Part("judge", State.BROKEN, "nothing was read"),),
    sets=Sets(3, 4, 30, 0.5, 0.25, 0.1, None, (Named("nano/1", (0, 8), (8, 8), 0.001, 0.01),), (), 4),
    keep=Keep(2, 0.5, 0.1, None, None, "highest"),
    advice="none",
    notes=("not measured: it2",),
    measured=(1, 3),
    declared=Declared("Another rule.", "ba9876543210"),
)
CHANGE = Comparison("pass@4", "it01", -0.1, 0.01, 30, -0.12, -0.08, -0.13, -0.07, 0.003, "down", "declined", "essential", at=2.0)


@pytest.mark.parametrize("event", [Concluded(FULL, at=1.5), CHANGE, Comparison("pass@4", "it01", None)])
def test_an_event_survives_its_line(event):
    """Every field, and by its own kind."""
    assert decode(encode(event).rstrip(b"\n")) == event


def test_a_change_that_is_no_number_becomes_a_gap():
    """The line stays JSON."""
    line = encode(Comparison("a", "it01", float("nan"), stderr=float("inf"), p=float("nan")))
    assert b"NaN" not in line
    assert decode(line) == Comparison("a", "it01", None)


@pytest.mark.parametrize(
    "event",
    [
        Concluded(FULL),
        Comparison(HOSTILE, HOSTILE, 0.1, verdict=HOSTILE, trend=HOSTILE, role=HOSTILE),
        Concluded(msgspec.structs.replace(FULL, text=HOSTILE, names=(HOSTILE,), notes=(HOSTILE,))),
    ],
)
def test_hostile_text_stays_within_its_line(event):
    """No line break, no raw escape: the journal can be split and tailed; nothing is lost."""
    line = encode(event)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert b"\x1b" not in line
    assert decode(line) == event


LONG = "\x00" * 100_000
HUGE = [
    Comparison(LONG, LONG, 0.1, verdict=LONG, trend=LONG, role=LONG),
    Comparison("é" * 100_000, "it01", 0.1),
    Concluded(msgspec.structs.replace(FULL, text=LONG)),
    Concluded(msgspec.structs.replace(FULL, names=tuple(f"measure-{n}" for n in range(10_000)))),
    Concluded(msgspec.structs.replace(FULL, rule=Declared(LONG, "x"))),
    Unknown(LONG),
]


@pytest.mark.parametrize("event", HUGE, ids=lambda event: type(event).__name__)
def test_a_line_is_never_longer_than_16_kib(event):
    """Whatever a record holds: what cannot be told whole is cut, or told to be missing; it always ends."""
    line = encode(event)
    assert len(line) <= events.LONGEST_LINE
    assert isinstance(decode(line), Event)


@given(some.text(max_size=30_000), some.integers(0, 400))
def test_no_verdict_makes_a_longer_line(text, names):
    """Of any text, however its characters are escaped."""
    record = msgspec.structs.replace(FULL, text=text, names=(text[:100],) * names, notes=(text,))
    assert len(encode(Concluded(record, at=1.0))) <= events.LONGEST_LINE


@pytest.mark.parametrize("event", HUGE[3:5], ids=["names", "rule"])
def test_a_verdict_too_long_to_be_told_whole_is_still_a_verdict(event):
    """Iteration and kind are what matters: without them a reversal is on no screen and in no list."""
    told = decode(encode(event))
    assert isinstance(told, Concluded)
    assert (told.record.t, told.record.kind) == (3, Kind.REVERSAL)
