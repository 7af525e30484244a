"""Experiment files that stand for several runs: what is made of them, how they are named, how mistakes are told."""

from pathlib import Path

import msgspec
import pytest

from sirtui.core import spec as specs
from sirtui.core.errors import SpecError
from sirtui.core.matrix import load_all, varying

LEAST = 'name = "a"\nbase_model = "hub/model"\ntask = "nano"\n'
NAMED = LEAST.replace('base_model = "hub/model"\n', "").replace('task = "nano"\n', "")


def all_of(folder: Path, text: str) -> tuple[specs.Spec, ...]:
    (folder / "my.toml").write_text(text)
    return load_all(folder / "my.toml")


def test_a_file_without_a_matrix_is_one_experiment(tmp_path):
    """The same as ever."""
    assert all_of(tmp_path, LEAST) == (specs.load(tmp_path / "my.toml"),)


def test_every_combination_in_order(tmp_path):
    """Models slowest, seeds fastest; named by what varies; all else as it stands in the file."""
    text = NAMED + (
        "iterations = 3\n[sampling]\nn = 7\n[matrix]\nseed = [1, 0]\n"
        'method = ["sft-dpo", ["sft", "dpo", "my.py:TRAINER"]]\n'
        'base_model = ["org/Meta-Llama-3-8B", "org/Mistral-7B"]\ntask = ["nano"]\n'
    )
    found = all_of(tmp_path, text)
    assert [spec.name for spec in found] == [
        f"a-{model}-{method}-{seed}"
        for model in ("Meta-Llama-3-8B", "Mistral-7B")
        for method in ("sft-dpo", "sft.dpo.my-TRAINER")
        for seed in ("s1", "s0")
    ]
    assert [(spec.base_model, spec.seed) for spec in found[:3]] == [("org/Meta-Llama-3-8B", seed) for seed in (1, 0, 1)]
    assert found[2].method == ("sft", "dpo", f"{tmp_path}/my.py:TRAINER")
    assert {(spec.task, spec.sampling.n, spec.iterations) for spec in found} == {("nano", 7, 3)}
    assert varying(found) == ("base_model", "method", "seed")
    assert varying(found[:1]) == ()
    for spec in found:
        assert msgspec.json.decode(msgspec.json.encode(spec), type=specs.Spec) == spec
        assert b"matrix" not in msgspec.json.encode(spec)


def test_one_value_is_no_part_of_the_name(tmp_path):
    """What does not vary tells nothing apart."""
    (spec,) = all_of(tmp_path, LEAST + "[matrix]\nseed = [3]\n")
    assert (spec.name, spec.seed) == ("a", 3)


def test_names_that_would_be_too_long_or_the_same_are_numbered(tmp_path):
    """Two models of one name; a name near the limit: still readable, unique, at most 64 characters, a name."""
    same = all_of(tmp_path, NAMED + 'task = "nano"\n[matrix]\nbase_model = ["x/m", "y/m"]\n')
    assert [spec.name for spec in same] == ["a-m-1", "a-m-2"]
    text = LEAST.replace('"a"', f'"{"n" * 60}"') + f"[matrix]\nseed = [{', '.join(map(str, range(100_000, 100_120)))}]\n"
    found = all_of(tmp_path, text)
    assert len({spec.name for spec in found}) == 120
    assert found[119].name == "n" * 60 + "-120"
    for spec in (*same, *found):
        msgspec.convert(spec.name, specs.Name)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[matrix]\nseed = []", "matrix.seed: got []\n  Expected a list of length >= 1."),
        ("[matrix]\nseed = [0, 1, 0]", "matrix.seed: 0 is named 2 times\n  Expected each value once."),
        ('[matrix]\nmethod = [["sft"], ["sft"]]', "matrix.method: sft is named 2 times"),
        ("[matrix]\nseed = 3", "matrix.seed: got 3\n  Expected a list or nothing."),
        ("[matrix]\nseed = [-1]", "matrix.seed[0]: got -1\n  Expected a whole number >= 0."),
        ('[matrix]\nmethod = ["foo"]', "matrix.method[0]: got 'foo'\n  Expected one of dpo, frozen, sft, sft-dpo."),
        ("[matrix]\nseeds = [1]", "matrix.seeds: unknown key\n  Expected `seed`, or one of base_model, method, seed, task."),
        ("[matrix]\niterations = [1]", "matrix.iterations: unknown key\n  Expected one of base_model, method, seed, task."),
        ("[matrix]", "matrix: empty\n  Expected at least one list: base_model, task, method, seed."),
        ("matrix = 3", "matrix: got 3\n  Expected a table."),
        ('[matrix]\ntask = ["nano", "x"]', "matrix.task: task stands above as well\n  Expected one of the two."),
        (f"[matrix]\nseed = {list(range(1001))}", "matrix: stands for 1,001 runs\n  Expected at most 1,000."),
        ('[matrix]\nmethod = ["sft", ["sft"]]', "matrix.method: 1 for 5 iterations\n  Expected one trainer for each iteration"),
        ("[sampling]\nm = 1\n[matrix]\nseed = [0, 1]", "sampling.m: unknown key"),
        ("matricks = 3", "matricks: unknown key\n  Expected `matrix`, or one of"),
    ],
)
def test_a_mistake_is_told_with_file_key_and_what_was_expected(tmp_path, text, told):
    """In the one form that all mistakes of experiment files have."""
    with pytest.raises(SpecError) as caught:
        all_of(tmp_path, LEAST + text)
    assert str(caught.value).startswith(f"{tmp_path}/my.toml: {told}")


def test_a_model_that_is_not_there_is_told_as_the_matrix_it_stands_in(tmp_path):
    """Which of them is wrong is told by its value."""
    with pytest.raises(SpecError) as caught:
        all_of(tmp_path, NAMED + 'task = "nano"\n[matrix]\nbase_model = ["hub/m", "./nowhere"]\n')
    assert caught.value.message == f"{tmp_path}/my.toml: matrix.base_model: ./nowhere does not exist"


def test_a_key_without_any_value_is_missing(tmp_path):
    """Neither above nor in the matrix."""
    with pytest.raises(SpecError, match="base_model: missing"):
        all_of(tmp_path, NAMED + '[matrix]\ntask = ["nano"]\n')


def test_who_wants_one_experiment_is_told_that_there_are_several(tmp_path):
    """`load` never picks one."""
    (tmp_path / "my.toml").write_text(LEAST + "[matrix]\nseed = [0, 1]\n")
    with pytest.raises(SpecError, match="matrix: stands for several runs\n  Expected one experiment"):
        specs.load(tmp_path / "my.toml")
