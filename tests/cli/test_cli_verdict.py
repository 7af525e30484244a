"""`sirtui verdict`: progress or regress, and all that this rests on."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import a_verdict, make_run, moved
from runs_judged import NGRAM, TARGET, a_run

from sirtui.cli import judged
from sirtui.core.events import Metric
from sirtui.core.files import read_record
from sirtui.core.rule import declared, rule
from sirtui.core.spec import Topup
from sirtui.core.verdict import Keep, Kind, VerdictRecord
from sirtui.store import Store

ALARMS = {"reversal", "past_peak", "regression", "loss"}


def lines(text: str, start: str) -> str:
    """The one line that begins so."""
    (found,) = [line for line in text.splitlines() if line.lstrip().startswith(start)]
    return found


def test_what_it_rests_on_comes_first(root, sirtui):
    """Rule and hash, advice, the course, the strip with the control, notes; then the verdict, the checkpoint, the measures."""
    run = read_record(root / "runs/toy-aaaa/it03/verdict/verdicts.json", VerdictRecord)
    told = sirtui(root, "verdict", "toy-aaaa").out
    order = [
        "toy-aaaa\n",
        f"rule {run.rule.hash}: A reversal is pass@1.sampled up while any of ",
        "it1: coverage 0.75, above one half",
        "  it2 against it01: gain, undecided: ",
        "  it3 against it01: reversal: ngram",
        "rests on\n  judge         ok",
        "  format ",
        "  null          WARN   M_1 evaluated 2 times, not repeatable, so suspended: odd.one",
        "  contamination ok",
        "  power         ok     64 problems",
        "  control       ",
        "\nit3: reversal: ngram\nkeep it2: ",
        "\ntarget  ",
        "\nundecided:\n  pass@2: needs ",
        "\ngreedy: 0 problems gained, 9 lost of 64",
        "\nby name, by Fisher",
        "\n  gained: none\n  lost: none\n",
    ]
    places = [told.find(part) for part in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)
    assert "rule declared before" not in told


def test_each_measure_is_told_with_its_part(root, sirtui):
    """In the order of the rule; a lost one stands out, one without a better direction is only higher."""
    told = sirtui(root, "verdict", "toy-aaaa").out
    assert lines(told, "target").split()[:4] == ["target", "pass@1", "↑", "0.600"]
    assert "better" in lines(told, "target")
    assert "WORSE" in lines(told, "essential  ngram ↑")
    assert lines(told, "essential  pass@4 ↑").split()[-1] == "flat"
    assert "undecided" in lines(told, "essential  pass@2")
    assert "suspended" in lines(told, "essential  odd.one")
    assert "undefined" in lines(told, "essential  never")
    assert "higher" in lines(told, "watch      length ")
    assert "better" in lines(told, "watch      unparsed ↓")
    assert lines(told, "control").endswith("toy-cold: 1 alarm in 2 verdicts on a model that was not trained")
    assert "control" not in sirtui(root, "verdict", "toy-cold").out


def test_json_is_for_scripts(root, sirtui):
    """Kind, names, words, checkpoint, rule, every iteration and the controls; nothing that is not there, never NaN."""
    told = sirtui(root, "verdict", "toy-aaaa", "--json").json
    assert set(told) == {"schema", "runs", "against", "t", "verdict", "keep", "rule", "iterations", "controls"}
    assert (told["schema"], told["runs"], told["against"], told["t"]) == (1, ["toy-aaaa"], "it01", 3)
    assert told["verdict"] == {"kind": "reversal", "names": [NGRAM], "text": "reversal: ngram"}
    assert told["keep"]["t"] == 2
    assert set(told["rule"]) == {"sentence", "hash"}
    assert [(each["t"], each.get("kind")) for each in told["iterations"]] == [(1, None), (2, "gain_undecided"), (3, "reversal")]
    assert {each["kind"] for each in told["iterations"][1:]} <= set(Kind)
    assert told["controls"] == [{"run": "toy-cold", "alarms": 1, "verdicts": 2}]


def test_json_leaves_out_what_is_not_there(root, sirtui):
    """At any depth."""
    told = sirtui(root, "verdict", "toy-aaaa", "--json").out
    assert ":null" not in told
    assert "null," not in told


def test_an_iteration_can_be_chosen(root, sirtui):
    """By any of its names; M_1 has none, and neither has one that was never reached."""
    for name in ("2", "it2", "it02", "M2", "M_2"):
        assert sirtui(root, "verdict", "toy-aaaa", "--it", name, "--json").json["t"] == 2
    for name in ("it1", "it9"):
        told = sirtui(root, "verdict", "toy-aaaa", "--it", name, code=2).err
        assert f"toy-aaaa has no verdict on {name} yet\n  There are verdicts on it2, it3." in told
    for name in ("x", "it0", "-1", "it1.5"):
        assert f"{name!r} is no iteration" in sirtui(root, "verdict", "toy-aaaa", f"--it={name}", code=2).err


@pytest.mark.parametrize("kind", Kind)
def test_the_gate_closes_where_something_was_lost(tmp_path, sirtui, kind):
    """Exit code 3 for four kinds of nine, and only where it was asked for; of the iteration that was asked for."""
    make_run(tmp_path, iterations=3).concluded(a_verdict(3, kind)).concluded(a_verdict(2, "progress"))
    sirtui(tmp_path, "verdict", "latest", "--gate", code=3 if kind in ALARMS else 0)
    sirtui(tmp_path, "verdict", "latest", "--gate", "--json", code=3 if kind in ALARMS else 0)
    sirtui(tmp_path, "verdict", "latest")
    sirtui(tmp_path, "verdict", "latest", "--gate", "--it", "it2")


def test_without_a_verdict_it_says_when_there_will_be_one(tmp_path, sirtui):
    """Exit code 2."""
    make_run(tmp_path).concluded(a_verdict(1, None))
    assert "has no verdict yet\n  It is made when M_2 is measured." in sirtui(tmp_path, "verdict", "latest", code=2).err


def test_the_last_look_is_told(tmp_path, sirtui):
    """Of an iteration that was topped up."""
    run = make_run(tmp_path).topped_up(Topup(2))
    run.concluded(a_verdict(2, "undecided")).concluded(a_verdict(2, "loss", look=2))
    told = sirtui(tmp_path, "verdict", "latest", "--json", "--gate", code=3).json
    assert [(each["t"], each["look"]) for each in told["iterations"]] == [(2, 2)]


def test_against_another_reference(root, sirtui):
    """Each iteration against the one before, with the note that it was asked for afterwards; kept, so that it is asked once."""
    told = sirtui(root, "verdict", "toy-aaaa", "--against", "previous").out
    assert "  it2 against it01: gain, undecided" in told
    assert "  it3 against it02: loss" in told
    assert "note: asked for afterwards: not among the looks that the declared error rate covers" in told
    assert "keep " not in told
    other = sirtui(root, "verdict", "toy-aaaa", "--against", "toy-cold/it2", "--json").json
    assert (other["against"], other["t"], other["verdict"]["kind"]) == ("toy-cold/it02", 3, "loss")


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("last", "'last' is no iteration\n"),
        ("it9", "toy-aaaa has no measures of it9\n  Name an iteration that is measured, `previous` or `peak`."),
        ("toy-cold/it9", "toy-cold has no measures of it9\n"),
        ("nobody/it1", "no run is called 'nobody'\n"),
        ("toy-cold/", "'' is no iteration\n"),
    ],
)
def test_a_reference_that_is_not_there_is_told(root, sirtui, reference, told):
    """Exit code 2, and nothing is asked."""
    assert sirtui(root, "verdict", "toy-aaaa", "--against", reference, code=2).err.startswith(f"sirtui: {told}")


def test_an_iteration_that_cannot_be_compared_is_not_compared_with_something_else(root, sirtui):
    """M_2 against M_2: its verdict against M_1 is no answer to that."""
    told = sirtui(root, "verdict", "toy-aaaa", "--against", "it2", "--it", "it2", code=2)
    assert told.out == ""


def test_a_group_has_no_verdict_where_one_of_its_runs_has_none(tmp_path, sirtui):
    """Two runs, of which one came further."""
    a_run(tmp_path, "r0", iterations=4)
    further = a_run(tmp_path, "r1", 1, iterations=4)
    further.measured(4, {TARGET: moved(0.1), "pass@4": moved(), NGRAM: moved(-0.2)}).judged(4)
    sirtui(tmp_path, "verdict", "toy-r1", "toy-r0", "--it", "it4", code=2)


def test_another_rule_is_shown_beside_the_declared_one(root, sirtui, tmp_path):
    """Both sentences and hashes; the verdict is by the one that was asked for."""
    file = tmp_path / "other.toml"
    said = 'name = "other"\nbase_model = "org/model"\ntask = "nano"\n[evaluation]\nsamples = 8\nembedder = ""\n'
    file.write_text(f"{said}[verdicts]\nalpha = 0.01\nessential = ['pass@4']\n")
    told = sirtui(root, "verdict", "toy-aaaa", "--rule", str(file)).out
    before = read_record(root / "runs/toy-aaaa/it03/verdict/verdicts.json", VerdictRecord).rule
    rules = [line for line in told.splitlines() if line.startswith("rule ")]
    assert rules[0].startswith("rule ")
    assert "alpha 0.01" in rules[0]
    assert rules[1] == f"rule declared before the run started, {before.hash}: {before.sentence}"
    assert f"note: the rule is not the declared one: {before.hash}" in told
    assert "it3: progress" in told
    assert told == sirtui(root, "verdict", "toy-aaaa", "--rule", str(bare(tmp_path, "alpha = 0.01\nessential = ['pass@4']"))).out


def bare(folder: Path, said: str) -> Path:
    """A file with a rule and nothing else."""
    file = folder / "bare.toml"
    file.write_text(f"[verdicts]\n{said}\n")
    return file


def test_of_a_rule_file_only_the_rule_counts(root, sirtui, tmp_path):
    """Whatever else is in it; what is left open is as the run's own sampling has it."""
    file = bare(tmp_path, "alpha = 0.01")
    with file.open("a") as more:
        more.write("[evaluation]\nsamples = 'many'\n[unheard]\nof = 1\n")
    told = sirtui(root, "verdict", "toy-aaaa", "--rule", str(file), "--json").json
    sentence = told["rule"]["sentence"]
    assert "alpha 0.01" in sentence
    assert "pass@4, diversity.ngram.correct" in sentence


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("xyz = 1", "verdicts.xyz"),
        ("alpha = 2", "verdicts.alpha: got 2\n  Expected a number < 1.0."),
        ("essential = [17]", "verdicts.essential[0]: got 17\n  Expected text."),
        ("alpha = ", "not TOML: "),
    ],
)
def test_a_mistake_in_a_rule_file_is_told_by_its_key(root, sirtui, tmp_path, said, told):
    """Exit code 2, as in an experiment."""
    file = bare(tmp_path, said)
    assert sirtui(root, "verdict", "toy-aaaa", "--rule", str(file), code=2).err.startswith(f"sirtui: {file}: {told}")


def test_a_rule_that_was_changed_since_is_told(root, tmp_path, sirtui):
    """Both hashes, in words and for scripts; nothing where it is the same."""
    run = make_run(tmp_path).concluded(a_verdict(2, "progress"))
    now = declared(rule(run.spec)).hash
    note = f"run.json now has another rule ({now}) than this verdict was reached by (0123456789ab)"
    assert sirtui(tmp_path, "verdict", "latest", "--json").json["iterations"][0]["notes"] == [note]
    assert "note: run.json now has another rule (" in sirtui(tmp_path, "verdict", "latest").out
    run.concluded(a_verdict(2, "progress", rule={"sentence": "It is so.", "hash": now}))
    for told in (sirtui(tmp_path, "verdict", "latest").out, sirtui(root, "verdict", "toy-aaaa").out):
        assert "now has another rule" not in told


@pytest.mark.parametrize(
    ("changed", "counts"),
    [
        ({}, True),
        ({"seed": 5, "iterations": 7, "name": "cold"}, True),
        ({"train": {"sft": {"epochs": 7}}}, False),
        ({"verdicts": {"alpha": 0.01}}, False),
        ({"verdicts": {"on_reversal": "stop"}}, False),
        ({"sampling": {"temperature": 1.0}}, False),
        ({"evaluation": {"repeats": 2}}, False),
        ({"base_model": "org/other"}, False),
        ({"task": "nano"}, False),
        ({"method": "sft"}, False),
    ],
)
def test_a_control_is_a_frozen_run_that_is_judged_alike(tmp_path, changed, counts):
    """By the same rule, of the same M_1, on the same samples; seed and length may differ."""
    run = make_run(tmp_path, "mine")
    other = make_run(tmp_path, "cold", **{"method": "frozen", **changed}).concluded(a_verdict(2, "loss"))
    other.concluded(a_verdict(1, None))
    expected = [(other.name, 1, 1)] if counts else []
    store = Store(tmp_path)
    store.catch_up()
    assert judged.controls(store, run.folder) == expected


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    """Runs with the seeds 0, 1 and 2, one more with seed 0, one that differs in more, and a broken one."""
    root = tmp_path_factory.mktemp("group") / "store"
    for seed in range(3):
        a_run(root, f"s{seed}", seed, 0.1 + 0.001 * seed)
    a_run(root, "twin")
    (root / "runs" / "toy-torn").mkdir()
    (root / "runs" / "toy-torn" / "run.json").write_bytes(b"{")
    other = {"samples": 8, "first_samples": 32, "repeats": 1, "embedder": "", "ood": []}
    a_run(root, "else", 4, evaluation=other, sampling={"temperature": 1.0}, resources={"parallel": 3})
    return root


def test_runs_that_differ_in_their_seed_are_one_group(group, sirtui):
    """By name, or all that there are; a newer run of the same seed takes no place of the one that was named."""
    for runs in (["toy-s0", "toy-s1", "toy-s2"], ["toy-s0", "--seeds"]):
        told = sirtui(group, "verdict", *runs, "--json", "--gate", code=3).json
        assert (told["runs"], told["verdict"]["kind"]) == (["toy-s0", "toy-s1", "toy-s2"], "reversal")
        assert told["iterations"][-1]["notes"] == ["3 runs as one group, seeds 0, 1, 2"]
    text = sirtui(group, "verdict", "toy-s1", "toy-s2").out
    assert text.startswith("toy-s1, toy-s2\n")
    assert "note: 2 runs as one group, seeds 1, 2" in text
    assert "runs" in next(line for line in text.splitlines() if "measure" in line and "95 %" in line).split()
    assert "toy-s1" in sirtui(group, "verdict", "toy-s1", "toy-s1").out.splitlines()[0]


def test_of_equal_seeds_the_run_that_came_furthest_is_taken(tmp_path, sirtui):
    """The newer or the older, by name the first or the last."""
    runs = {ident: a_run(tmp_path, ident, seed) for ident, seed in (("a", 0), ("b", 1), ("c", 1), ("d", 2), ("e", 2))}
    for ident in ("b", "e"):
        runs[ident].folder.problems(3).unlink()
    told = sirtui(tmp_path, "verdict", "toy-a", "--seeds", "--json").json
    assert told["runs"] == ["toy-a", "toy-c", "toy-d"]


def test_what_runs_differ_in_is_told_before_their_seed(tmp_path, sirtui):
    """Two of one seed that differ in more are no twins."""
    make_run(tmp_path, "a")
    make_run(tmp_path, "b", sampling={"temperature": 1.0})
    told = sirtui(tmp_path, "verdict", "gsm-a", "gsm-b", code=2).err
    assert told == "sirtui: gsm-b and gsm-a differ in sampling.temperature\n  A group differs in its seed only.\n"


@pytest.mark.parametrize(
    ("arguments", "told", "hint"),
    [
        (
            ["toy-s0", "toy-twin"],
            "two of the runs have the same seed",
            "A group is of runs that differ in their seed, and only there.",
        ),
        (
            ["toy-s0", "toy-else"],
            "toy-else and toy-s0 differ in evaluation.first_samples, sampling.temperature",
            "A group differs in its seed only.",
        ),
        (
            ["toy-s0", "toy-s1", "--against", "previous"],
            "a group is compared with M_1, by its own rule",
            "Leave out --against and --rule.",
        ),
        (
            ["toy-else", "--seeds"],
            "no other run differs from toy-else only in its seed",
            "Start one: the same file, another seed.",
        ),
    ],
)
def test_what_is_no_group_is_refused(group, sirtui, arguments, told, hint):
    """With the keys in which the runs differ."""
    assert sirtui(group, "verdict", *arguments, code=2).err == f"sirtui: {told}\n  {hint}\n"


def test_a_choice_is_told_with_how_good_it_is(tmp_path, sirtui):
    """Its value, and what it is where the choice was not made."""
    run = make_run(tmp_path).concluded(a_verdict(2, "progress", keep=Keep(2, 0.61, 0.1, 0.58, 0.07, "highest pass@1")))
    assert "\nkeep it2: highest pass@1 (0.610, cross-fitted 0.580)\n" in sirtui(tmp_path, "verdict", run.name).out


EVIL = "evil\x1b]52;c;cHduZWQ=\x07\x1b[2Jname"


@pytest.mark.parametrize("command", [["verdict"], ["explain", "evil"], ["show"]], ids=["verdict", "explain", "show"])
def test_names_that_are_not_ours_reach_no_terminal(tmp_path, sirtui, command):
    """Ids of problems come with the data, keys of measures with a recipe of one's own; `sirtui logs` cleans what it prints."""
    problem = {"problem": EVIL, "first": [0, 8], "now": [8, 8], "p": 0.001, "q": 0.01}
    sets = {"gained": 1, "lost": 0, "problems": 9, "chance": None, "p": 1.0, "gained_mass": None, "lost_mass": None}
    cells = [
        {
            "key": f"evil{EVIL}" if command[0] != "explain" else "evil",
            "role": "essential",
            "direction": 1,
            "unit": "",
            "verdict": "undefined",
            "why": EVIL,
        }
    ]
    record = a_verdict(2, "loss", EVIL, text=f"loss: {EVIL}", cells=cells, sets={**sets, "named_gained": [problem]})
    make_run(tmp_path).finish("it02/measure", Metric("a", 0.5)).concluded(record)
    name, *rest = command
    assert "\x1b" not in sirtui(tmp_path, name, "latest", *rest).out


def test_a_damaged_verdict_is_told_and_no_other_takes_its_place(tmp_path, sirtui):
    """Which file, and how it is made again; the gate does not open on an earlier iteration."""
    run = a_run(tmp_path, "aaaa", 1)
    run.folder.verdict(3).write_text("{")
    for command in (["verdict", "latest", "--gate"], ["explain", "latest", "pass@1"], ["topup", "latest"]):
        told = sirtui(tmp_path, *command, code=1)
        assert "it03/verdict/verdicts.json: not a readable VerdictRecord" in told.err
        assert "`sirtui resume` makes it again." in told.err


def test_what_to_compare_with_is_said_where_it_is_misspelt(root, sirtui):
    """All that there is."""
    told = sirtui(root, "verdict", "toy-aaaa", "--against", "PEAK", code=2).err
    assert "Compare with it1, another iteration, previous, peak, or RUN/it3." in told
