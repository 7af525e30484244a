"""Experiment files: what is read, and how each mistake is told."""

from pathlib import Path

import msgspec
import pytest

from sirtui.core import spec as specs
from sirtui.core.errors import SpecError

LEAST = 'name = "a"\nbase_model = "hub/model"\ntask = "nano"\n'


def parse(text: str, folder: Path = Path()) -> specs.Spec:
    return specs.parse(text, "my.toml", folder)


def test_everything_but_three_keys_has_a_default():
    """Name, model and task suffice; the rest is the paper's setting where it states one."""
    spec = parse(LEAST)
    assert (spec.sampling.n, spec.sampling.temperature, spec.sampling.top_p) == (50, 0.75, 0.95)
    assert (spec.iterations, spec.method, spec.init) == (5, "sft", "previous")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "my.toml: name: missing\n  Expected this key: it has no default."),
        (LEAST + 'iterations = "x"', "my.toml: iterations: got 'x'\n  Expected a whole number."),
        (LEAST + "iterations = 0", "my.toml: iterations: got 0\n  Expected a whole number >= 1."),
        (LEAST + "[sampling]\ntop_p = 1.5", "my.toml: sampling.top_p: got 1.5\n  Expected a number <= 1.0."),
        (LEAST + "[sampling]\ntemprature = 1", "my.toml: sampling.temprature: unknown key\n  Expected `temperature`, or one of"),
        (LEAST + "[evaluation.problems]\ntst = 3", "my.toml: evaluation.problems.tst: unknown key\n  Expected `test`"),
        (LEAST + 'method = "foo"', "my.toml: method: got 'foo'\n  Expected one of dpo, frozen, sft, sft-dpo."),
        (LEAST + 'method = ["sft"]', "my.toml: method: 1 for 5 iterations\n  Expected one trainer for each"),
        (LEAST + 'data = "nowhere.jsonl"', "my.toml: data: "),
        (LEAST.replace("hub/model", "./nowhere"), "my.toml: base_model: ./nowhere does not exist\n  Expected a folder"),
        (LEAST.replace('"a"', '"../x"'), "my.toml: name: got '../x'\n  Expected a name: a letter or digit"),
        (LEAST.replace('"a"', '"-rf"'), "my.toml: name: got '-rf'"),
        (LEAST.replace('"a"', f'"{"x" * 300}"'), "my.toml: name: got 'xxx"),
        (LEAST + 'selection = "text"', "my.toml: selection: got 'text'\n  Expected a table."),
        (LEAST + "[evaluation]\nsamples = 8\nfirst_samples = 4", "my.toml: evaluation.first_samples: 4 is less than"),
        (LEAST + "iterations =", "my.toml: not TOML: "),
    ],
)
def test_a_mistake_is_told_with_file_key_and_what_was_expected(text, told):
    """Every kind of mistake names the file, the dotted key, what stands there and what should."""
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert str(caught.value).startswith(told)
    assert caught.value.exit_code == 2


def test_a_file_that_cannot_be_read_is_a_mistake_too(tmp_path):
    """A missing file and one that is not text are told by name, not as a traceback."""
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for name in ("missing.toml", "binary.toml"):
        with pytest.raises(SpecError, match=name):
            specs.load(tmp_path / name)


def test_local_paths_start_from_the_file(tmp_path):
    """Data, a model folder and recipes of one's own are made absolute; hub ids and shelf names stay as they are."""
    (tmp_path / "model").mkdir()
    (tmp_path / "nano").mkdir()
    (tmp_path / "data.jsonl").touch()
    text = 'name = "a"\nbase_model = "model"\ntask = "nano"\ndata = "data.jsonl"\n[evaluation]\nmeasures = ["my.py:MEASURE"]\n'
    spec = parse(text, tmp_path)
    assert spec.base_model == str(tmp_path / "model")
    assert spec.data == str(tmp_path / "data.jsonl")
    assert spec.task == "nano"
    assert spec.evaluation.measures == (f"{tmp_path}/my.py:MEASURE",)


@pytest.mark.parametrize(
    ("method", "trainers"),
    [
        ("sft", ("sft", "sft", "sft", "sft")),
        ("dpo", ("sft", "dpo", "dpo", "dpo")),
        ("sft-dpo", ("sft", "dpo", "sft", "dpo")),
        ("frozen", ("sft", "frozen", "frozen", "frozen")),
        (("sft", "dpo", "dpo", "sft"), ("sft", "dpo", "dpo", "sft")),
    ],
)
def test_a_method_names_the_trainer_of_each_iteration(method, trainers):
    """M_1 is made by SFT; from M_2 on the method's trainers take turns; a list says it all."""
    spec = msgspec.structs.replace(parse(LEAST), method=method, iterations=4)
    assert spec.trainers == trainers


def test_a_spec_survives_its_json():
    """run.json gives back the very spec that went in."""
    spec = parse(LEAST + 'method = ["sft","dpo"]\niterations = 2\n[train.dpo]\nbeta = 0.1\n')
    assert msgspec.json.decode(msgspec.json.encode(spec), type=specs.Spec) == spec
