"""Hugging Face transformers in this process: slow, plain, and the reference that other engines are compared with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from demoscope.config import parse
from demoscope.engines.adapter_directory import adapter_of, find_adapters, merged_directory
from demoscope.engines.base import Answer, Capabilities, Request
from demoscope.engines.conversation import Conversation, ConversationOptions
from demoscope.engines.hf_model import HfModel
from demoscope.engines.label_probs import label_answer
from demoscope.engines.label_trie import LabelError, LabelTrie, Tokens
from demoscope.engines.model_directory import find_model_directory, fingerprint
from demoscope.errors import EngineError, MissingPartError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from pathlib import Path

    from demoscope.engines.chat import Renderer

INSTALL: Final = "pip install 'demoscope[hf]' (in a checkout: pip install '.[hf]')"


class HfOptions(ConversationOptions):
    """``[models.options]`` of the engine ``hf``.

    What is said about conversations is in :class:`~demoscope.engines.conversation.ConversationOptions`.

    Attributes:
        model: A directory or a name on the Hugging Face hub, see
            :func:`~demoscope.engines.model_directory.find_model_directory`.
        revision: Branch, tag or commit on the hub.
        dtype: Type of weights and sums.
            Only ``"float32"`` gives the same answer (to 1e-4 nat) whatever is asked beside it; in the others a
            log-probability may move by 0.25 nat with the shape of the batch.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
        threads: Threads of torch in this process; its own default if absent.
        batch_size: Requests of a block, and texts that are written side by side.
        packed_tokens: Most tokens of a sequence in which prompts share what they have in common; 0 asks each alone.
        adapters: Directories of all LoRA adapters that requests may name.
            Each is merged into a copy of the model, and the copies are loaded one after another.
    """

    model: str = Field(min_length=1)
    revision: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: Annotated[str, Field(pattern=r"^(cpu|cuda(:\d+)?)$")] = "cpu"
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    batch_size: Annotated[int, Field(ge=1)] = 64
    packed_tokens: Annotated[int, Field(ge=0)] = 1024
    adapters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Prompt:
    """A request on its way: what its answer follows so far."""

    request: Request
    text: str
    tokens: Tokens
    prompt_tokens: int
    thought: str | None = None
    spent: int = 0

    def failed(self, reason: str) -> Answer:
        return self.answer("error", reason=reason)

    def answer(self, status: Literal["valid", "error"], *, written: int = 0, **fields: Any) -> Answer:  # noqa: ANN401 - fields of an answer
        return Answer(
            self.request.key,
            status,
            thought=self.thought,
            prompt_tokens=self.prompt_tokens,
            output_tokens=self.spent + written,
            **fields,
        )


class HfEngine:
    """Asks a Hugging Face model through transformers.

    Labels are scored as trees: what the prompts of a block share is computed once, and what follows sees only its own
    branch.
    A label of several tokens is read along its tokens as the tokenizer splits it after the prompt; if one label begins
    with another, the end of the turn is part of all of them.
    The model is loaded at the first question.

    Args:
        model: Name of the model in messages.
        options: See :class:`HfOptions`.

    Raises:
        ConfigError: An option is unknown or cannot be meant, or the directory of the model or of an adapter is not
            whole.
        MissingPartError: torch or transformers is not installed; the message has the command.
    """

    def __init__(self, *, model: str, options: Mapping[str, Any]) -> None:
        self._name = model
        self._where = f"model {model!r}"
        self._options = parse(HfOptions, dict(options), where=f"{self._where}: options")
        self._versions = {package: _installed(package) for package in ("torch", "transformers")}
        self._directory = find_model_directory(self._options.model, revision=self._options.revision)
        self._conversation = Conversation(self._options, directory=self._directory, name=model)
        self._adapters = find_adapters(self._options.adapters, where=f"{self._where}: options")
        self._loaded: tuple[Path | None, HfModel, Renderer] | None = None

    @property
    def capabilities(self) -> Capabilities:
        """All modes, with adapters."""
        return Capabilities(
            modes=("logprobs", "choice", "text", "verbalized"), adapters=True, block=self._options.batch_size
        )

    @cached_property
    def revision(self) -> str:
        """Digest of the model directory, adapters, the versions of the packages, the dtype and the conversation."""
        identity = {
            "weights": fingerprint(self._directory),
            **self._versions,
            "dtype": self._options.dtype,
            **self._conversation.identity,
            "adapters": sorted(adapter.fingerprint for adapter in self._adapters.values()),
        }
        text = json.dumps(identity, sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def facts(self) -> Mapping[str, str]:
        """Versions and settings; conversation layout and packing only once the model is loaded."""
        exact = self._options.dtype == "float32"
        facts = {
            "engine": "hf",
            "model": self._options.model,
            **self._versions,
            "dtype": self._options.dtype,
            "device": self._options.device,
            "regrouping": "moves log-probabilities by 1e-4 nat at most" if exact else "moves log-probabilities",
        }
        for path, adapter in self._adapters.items():
            facts[f"adapter {path}"] = adapter.fingerprint
        if self._loaded is not None:
            _, model, renderer = self._loaded
            facts["packing"] = "trees" if model.packs else "each prompt alone"
            facts |= self._conversation.described(renderer)
            if self._adapters:
                facts["adapters"] = "merged, one after another"
        return facts

    def ask(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer one block; see :meth:`demoscope.engines.base.Engine.ask`.

        A prompt that leaves no room for its answer gets the status ``error`` with the reason ``prompt_too_long``.

        Raises:
            EngineError: torch failed, a label has no tokens of its own, an adapter is not in ``options.adapters``, or
                the prompt ends inside a thought.
        """
        groups: dict[Path | None, list[Request]] = {}
        for request in requests:
            groups.setdefault(adapter_of(request, self._adapters, where=self._where), []).append(request)
        here = self._loaded[0] if self._loaded is not None else None
        for adapter in sorted(groups, key=lambda path: (path != here, str(path or ""))):
            yield from self._ask_model(*self._load(adapter), groups[adapter])

    def rendered(self, request: Request) -> str | None:
        """The text from which the model goes on; nothing is loaded for it but the tokenizer.

        Raises:
            EngineError: The directory has no tokenizer that transformers can make.
        """
        return self._conversation.shown(self._reader(), request)

    def prompt_tokens(self, requests: Sequence[Request]) -> list[list[int]] | None:
        """Tokens of each prompt; nothing is loaded for it but the tokenizer.

        Raises:
            EngineError: The directory has no tokenizer that transformers can make.
        """
        renderer = self._reader()
        return [renderer.encode(self._conversation.shown(renderer, request)) for request in requests]

    def close(self) -> None:
        """Free the weights; asking again loads the model again."""
        if self._loaded is not None:
            self._loaded[1].close()
            self._loaded = None

    def _load(self, adapter: Path | None) -> tuple[HfModel, Renderer]:
        if self._loaded is not None:
            if self._loaded[0] == adapter:
                return self._loaded[1:]
            self.close()
        whole = self._directory if adapter is None else merged_directory(self._directory, self._adapters[adapter])
        model = HfModel(
            whole,
            name=self._name,
            dtype=self._options.dtype,
            device=self._options.device,
            threads=self._options.threads,
            packed_tokens=self._options.packed_tokens,
        )
        renderer = self._conversation.renderer(model.tokenizer)
        if renderer.end_token is not None and not renderer.plain:
            model.ends |= {renderer.end_token}
        self._loaded = (adapter, model, renderer)
        return model, renderer

    def _reader(self) -> Renderer:
        return self._conversation.unloaded if self._loaded is None else self._loaded[2]

    def _ask_model(self, model: HfModel, renderer: Renderer, requests: Sequence[Request]) -> Iterator[Answer]:
        thinking = self._conversation.thinking
        prompts = []
        for request in requests:
            text = self._conversation.prompt(renderer, request)
            tokens = tuple(renderer.encode(text))
            prompt = _Prompt(request, text, tokens, len(tokens))
            if _fits(model, len(tokens) + (thinking.budget if thinking.first else 0) + 1):
                prompts.append(prompt)
            else:
                yield prompt.failed("prompt_too_long")
        if thinking.first:
            prompts = yield from self._think(model, renderer, prompts)
        yield from self._score(model, renderer, [p for p in prompts if p.request.mode in ("logprobs", "choice")])
        written = [p for p in prompts if p.request.mode not in ("logprobs", "choice")]
        for batch in self._batches(written):
            yield from _write(model, renderer, batch)

    def _batches(self, prompts: Sequence[_Prompt]) -> Iterator[list[_Prompt]]:
        """Prompts to write behind, side by side: neighbours of one length need no padding."""
        ordered = sorted(prompts, key=lambda prompt: len(prompt.tokens))
        for start in range(0, len(ordered), self._options.batch_size):
            yield ordered[start : start + self._options.batch_size]

    def _think(
        self, model: HfModel, renderer: Renderer, prompts: Sequence[_Prompt]
    ) -> Generator[Answer, None, list[_Prompt]]:
        """Let the model think; what follows is asked behind the thought."""
        thinking = self._conversation.thinking
        thoughtful = []
        for batch in self._batches(prompts):
            thoughts = model.write(
                [list(prompt.tokens) for prompt in batch],
                [replace(prompt.request.sampling, max_tokens=thinking.budget) for prompt in batch],
                [_thought_seed(prompt.request.seed) for prompt in batch],
                stops=[thinking.end],
            )
            for prompt, drawn in zip(batch, thoughts, strict=True):
                ended = drawn.stop is not None
                thought = model.text(drawn.tokens, special=True).partition(thinking.end)[0]
                text = prompt.text + thinking.closed(thought, ended=ended)
                after = replace(
                    prompt,
                    text=text,
                    tokens=tuple(renderer.encode(text)),
                    thought=thinking.written(thought, ended=ended),
                    spent=len(drawn.tokens) + drawn.ended,
                )
                # A thought may have become longer when its text was read again.
                fits = _fits(model, len(after.tokens) + 1)
                if drawn.broken or not fits:
                    yield after.failed("not_a_number" if drawn.broken else "prompt_too_long")
                else:
                    thoughtful.append(after)
        return thoughtful

    def _score(self, model: HfModel, renderer: Renderer, prompts: Sequence[_Prompt]) -> Iterator[Answer]:
        """Probabilities of labels, or one label drawn from them."""
        tries: list[tuple[_Prompt, Tokens, LabelTrie]] = []
        wanted: dict[Tokens, set[int]] = {}
        for prompt in prompts:
            try:
                start, trie = renderer.trie(prompt.text, prompt.request.labels)
            except LabelError as error:
                raise EngineError(f"{self._where}: {error}") from error
            if not _fits(model, len(start) + trie.longest):
                yield prompt.failed("prompt_too_long")
                continue
            tries.append((prompt, tuple(start), trie))
            for question in trie.questions:
                wanted.setdefault((*start, *question.path), set()).update(question.tokens)
        tokens_after = {context: sorted(tokens) for context, tokens in wanted.items()}
        found = model.logprobs(list(tokens_after), list(tokens_after.values()))
        logprobs = {
            context: dict(zip(tokens, values, strict=True))
            for (context, tokens), values in zip(tokens_after.items(), found, strict=True)
        }
        for prompt, context, trie in tries:
            yield _scored(prompt, trie, {q.path: logprobs[(*context, *q.path)] for q in trie.questions})


def _scored(prompt: _Prompt, trie: LabelTrie, after: Mapping[Tokens, Mapping[int, float]]) -> Answer:
    answer = label_answer(
        prompt.request.key,
        trie.logprobs([after[question.path] for question in trie.questions]),
        prompt_tokens=prompt.prompt_tokens,
        output_tokens=prompt.spent,
        thought=prompt.thought,
    )
    if prompt.request.mode != "choice" or answer.status != "valid":
        return answer
    drawn = trie.draw(prompt.request, lambda said, _: after[said])
    written = prompt.spent + len(trie.paths[drawn])
    return replace(answer, probs=None, text=prompt.request.labels[drawn], output_tokens=written)


def _write(model: HfModel, renderer: Renderer, prompts: Sequence[_Prompt]) -> Iterator[Answer]:
    """Texts, as the model goes on."""
    texts = model.write(
        [list(prompt.tokens) for prompt in prompts],
        [prompt.request.sampling for prompt in prompts],
        [prompt.request.seed for prompt in prompts],
        stops=renderer.stop,
    )
    for prompt, drawn in zip(prompts, texts, strict=True):
        if drawn.broken:
            yield prompt.failed("not_a_number")
            continue
        text = model.text(drawn.tokens).removeprefix(renderer.lead)
        yield prompt.answer(
            "valid",
            text=text if drawn.stop is None else text.partition(drawn.stop)[0],
            truncated=not drawn.ended and drawn.stop is None,
            written=len(drawn.tokens) + drawn.ended,
        )


def _fits(model: HfModel, tokens: int) -> bool:
    return model.max_tokens is None or tokens <= model.max_tokens


def _thought_seed(seed: int) -> int:
    """A name for noise that the answer after the thought does not share."""
    digest = hashlib.blake2b(seed.to_bytes(16, "little"), digest_size=16, person=b"thought").digest()
    return int.from_bytes(digest, "little")


def _installed(package: str) -> str:
    if find_spec(package) is None:
        raise MissingPartError(f"the engine 'hf' needs {package}: {INSTALL}")
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
