"""`sirtui explain` and `sirtui topup`: how a verdict came about, and what would change it."""

from __future__ import annotations

import pytest
from builders import a_verdict, make_run
from msgspec.structs import replace
from runs_judged import NGRAM, TARGET, a_run

from sirtui.cli import topup
from sirtui.cli.explain import explained
from sirtui.core.errors import UsageError
from sirtui.core.files import read_record
from sirtui.core.run import RunRecord
from sirtui.core.spec import Topup
from sirtui.core.verdict import Cell, Needed, Sign, VerdictRecord

STEPS = ("part", "values", "|P|", "D", "SE", "90 %", "95 %", "delta", "p", "p'", "peak", "previous", "verdict", "to change it")


def steps(text: str) -> dict[str, str]:
    """What was said, by step."""
    named = {}
    for line in text.splitlines()[2:]:
        name = max((step for step in STEPS if line.startswith(f"  {step} ")), key=len)
        named[name] = line[2 + len(name) :].strip()
    return named


def cell_of(root, key: str) -> Cell:
    return read_record(root / "runs/toy-aaaa/it03/verdict/verdicts.json", VerdictRecord).cell(key)


@pytest.mark.parametrize(
    ("measure", "sign", "told"),
    [
        (
            TARGET,
            "up",
            {"D": "+10.0 points, the mean", "delta": "2: ", "verdict": "up, over time: plateau", "part": "target (higher is"},
        ),
        (
            NGRAM,
            "down",
            {"D": "-0.100 on a 0-1 scale", "delta": "0.02: ", "verdict": "down", "part": "essential (higher is better)"},
        ),
        (
            "pass@4",
            "flat",
            {"D": "+0.1 points", "to change it": "a 90 % interval that reaches beyond +-2", "p'": "1: Holm over 5"},
        ),
        ("pass@2", "undecided", {"D": "+1.5 points", "to change it": "needs 75 problems, or topup 1", "p'": "0."}),
        (
            "odd.one",
            "suspended",
            {"p'": "none: not tested", "to change it": "a measure that repeats itself", "verdict": "suspended: M_1 does"},
        ),
        ("answers.length", "up", {"D": "+20.0 tokens", "delta": "5: ", "part": "watch (no better direction)", "SE": "0, df 63"}),
        ("answers.unparsed", "up", {"D": "-12.5 points", "part": "watch (lower is better)"}),
        ("pass@1.greedy", "undecided", {"part": "shown (higher is better)", "p'": "none: not tested (shown only"}),
    ],
)
def test_every_sign_is_explained_step_by_step(root, sirtui, measure, sign, told):
    """How many problems, how large, how sure, corrected by what, and what would change it."""
    out = sirtui(root, "explain", "toy-aaaa", measure, "it3").out
    cell, said = cell_of(root, measure), steps(out)
    assert out.startswith(f"toy-aaaa\n{measure} at it3, against it01: {sign}\n")
    assert list(said) == [step for step in STEPS if step in said]
    assert set(STEPS) - {"peak"} <= set(said)
    assert said["|P|"] == "64 problems defined on both sides"
    assert ", df 63; lambda " in said["SE"]
    assert said["p"] == f"{cell.against.p:.4g}, two-sided, of this measure alone"
    if cell.against.corrected is not None:
        assert said["p'"].startswith(f"{cell.against.corrected:.4g}: ")
        assert said["p'"].endswith("the look's share 0.333 of alpha; needs <= 0.05")
    for step, text in told.items():
        assert said[step].startswith(text), step


def test_what_changed_a_decided_sign_is_p_or_its_size(root, sirtui):
    """Both thresholds, in the measure's own unit."""
    for measure, size in ((TARGET, "2"), (NGRAM, "0.02")):
        said = steps(sirtui(root, "explain", "toy-aaaa", measure).out)
        assert said["to change it"].startswith("p' above 0.05 (now ")
        assert said["to change it"].endswith(f", or |D| below {size}")
    assert "above chance: SE widened by its root" in steps(sirtui(root, "explain", "toy-aaaa", "odd.one").out)["SE"]


def test_it_is_explained_by_the_verdicts_own_alpha(root):
    """Not by what run.json says now."""
    record = read_record(root / "runs/toy-aaaa/it03/verdict/verdicts.json", VerdictRecord)
    assert record.alpha == 0.05
    told = "\n".join(explained(record.cell(TARGET), replace(record, alpha=0.01)))
    assert "needs <= 0.01" in told
    assert "p' above 0.01 (now " in told


def test_the_change_since_the_iteration_before_is_shown_untested(root, sirtui):
    """No p', and no sign that would look like one."""
    assert steps(sirtui(root, "explain", "toy-aaaa", NGRAM).out)["previous"].endswith(" (90 %), not tested")


def test_the_counts_of_a_disparity_are_told(root):
    """What it takes to be tested is a number of solved problems."""
    record = read_record(root / "runs/toy-aaaa/it03/verdict/verdicts.json", VerdictRecord)
    counted = replace(record.cell(TARGET), counts={"solved": 12, "solved_before": 34})
    told = list(explained(counted, record))
    assert "  counts       problems of the last level: solved 12, solved before 34" in told
    assert not any("counts" in line for line in explained(record.cell(TARGET), record))


def test_what_was_never_measured_is_explained_too(root, sirtui):
    """There is nothing to compute."""
    out = sirtui(root, "explain", "toy-aaaa", "never").out
    assert out.splitlines()[1:] == [
        "never at it3, against it01: undefined",
        out.splitlines()[2],
        "  why          nowhere defined in this run",
    ]


def test_a_measure_may_be_called_in_short(root, sirtui):
    """As `sirtui verdict` calls it; the iteration is the last with a verdict, or any."""
    assert sirtui(root, "explain", "toy-aaaa", "ngram").out == sirtui(root, "explain", "toy-aaaa", NGRAM, "3").out
    assert f"{NGRAM} at it2, against it01: flat" in sirtui(root, "explain", "toy-aaaa", "ngram", "it2").out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["pass@1.smapled"], "there is no verdict on 'pass@1.smapled' at it3\n  Did you mean pass@1.sampled?"),
        (["ngrams", "it2"], "there is no verdict on 'ngrams' at it2\n  Did you mean ngram?"),
        (["zzz"], "there is no verdict on 'zzz' at it3\n  There are: pass@1.sampled, pass@4, "),
        (["ngram", "it1"], "toy-aaaa has no verdict on it1 yet\n  There are verdicts on it2, it3."),
        (["ngram", "soon"], "'soon' is no iteration\n"),
    ],
)
def test_what_is_not_there_is_told_with_what_is_near(root, sirtui, arguments, told):
    """Exit code 2."""
    assert sirtui(root, "explain", "toy-aaaa", *arguments, code=2).err.startswith(f"sirtui: {told}")


# topup


@pytest.fixture
def asked(monkeypatch) -> list[tuple[str, Topup]]:
    """What supervision was asked for; nothing is started."""
    asked: list[tuple[str, Topup]] = []
    monkeypatch.setattr("sirtui.supervise.top_up", lambda run, topup: asked.append((run.name, topup)))
    return asked


def test_topup_draws_as_much_as_would_decide(root, sirtui, asked):
    """Of the last iteration with a verdict, or another; the number can be said."""
    told = sirtui(root, "topup", "toy-aaaa")
    assert told.out == "toy-aaaa\n"
    assert told.err == "it3 and it1 are evaluated 1 more time; this is an extra look\n"
    assert "evaluated 4 more times" in sirtui(root, "topup", "toy-aaaa", "--times", "4", "--it", "it2").err
    assert asked == [("toy-aaaa", Topup(3, 1)), ("toy-aaaa", Topup(2, 4))]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--times", "0"], "--times 0 is out of range"),
        (["--times", "-3"], "--times -3 is out of range"),
        (["--it", "it1"], "toy-aaaa has no verdict on it1 yet"),
        (["--it", "it4"], "toy-aaaa has no verdict on it4 yet"),
        (["--it", "all"], "'all' is no iteration"),
    ],
)
def test_what_cannot_be_topped_up_is_refused(root, sirtui, asked, arguments, told):
    """Exit code 2, and nothing is started."""
    assert sirtui(root, "topup", "toy-aaaa", *arguments, code=2).err.startswith(f"sirtui: {told}")
    assert asked == []


def undecided(*needed: Needed | None, role: str = "essential", sign: Sign = Sign.UNDECIDED) -> VerdictRecord:
    """A verdict whose measures of this part need so much."""
    cells = [
        {"key": f"m{n}", "role": role, "direction": 1, "unit": "", "verdict": sign, "needed": each}
        for n, each in enumerate(needed)
    ]
    return a_verdict(2, "undecided", cells=cells)


def needing(evaluations: int | None, text: str = "it takes more") -> Needed:
    return Needed("flat", 99, None, evaluations, text)


@pytest.mark.parametrize(
    ("needed", "times"), [([1], 1), ([1, 3, 2], 3), ([None, 2], 2), ([8], 8), ([None, None], None), ([9], None), ([], None)]
)
def test_enough_is_what_the_neediest_needs(needed, times):
    """Of target and essentials; one that no samples help is left alone, and there is an end to what is drawn unasked."""
    record = undecided(*map(needing, needed))
    if times is not None:
        assert topup.enough(record) == times
        return
    with pytest.raises(UsageError) as caught:
        topup.enough(record)
    message = (
        "nothing is undecided"
        if not needed
        else "more samples would decide nothing"
        if None in needed
        else "it would take 9 more"
    )
    assert caught.value.message.startswith(message)
    assert not needed or "m0 it takes more" in caught.value.hint


@pytest.mark.parametrize(
    "record",
    [
        undecided(needing(2), role="watch"),
        undecided(needing(2), role="shown"),
        undecided(needing(2), sign=Sign.UP),
        undecided(needing(2), sign=Sign.SUSPENDED),
    ],
)
def test_what_decides_nothing_needs_nothing(record):
    """Watched measures, and what is decided, or never will be."""
    with pytest.raises(UsageError, match="nothing is undecided at it2: undecided"):
        topup.enough(record)


def test_a_topup_that_supervision_refuses_is_told(tmp_path, sirtui):
    """Nothing of the run is changed."""
    run = make_run(tmp_path, verdicts={"extra_looks": 0}).concluded(a_verdict(2, "undecided"))
    assert "allows no extra look" in sirtui(tmp_path, "topup", "latest", "--times", "1", code=2).err
    assert read_record(run.folder.record, RunRecord).spec == run.spec
    with a_run(tmp_path, "busy", 1).supervised():
        assert "toy-busy is at work" in sirtui(tmp_path, "topup", "toy-busy", code=2).err
