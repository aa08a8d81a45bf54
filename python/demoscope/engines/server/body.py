"""What is sent to an OpenAI-compatible server, and how it is put when the server does not take the usual words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

from demoscope.engines.turns import without_system

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from demoscope.engines.base import Request
    from demoscope.engines.server.faults import CallError
    from demoscope.engines.server.wire import Api

OWNED: Final = frozenset(
    {
        "logprob_token_ids", "logprobs", "max_completion_tokens", "max_tokens", "messages", "model", "n", "prompt",
        "response_format", "seed", "stream", "structured_outputs", "temperature", "top_logprobs", "top_p",
    }
)  # fmt: skip
"""Keys of a body that the request decides, hence no ``extra_body``."""

# Without these a server draws from another distribution than the model's: vLLM takes what the model's authors
# recommend, llama.cpp cuts off unlikely tokens of its own accord.
_PLAIN_SAMPLING: Final[dict[str, dict[str, Any]]] = {
    "vllm": {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0},
    "llamacpp": {"top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0},
}

SEEDS: Final = 2**31
"""Seeds are cut to this: many servers read them as signed 32-bit integers."""

_LIMIT = re.compile(
    r"(?:less than or equal to|<=|max(?:imum)? allowed:?|at most|maximum (?:value )?(?:is|of)|\[0, ?|between 0 and)"
    r"\s*(\d+)"
)
_FEW: Final = 5  # what servers allow that allow little and do not say how much


class Speech:
    """How one server is talked to; it learns from refusals.

    Args:
        model: Name under which the server knows the model.
        api: Which of the two interfaces.
        extra: Further keys of every body.
        top: Alternatives asked for at the first token.

    Attributes:
        top: Lowered when the server says that it gives fewer.
        owner: What the server says of itself: ``"vllm"`` and ``"llamacpp"`` have words of their own.
    """

    def __init__(self, *, model: str, api: Api, extra: Mapping[str, Any], top: int) -> None:
        self.top = top
        self.owner = ""
        self._model = model
        self._api = api
        self._extra = dict(extra)
        self._length_key = "max_tokens"
        self._dropped: set[str] = set()
        self._has_system_role = True

    @property
    def vllm(self) -> bool:
        """Whether the server is vLLM."""
        return self.owner == "vllm"

    def text(self, request: Request, *, prompt: Sequence[int] | None = None) -> dict[str, Any]:
        """A body that lets the model write."""
        sampling = request.sampling
        body = self._body(request, prompt=prompt, max_tokens=sampling.max_tokens)
        body |= {"temperature": sampling.temperature, "top_p": sampling.top_p, "seed": request.seed % SEEDS}
        return self._said(_PLAIN_SAMPLING.get(self.owner, {}) | body)

    def choice(
        self, request: Request, *, way: Literal["vllm", "json_schema"], prompt: Sequence[int] | None = None
    ) -> dict[str, Any]:
        """A body that lets the model write one of the labels and nothing else."""
        body = self.text(request, prompt=prompt)
        if way == "vllm":
            body["structured_outputs"] = {"choice": list(request.labels)}
        else:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {
                    "name": "answer",
                    "strict": True,
                    "schema": {
                        "type": "object",
                        "properties": {"answer": {"type": "string", "enum": list(request.labels)}},
                        "required": ["answer"],
                        "additionalProperties": False,
                    },
                },
            }
        # A token is a byte at least, and JSON may be laid out over lines and escape letters.
        needed = max(3 * len(label.encode()) for label in request.labels) + 64
        body[self._length_key] = max(request.sampling.max_tokens, needed)
        return body

    def top_alternatives(self, request: Request, *, prompt: Sequence[int] | None = None) -> dict[str, Any]:
        """A body that asks for the likeliest tokens at the place where the answer starts."""
        return self._scored(request, prompt=prompt, top=self.top)

    def exact(self, request: Request, labels: Sequence[int], *, prompt: Sequence[int] | None = None) -> dict[str, Any]:
        """A body that asks for the log-probabilities of the label tokens."""
        body = self._scored(request, prompt=prompt, top=1)
        return body | {
            "logprob_token_ids": list(labels),
            "return_tokens_as_token_ids": True,
            "return_token_ids": True,
        }

    def messages(self, request: Request) -> list[dict[str, str]]:
        """The conversation, for a server without a system role with its system turn before the first user turn."""
        turns = request.messages if self._has_system_role else without_system(request.messages)
        return [{"role": turn.role, "content": turn.content} for turn in turns]

    def plain_prompt(self, request: Request) -> str:
        """The conversation for a model without a chat template: its turns between blank lines."""
        return "\n\n".join(turn.content for turn in request.messages) + "\n"

    def rendering(self) -> dict[str, Any]:
        """Those of the further keys that decide how a conversation becomes a prompt."""
        return {key: self._extra[key] for key in ("chat_template", "chat_template_kwargs") if key in self._extra}

    def learn(self, error: CallError, sent: Mapping[str, Any]) -> bool:
        """Find out whether a refusal can be avoided by other words.

        Args:
            error: The refusal.
            sent: The body that was refused.

        Returns:
            Whether the request is worth asking again, put in other words.
        """
        said = error.body.lower()
        if error.fault.code not in {"http_400", "http_422"}:
            return False
        asked = sent.get("top_logprobs") if self._api == "chat" else sent.get("logprobs")
        if "logprobs" in said and isinstance(asked, int) and "logprob_token_ids" not in sent:
            return self._lower(said, asked)
        if "max_completion_tokens" in said and "max_tokens" in sent:
            self._length_key = "max_completion_tokens"
            return True
        if "system role" in said and self._api == "chat" and any(m["role"] == "system" for m in sent["messages"]):
            self._has_system_role = False
            return True
        for key in ("top_p", "temperature"):
            # Only the server's own value: leaving out another one would draw from another distribution.
            if f"'{key}'" in said and "unsupported" in said and sent.get(key) == 1.0:
                self._dropped.add(key)
                return True
        return False

    def _lower(self, said: str, asked: int) -> bool:
        limits = [int(found) for found in _LIMIT.findall(said) if 1 <= int(found) < asked]
        if not limits and ("not support" in said or "unsupported" in said or asked <= _FEW):
            return False
        self.top = min(self.top, limits[0] if limits else _FEW)
        return True

    def _scored(self, request: Request, *, prompt: Sequence[int] | None, top: int) -> dict[str, Any]:
        body = self._body(request, prompt=prompt, max_tokens=1)
        # Some servers divide by the temperature before they report, hence 1.
        body |= {"temperature": 1.0, "top_p": 1.0}
        body |= {"logprobs": True, "top_logprobs": top} if self._api == "chat" else {"logprobs": top}
        return self._said(body)

    def _body(self, request: Request, *, prompt: Sequence[int] | None, max_tokens: int) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self._model, self._length_key: max_tokens}
        if self._api == "chat":
            body["messages"] = self.messages(request)
        else:
            body["prompt"] = self.plain_prompt(request) if prompt is None else list(prompt)
        return body

    def _said(self, body: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in (body | self._extra).items() if key not in self._dropped}
