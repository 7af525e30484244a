"""`transformers`: answers from any causal language model that transformers loads, on a GPU or a CPU.

Not `generate`: there most row-steps go to rows that ended long ago, every sample of a prompt reads the prompt anew, and
one seed serves a whole batch. Here a prompt is read once for all its samples in a batch, a row leaves as it ends, and
every sample has a stream of random numbers of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sirtui.core.samples import Answers
from sirtui.core.seeds import derive
from sirtui.core.spec import Sampling
from sirtui.recipes.checkpoint import load
from sirtui.recipes.shelf import Request

if TYPE_CHECKING:
    from torch import Tensor


class TransformersSampler:
    """Answers on the GPU where there is one, else on the CPU."""

    name = "transformers"

    @contextmanager
    def open(self, model: str, settings: Sampling) -> Iterator[TransformersEngine]:
        """The loaded model, in evaluation mode, without gradients."""
        import torch

        loaded, tokenizer = load(model)
        loaded = loaded.to("cuda" if torch.cuda.is_available() else "cpu").eval()
        with torch.inference_mode():
            yield TransformersEngine(loaded, tokenizer, settings)


@dataclass
class Row:
    """One answer being drawn. `uniforms`: one random number in [0, 1) a token, none when greedy."""

    request: Request
    prompt: list[int]
    uniforms: Sequence[float] = ()
    tokens: list[int] = field(default_factory=list)
    logprob: float = 0.0
    ended: bool = False


class TransformersEngine:
    """A loaded model; rows go through it `settings.batch_size` at a time."""

    def __init__(self, model: Any, tokenizer: Any, settings: Sampling) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._settings = settings
        self._ends = _end_tokens(model, tokenizer)
        self._window: int = getattr(model.config, "max_position_embeddings", None) or 2**31

    def sample(self, requests: Sequence[Request]) -> Iterator[Answers]:
        """The answers to each request, in order."""
        waiting: list[Row] = []
        for batch in _batches(requests, self._rows, self._settings.batch_size):
            self._draw(batch)
            waiting += batch
            while waiting and len(waiting) >= waiting[0].request.n:
                n = waiting[0].request.n
                yield self._answers(waiting[:n])
                del waiting[:n]

    def _rows(self, request: Request) -> list[Row]:
        prompt = self._tokenizer(request.prompt)["input_ids"]
        if request.greedy:
            return [Row(request, prompt) for _ in range(request.n)]
        longest = self._settings.max_new_tokens
        return [Row(request, prompt, _uniforms(request.seed, sample, longest)) for sample in range(request.n)]

    def _draw(self, rows: Sequence[Row]) -> None:
        """Let every row run to its end token, or to its own limit."""
        import torch

        live = [row for row in rows if self._limit(row) > 0]
        if not live:
            return
        state = self._read(live)
        while True:
            chosen, logprobs = self._choose(state.logits, live)
            for row, token, logprob in zip(live, chosen.tolist(), logprobs.tolist(), strict=True):
                row.tokens.append(token)
                row.logprob += logprob
                row.ended = token in self._ends
            keep = [index for index, row in enumerate(live) if not row.ended and len(row.tokens) < self._limit(row)]
            if not keep:
                return
            if len(keep) < len(live):
                where = torch.tensor(keep, device=self._model.device)
                live, chosen = [live[index] for index in keep], chosen[where]
                state.keep(where)
            state.feed(self._model, chosen)

    def _limit(self, row: Row) -> int:
        """How many tokens the row may have: what was asked for, and what the model's window leaves beside the prompt."""
        return min(self._settings.max_new_tokens, self._window - len(row.prompt))

    def _read(self, rows: Sequence[Row]) -> State:
        """Run the model over the rows' prompts, each different prompt once, padded on the left."""
        import torch

        different = list({tuple(row.prompt): None for row in rows})
        width, device = max(map(len, different)), self._model.device
        padding = self._tokenizer.pad_token_id or 0
        ids = torch.tensor([[padding] * (width - len(p)) + list(p) for p in different], device=device)
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in different], device=device)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        out = self._model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True, logits_to_keep=1)
        state = State(out.logits[:, -1], out.past_key_values, mask, positions[:, -1])
        place = {prompt: index for index, prompt in enumerate(different)}
        state.keep(torch.tensor([place[tuple(row.prompt)] for row in rows], device=device))
        return state

    def _choose(self, logits: Tensor, rows: Sequence[Row]) -> tuple[Tensor, Tensor]:
        """The next token of each row and its log-probability at temperature 1, both of shape (rows,)."""
        import torch

        logits = logits.float()
        if rows[0].request.greedy:
            chosen = logits.argmax(-1)
        else:
            uniform = torch.tensor([row.uniforms[len(row.tokens)] for row in rows], device=logits.device)
            chosen = nucleus(logits / self._settings.temperature, self._settings.top_p, uniform)
        return chosen, logits.log_softmax(-1).gather(-1, chosen[:, None])[:, 0]

    def _answers(self, rows: Sequence[Row]) -> Answers:
        bodies = [row.tokens[:-1] if row.ended else row.tokens for row in rows]
        texts = self._tokenizer.batch_decode(bodies, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return Answers(
            problem=rows[0].request.problem,
            texts=tuple(texts),
            tokens=tuple(len(row.tokens) for row in rows),
            ended=tuple(row.ended for row in rows),
            logprobs=tuple(row.logprob / len(row.tokens) if row.tokens else None for row in rows),
            seed=rows[0].request.seed,
        )


@dataclass
class State:
    """What the model remembers of the live rows. `logits`: (rows, vocabulary), `mask`: (rows, tokens so far)."""

    logits: Tensor
    cache: Any
    mask: Tensor
    positions: Tensor

    def keep(self, where: Tensor) -> None:
        """Only the rows at these indices, each as often as it is named."""
        self.logits, self.mask, self.positions = self.logits[where], self.mask[where], self.positions[where]
        self.cache.reorder_cache(where)

    def feed(self, model: Any, tokens: Tensor) -> None:
        """One token more for every row."""
        from torch import cat

        self.mask = cat((self.mask, self.mask.new_ones((len(tokens), 1))), dim=1)
        self.positions = self.positions + 1
        out = model(
            input_ids=tokens[:, None],
            attention_mask=self.mask,
            position_ids=self.positions[:, None],
            past_key_values=self.cache,
            use_cache=True,
        )
        self.logits = out.logits[:, -1]


def nucleus(logits: Tensor, top_p: float, uniform: Tensor) -> Tensor:
    """One token a row from the smallest set of likeliest tokens whose probability reaches `top_p`.

    logits: (rows, vocabulary), uniform: (rows,) in [0, 1); by inverting the cumulative distribution. Holtzman et al.,
    "The Curious Case of Neural Text Degeneration", ICLR 2020.
    """
    probabilities, order = logits.softmax(-1).sort(-1, descending=True)
    before = probabilities.cumsum(-1) - probabilities
    kept = probabilities * (before < top_p)
    reached = kept.cumsum(-1)
    rank = (reached <= uniform[:, None] * reached[:, -1:]).sum(-1, keepdim=True)
    last = kept.count_nonzero(-1).unsqueeze(-1) - 1  # a number so near to 1 that float32 rounds it up
    return order.gather(-1, rank.minimum(last))[:, 0]


def _uniforms(seed: int, sample: int, count: int) -> list[float]:
    """A stream of random numbers for one sample: Philox is keyed, so streams of different keys never meet."""
    import numpy as np

    drawn: list[float] = np.random.Generator(np.random.Philox(key=derive(seed, sample))).random(count).tolist()
    return drawn


def _batches(requests: Sequence[Request], rows: Any, size: int) -> Iterator[list[Row]]:
    """The requests' rows in order, at most `size` at a time; greedy and sampled ones never share a batch."""
    batch: list[Row] = []
    for request in requests:
        for row in rows(request):
            if batch and (len(batch) == size or batch[0].request.greedy != request.greedy):
                yield batch
                batch = []
            batch.append(row)
    if batch:
        yield batch


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    return frozenset(token for token in [*ends, tokenizer.eos_token_id] if token is not None)


SAMPLER = TransformersSampler()
