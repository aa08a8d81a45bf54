"""What an OpenAI-compatible server writes, checked and brought to one shape for both of its interfaces."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from demoscope.engines.server.faults import NO_CHOICES, NOT_A_NUMBER, WRONG_SCHEMA, CallError

Api: TypeAlias = Literal["chat", "completions"]

_ENUM_OPENING: Final = re.compile(r'\s*\{\s*"answer"\s*:\s*')
_VERSION_LENGTH: Final = 32
_ROUNDING: Final = 1e-3  # a probability of 1 in single precision may have a logarithm above 0


@dataclass(frozen=True, slots=True)
class FirstToken:
    """What is known of the place where the answer starts.

    Attributes:
        logprobs: Log-probability by token, never NaN or above 0 by more than a rounding.
        sampled: The token that was drawn there.
    """

    logprobs: dict[str, float]
    sampled: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One choice of one reply; see :class:`demoscope.engines.base.Answer` for the fields of the same name.

    Attributes:
        refusal: What the model wrote in place of an answer that it refuses.
        prompt_ids: Tokens of the prompt, if the server names them.
        first: Log-probabilities where the answer starts.
        scored: Whether there is any talk of log-probabilities, be it that there are none of this answer.
    """

    text: str
    refusal: str | None
    thought: str | None
    truncated: bool
    prompt_tokens: int
    output_tokens: int
    prompt_ids: list[int] | None
    first: FirstToken | None
    scored: bool


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Token(_Lenient):
    token: str
    logprob: float | None = None


class _Position(_Token):
    top_logprobs: list[_Token] | None = None


class _ChatLogprobs(_Lenient):
    content: list[_Position] | None = None


class _Message(_Lenient):
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None


class _Choice(_Lenient):
    finish_reason: str | None = None
    prompt_token_ids: list[int] | None = None


class _ChatChoice(_Choice):
    message: _Message
    logprobs: _ChatLogprobs | None = None


class _TextLogprobs(_Lenient):
    tokens: list[str] | None = None
    token_logprobs: list[float | None] | None = None
    top_logprobs: list[dict[str, float | None] | None] | None = None


class _TextChoice(_Choice):
    text: str
    logprobs: _TextLogprobs | None = None


class _Usage(_Lenient):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chat(_Lenient):
    choices: list[_ChatChoice]
    usage: _Usage | None = None
    prompt_token_ids: list[int] | None = None


class _Completion(_Lenient):
    choices: list[_TextChoice]
    usage: _Usage | None = None


def read_reply(raw: dict[str, Any], *, api: Api) -> Reply:
    """Check one reply.

    Raises:
        CallError: It has no choices, or not the shape of this interface, or a log-probability that is none.
    """
    if "choices" in raw and not raw["choices"]:
        raise CallError(NO_CHOICES, "the answer has no choices")
    try:
        return _read_chat(_Chat.model_validate(raw)) if api == "chat" else _read_text(_Completion.model_validate(raw))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise CallError(WRONG_SCHEMA, f"the answer has another shape: {place}: {problem['msg']}") from None


def _read_chat(reply: _Chat) -> Reply:
    choice = reply.choices[0]
    message = choice.message
    first = None
    if choice.logprobs is not None and choice.logprobs.content:
        position = choice.logprobs.content[0]
        first = _first(
            position.token, position.logprob, [(top.token, top.logprob) for top in position.top_logprobs or ()]
        )
    refusal = message.refusal
    if refusal is None and choice.finish_reason == "content_filter":
        refusal = message.content or ""
    ids = reply.prompt_token_ids if choice.prompt_token_ids is None else choice.prompt_token_ids
    return _reply(
        choice,
        reply.usage,
        text=message.content,
        refusal=refusal,
        thought=message.reasoning or message.reasoning_content,
        prompt_ids=ids,
        first=first,
        scored=choice.logprobs is not None,
    )


def _read_text(reply: _Completion) -> Reply:
    choice = reply.choices[0]
    found, first = choice.logprobs, None
    if found is not None and found.tokens and found.token_logprobs and found.top_logprobs:
        tops = list((found.top_logprobs[0] or {}).items())
        first = _first(found.tokens[0], found.token_logprobs[0], tops)
    refusal = choice.text if choice.finish_reason == "content_filter" else None
    return _reply(
        choice,
        reply.usage,
        text=choice.text,
        refusal=refusal,
        thought=None,
        prompt_ids=choice.prompt_token_ids,
        first=first,
        scored=found is not None,
    )


def _reply(
    choice: _Choice,
    usage: _Usage | None,
    *,
    text: str | None,
    refusal: str | None,
    thought: str | None,
    prompt_ids: list[int] | None,
    first: FirstToken | None,
    scored: bool,
) -> Reply:
    usage = usage or _Usage()
    return Reply(
        text=_storable(text or ""),
        refusal=None if refusal is None else _storable(refusal),
        thought=_storable(thought) if thought else None,
        truncated=choice.finish_reason == "length",
        prompt_tokens=max(usage.prompt_tokens or 0, 0),
        output_tokens=max(usage.completion_tokens or 0, 0),
        prompt_ids=prompt_ids,
        first=first,
        scored=scored,
    )


def _first(sampled: str, logprob: float | None, tops: list[tuple[str, float | None]]) -> FirstToken | None:
    """The first position, or ``None`` where only the drawn token is named: that is no distribution."""
    if not tops:
        return None
    found: dict[str, float] = {}
    for token, value in [*tops, (sampled, logprob)]:
        # JSON has no NaN: some writers make it null, some write it all the same.
        if value is None or math.isnan(value) or value > _ROUNDING:
            raise CallError(NOT_A_NUMBER, f"the log-probability of a token is {value}")
        # Different tokens can read alike (bytes of a broken character); the likelier one is kept.
        found[token] = max(value, found.get(token, -math.inf))
    return FirstToken(found, sampled)


def _storable(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON can carry and no file can."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def enum_value(text: str) -> str | None:
    """The label in the JSON object that a server was told to write.

    The object may lack its end: small models like to go on with blanks once the label is written.
    """
    opening = _ENUM_OPENING.match(text)
    if opening is None:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text, opening.end())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, str) else None


def served_models(reply: dict[str, Any]) -> dict[str, str]:
    """Who owns each served model, by name and by its aliases; empty where the list is none or goes on elsewhere."""
    listed = reply.get("data")
    if not isinstance(listed, list) or reply.get("has_more"):
        return {}
    found: dict[str, str] = {}
    for entry in listed:
        if isinstance(entry, dict):
            aliases = entry.get("aliases")
            names = [entry.get("id"), *(aliases if isinstance(aliases, list) else [])]
            found |= {name: str(entry.get("owned_by")) for name in names if isinstance(name, str)}
    return found


def vllm_version(reply: dict[str, Any]) -> str:
    """What vLLM says of itself: its version and nothing else.

    Raises:
        CallError: This is something else.
    """
    found = reply.get("version")
    if not isinstance(found, str) or len(reply) != 1:
        raise CallError(WRONG_SCHEMA, "no version")
    return found[:_VERSION_LENGTH]
