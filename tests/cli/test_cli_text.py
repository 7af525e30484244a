"""Numbers and tables as the commands print them."""

import pytest

from sirtui.cli.text import duration, number, progress, table

ROWS = [["", "it1", "it2", "it3"], ["pass@1", "0.1", "0.2", "0.3"]]


def test_columns_that_do_not_fit_stand_below():
    """Each block begins with the first column; without a width everything stands in one."""
    assert table(ROWS) == "        it1  it2  it3\npass@1  0.1  0.2  0.3"
    assert table(ROWS, width=18) == "        it1  it2\npass@1  0.1  0.2\n\n        it3\npass@1  0.3"
    assert table(ROWS, width=1).count("pass@1") == 3


@pytest.mark.parametrize(
    ("seconds", "told"), [(None, "?"), (0.4, "0 s"), (99, "99 s"), (100, "1:40 min"), (5999, "99:59 min"), (8100, "2:15 h")]
)
def test_durations(seconds, told):
    """In the unit a person would use."""
    assert duration(seconds) == told


def test_numbers():
    """Counts are whole, gaps are a dash, nothing is claimed before a total is known."""
    assert [number(None), number(12.0, "problems"), number(0.12345), number(34.84)] == ["-", "12", "0.123", "34.8"]
    assert [progress(None, None, "steps"), progress(1, 4, "steps")] == ["started", "1/4 steps (25 %)"]
