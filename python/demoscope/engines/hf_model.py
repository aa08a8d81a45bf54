"""A transformers model in this process: log-probabilities of next tokens, and texts drawn token by token."""

from __future__ import annotations

import gc
import inspect
import math
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from demoscope.engines.noise import stream
from demoscope.engines.token_tree import TokenTree, grow
from demoscope.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from demoscope.engines.base import Sampling

TREE_TOLERANCE: Final[Mapping[str, float]] = {"float32": 1e-4, "bfloat16": 0.05, "float16": 0.05}
"""Total variation by dtype up to which a tree of prompts must agree with the same prompts alone."""


@dataclass(frozen=True, slots=True)
class Written:
    """A drawn text.

    Attributes:
        tokens: Its tokens, without one that ends a text.
        ended: Whether such a token was drawn.
        broken: Whether a logit was NaN.
        stop: The text of ``stops`` that was written, if any; the tokens reach to its end or a little further.
    """

    tokens: list[int]
    ended: bool
    broken: bool
    stop: str | None = None


class HfModel:
    """A causal language model and its tokenizer.

    Args:
        directory: The model directory.
        name: Name of the model in messages.
        dtype: ``"float32"``, ``"bfloat16"`` or ``"float16"``.
        device: A torch device.
        threads: Threads of torch in this process; ``None`` leaves them as they are.
        packed_tokens: Most tokens of a sequence that holds several prompts; 0 never packs.

    Raises:
        EngineError: The directory cannot be loaded.

    Attributes:
        tokenizer: Whatever ``AutoTokenizer`` returns.
        max_tokens: Most tokens of a prompt and its answer, ``None`` if the model has no limit.
        ends: Tokens that end a text.
        packs: Whether prompts share sequences; some attention cannot be given a mask.
    """

    def __init__(
        self, directory: Path, *, name: str, dtype: str, device: str, threads: int | None, packed_tokens: int
    ) -> None:
        # Threads that spin while they wait make a shared machine several times slower; read when torch is loaded.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        self._torch, self._name, self._device, self._packed_tokens = torch, name, device, packed_tokens
        if threads is not None:
            torch.set_num_threads(threads)
        logging.disable_progress_bar()
        with self._failures(f"cannot load {directory}"):
            self.tokenizer: Any = AutoTokenizer.from_pretrained(directory)
            load = AutoModelForCausalLM.from_pretrained
            self._dtype = getattr(torch, dtype)
            try:
                model: Any = load(directory, dtype=self._dtype, attn_implementation="sdpa")
            except ValueError:  # an architecture that has only its own attention
                model = load(directory, dtype=self._dtype, attn_implementation="eager")
            self._model = model.to(device).eval()
        config = model.config.get_text_config()
        self.max_tokens: int | None = getattr(config, "max_position_embeddings", None)
        # A mask of ours stands in for that of a sliding window, which is the same only for what the window covers.
        self._window: int = getattr(config, "sliding_window", None) or self.max_tokens or 2**63
        ends = [model.generation_config.eos_token_id, self.tokenizer.eos_token_id]
        self.ends = frozenset(
            token for end in ends if end is not None for token in (end if isinstance(end, list) else [end])
        )
        self._keeps_some = "logits_to_keep" in inspect.signature(model.forward).parameters
        self.packs = packed_tokens > 0 and self._takes_trees(config.vocab_size, TREE_TOLERANCE[dtype])

    def logprobs(self, contexts: Sequence[tuple[int, ...]], wanted: Sequence[Sequence[int]]) -> list[list[float]]:
        """Natural log of the probability of tokens after each context, over the whole vocabulary.

        Args:
            contexts: Tokens before; all different.
            wanted: Tokens whose probability is asked for, context by context.

        Raises:
            EngineError: torch failed.
        """
        found: list[list[float]] = [[] for _ in contexts]
        order = sorted(range(len(contexts)), key=contexts.__getitem__)
        packed = [place for place in order if self.packs and len(contexts[place]) <= self._window]
        alone = [place for place in order if not (self.packs and len(contexts[place]) <= self._window)]
        trees = grow([contexts[place] for place in packed], max_tokens=self._packed_tokens)
        trees += [tree for place in alone for tree in grow([contexts[place]], max_tokens=0)]
        places = iter(packed + alone)
        with self._failures("torch failed"), self._torch.inference_mode():
            for tree in trees:
                rows = self._after_ends(tree).log_softmax(dim=-1)
                for row in rows:
                    place = next(places)
                    found[place] = row[self._torch.tensor(wanted[place], device=row.device)].tolist()
        return found

    def write(
        self,
        prompts: Sequence[list[int]],
        samplings: Sequence[Sampling],
        seeds: Sequence[int],
        *,
        stops: Sequence[str] = (),
    ) -> list[Written]:
        """Draw a text after each prompt, all side by side, each with its own noise.

        Args:
            prompts: Tokens before.
            samplings: How, prompt by prompt.
            seeds: Names of the noise, prompt by prompt.
            stops: Texts behind which nothing more is written.

        Raises:
            EngineError: torch failed.
        """
        torch = self._torch
        tokens, mask, copies = self._padded(prompts)
        positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)
        noises = [stream(seed) for seed in seeds]
        room = [self.max_tokens - len(prompt) if self.max_tokens else 2**63 for prompt in prompts]
        most = [min(sampling.max_tokens, left) for sampling, left in zip(samplings, room, strict=True)]
        some = {"logits_to_keep": 1} if self._keeps_some else {}
        texts: list[list[int]] = [[] for _ in prompts]
        ended, broken = ([False] * len(prompts) for _ in range(2))
        stopped: list[str | None] = [None] * len(prompts)
        cache = None
        with self._failures("torch failed"), torch.inference_mode():
            while writing := [
                row
                for row in range(len(prompts))
                if not (ended[row] or broken[row] or stopped[row]) and len(texts[row]) < most[row]
            ]:
                output = self._model(
                    input_ids=tokens,
                    attention_mask=mask,
                    position_ids=positions,
                    past_key_values=cache,
                    use_cache=True,
                    **some,
                )
                fresh, cache, logits = cache is None, output.past_key_values, output.logits[:, -1].float()
                if fresh:
                    cache.batch_select_indices(copies)
                    logits, mask, positions = logits[copies], mask[copies], positions[copies]
                unfit = logits.isnan().any(dim=-1).tolist()
                drawn = self._draw(logits.nan_to_num(), samplings, [noise.random() for noise in noises])
                for row in writing:
                    token = int(drawn[row])
                    broken[row], ended[row] = unfit[row], token in self.ends
                    if not (broken[row] or ended[row]):
                        texts[row].append(token)
                        stopped[row] = self._stop_in(texts[row], stops)
                tokens = drawn[:, None]
                mask = torch.cat([mask, torch.ones_like(tokens)], dim=-1)
                # Rows that have ended go on unseen, maybe past the last place that the model knows.
                positions = (positions[:, -1:] + 1).clamp(max=(self.max_tokens or 2**62) - 1)
        return [Written(*parts) for parts in zip(texts, ended, broken, stopped, strict=True)]

    def text(self, tokens: Sequence[int], *, special: bool = False) -> str:
        """What tokens read like, with or without those that are no text."""
        return str(
            self.tokenizer.decode(list(tokens), skip_special_tokens=not special, clean_up_tokenization_spaces=False)
        )

    def close(self) -> None:
        """Free the weights."""
        del self._model
        gc.collect()
        if self._device.startswith("cuda"):
            self._torch.cuda.empty_cache()

    def _stop_in(self, tokens: Sequence[int], stops: Sequence[str]) -> str | None:
        """The first of ``stops`` that the last token has made complete."""
        if not stops:
            return None
        # A token has a byte at least; a few more, since a piece of a character cannot be read.
        longest = max(len(stop.encode()) for stop in stops) + 4
        end = self.text(tokens[-longest:], special=True)
        found = [(end.index(stop), stop) for stop in stops if stop in end]
        return min(found)[1] if found else None

    def _padded(self, prompts: Sequence[list[int]]) -> tuple[Any, Any, Any]:
        """Distinct prompts with padding on their left, its mask, and which of them each prompt is.

        Many draws of one prompt are read once.
        """
        torch = self._torch
        distinct = list({tuple(prompt): None for prompt in prompts})
        rows = {prompt: row for row, prompt in enumerate(distinct)}
        longest = max(map(len, distinct))
        gaps = [longest - len(prompt) for prompt in distinct]
        tokens = [[0] * gap + list(prompt) for gap, prompt in zip(gaps, distinct, strict=True)]
        mask = [[0] * gap + [1] * (longest - gap) for gap in gaps]
        copies = [rows[tuple(prompt)] for prompt in prompts]
        tensors = [torch.tensor(values, device=self._device) for values in (tokens, mask, copies)]
        return tensors[0], tensors[1], tensors[2]

    def _draw(self, logits: Any, samplings: Sequence[Sampling], uniform: Sequence[float]) -> Any:  # noqa: ANN401 - tensors
        """One token per row: the likeliest at temperature 0, otherwise where the cumulated probability passes u."""
        torch = self._torch

        def column(values: Sequence[float]) -> Any:  # noqa: ANN401 - a tensor
            return torch.tensor(values, dtype=torch.float64, device=logits.device)[:, None]

        probs = (logits.double() / column([sampling.temperature or 1.0 for sampling in samplings])).softmax(dim=-1)
        if any(sampling.top_p < 1 for sampling in samplings):
            falling, order = probs.sort(dim=-1, descending=True)
            outside = falling.cumsum(dim=-1) - falling >= column([sampling.top_p for sampling in samplings])
            probs = probs.masked_fill(torch.zeros_like(outside).scatter(-1, order, outside), 0.0)
        reached = probs.cumsum(dim=-1)
        drawn = torch.searchsorted(reached, column(uniform) * reached[:, -1:], right=True)[:, 0]
        greedy = torch.tensor([sampling.temperature == 0 for sampling in samplings], device=logits.device)
        return torch.where(greedy, logits.argmax(dim=-1), drawn)

    def _after_ends(self, tree: TokenTree) -> Any:  # noqa: ANN401 - a tensor
        """Logits after each end of a tree, in float32."""
        torch = self._torch
        size = len(tree.tokens)
        inputs = {"input_ids": torch.tensor([tree.tokens], device=self._device), "use_cache": False}
        ends = torch.tensor(tree.ends, device=self._device)
        if self._keeps_some:
            inputs["logits_to_keep"] = ends
        if tree.positions != list(range(size)):  # a tree without branches is a prompt like any other
            seen = torch.from_numpy(tree.mask()).to(self._device)
            lowest = torch.finfo(self._dtype).min
            hidden = torch.zeros(1, 1, size, size, dtype=self._dtype, device=self._device)
            inputs["attention_mask"] = hidden.masked_fill(~seen, lowest)
            inputs["position_ids"] = torch.tensor([tree.positions], device=self._device)
        logits = self._model(**inputs).logits[0]
        return (logits if self._keeps_some else logits[ends]).float()

    def _takes_trees(self, vocabulary: int, tolerance: float) -> bool:
        """Whether a small tree gives the probabilities of its prompts alone."""
        trunk = [(37 * place + 11) % vocabulary for place in range(8)]
        prompts = [[*trunk, *((tail * place + 5) % vocabulary for place in range(1, 6))] for tail in (41, 53, 67)]
        prompts.sort()
        (tree,) = grow(prompts, max_tokens=64)
        try:
            with self._torch.inference_mode():
                together = self._after_ends(tree).softmax(dim=-1)
                apart = [self._after_ends(grow([prompt], max_tokens=0)[0])[0].softmax(dim=-1) for prompt in prompts]
        except (RuntimeError, ValueError, TypeError, IndexError):
            return False
        distance = 0.5 * (together - self._torch.stack(apart)).abs().sum(dim=-1).max()
        return math.isfinite(distance) and float(distance) < tolerance

    @contextmanager
    def _failures(self, what: str) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, ValueError, OSError, KeyError, ImportError) as error:
            raise EngineError(f"model {self._name!r}: {what}: {error}") from error
