"""Loading a checkpoint by transformers, the same for training and for sampling."""

from __future__ import annotations

from typing import Any

from sirtui.core.errors import StageError


def load(folder: str) -> tuple[Any, Any]:
    """Model and tokenizer of a folder or hub id: float32 on a CPU, where bf16 is slower, as saved where there is a GPU.

    Weights are read from safetensors alone: a pickle may hold a program. Code that comes with a model is not run.

    Raises:
        StageError: they do not load.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    try:
        dtype: Any = "auto" if torch.cuda.is_available() else torch.float32
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, use_safetensors=True, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, SafetensorError) as error:
        raise StageError(
            f"{folder}: no model loads from here: {error}",
            "Name a Hugging Face model folder or hub id with .safetensors weights; pickled ones are not opened.",
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer
