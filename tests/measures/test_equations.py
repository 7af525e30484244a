"""Reading true equations out of answers."""

import random
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sirtui.recipes.equations import LONGEST_TEXT, equations

GSM8K = Path(__file__).parents[2].parent / "shared" / "data" / "gsm8k" / "test.jsonl"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sold 48/2 = <<48/2=24>>24 clips, 48+24 = <<48+24=72>>72", ("48/2=24", "48+24=72")),
        ("twice <<1+1=2>> and again <<1+1=2>>", ("1+1=2", "1+1=2")),
        ("false ones <<1+1=3>> are dropped <<2+2=4>>", ("2+2=4",)),
        ("annotations alone count: 1+1=2 <<2+2=4>>", ("2+2=4",)),
        ("no way out of a false one <<1+1=3>> 2+2=4", ()),
        ("so <<.50*20=10.00>>10", ("0.5*20=10",)),
        ("rounded <<10/3=3.33>>", ("10/3=3.33",)),
        ("not to a whole number <<10/3=3>>", ()),
        ("nothing calculated <<5=5>>", ()),
        ("an open end <<48/2=24 is no annotation", ("48/2=24",)),
    ],
)
def test_annotated_equations(text, expected):
    """GSM8K's `<<...>>`: in order, repeated ones too, false ones dropped."""
    assert equations(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so 3 * 4 = 12 eggs. 5 more", ("3*4=12",)),
        ("5 x 4 = 20, 2X3=6", ("5*4=20", "2*3=6")),
        ("3 × 4 = 12 and 8 ÷ 2 = 4 and 9 − 4 = 5 and 97 – 12 = 85", ("3*4=12", "8/2=4", "9-4=5", "97-12=85")),
        ("$2.50 * 4 = $10.00", ("2.5*4=10",)),
        ("1,200 + 300 = 1,500 and 12,5", ("1200+300=1500",)),
        ("20% * 50 = 10", ("20%*50=10",)),
        ("5/25*100=20%", ("5/25*100=20%",)),
        ("(3*4=12), ((3)+4)=7", ("3*4=12", "((3)+4)=7")),
        ("2(3+4)=14", ("2*(3+4)=14",)),
        ("-3+5=2 and 4 - -9 = 13 and 4-9=-5", ("-3+5=2", "4--9=13", "4-9=-5")),
        ("12 = 3*4 = 24/2", ("12=3*4", "3*4=24/2")),
        ("2+3=5+1=6", ("5+1=6",)),
        ("- 3 + 5 = 8\n* 4 + 4 = 8", ("3+5=8", "4+4=8")),
        ("**3*4=12**, 3*5 = **15**.", ("3*4=12", "3*5=15")),
        ("1) 3*4=12\n2. 3*5=15", ("3*4=12", "3*5=15")),
        ("4*6=24/day, 3+4=7 - then", ("4*6=24", "3+4=7")),
        (r"\(10 \cdot 6 \times 7 = 420\), \frac{4}{36} = \frac{1}{9}", ("10*6*7=420", "(4/36)=(1/9)")),
        ("007+1=8", ("7+1=8",)),
    ],
)
def test_inline_equations(text, expected):
    """Where nothing is annotated: every way of writing gives one form."""
    assert equations(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no equation",
        "x = 5",
        "5 = 5",
        "1+1=3",
        "4 + 6 = ten",
        "2x+3=3",
        "y - 3 + 5 = 2",
        "y-3+5=2",
        "x*3=3",
        "f(2+3)=5",
        "2^3+1=4",
        "1+2=3^2",
        "2**3=8",
        "7//2=3",
        "3*4=12*y",
        "2+3=5-y",
        "1/0=1",
        "1e5+1=2",
        "0/0=0/0",
        "(1+2=3*(1",
        "3 + * 4 = 7",
    ],
)
def test_what_is_no_equation_or_a_piece_of_one(text):
    """False claims, unknowns, powers, and what is torn from something larger."""
    assert equations(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9**9=1 9^9^9^9=1",
        "(" * 10**6 + "1+1=2",
        "1+" * 500_000 + "1=2",
        "9" * 10**6 + "=" + "9" * 10**6,
        "=" * 10**6,
        " " * 10**6 + "=",
        "<<" * 500_000,
        "<<" + "(" * 100 + "1" + ")" * 100 + "=1+0>>",
        "".join(f"{i}+1={i + 1} " for i in range(100_000)),
        "-" * 10**6 + "1=1",
        "1," * 500_000 + "=1",
        "1x" * 500_000,
        "\\frac{" * 200_000 + "=",
        "<<" + "9" * 100 + "*" + "9" * 100 + "=1>>",
        "1" + "0" * 110 + "/" + "0" * 5 + "=3",
        "\n- " * 300_000 + "=",
    ],
    ids=lambda text: text[:12],
)
def test_hostile_input_takes_bounded_time(text):
    """Huge powers, a million characters, brackets that never close: under half a second, no error."""
    start = time.process_time()
    equations(text)
    assert time.process_time() - start < 0.5


@given(st.text(alphabet="0123456789+-*/()=.,$%x×÷− <>\n^y\\", max_size=60))
def test_any_text_is_read_without_error(text):
    """And what is found is true, written without spaces."""
    for each in equations(text):
        assert " " not in each
        assert each.count("=") == 1


@given(st.integers(0, 5000), st.integers(1, 5000), st.sampled_from("+-*"))
def test_a_true_equation_is_found_and_a_false_one_is_not(a, b, sign):
    """However it is spaced."""
    value = {"+": a + b, "-": a - b, "*": a * b}[sign]
    assert equations(f"It is {a} {sign} {b} = {value:,} now.") == (f"{a}{sign}{b}={value}",)
    assert equations(f"<<{a}{sign}{b}={value}>>{value}") == (f"{a}{sign}{b}={value}",)
    assert equations(f"It is {a}{sign}{b}={value + 1}.") == ()


def test_text_beyond_the_limit_is_not_looked_at():
    """The limit is far above what a model says."""
    assert equations("a" * LONGEST_TEXT + " 1+1=2") == ()


@pytest.mark.skipif(not GSM8K.exists(), reason="the shared data is not here")
def test_gsm8ks_own_annotations_are_nearly_all_true():
    """What is not is `5=5`, or rounded to a whole number."""
    texts = [msgspec.json.decode(line)["answer"] for line in GSM8K.read_bytes().splitlines()]
    found, annotated = sum(len(equations(text)) for text in texts), sum(text.count("<<") for text in texts)
    assert found / annotated > 0.98


@pytest.mark.skipif(not GSM8K.exists(), reason="the shared data is not here")
def test_answers_are_read_fast():
    """20,000 a second is the aim, with realistic duplicates; a tenth of that fails even on a busy machine."""
    texts = [msgspec.json.decode(line)["answer"] for line in GSM8K.read_bytes().splitlines()] * 4
    random.Random(0).shuffle(texts)
    equations.cache_clear()
    start = time.process_time()
    for text in texts:
        equations(text)
    assert len(texts) / (time.process_time() - start) > 2_000
