"""Verdicts where runs are listed and shown: `show`, `status`, `check`, and waiting for a run."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from builders import NOW, a_verdict, make_run
from msgspec.json import encode
from runs_judged import NGRAM, TARGET, a_run

from sirtui.cli import waiting
from sirtui.core.events import Comparison, Metric
from sirtui.core.files import read_record
from sirtui.core.machine import GpuSample
from sirtui.core.rule import declared, rule
from sirtui.core.run import RunRecord, Status
from sirtui.core.spec import Topup, load
from sirtui.core.verdict import Keep, Kind
from sirtui.recipes.declare import resolved
from sirtui.store import Store

TOY = Path(__file__).parents[1] / "loop" / "toy.py"


def row(text: str, start: str) -> list[str]:
    """The words of the line that begins so."""
    (found,) = [line for line in text.splitlines() if line.startswith(start)]
    return found.split()


def test_show_tells_the_verdict_on_each_iteration_and_on_the_run(root, sirtui):
    """A row of verdicts, marks by corrected p, the parts of the rule first; what is weak, the verdict, what to keep."""
    told = sirtui(root, "show", "toy-aaaa").out
    assert row(told, "verdict") == ["verdict", "gain", "undecided", "reversal"]
    assert row(told, TARGET)[2:] == ["0.500", "0.600", "(+0.100**)", "0.600", "(+0.100**)", "0.500"]
    assert row(told, NGRAM)[2:-1] == ["0.500", "0.500", "(+0.000~)", "0.400", "(-0.100**)"]
    assert row(told, "pass@1.greedy")[-2] == "(-0.141)"
    keys = [line.split()[0] for line in told.splitlines() if "↑" in line[:40] or line.startswith("answers.")]
    assert keys[:2] == [TARGET, "pass@4"]
    assert keys.index("odd.one") < keys.index("answers.length") < keys.index("pass@1.greedy")
    order = ["it1: coverage 0.75", "null WARN: ", "it3: reversal: ngram", "keep it2: ", "sirtui verdict toy-aaaa says"]
    places = [told.find(f"\n{part}") for part in order]
    assert -1 not in places
    assert places == sorted(places)


def test_show_json_has_the_verdict_on_every_measure(root, sirtui):
    """p, interval, verdict, trend and part; kind, names and words of each iteration and of the run."""
    told = sirtui(root, "show", "toy-aaaa", "--json").json
    assert told["verdict"] == {"kind": "reversal", "names": [NGRAM], "text": "reversal: ngram"}
    assert told["keep"]["t"] == 2
    assert told["rule"]["hash"] == declared(rule(read_record(root / "runs/toy-aaaa/run.json", RunRecord).spec)).hash
    first, second, third = told["iterations"]
    assert "verdict" not in first
    assert (second["verdict"]["kind"], third["verdict"]) == ("gain_undecided", told["verdict"])
    lost = third["measures"][NGRAM]
    assert (lost["verdict"], lost["trend"], lost["role"]) == ("down", "declined", "essential")
    assert lost["lo90"] < lost["change"] < lost["hi90"] < 0
    assert 0 <= lost["p"] < 0.05
    assert "verdict" not in third["measures"]["pass@1.greedy"]
    assert set(first["measures"][NGRAM]) == {"value", "n"}


def test_show_without_a_verdict_has_no_row_of_them(tmp_path, sirtui):
    """M_1 alone has advice at most."""
    make_run(tmp_path).finish("it01/measure", Metric("a", 0.5)).concluded(
        a_verdict(1, None, advice="coverage 0.70, above one half")
    )
    told = sirtui(tmp_path, "show", "latest")
    assert "\nit1: coverage 0.70, above one half" in told.out
    assert "keep" not in told.out
    assert "verdict" not in sirtui(tmp_path, "show", "latest", "--json").json


def test_show_tells_what_the_gpus_did(tmp_path, sirtui):
    """A line an iteration and kind of stage, repeats and GPUs together; nothing where nothing was sampled."""
    run = make_run(tmp_path).finish("it01/measure", Metric("a", 0.5))
    assert "GPU" not in sirtui(tmp_path, "show", "latest").out
    assert "gpus" not in sirtui(tmp_path, "show", "latest", "--json").json
    gb = 10**9
    samples = [
        GpuSample(1.0, "GPU-0", 0, 0.9, 31 * gb, 80 * gb, stages=("it01/train",)),
        GpuSample(2.0, "GPU-0", 0, 1.0, 30 * gb, 80 * gb, stages=("it01/train",)),
        GpuSample(2.0, "GPU-1", 1, 0.5, 40 * gb, 80 * gb, stages=("it01/train",)),
        GpuSample(3.0, "GPU-0", 0, stages=("it01/repeat-2/sample",)),
        GpuSample(4.0, "GPU-0", 0, stages=("it01/sample",)),
    ]
    run.folder.gpus.write_bytes(b"".join(encode(sample) + b"\n" for sample in samples))
    told = sirtui(tmp_path, "show", "latest").out
    assert row(told, "GPUs") == ["GPUs", "busy", "memory", "at", "most", "samples"]
    assert row(told, "it01 train") == ["it01", "train", "80", "%", "40.0", "of", "80.0", "GB", "3"]
    assert row(told, "it01 sample") == ["it01", "sample", "-", "-", "2"]
    first, *_, last = sirtui(tmp_path, "show", "latest", "--json").json["gpus"]
    use = {"stage": "it01/train", "gpu": 0, "utilization": 0.95, "memory_peak": 31 * gb, "memory_total": 80 * gb, "samples": 2}
    assert first == use
    assert last == {"stage": "it01/repeat-2/sample", "gpu": 0, "samples": 1}


def test_evaluations_of_a_topup_are_named_by_their_iteration(tmp_path, sirtui):
    """M_2 evaluated again is not M_1."""
    run = make_run(tmp_path).topped_up(Topup(2))
    for stage in ("it01", "it01/repeat-2", "it01/repeat-3", "it02", "it02/repeat-2"):
        run.finish(f"{stage}/measure", Metric("a", 0.5))
    head = sirtui(tmp_path, "show", "latest").out.splitlines()[2]
    assert [part for part in ("M1 repeat 2", "M1 repeat 3", "M2 repeat 2") if head.count(part) == 1] == [
        "M1 repeat 2",
        "M1 repeat 3",
        "M2 repeat 2",
    ]


@pytest.mark.parametrize("key", ["odd.one", TARGET])
def test_what_was_not_tested_has_no_mark(tmp_path, sirtui, key):
    """A suspended measure, and a clear change at no declared look: "without a mark it decides nothing"."""
    a_run(tmp_path, "aaaa", verdicts={"essential": ["odd.one"], "looks": [2]})
    told = sirtui(tmp_path, "show", "latest").out
    assert not {"*", "~"} & set(row(told, key)[6])


def test_status_tells_the_verdict_of_each_run(tmp_path, sirtui):
    """In words, and which to keep; what needs someone stands first, and why it waits."""
    good = make_run(tmp_path, "good", NOW + 3, iterations=3).concluded(
        a_verdict(2, "progress", keep=Keep(2, 0.5, 0, None, None, ""))
    )
    good.supervisor(Status.FINISHED)
    lost = make_run(tmp_path, "lost", NOW + 2).concluded(a_verdict(2, "loss", "pass@4", keep=Keep(1, 0.5, 0, None, None, "")))
    lost.supervisor(Status.FINISHED)
    held = make_run(tmp_path, "held", NOW + 1).concluded(a_verdict(2, "undecided"))
    held.supervisor(Status.PAUSED, "it2: reversal: pass@4", "Keep it1, or sirtui resume gsm-held to go on.")
    make_run(tmp_path, "none", NOW).supervisor(Status.FINISHED)
    told = sirtui(tmp_path, "status").out
    assert [line.split()[0] for line in told.splitlines()[1:5]] == ["gsm-lost", "gsm-held", "gsm-good", "gsm-none"]
    assert row(told, "run ")[-1] == "verdict"
    assert told.splitlines()[1].endswith("loss: pass@4 (keep it1)")
    assert told.splitlines()[3].endswith("progress (keep it2)")
    assert "\ngsm-held: it2: reversal: pass@4\n  Keep it1, or sirtui resume gsm-held to go on.\n" in told
    assert "gsm-lost: " not in told
    runs = {each["run"]: each for each in sirtui(tmp_path, "status", "--json").json["runs"]}
    assert runs["gsm-lost"]["verdict"] == {"kind": "loss", "names": ["pass@4"], "text": "loss: pass@4", "alarms": 1, "keep": 1}
    assert runs["gsm-good"]["verdict"] == {"kind": "progress", "names": [], "text": "progress", "alarms": 0, "keep": 2}
    assert "verdict" not in runs["gsm-none"]
    assert (runs["gsm-held"]["status"], runs["gsm-held"]["reason"]) == ("paused", "it2: reversal: pass@4")


def test_a_long_verdict_does_not_push_the_rest_away(tmp_path, sirtui):
    """Sixty characters of it, on one line; in JSON it is whole."""
    run = make_run(tmp_path).concluded(a_verdict(2, "undecided", text="undecided: " + "much ado " * 40 + "\x1b[2J\nnext"))
    run.supervisor(Status.FINISHED)
    told = sirtui(tmp_path, "status").out
    assert max(map(len, told.splitlines())) < 140
    assert "\x1b" not in told
    assert "much ado" in sirtui(tmp_path, "status", "--json").json["runs"][0]["verdict"]["text"][100:]


def test_check_prints_the_rule_with_its_hash(tmp_path, sirtui):
    """The one that the run will have, written out."""
    file = tmp_path / "toy.toml"
    recipes = (
        'task = "toy.py"\nmethod = ["toy.py", "toy.py"]\niterations = 2\nbase_model = "model"\n[sampling]\nsampler = "toy.py"\n'
    )
    file.write_text(f'name = "toy"\n{recipes}[evaluation]\nsamples = 8\nembedder = ""\n[verdicts]\nalpha = 0.01\n')
    (tmp_path / "toy.py").write_text(TOY.read_text())
    (tmp_path / "model").mkdir()
    told = sirtui(tmp_path / "store", "check", str(file)).out
    said = declared(rule(resolved(load(file))))
    assert row(told, "rule ") == ["rule", *said.sentence.split(), f"[{said.hash}]"]
    assert "alpha 0.01" in said.sentence


@pytest.mark.parametrize(
    ("status", "reason", "code"),
    [
        (Status.FINISHED, "", 0),
        (Status.PAUSED, "it2: reversal: pass@4", 3),
        (Status.STOPPED, "it2: reversal: pass@4", 3),
        (Status.STOPPED, "stopped on request", 1),
        (Status.FAILED, "it02/verdict: no memory", 1),
        (Status.LOST, "", 1),
    ],
)
def test_whoever_waits_learns_from_the_exit_code_how_it_ended(tmp_path, status, reason, code):
    """3 where the run waits or ended after a reversal."""
    run = make_run(tmp_path).concluded(a_verdict(2, "reversal", "pass@4"))
    run.supervisor(status if status is not Status.LOST else Status.RUNNING, reason, "Do something.", NOW)
    said = StringIO()
    assert waiting.wait(Store(tmp_path), run.name, said) == code
    if code and reason:
        assert f"{run.name}: {status}: {reason}\n  Do something.\n" in said.getvalue()


@pytest.mark.parametrize("kind", [kind for kind in Kind if not kind.alarm])
def test_only_a_loss_is_an_end_by_rule(tmp_path, kind):
    """Whatever else the last verdict says."""
    run = make_run(tmp_path).concluded(a_verdict(2, kind)).supervisor(Status.STOPPED, "stopped on request", ended=NOW)
    assert waiting.wait(Store(tmp_path), run.name, StringIO()) == 1


def test_a_change_without_a_role_is_shown_unmarked(tmp_path, sirtui):
    """By an index of before verdicts, or of a measure that decides nothing."""
    run = (
        make_run(tmp_path)
        .finish("it01/measure", Metric("a", 0.5, direction=1))
        .finish("it02/measure", Metric("a", 0.4, direction=1))
    )
    run.finish("it02/verdict", Comparison("a", "it01", -0.1, p=0.001))
    assert row(sirtui(tmp_path, "show", "latest").out, "a ") == ["a", "↑", "0.500", "0.400", "(-0.100)"]
