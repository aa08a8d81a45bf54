"""Hugging Face transformers in this process: slow, plain, and the reference that other engines are compared with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from demoscope.config import Settings, parse
from demoscope.engines.base import Answer, Capabilities, Request
from demoscope.engines.chat import Renderer
from demoscope.engines.hf_model import HfModel
from demoscope.engines.label_probs import Tokens, along, branches, label_answer, told_apart, walk
from demoscope.engines.model_directory import find_model_directory, fingerprint
from demoscope.errors import ConfigError, EngineError, MissingPartError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

INSTALL: Final = "pip install 'demoscope[hf]' (in a checkout: pip install '.[hf]')"

_PROBE: Final = "Zebra quartz."

_Row: TypeAlias = "tuple[Tokens, list[Tokens], Request]"  # tokens of the prompt, tokens of each label


class HfOptions(Settings):
    """``[models.options]`` of the engine ``hf``.

    Attributes:
        model: A directory or a name on the Hugging Face hub, see
            :func:`~demoscope.engines.model_directory.find_model_directory`.
        revision: Branch, tag or commit on the hub.
        dtype: Type of weights and sums.
            Only ``"float32"`` gives the same answer (to 1e-4 nat) whatever is asked beside it; in the others a
            log-probability may move by 0.25 nat with the shape of the batch.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
        threads: Threads of torch in this process; its own default if absent.
        chat_template: A file that replaces the model's own template.
        chat_template_kwargs: Variables for the template.
        batch_size: Requests of a block, and texts that are written side by side.
        packed_tokens: Most tokens of a sequence in which prompts share what they have in common; 0 asks each alone.
    """

    model: str = Field(min_length=1)
    revision: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: Annotated[str, Field(pattern=r"^(cpu|cuda(:\d+)?)$")] = "cpu"
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    chat_template: Path | None = None
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)
    batch_size: Annotated[int, Field(ge=1)] = 64
    packed_tokens: Annotated[int, Field(ge=0)] = 1024


class HfEngine:
    """Asks a Hugging Face model through transformers.

    Labels are scored as trees: what the prompts of a block share is computed once, and what follows sees only its own
    branch.
    A label of several tokens is read along its tokens as the tokenizer splits it after the prompt; if one label begins
    with another, the end of the turn is part of all of them.
    The model is loaded at the first question.

    Args:
        model: Name of the model in messages and tables.
        options: See :class:`HfOptions`.

    Raises:
        ConfigError: An option is unknown or cannot be meant.
        MissingPartError: torch or transformers is not installed; the message has the command.
    """

    def __init__(self, *, model: str, options: Mapping[str, Any]) -> None:
        self._name = model
        self._options = parse(HfOptions, dict(options), where=f"model {model!r}: options")
        self._versions = {package: _installed(package) for package in ("torch", "transformers")}
        self._directory = find_model_directory(self._options.model, revision=self._options.revision)
        self._template = self._read_template()
        self._loaded: tuple[HfModel, Renderer] | None = None
        self._label_tokens: dict[tuple[Tokens, tuple[str, ...]], list[Tokens]] = {}

    @property
    def capabilities(self) -> Capabilities:
        """Every mode, no adapters."""
        return Capabilities(modes=("logprobs", "choice", "text", "verbalized"), block=self._options.batch_size)

    @cached_property
    def revision(self) -> str:
        """Digest of the model directory, the versions of the packages, the dtype and the template."""
        identity = {
            "weights": fingerprint(self._directory),
            **self._versions,
            "dtype": self._options.dtype,
            "chat_template": [self._template, self._options.chat_template_kwargs],
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
        if self._loaded is not None:
            model, renderer = self._loaded
            facts["packing"] = "trees" if model.packs else "each prompt alone"
            facts["system_role"] = "own turn" if renderer.has_system_role else "before the first user turn"
        return facts

    def ask(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer one block; see :meth:`demoscope.engines.base.Engine.ask`.

        A prompt that leaves no room for its answer gets the status ``error`` with the reason ``prompt_too_long``.

        Raises:
            EngineError: torch failed, two labels are the same tokens, or a request asks for what the engine cannot do.
        """
        for request in requests:
            if request.mode not in self.capabilities.modes or request.adapter is not None:
                raise EngineError("the engine 'hf' asks without adapters")
        model, renderer = self._load()
        scored: list[_Row] = []
        written: list[_Row] = []
        for request in requests:
            prompt = tuple(renderer.tokens(replace(request, labels=()))[0])
            scores = request.mode in ("logprobs", "choice")
            labels = self._labels(model, prompt, request.labels) if scores else []
            if model.max_tokens is not None and len(prompt) + max(map(len, labels), default=1) > model.max_tokens:
                yield Answer(request.key, "error", reason="prompt_too_long", prompt_tokens=len(prompt))
            else:
                (scored if scores else written).append((prompt, labels, request))
        yield from _score(model, scored)
        # Neighbours of one length need no padding.
        written.sort(key=lambda row: len(row[0]))
        for start in range(0, len(written), self._options.batch_size):
            yield from _write(model, written[start : start + self._options.batch_size])

    def close(self) -> None:
        """Free the weights; asking again loads the model again."""
        if self._loaded is not None:
            self._loaded[0].close()
            self._loaded = None

    def _load(self) -> tuple[HfModel, Renderer]:
        if self._loaded is None:
            model = HfModel(
                self._directory,
                name=self._name,
                dtype=self._options.dtype,
                device=self._options.device,
                threads=self._options.threads,
                packed_tokens=self._options.packed_tokens,
            )
            renderer = Renderer(
                model.tokenizer, template=self._template, template_kwargs=self._options.chat_template_kwargs
            )
            self._turn_end = _turn_end(model.tokenizer, self._template, self._options.chat_template_kwargs)
            model.ends |= {self._turn_end}
            self._loaded = (model, renderer)
        return self._loaded

    def _labels(self, model: HfModel, prompt: Tokens, labels: tuple[str, ...]) -> list[Tokens]:
        """Tokens of each label after the prompt, none of them the beginning of another."""
        added = set(model.tokenizer.get_added_vocab().values())
        # A turn marker cuts the text before anything is merged: what stands before the last one cannot matter.
        cut = max((place for place, token in enumerate(prompt) if token in added), default=0)
        key = (prompt[cut:], labels)
        if key not in self._label_tokens:
            try:
                self._label_tokens[key] = _label_tokens(model.tokenizer, prompt[cut:], labels, end=self._turn_end)
            except EngineError as error:
                raise EngineError(f"model {self._name!r}: {error}") from error
        return self._label_tokens[key]

    def _read_template(self) -> str | None:
        path = self._options.chat_template
        if path is None:
            return None
        try:
            return path.expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"model {self._name!r}: options.chat_template: {error}") from error


def _installed(package: str) -> str:
    if find_spec(package) is None:
        raise MissingPartError(f"the engine 'hf' needs {package}: {INSTALL}")
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _turn_end(tokenizer: Any, template: str | None, template_kwargs: Mapping[str, Any]) -> int:  # noqa: ANN401 - transformers has no types
    """The token after an answer, as the chat template writes it; some models end a text with another one."""
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _PROBE}]
    given = {"chat_template": template} if template is not None else {}
    text = tokenizer.apply_chat_template(turns, tokenize=False, **given, **template_kwargs)
    after = tokenizer.encode(text.rpartition(_PROBE)[2], add_special_tokens=False)
    marked = bool(after) and after[0] in tokenizer.get_added_vocab().values()
    return int(after[0] if marked else tokenizer.eos_token_id)


def _label_tokens(tokenizer: Any, tail: Tokens, labels: Sequence[str], *, end: int) -> list[Tokens]:  # noqa: ANN401 - transformers has no types
    """How the tokenizer writes each label right after ``tail``, closed by ``end`` where one begins another."""
    text = tokenizer.decode(list(tail), skip_special_tokens=False, clean_up_tokenization_spaces=False)
    found: list[Tokens] = []
    for label in labels:
        longer = tuple(tokenizer.encode(text + label, add_special_tokens=False))
        if longer[: len(tail)] != tail or len(longer) == len(tail):
            raise EngineError(f"label {label!r} melts into the end of the prompt, {text!r}; use other labels")
        if longer[len(tail) :] in found:
            twin = labels[found.index(longer[len(tail) :])]
            raise EngineError(f"labels {twin!r} and {label!r} are the same tokens")
        found.append(longer[len(tail) :])
    return told_apart(found, end=end)


def _score(model: HfModel, rows: Sequence[_Row]) -> Iterator[Answer]:
    """Probabilities of labels, or one label drawn from them."""
    wanted: dict[Tokens, set[int]] = {}
    for prompt, labels, _ in rows:
        for beginning, tokens in branches(labels).items():
            wanted.setdefault(prompt + beginning, set()).update(tokens)
    tokens_after = {context: sorted(tokens) for context, tokens in wanted.items()}
    found = model.logprobs(list(tokens_after), list(tokens_after.values()))
    logprobs = {
        context: dict(zip(tokens, values, strict=True))
        for (context, tokens), values in zip(tokens_after.items(), found, strict=True)
    }
    for prompt, labels, request in rows:
        after = {beginning: logprobs[prompt + beginning] for beginning in branches(labels)}
        answer = label_answer(request.key, [along(label, after) for label in labels], prompt_tokens=len(prompt))
        if request.mode == "choice" and answer.status == "valid":
            drawn = walk(labels, request, after.__getitem__)
            answer = replace(answer, probs=None, text=request.labels[drawn], output_tokens=len(labels[drawn]))
        yield answer


def _write(model: HfModel, rows: Sequence[_Row]) -> Iterator[Answer]:
    """Texts, as the model goes on."""
    texts = model.write(
        [list(prompt) for prompt, _, _ in rows],
        [request.sampling for _, _, request in rows],
        [request.seed for _, _, request in rows],
    )
    for (prompt, _, request), written in zip(rows, texts, strict=True):
        if written.broken:
            yield Answer(request.key, "error", reason="not_a_number", prompt_tokens=len(prompt))
            continue
        yield Answer(
            request.key,
            "valid",
            text=model.tokenizer.decode(written.tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False),
            truncated=not written.ended,
            prompt_tokens=len(prompt),
            output_tokens=len(written.tokens) + written.ended,
        )
