"""Any server with an OpenAI-compatible interface: vLLM, llama.cpp, a hosted model."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import deque
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from demoscope.config import parse
from demoscope.engines.base import Answer, Capabilities, Request
from demoscope.engines.label_trie import LabelError
from demoscope.engines.model_directory import fingerprint
from demoscope.engines.server.answers import answers_of, result_of
from demoscope.engines.server.body import Speech
from demoscope.engines.server.client import Health, HttpClient
from demoscope.engines.server.faults import NO_LOGPROBS, WRONG_SCHEMA, CallError
from demoscope.engines.server.options import OpenaiOptions, headers_of, refuse_secrets
from demoscope.engines.server.replies import ChoiceWay, chosen, exact_answer, refused, top_answer, written
from demoscope.engines.server.tokens import LabelTokens, LocalTokens, ServerTokens
from demoscope.engines.server.wire import Reply, read_reply, served_models, vllm_version
from demoscope.errors import ConfigError, DemoscopeError, EngineError, MissingPartError, nearest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

INSTALL: Final = "pip install 'demoscope[openai]' (in a checkout: pip install '.[openai]')"

_OTHER_MODES: Final = "use mode 'choice' or 'text'"
_RESOURCES: Final = frozenset(
    {"api_key_env", "backoff_secs", "base_url", "batch", "batch_size", "concurrency", "headers_env"}
    | {"max_answer_bytes", "retries", "timeout_secs", "tokenizer"}
)
_WORDINGS: Final = 6  # ways of putting one request before it is given up
_SHOWN_NAMES: Final = 20
_HASTY_SECS: Final = 10.0

T = TypeVar("T")


class OpenaiEngine:
    """Asks a model behind an OpenAI-compatible server.

    The server is met at the first question.

    Args:
        model: Name of the model in messages and tables.
        options: See :class:`~demoscope.engines.server.options.OpenaiOptions`.

    Raises:
        ConfigError: An option is unknown or cannot be meant, or a key stands in the settings.
        MissingPartError: httpx is not installed.
    """

    def __init__(self, *, model: str, options: Mapping[str, Any]) -> None:
        self._where = f"model {model!r}: options"
        self._what = f"model {model!r}"
        self._name = model
        refuse_secrets(options, where=self._where)
        self._options = parse(OpenaiOptions, dict(options), where=self._where)
        if find_spec("httpx") is None:
            raise MissingPartError(f"the engine 'openai' needs httpx: {INSTALL}")
        tokenizer = self._options.tokenizer
        if tokenizer is not None and not tokenizer.is_dir():
            raise ConfigError(f"{self._where}: tokenizer: there is no directory {tokenizer}")
        self._speech = Speech(
            model=self._options.model,
            api=self._options.api,
            extra=self._options.extra_body,
            top=self._options.top_logprobs,
        )
        self._tokens = ServerTokens(
            root=self._options.root, model=self._options.model, api=self._options.api, speech=self._speech
        )
        self._local: LocalTokens | None = None
        self._health = Health(most=self._options.concurrency)
        self._way: Literal["exact", "top"] | None = None
        self._met = False
        self._scored_once = False
        self._version: str | None = None

    @property
    def capabilities(self) -> Capabilities:
        """Every mode, without adapters; whether the server gives log-probabilities shows when it is asked."""
        return Capabilities(modes=("logprobs", "choice", "text", "verbalized"), block=self._options.batch_size)

    @cached_property
    def revision(self) -> str:
        """Digest of the server's place, the name it serves, and the options that can change an answer.

        No server says which weights it serves, so other weights under the same name keep the revision.
        """
        identity = {
            "place": self._options.place,
            "options": self._options.model_dump(mode="json", exclude=set(_RESOURCES)),
            "tokenizer": None if self._options.tokenizer is None else fingerprint(self._options.tokenizer),
        }
        text = json.dumps(identity, sort_keys=True, ensure_ascii=False)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def name(self) -> str:
        """Name of the model in messages and tables."""
        return self._name

    @property
    def options(self) -> OpenaiOptions:
        """The options, checked."""
        return self._options

    @property
    def calls(self) -> int:
        """HTTP calls made so far, failed ones included."""
        return self._health.calls

    @property
    def bytes_read(self) -> int:
        """Bytes of answers taken from the network so far."""
        return self._health.bytes_read

    def facts(self) -> Mapping[str, str]:
        """Who answers and what it promises; what the server offers only once it was asked."""
        ways = {
            "exact": "exact by token ids",
            "top": f"top {self._speech.top}, rest unseen",
            None: "not known before the server is asked",
        }
        server = {"vllm": "vLLM", "llamacpp": "llama.cpp"}.get(self._speech.owner, "OpenAI-compatible")
        return {
            "engine": "openai",
            "server": f"{server} at {self._options.place}",
            "server_version": self._version or "unknown",
            "model": self._options.model,
            "api": self._options.api,
            "logprobs": ways[self._way],
            "weights": "known by the name that the server gives them only: no server names their content",
            "seeds": "asked for; whether equal seeds give equal texts is up to the server",
            "extra_body": json.dumps(self._options.extra_body, sort_keys=True, default=str),
            "httpx": version("httpx"),
        }

    def ask(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Ask one block, several calls at a time; see :meth:`demoscope.engines.base.Engine.ask`.

        Raises:
            EngineError: Nobody answers, the account is refused, or the server lacks what is asked for.
            ConfigError: There is no key, or the server does not know the model.
        """
        for request in requests:
            if request.adapter is not None:
                raise EngineError(f"{self._what}: the engine 'openai' takes no adapters; name the adapter as the model")
        if not requests:
            return
        headers, secrets = headers_of(self._options, where=self._where)
        self._load_tokenizer()
        yield from answers_of(lambda emit: self._block(requests, headers, secrets, emit))

    def body_of(self, request: Request) -> dict[str, Any]:
        """The body that asks one request in a batch, in the words that the server is known to want.

        Probabilities are those of the likeliest tokens, and a choice is a JSON object unless the options say
        otherwise: the process that reads the reply may be another one, which has never met the server.

        Raises:
            EngineError: Mode ``logprobs`` with labels of more than one character, or where the run takes exact
                probabilities.
        """
        prompt = self._prompt(request)
        match request.mode:
            case "logprobs":
                if self._way == "exact" or self._options.logprobs == "token_ids":
                    raise EngineError(
                        f"{self._what}: batches name the likeliest tokens only; write logprobs = 'top' to have all "
                        "answers taken that way, or ask this server with 'demoscope run'"
                    )
                self._check_labels(request)
                return self._speech.top_alternatives(request, prompt=prompt)
            case "choice":
                return self._speech.choice(request, way=self._batch_choice, prompt=prompt)
            case _:
                return self._speech.text(request, prompt=prompt)

    def answer_to(self, request: Request, raw: dict[str, Any]) -> Answer:
        """What a reply to :meth:`body_of` says, as if it had come to a call; one of another shape is an error row."""
        try:
            reply = read_reply(raw, api=self._options.api)
        except CallError as error:
            return Answer(request.key, "error", reason=error.fault.code)
        if request.mode == "logprobs" and reply.first is None and reply.refusal is None:
            return Answer(request.key, "error", reason=NO_LOGPROBS.code)
        match request.mode:
            case "logprobs":
                return top_answer(request, reply)
            case "choice":
                return chosen(request, reply, way=self._batch_choice)
            case _:
                return written(request, reply)

    @property
    def _batch_choice(self) -> ChoiceWay:
        return "vllm" if self._options.choice == "vllm" else "json_schema"

    def rendered(self, request: Request) -> str | None:
        """The text that the model reads; ``None`` where neither ``options.tokenizer`` nor a vLLM server tells.

        Raises:
            MissingPartError: ``options.tokenizer`` needs transformers, which is not installed.
        """
        self._load_tokenizer()
        if self._local is not None:
            return self._local.text(request)
        if self._options.api == "completions":
            return self._speech.plain_prompt(request)
        return self._told(lambda client: self._rendered_there(client, request))

    def prompt_tokens(self, requests: Sequence[Request]) -> list[list[int]] | None:
        """Tokens of each prompt; ``None`` where neither ``options.tokenizer`` nor a vLLM server tells.

        Raises:
            MissingPartError: ``options.tokenizer`` needs transformers, which is not installed.
        """
        self._load_tokenizer()
        if self._local is None:
            return self._told(lambda client: self._tokens_there(client, requests))
        return [self._local.prompt(request) for request in requests]

    def close(self) -> None:
        """Nothing is held between two blocks."""

    def _load_tokenizer(self) -> None:
        if self._options.tokenizer is not None and self._local is None:
            self._local = LocalTokens(self._options.tokenizer, speech=self._speech)

    def _client(
        self, headers: Mapping[str, str], secrets: tuple[str, ...], *, health: Health, hasty: bool
    ) -> HttpClient:
        return HttpClient(
            self._what,
            headers=headers,
            secrets=secrets,
            trust_env=not self._options.is_loopback,
            timeout_secs=min(self._options.timeout_secs, _HASTY_SECS) if hasty else self._options.timeout_secs,
            retries=0 if hasty else self._options.retries,
            backoff_secs=self._options.backoff_secs,
            max_bytes=self._options.max_answer_bytes,
            health=health,
        )

    def _told(self, ask: Callable[[HttpClient], Awaitable[T]]) -> T | None:
        """What a vLLM server says of prompts, ``None`` where there is none or it does not say."""

        async def asked() -> T:
            # What goes wrong here must not count when questions are asked.
            health = Health(most=self._options.concurrency)
            async with self._client(headers, secrets, health=health, hasty=True) as client:
                await client.call(f"{self._options.root}/version", None, read=vllm_version)
                return await ask(client)

        try:
            headers, secrets = headers_of(self._options, where=self._where)
            return result_of(asked)
        except (CallError, EngineError, ConfigError):
            return None
        except ExceptionGroup as errors:
            if errors.split((CallError, EngineError))[1] is not None:
                raise
            return None

    async def _rendered_there(self, client: HttpClient, request: Request) -> str:
        return await self._tokens.text(client, await self._tokens.prompt(client, request))

    async def _tokens_there(self, client: HttpClient, requests: Sequence[Request]) -> list[list[int]]:
        # The group ends every call before the connections are closed.
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._tokens.prompt(client, request)) for request in requests]
        return [task.result() for task in tasks]

    async def _block(
        self,
        requests: Sequence[Request],
        headers: Mapping[str, str],
        secrets: tuple[str, ...],
        emit: Callable[[Answer], None],
    ) -> None:
        async def one(request: Request) -> None:
            emit(await self._one(client, request))

        async with self._client(headers, secrets, health=self._health, hasty=False) as client:
            await self._meet(client)
            # How probabilities are taken is settled by one request alone: a run must not mix two ways.
            waiting = deque(sorted(requests, key=lambda request: request.mode != "logprobs"))
            while waiting and self._way is None and waiting[0].mode == "logprobs":
                await one(waiting.popleft())
            try:
                async with asyncio.TaskGroup() as group:
                    for request in waiting:
                        group.create_task(one(request))
            except ExceptionGroup as errors:
                ours = [error for error in errors.exceptions if isinstance(error, DemoscopeError)]
                raise (ours or errors.exceptions)[0] from None

    async def _meet(self, client: HttpClient) -> None:
        """Find out once what kind of server this is and whether it knows the model."""
        if self._met:
            return
        refused = False
        served: dict[str, str] = {}
        try:
            served = await client.call(f"{self._options.base_url}/models", None, read=served_models, optional=True)
        except CallError as error:
            refused = error.fault.stop == "account"
        name = self._options.model
        if served and not {name, f"{name}:latest"} & served.keys():
            near = nearest(name, served if len(served) <= _SHOWN_NAMES else sorted(served)[:_SHOWN_NAMES])
            raise ConfigError(f"{self._where}: model: the server at {self._options.place} has no {name!r}{near}")
        if served.get(name) == "vllm" or not (served or refused):
            try:
                self._version = await client.call(
                    f"{self._options.root}/version", None, read=vllm_version, optional=True
                )
                self._speech.owner = "vllm"
            except CallError:
                self._version = None
        self._speech.owner = self._speech.owner or served.get(name, "")
        if self._options.logprobs == "top" or (self._options.logprobs == "auto" and not self._speech.vllm):
            self._way = "top"
        self._met = True

    async def _one(self, client: HttpClient, request: Request) -> Answer:
        try:
            match request.mode:
                case "logprobs":
                    return await self._score(client, request)
                case "choice":
                    return await self._choose(client, request)
                case _:
                    return await self._write(client, request)
        except CallError as error:
            return Answer(request.key, "error", reason=error.fault.code)
        except LabelError as error:
            raise EngineError(f"{self._what}: {error}; use letters or mode 'choice'") from None

    async def _write(self, client: HttpClient, request: Request) -> Answer:
        prompt = self._prompt(request)
        reply = await self._converse(client, lambda: self._speech.text(request, prompt=prompt))
        return written(request, reply)

    async def _choose(self, client: HttpClient, request: Request) -> Answer:
        way = self._choice_way
        prompt = self._prompt(request)
        reply = await self._converse(client, lambda: self._speech.choice(request, way=way, prompt=prompt))
        return chosen(request, reply, way=way)

    @property
    def _choice_way(self) -> ChoiceWay:
        if self._options.choice == "auto":
            return "vllm" if self._speech.vllm else "json_schema"
        return self._options.choice

    async def _score(self, client: HttpClient, request: Request) -> Answer:
        try:
            if self._way != "top":
                answer = await self._score_exactly(client, request)
                if answer is not None:
                    return answer
            return await self._score_top(client, request)
        except CallError as error:
            silent = error.fault is NO_LOGPROBS and not self._scored_once
            unwanted = error.fault.code in {"http_400", "http_422"} and "logprob" in error.body.lower()
            if silent or unwanted:
                raise EngineError(
                    f"{self._what}: the server gives no log-probabilities ({error}); {_OTHER_MODES}"
                ) from None
            raise

    async def _score_exactly(self, client: HttpClient, request: Request) -> Answer | None:
        """Score by token ids; ``None`` where the server turns out not to do that and another way is allowed."""
        settled = self._way == "exact"
        prompt = self._prompt(request)
        try:
            tokens = await self._label_tokens(client, request)
            reply = await self._converse(
                client, lambda: self._speech.exact(request, tokens.ids, prompt=prompt), scored=True
            )
            if reply.prompt_ids is not None and not tokens.holds_after(reply.prompt_ids):
                if self._local is not None:
                    raise EngineError(f"{self._what}: the server's prompt is not that of options.tokenizer")
                tokens = await self._tokens.find(client, request, fresh=True)
                reply = await self._converse(
                    client, lambda: self._speech.exact(request, tokens.ids, prompt=prompt), scored=True
                )
        except CallError as error:
            unknown = error.fault.code in {"http_404", "http_405", "http_501", WRONG_SCHEMA.code}
            if settled or not (unknown or "logprob_token_ids" in error.body):
                raise
            self._give_up_ids(str(error))
            return None
        if reply.refusal is not None:
            return refused(request, reply)
        answer = exact_answer(request, reply, ids=tokens.ids)
        if answer is None and settled:
            raise CallError(WRONG_SCHEMA, "the answer lacks a label token")
        if answer is None:
            self._give_up_ids("it names other tokens than it was asked for")
            return None
        self._way = "exact"
        return answer

    def _give_up_ids(self, reason: str) -> None:
        if self._options.logprobs == "token_ids":
            raise EngineError(f"{self._what}: logprobs = 'token_ids', but the server does not score tokens: {reason}")
        self._way = "top"

    def _check_labels(self, request: Request) -> None:
        # Of a longer label only its first token would be seen, and that of "10" is that of "1".
        if long := [label for label in request.labels if len(label) != 1]:
            raise EngineError(
                f"{self._what}: label {long[0]!r} may be several tokens, and this server names whole tokens only; "
                "use letters or mode 'choice'"
            )

    async def _score_top(self, client: HttpClient, request: Request) -> Answer:
        self._check_labels(request)
        prompt = self._prompt(request)
        reply = await self._converse(client, lambda: self._speech.top_alternatives(request, prompt=prompt), scored=True)
        return top_answer(request, reply)

    async def _label_tokens(self, client: HttpClient, request: Request) -> LabelTokens:
        if self._local is not None:
            return self._local.find(request)[1]
        return await self._tokens.find(client, request)

    def _prompt(self, request: Request) -> list[int] | None:
        """Tokens of the prompt where the chat template is applied here."""
        if self._local is None or self._options.api == "chat":
            return None
        return self._local.find(replace(request, labels=()))[0]

    async def _converse(self, client: HttpClient, body: Callable[[], dict[str, Any]], *, scored: bool = False) -> Reply:
        """Ask, and ask again in other words where the server wants other words."""

        def read(raw: dict[str, Any]) -> Reply:
            reply = read_reply(raw, api=self._options.api)
            if scored and reply.first is None and reply.refusal is None:
                if not (reply.scored or self._scored_once):
                    raise EngineError(f"{self._what}: the server gives no log-probabilities; {_OTHER_MODES}")
                raise CallError(NO_LOGPROBS, "the answer has no log-probabilities of alternatives")
            self._scored_once = self._scored_once or scored
            return reply

        path = "chat/completions" if self._options.api == "chat" else "completions"
        for wording in range(_WORDINGS):
            said = body()
            try:
                return await client.call(f"{self._options.base_url}/{path}", said, read=read)
            except CallError as error:
                if wording == _WORDINGS - 1 or not self._speech.learn(error, said):
                    raise
        raise AssertionError("the last wording returns or raises")
