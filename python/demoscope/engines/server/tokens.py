"""The tokens that labels are after a prompt, asked of the server itself or of a tokenizer in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demoscope.engines.chat import Renderer
from demoscope.engines.label_trie import LabelError
from demoscope.engines.server.faults import WRONG_SCHEMA, CallError
from demoscope.engines.token_tree import shared_length
from demoscope.errors import MissingPartError

if TYPE_CHECKING:
    from pathlib import Path

    from demoscope.engines.base import Request
    from demoscope.engines.server.body import Speech
    from demoscope.engines.server.client import HttpClient
    from demoscope.engines.server.wire import Api


@dataclass(frozen=True, slots=True)
class LabelTokens:
    """The one token of each label in one context.

    Attributes:
        ids: In the order of the labels.
        tail: Tokens that end the prompt and do not depend on what was asked; the ids hold where a prompt ends alike.
    """

    ids: tuple[int, ...]
    tail: tuple[int, ...]

    def holds_after(self, prompt: list[int]) -> bool:
        """Whether a prompt ends as the one did in which the tokens were found."""
        return tuple(prompt[-len(self.tail) :]) == self.tail


class ServerTokens:
    """Asks ``/tokenize`` and ``/detokenize`` of a vLLM server.

    Args:
        root: Address of the server without ``/v1``.
        model: Name under which the server knows the model.
        api: Which interface the prompt is for.
        speech: How the server is talked to.
    """

    def __init__(self, *, root: str, model: str, api: Api, speech: Speech) -> None:
        self._root = root
        self._model = model
        self._api = api
        self._speech = speech
        self._known: dict[tuple[str, ...], LabelTokens] = {}

    async def find(self, client: HttpClient, request: Request, *, fresh: bool = False) -> LabelTokens:
        """Tokens of the labels of one request.

        What was found for one request serves all with the same labels whose prompt ends alike.

        Args:
            client: How the server is reached.
            request: What is asked.
            fresh: Look again, in the context of this very request.

        Raises:
            LabelError: A label is not one distinct token in this place.
            CallError: The server has no such interface.
        """
        if fresh or request.labels not in self._known:
            self._known[request.labels] = await self._look(client, request)
        return self._known[request.labels]

    async def _look(self, client: HttpClient, request: Request) -> LabelTokens:
        if self._api == "completions":
            text = self._speech.plain_prompt(request)
            prompt = await self._encode(client, {"prompt": text})
            tail = prompt[-2:]
            longer = [await self._encode(client, {"prompt": text + label}) for label in request.labels]
        else:
            conversation = {"messages": self._speech.messages(request), **self._speech.rendering()}
            prompt = await self._encode(client, conversation)
            bare = await self._encode(client, {**conversation, "add_generation_prompt": False})
            # What opens the answer is the same for all prompts; a template without such words says nothing of its end.
            tail = prompt[shared_length(prompt, bare) :] or prompt
            text = await self.text(client, prompt)
            if await self._encode(client, {"prompt": text, "add_special_tokens": False}) == prompt:
                longer = [
                    await self._encode(client, {"prompt": text + label, "add_special_tokens": False})
                    for label in request.labels
                ]
            else:
                longer = [await self._encode(client, _continued(conversation, label)) for label in request.labels]
        return LabelTokens(_appended(prompt, longer, request.labels), tuple(tail))

    async def prompt(self, client: HttpClient, request: Request) -> list[int]:
        """Tokens of the prompt of one request.

        Raises:
            CallError: The server has no such interface.
        """
        if self._api == "completions":
            return await self._encode(client, {"prompt": self._speech.plain_prompt(request)})
        return await self._encode(client, {"messages": self._speech.messages(request), **self._speech.rendering()})

    async def text(self, client: HttpClient, tokens: list[int]) -> str:
        """What tokens read like.

        Raises:
            CallError: The server has no such interface.
        """
        return await client.call(
            f"{self._root}/detokenize", {"model": self._model, "tokens": tokens}, read=_detokenized
        )

    async def _encode(self, client: HttpClient, body: dict[str, Any]) -> list[int]:
        return await client.call(f"{self._root}/tokenize", {"model": self._model, **body}, read=_tokens)


class LocalTokens:
    """Renders prompts with the tokenizer of a directory and finds the label tokens in them.

    Args:
        directory: Directory of a Hugging Face tokenizer with a chat template.
        speech: How the server is talked to.
    """

    def __init__(self, directory: Path, *, speech: Speech) -> None:
        try:
            from transformers import AutoTokenizer
        except ImportError:
            raise MissingPartError("options.tokenizer needs transformers: pip install transformers") from None
        rendering = speech.rendering()
        self._renderer = Renderer(
            AutoTokenizer.from_pretrained(str(directory)),
            template=rendering.get("chat_template"),
            template_kwargs=rendering.get("chat_template_kwargs", {}),
        )

    def find(self, request: Request) -> tuple[list[int], LabelTokens]:
        """Tokens of the prompt, and those of the labels after it.

        Raises:
            LabelError: A label is not one distinct token in this place.
        """
        prompt, ids = self._renderer.tokens(request)
        return prompt, LabelTokens(tuple(ids), tuple(prompt))

    def text(self, request: Request) -> str:
        """The prompt after the chat template."""
        return self._renderer.text(request.messages)

    def prompt(self, request: Request) -> list[int]:
        """Tokens of the prompt."""
        return self._renderer.encode(self.text(request))


def _continued(conversation: dict[str, Any], label: str) -> dict[str, Any]:
    """The conversation with the label as the beginning of the answer."""
    return {
        **conversation,
        "messages": [*conversation["messages"], {"role": "assistant", "content": label}],
        "add_generation_prompt": False,
        "continue_final_message": True,
    }


def _appended(prompt: list[int], longer: list[list[int]], labels: tuple[str, ...]) -> tuple[int, ...]:
    found: dict[int, str] = {}
    for label, tokens in zip(labels, longer, strict=True):
        if tokens[: len(prompt)] != prompt or len(tokens) != len(prompt) + 1:
            raise LabelError(f"label {label!r} is not one token after the prompt")
        token = tokens[-1]
        if token in found:
            raise LabelError(f"labels {found[token]!r} and {label!r} are the same token")
        found[token] = label
    return tuple(found)


def _tokens(reply: dict[str, Any]) -> list[int]:
    tokens = reply.get("tokens")
    if not isinstance(tokens, list) or not tokens or not all(type(token) is int for token in tokens):
        raise CallError(WRONG_SCHEMA, "the server's /tokenize names no tokens")
    return tokens


def _detokenized(reply: dict[str, Any]) -> str:
    text = reply.get("prompt")
    if not isinstance(text, str):
        raise CallError(WRONG_SCHEMA, "the server's /detokenize gives no text")
    return text
