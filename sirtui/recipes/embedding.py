"""Sentence embedders by sentence-transformers, for semantic diversity. Nothing heavy before one is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sirtui.core.errors import NotFound
from sirtui.recipes.locate import locate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BATCHES = {"cpu": 16}
"""Texts at a time by device, 64 elsewhere: on one core 16 took three quarters of the time of 64."""


def open_embedder(name: str, device: str = "cpu") -> Callable[[Sequence[str]], NDArray[np.float64]]:
    """Load a model; `name` is a hub id, a folder, or `package:NAME/folder`.

    What comes back turns texts into unit vectors, shape (texts, dimensions). A text longer than the model's window is
    cut, at a word where it can be, into chunks of about the same length whose vectors are averaged.

    Raises:
        NotFound: there is no such model, or sentence-transformers is not installed.
    """
    place = locate(name)
    local = Path(place).is_dir()
    if local:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(place, device=device, local_files_only=local)
    except ImportError as error:
        raise NotFound(f"{name}: {error}", "Semantic diversity needs `pip install 'sirtui[train]'`.") from error
    except (OSError, ValueError) as error:
        raise NotFound(
            f"{name}: no embedder can be loaded from it: {error}",
            "Name a hub id, a folder or package:NAME/folder under [evaluation] embedder; empty for none.",
        ) from error
    return lambda texts: _embed(model, texts, BATCHES.get(device, 64))


def _embed(model: Any, texts: Sequence[str], batch: int) -> NDArray[np.float64]:
    import numpy as np

    parts = [list(chunks(text, model.tokenizer, model.max_seq_length)) for text in texts]
    flat = [part for those in parts for part in those]
    if not flat:
        return np.empty((0, model.get_embedding_dimension()))
    found = model.encode(flat, batch_size=batch, normalize_embeddings=True, show_progress_bar=False)
    starts = np.cumsum([0, *map(len, parts)])[:-1]
    sums = np.add.reduceat(found, starts, axis=0, dtype=np.float64)
    return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), dtype=np.float64)


def chunks(text: str, tokenizer: Any, window: int | None) -> Iterator[str]:
    """`text` in pieces of at most `window` tokens, special ones included; in one piece where it fits."""
    room = window - tokenizer.num_special_tokens_to_add() if window else None
    if room is None or len(text.encode(errors="replace")) <= room:
        yield text
        return
    spans = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)["offset_mapping"]
    if len(spans) <= room:
        yield text
        return
    start = 0
    while start < len(spans):
        end = _cut(spans, start, room)
        yield text[spans[start][0] : spans[end - 1][1]]
        start = end


def _cut(spans: Sequence[tuple[int, int]], start: int, room: int) -> int:
    """Where the next piece ends: an even share of what is left, back to the last gap between words in its second half."""
    left = len(spans) - start
    end = start + -(-left // -(-left // room))
    gaps = (i for i in range(end, start + (end - start) // 2, -1) if i == len(spans) or spans[i][0] > spans[i - 1][1])
    return next(gaps, end)
