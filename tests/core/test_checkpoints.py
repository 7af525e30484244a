"""Which checkpoints are whole: read from the files alone, nothing heavy."""

import json
import shutil

import pytest

from sirtui.core.checkpoints import SEAL, STATE, choose, drop_unsealed, flaw, prune, seal, tensor_names


def tensors(path, **sizes):
    """A safetensors file with tensors of so many bytes."""
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, size in sizes.items():
        header[name] = {"dtype": "U8", "shape": [size], "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))


def checkpoint(partial, step, key="key"):
    folder = partial / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / STATE).write_text(json.dumps({"global_step": step}))
    tensors(folder / "model.safetensors", a=8, b=24)
    (folder / "rng_state.pth").write_bytes(b"numbers")
    if key:
        seal(folder, key)
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def cut(path, by=1):
    path.write_bytes(path.read_bytes()[:-by])


def reseal(folder):
    (folder / SEAL).unlink()
    seal(folder, "key")


def indexed(folder, names_tensor):
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {names_tensor: "model.safetensors"}}))
    reseal(folder)


DAMAGE = {
    "truncated": (lambda at: cut(at / "model.safetensors"), "model.safetensors has 195 bytes, not 196"),
    "truncated before it was sealed": (
        lambda at: (cut(at / "model.safetensors"), reseal(at)),
        "it cannot be read: model.safetensors has 195 bytes, and its header says 196",
    ),
    "no header": (
        lambda at: ((at / "model.safetensors").write_bytes(b"\xff" * 40), reseal(at)),
        "it cannot be read: model.safetensors is cut off in its header",
    ),
    "no state": (lambda at: (at / STATE).unlink(), f"{STATE} is missing"),
    "never a state": (lambda at: ((at / STATE).unlink(), reseal(at)), f"{STATE} is missing"),
    "another step": (
        lambda at: ((at / STATE).write_text('{"global_step": 7}'), reseal(at)),
        f"{STATE} names step 7, not 10",
    ),
    "no JSON": (lambda at: ((at / STATE).write_text("["), reseal(at)), "it cannot be read: Expecting value"),
    "a list": (lambda at: ((at / STATE).write_text("[]"), reseal(at)), f"it cannot be read: {STATE} is no JSON object"),
    "deep JSON": (lambda at: ((at / STATE).write_text("[" * 100_000), reseal(at)), "it cannot be read: "),
    "no weights": (lambda at: ((at / "model.safetensors").unlink(), reseal(at)), "it holds no .safetensors file"),
    "a tensor less": (lambda at: indexed(at, "c"), "model.safetensors.index.json names c in model.safetensors, which does not"),
    "planted": (lambda at: (at / "pytorch_model.bin").write_bytes(b"x"), "pytorch_model.bin was put there later"),
    "the seal": (lambda at: (at / SEAL).write_text("{}"), "it was trained from something else"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_wrong_is_told(tmp_path, damage):
    """Each kind of damage by its own words; without it there is none."""
    folder = checkpoint(tmp_path, 10)
    assert flaw(folder, "key") == ""
    spoil, told = DAMAGE[damage]
    spoil(folder)
    assert flaw(folder, "key").startswith(told)


def test_a_complete_index_is_no_flaw(tmp_path):
    """Sharded weights are whole where every tensor is in the file that the index names."""
    folder = checkpoint(tmp_path, 10)
    indexed(folder, "b")
    assert flaw(folder, "key") == ""
    assert tensor_names(folder / "model.safetensors") == {"a", "b"}


def test_tensors_follow_each_other(tmp_path):
    """A header whose tensors overlap or leave a hole is none that a writer left."""
    path = tmp_path / "a.safetensors"
    for offsets in ([[0, 8], [4, 12]], [[0, 4], [8, 12]], [[0, 8], [8, 4]]):
        header = {str(n): {"dtype": "U8", "shape": [8], "data_offsets": each} for n, each in enumerate(offsets)}
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(12))
        with pytest.raises(ValueError, match="do not follow each other"):
            tensor_names(path)


def test_the_newest_whole_one_is_taken_and_newer_ones_set_aside(tmp_path):
    """By step as a number; renamed with all they hold, by what is wrong with them; told newest first."""
    checkpoint(tmp_path, 90)
    checkpoint(tmp_path, 100)
    (checkpoint(tmp_path, 200) / STATE).unlink()
    checkpoint(tmp_path, 300, key="")
    (tmp_path / "bad-checkpoint-200").mkdir()
    chosen = choose(tmp_path, "key")
    assert chosen.path == tmp_path / "checkpoint-100"
    assert chosen.set_aside == (
        ("unfinished-checkpoint-300", "it was not written to its end"),
        ("bad-checkpoint-200.2", f"{STATE} is missing"),
    )
    assert chosen.bad == 2
    assert (tmp_path / "bad-checkpoint-200.2/model.safetensors").exists()
    assert choose(tmp_path, "key").set_aside == ()


def test_the_caller_may_know_of_more_that_is_wrong(tmp_path):
    """What `also` says of a checkpoint counts, and is asked only of those that are whole."""
    for step in (1, 2, 3):
        checkpoint(tmp_path, step)
    cut(tmp_path / "checkpoint-3/model.safetensors")
    asked = []
    chosen = choose(tmp_path, "key", lambda folder: asked.append(folder.name) or ("strange" if folder.name[-1] == "2" else ""))
    assert chosen.path.name == "checkpoint-1"
    assert chosen.set_aside[1] == ("bad-checkpoint-2", "strange")
    assert asked == ["checkpoint-2", "checkpoint-1"]


def test_where_there_is_none_there_is_none(tmp_path):
    """No folder, an empty one, and other things in it: nothing to go on from, nothing bad."""
    assert choose(tmp_path / "none", "key").path is None
    (tmp_path / "checkpoint-x").mkdir()
    (tmp_path / "partial.json").write_text("{}")
    assert choose(tmp_path, "key") == choose(tmp_path / "none", "key")


def test_two_stay_and_what_could_not_be_ended_goes(tmp_path):
    """Older sealed ones are deleted; of this attempt's own what has no seal."""
    for step in (8, 9, 10, 11):
        checkpoint(tmp_path, step)
    checkpoint(tmp_path, 12, key="")
    prune(tmp_path)
    assert names(tmp_path) == ["checkpoint-10", "checkpoint-11", "checkpoint-12"]
    drop_unsealed(tmp_path)
    assert names(tmp_path) == ["checkpoint-10", "checkpoint-11"]


def test_a_deletion_cut_short_leaves_nothing_that_counts_as_damaged(tmp_path, monkeypatch):
    """The seal goes first, so that half of a deleted checkpoint is an unfinished one, not a bad one."""
    for step in (1, 2, 3):
        checkpoint(tmp_path, step)

    def killed(folder):
        (folder / STATE).unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        prune(tmp_path)
    for step in (2, 3):
        cut(tmp_path / f"checkpoint-{step}/model.safetensors")
    chosen = choose(tmp_path, "key")
    assert [name for name, _ in chosen.set_aside] == ["bad-checkpoint-3", "bad-checkpoint-2", "unfinished-checkpoint-1"]
    assert chosen.bad == 2
