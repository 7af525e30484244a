"""The journal's lines."""

import math

from hypothesis import given
from hypothesis import strategies as some

from sirtui.core import events
from sirtui.core.events import Failed, Metric, Progress, Scalars, Started, Unknown, decode, encode, split
from sirtui.core.journal import Journal


def test_an_event_survives_its_line():
    """What is encoded is decoded, kind and all."""
    for event in (Started("it01/train", 2, at=1.5), Progress(1, 2, "steps", at=2.0), Metric("pass@1.sampled", 0.5, n=3, at=3.0)):
        assert decode(encode(event).rstrip(b"\n")) == event


def test_values_that_are_no_numbers_become_gaps():
    """NaN and infinities are written as null, so the line stays JSON."""
    assert decode(encode(Metric("x", math.nan, math.inf))) == Metric("x", None, None)
    assert decode(encode(Scalars(1, {"loss": math.nan, "lr": 1.0}))) == Scalars(1, {"loss": None, "lr": 1.0})


def test_a_line_is_never_longer_than_16_kib():
    """A giant message is cut, a giant mapping too; the event keeps its kind."""
    cut = decode(encode(Failed("x" * 10_000_000, "it01/train", "y" * 10_000_000)))
    assert isinstance(cut, Failed)
    assert cut.what.startswith("xxx")
    assert len(encode(Scalars(1, {f"name{n}" * 20: 1.0 for n in range(5_000)}))) <= events.LONGEST_LINE
    assert len(encode(Failed(*["\x00" * 100_000] * 3))) <= events.LONGEST_LINE


@given(some.binary(max_size=300))
def test_decode_takes_anything(line):
    """No bytes make it raise."""
    assert isinstance(decode(line), events.Event)


def test_an_unknown_kind_is_kept():
    """A line from a later version is kept as it was."""
    line = b'{"kind":"telepathy","at":1}'
    assert decode(line) == Unknown(line.decode())


@given(some.lists(some.binary(max_size=20).filter(lambda line: b"\n" not in line), max_size=8), some.binary(max_size=10))
def test_split_gives_whole_lines_and_their_size(lines, rest):
    """However the data is cut, whole lines come out and the rest waits."""
    rest = rest.replace(b"\n", b"")
    data = b"".join(line + b"\n" for line in lines) + rest
    assert split(data) == (lines, len(data) - len(rest))


def test_a_torn_line_is_ended_before_the_next_event(tmp_path):
    """After a crash in the middle of a line, the next writer's first event stands on a line of its own."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"kind":"progress","do')
    journal = Journal(path, lambda: 7.0)
    journal.emit(Started("it01/train"))
    journal.close()
    lines, _ = split(path.read_bytes())
    assert [decode(line) for line in lines] == [Unknown('{"kind":"progress","do'), Started("it01/train", at=7.0)]
