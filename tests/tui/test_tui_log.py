"""Logs of any size and any content: `sirtui.tui.logs` without a screen."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from sirtui.tui.logs.file import LogFile
from sirtui.tui.logs.search import pattern, search
from sirtui.tui.logs.window import LogWindow
from sirtui.tui.paint import plain, width


def texts(window: LogWindow) -> list[str]:
    """What is in sight."""
    return [plain(line) for line in window.lines()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of a hundred lines."""
    path = tmp_path / "log.txt"
    path.write_text("".join(f"line {number}\n" for number in range(100)))
    return path


def opened(path: Path, columns: int = 20, lines: int = 3) -> LogWindow:
    """A window on a log."""
    window = LogWindow(path)
    window.resize(columns, lines)
    return window


def test_follows_the_end(log):
    """New lines come into sight by themselves while following."""
    window = opened(log)
    assert texts(window) == ["line 97", "line 98", "line 99"]
    with log.open("a") as file:
        file.write("line 100\nhalf a li")
    assert window.poll()
    assert texts(window) == ["line 99", "line 100", "half a li"]
    assert not window.poll()


def test_paused_nothing_moves(log):
    """While paused neither new lines nor looking at the file moves anything; the horizontal place is kept too."""
    window = opened(log)
    window.scroll(-10)
    window.pan(2)
    before = texts(window)
    assert before == ["ne 87", "ne 88", "ne 89"]
    with log.open("a") as file:
        file.write("more\n" * 1000)
    assert window.poll()
    assert texts(window) == before
    assert window.share() < 100
    window.toggle_follow()
    assert texts(window) == ["re", "re", "re"]


def test_walks_to_both_ends(log):
    """Up and down by rows, never beyond the ends."""
    window = opened(log)
    window.go_top()
    assert texts(window) == ["line 0", "line 1", "line 2"]
    window.scroll(-5)
    window.scroll(4)
    assert texts(window) == ["line 4", "line 5", "line 6"]
    window.scroll(1000)
    assert texts(window) == ["line 97", "line 98", "line 99"]
    assert not window.following
    window.go_bottom()
    assert window.following


def test_progress_bars_are_shown_as_they_stand(tmp_path):
    """Of what was drawn over and over with carriage returns, the last state counts; CRLF is a line end."""
    path = tmp_path / "log.txt"
    path.write_bytes(b" 10%|# |\r 50%|##|\r100%|##|\r\nnext\r\n 5%\r 7%\r")
    assert texts(opened(path)) == ["100%|##|", "next", " 7%"]


def test_hostile_text_is_harmless(tmp_path):
    """Escapes, control characters, bad UTF-8 and markup come out as text."""
    path = tmp_path / "log.txt"
    path.write_bytes(b"\x1b]52;c;cHduZWQ=\x07a\x1b[31mb\x00\xff\xfe[bold red]x[/]\n\x9b31mz\xe2\x80\xae\n")
    shown = texts(opened(path, 40))
    assert shown[0] == "ab���[bold red]x[/]"
    assert "z" in shown[1]
    assert all(character.isprintable() for line in shown for character in line)


def test_wrapped(tmp_path):
    """Long lines are wrapped on demand, and scrolled row by row."""
    path = tmp_path / "log.txt"
    path.write_text("abcdefghij\nxyz\n")
    window = opened(path, 4, 3)
    assert texts(window) == ["abc…", "xyz"]
    window.toggle_wrap()
    assert texts(window) == ["efgh", "ij", "xyz"]
    window.scroll(-1)
    assert texts(window) == ["abcd", "efgh", "ij"]
    window.scroll(1)
    assert texts(window) == ["efgh", "ij", "xyz"]
    window.scroll(1)
    assert texts(window) == ["efgh", "ij", "xyz"]


def test_cut_short_or_replaced(log):
    """A log that was cut short or replaced is read anew, whether following or paused."""
    window = opened(log)
    log.write_text("new\n")
    assert window.poll()
    assert texts(window) == ["new"]
    window.scroll(-1)
    other = log.with_name("other")
    other.write_text("other 1\nother 2\n")
    other.replace(log)
    assert window.poll()
    assert texts(window) == ["other 1", "other 2"]
    log.unlink()
    assert window.poll()
    assert texts(window) == []
    log.write_text("again\n")
    assert window.poll()
    assert texts(window) == ["again"]


def test_a_missing_log_is_empty(tmp_path):
    """A log may come to be later."""
    window = opened(tmp_path / "none")
    window.scroll(-1)
    window.scroll(1)
    window.go_top()
    assert texts(window) == []
    assert (window.share(), window.top_line()) == (100, "")
    window.file.close()
    assert LogFile(tmp_path).text(0, 10) == ""


def test_ten_gigabytes_are_seen_at_once(tmp_path):
    """The end of a log of 10 GB is seen and walked within 200 ms of work, without looking through it first."""
    path = tmp_path / "big"
    with path.open("wb") as file:
        file.truncate(10 * 1000**3)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + b"".join(b"the end %d\n" % number for number in range(5000)))
    began = time.process_time()
    window = opened(path, 80, 40)
    assert texts(window)[-1] == "the end 4999"
    window.scroll(-200)
    window.go_top()
    assert len(texts(window)) == 40
    window.go_bottom()
    assert time.process_time() - began < 0.2


def test_a_line_of_200_megabytes(tmp_path):
    """A line without an end costs no more than another, wrapped or not, upwards or downwards."""
    path = tmp_path / "long"
    with path.open("wb") as file:
        file.write(b"first\n")
        file.truncate(200 * 1000**2)
        file.seek(0, os.SEEK_END)
        file.write("日本".encode() * 100_000 + b"x" * 300_000 + b"\nlast\n")
    began = time.process_time()
    window = opened(path, 80, 24)
    assert texts(window)[-1] == "last"
    window.scroll(-30)
    window.pan(5000)
    assert all(width(line) <= 80 for line in window.lines())
    assert time.process_time() - began < 0.2
    window.toggle_wrap()
    window.go_top()
    assert texts(window)[0] == "first"
    window.scroll(40)
    window.scroll(-100)
    assert texts(window)[0] == "first"


def test_every_byte_belongs_to_one_piece(tmp_path):
    """Walking forwards through pieces covers a file without gaps; walking backwards ends at its beginning."""
    path = tmp_path / "mixed"
    path.write_bytes(b"a" * 70_000 + b"\n" + b"b" * 40_000 + b"\n\n\nc\n" + b"d" * 200_001)
    file, at = LogFile(path), 0
    while at < file.size:
        after = file.after(at)
        assert after > at
        at = after
    assert at == file.size
    while at > 0:
        before = file.before(at)
        assert before < at
        at = before


def test_search(log):
    """Forwards, backwards, across blocks, with and without case; given up at once when told to."""
    file = LogFile(log)
    text = log.read_bytes()

    def found(wanted: str, start: int, *, forward: bool) -> int | None:
        return search(file, pattern(wanted), start, forward=forward, given_up=lambda: False)

    assert found("LINE 5", 0, forward=True) is None
    assert found("line 5", 0, forward=True) == text.index(b"line 5")
    assert found("line 5", file.size, forward=False) == text.rindex(b"line 5")
    assert found("line 5", text.index(b"line 5"), forward=False) is None
    assert found("[", 0, forward=True) is None
    assert search(file, pattern("line"), 0, forward=True, given_up=lambda: True) is None


def test_search_finds_what_lies_across_blocks(tmp_path):
    """A place that begins in one block of reading and ends in the next is found both ways."""
    path = tmp_path / "log.txt"
    path.write_bytes(b"." * ((1 << 20) - 3) + b"needle" + b"." * (1 << 20))
    file = LogFile(path)
    for forward, start in ((True, 0), (False, file.size)):
        assert search(file, pattern("needle"), start, forward=forward, given_up=lambda: False) == (1 << 20) - 3


def test_what_was_found_is_in_sight(log):
    """The line found comes into sight with its place marked, also far to the right."""
    with log.open("a") as file:
        file.write("x" * 500 + "needle" + "y" * 100 + "\n" + "tail\n" * 50)
    window = opened(log, 40, 9)
    window.wanted = "needle"
    window.show(log.read_bytes().index(b"needle"))
    marked = [span for line in window.lines() for span in line if "yellow" in span.style]
    assert [span.text for span in marked] == ["needle"]
    assert not window.following
