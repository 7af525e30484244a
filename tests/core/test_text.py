"""Cleaning outside text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sirtui.core.text import clean, clean_block


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain", "plain"),
        ("a\tb\nc\rd", "a b c d"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]52;c;aGk=\x1b\\text", "text"),
        ("a\x00b\x7fc", "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"),
        ("\x9b31mx", "x"),
        ("right\u202eleft", "right\N{REPLACEMENT CHARACTER}left"),
        ("[bold]markup[/]", "[bold]markup[/]"),
        ("naïve — 日本", "naïve — 日本"),
    ],
)
def test_escapes_and_controls_go_and_the_rest_stays(text, cleaned):
    """Nothing that a terminal would act on is left; letters of any script are."""
    assert clean(text) == cleaned


@given(some.text())
def test_nothing_unsafe_is_left(text):
    """Whatever comes in, no control, formatting or surrogate character comes out."""
    assert not {unicodedata.category(character) for character in clean(text)} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_a_limit_cuts_and_says_so():
    """Ten million characters are cut before they are cleaned."""
    assert clean("x" * 10_000_000, 5) == "xxxx…"
    assert clean("12345", 5) == "12345"


def test_a_block_keeps_its_lines():
    """Line breaks stay, carriage returns before them go."""
    assert clean_block("a\r\nb\x00\n") == "a\nb\N{REPLACEMENT CHARACTER}\n"
