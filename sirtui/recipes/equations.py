"""The equations an answer claims: `<<48/2=24>>` annotations, or, where it has none, what is written as `48 / 2 = 24`.

Only true ones count, each written one way: no spaces, thousands commas or currency, `*` and `/` for all signs of theirs,
numbers without idle zeros. A chain `a=b=c` is the equations `a=b` and `b=c`; one side at least must calculate. A piece of
something larger (`y - 3 + 5 = 2`, `2^3 + 1 = 4`) is not taken for an equation. Nothing is executed: a side is parsed, and
only numbers, + - * / and parentheses are worked out.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from math import isclose, isfinite

LONGEST_TEXT = 20_000
"""How many characters of an answer are looked at."""
LONGEST_SIDE = 120
"""How many characters one side of an equation may have."""

_ANNOTATION = re.compile(r"<<([^<>]*)>>")
_SAID = r"0-9.,()+\-*/×÷−–·%$€£¥; \t\u00a0\u2009\u202f"
_RUN = re.compile(rf"(?<![{_SAID}=])[{_SAID}]*=[{_SAID}=]*")
_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)(?P<percent> ?%)?"
    r"|[$€£¥\s]+|(?P<sign>\*\*|[^$€£¥\s])"
)
_SIGNS = {"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-"} | {sign: sign for sign in "+-*/()="}
_BREAK, _TORN = ";", "?"
"""Tokens: here one expression ends and another may begin; here an expression is torn from something larger."""

_BULLET = re.compile(r"^[ \t]*[-*+•][ \t]+", re.MULTILINE)
_BOLD = re.compile(r"(?<![0-9)])\*\*|\*\*(?![0-9(])")
_UNIT = re.compile(r"(?<=[0-9])(?: [-–] |/)(?=[^\W\d_])")
_TIMES = re.compile(r"(?<=[0-9)])(?:[ ]{0,3}[xX][ ]{0,3}(?=[$(]?[.0-9])|(?=\())")
_FRACTION = re.compile(r"\\[dt]?frac\{([0-9.]+)\}\{([0-9.]+)\}")
_LATEX = {r"\times": "*", r"\cdot": "*", r"\div": "/", r"\$": "$", r"\%": "%", r"\(": " ", r"\)": " ", r"\[": " ", r"\]": " "}
_LATEX_SIGN = re.compile("|".join(map(re.escape, _LATEX)))

_PERCENT = re.compile(r"([0-9.]+)%")
_CALCULATES = re.compile(r".[-+*/]")
_DECIMALS = re.compile(r"-?[0-9]+\.([0-9]+)")
_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@lru_cache(maxsize=1 << 14)
def equations(text: str) -> tuple[str, ...]:
    """The true equations of an answer, in order, repeated ones too: `("48/2=24", "48+24=72")`."""
    text = text[:LONGEST_TEXT]
    if "=" not in text:
        return ()
    claims = _ANNOTATION.findall(text) or [_cleaned(text)]
    return tuple(f"{left}={right}" for claim in claims for left, right in _pairs(claim) if _holds(left, right))


def _cleaned(text: str) -> str:
    """Free text, what marks it up taken off: bullets, bold, dashes, units (`24/day`), LaTeX signs."""
    if "\\" in text:
        text = _LATEX_SIGN.sub(lambda sign: _LATEX[sign[0]], _FRACTION.sub(r"(\1/\2)", text))
    return _UNIT.sub(_BREAK, _BOLD.sub("", _BULLET.sub("", text)))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Both sides of everything in `text` that has the form of an equation."""
    text = _TIMES.sub("*", text)
    for run in _RUN.finditer(text):
        before, after = text[run.start() - 1 : run.start()], text[run.end() : run.end() + 1]
        for left, right in pairwise(_sides(_tokens(run[0], before, after))):
            said = _ending(left), _beginning(right)
            if said[0] and said[1] and any(map(_CALCULATES.search, said)):
                yield said[0], said[1]


def _tokens(run: str, before: str, after: str) -> list[str]:
    """Numbers and signs written one way; `before` and `after` are the characters next to the run."""
    found: list[str] = []
    for match in _TOKEN.finditer(run):
        if match.lastgroup:
            piece = _number(match) if match["number"] else _SIGNS.get(match["sign"], _BREAK)
            apart = bool(found) and _ends_value(found[-1]) and (piece == "(" or piece[0].isdigit())
            found += [_BREAK, piece] if apart else [piece]
    spaced = found[0] == "-" and run.lstrip()[1:2].isspace()
    attached = found[0] != _BREAK and not run[0].isspace() and (before.isalnum() or before in tuple("^_}\\"))
    return [_TORN if spaced or attached else found[0], *found[1:], *([_TORN] if after == "^" else [])]


def _ends_value(piece: str) -> bool:
    return piece[0] == ")" or piece[0].isdigit()


def _number(match: re.Match[str]) -> str:
    """Without commas and idle zeros: `1,000.50` is `1000.5`, `.5` is `0.5`."""
    whole, point, decimals = match["number"].replace(",", "").partition(".")
    decimals = decimals.rstrip("0")
    return (whole.lstrip("0") or "0") + (point + decimals if decimals else "") + ("%" if match["percent"] else "")


def _sides(tokens: Sequence[str]) -> list[list[str]]:
    sides: list[list[str]] = [[]]
    for piece in tokens:
        if piece == "=":
            sides.append([])
        else:
            sides[-1].append(piece)
    return sides


def _ending(tokens: Sequence[str]) -> str:
    """The longest whole expression that ends a left side; empty where there is none."""
    depth, start = 0, len(tokens)
    for piece in reversed(tokens):
        depth += (piece == ")") - (piece == "(")
        if depth < 0 or piece in (_BREAK, _TORN):
            break
        start -= 1
    torn = start > 0 and (tokens[start - 1] == _TORN or (tokens[start - 1] == _BREAK and tokens[start:][:1] == ["-"]))
    return "" if torn or depth > 0 or tokens[start:][:1] in (["+"], ["*"], ["/"]) else "".join(tokens[start:])


def _beginning(tokens: Sequence[str]) -> str:
    """The longest whole expression that begins a right side; empty where there is none."""
    depth, end = 0, 0
    for piece in tokens:
        depth += (piece == "(") - (piece == ")")
        if depth < 0 or piece in (_BREAK, _TORN):
            break
        end += 1
    torn = depth > 0 or tokens[end:][:1] == [_TORN] or tokens[:end][-1:] in (["+"], ["-"], ["*"], ["/"])
    return "" if torn else "".join(tokens[:end])


def _holds(left: str, right: str) -> bool:
    """Whether both sides are the same number: a percent sign taken as /100 or as a mere unit, a result rounded as written."""
    ways = [("(\\1/100)"), "\\1"] if "%" in left + right else ["\\1"]
    return any(_same(_PERCENT.sub(way, left), _PERCENT.sub(way, right)) for way in ways)


def _same(left: str, right: str) -> bool:
    one, other = _value(left), _value(right)
    if one is None or other is None:
        return False
    written = _DECIMALS.fullmatch(right) or _DECIMALS.fullmatch(left)
    rounding = 0.5 * 10.0 ** -len(written[1]) if written else 0.0
    return isclose(one, other, rel_tol=1e-9, abs_tol=max(1e-9, rounding * (1 + 1e-9)))


@lru_cache(maxsize=1 << 14)
def _value(side: str) -> float | None:
    """What an expression comes to; None where it is too long, is none, or has no value."""
    if len(side) > LONGEST_SIDE:
        return None
    try:
        value = _worked_out(ast.parse(side, mode="eval").body)
    except (SyntaxError, ArithmeticError, ValueError, RecursionError):
        return None
    return value if isfinite(value) else None


def _worked_out(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_worked_out(operand)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_worked_out(left), _worked_out(right))
        case _:
            raise ValueError(ast.dump(node))
