"""Settings of the engine ``openai``; keys are never among them, only where keys are found."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from demoscope.config import Settings
from demoscope.engines.server.body import OWNED
from demoscope.engines.server.wire import Api
from demoscope.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECRETS: Final = frozenset(
    {"access_token", "api_key", "apikey", "authorization", "bearer", "headers", "key", "password", "secret", "token"}
)
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}", re.ASCII)


class BatchOptions(Settings):
    """``[models.options.batch]``: how ``demoscope batch`` hands questions over; answers do not depend on it.

    Attributes:
        requests: Questions of one batch at most.
        file_bytes: Bytes of one batch's file at most.
        window: Within what time the server promises to answer, in its own words.
        probe: Whether one question is asked by itself first, so that wrong settings show before a batch is paid.
        settle_secs: How long after a batch may have been made, without word of it, the server's list is believed.
    """

    requests: Annotated[int, Field(ge=1)] = 50_000
    file_bytes: Annotated[int, Field(ge=1024)] = 200_000_000
    window: Annotated[str, Field(min_length=1)] = "24h"
    probe: bool = True
    settle_secs: Annotated[float, Field(ge=0, le=3600)] = 15.0


class OpenaiOptions(Settings):
    """``[models.options]`` of the engine ``openai``.

    Attributes:
        base_url: Address of the server up to and with ``/v1``.
        model: Name under which the server knows the model.
        api: Which interface is used: ``"chat"``, or ``"completions"`` for models without a chat template.
        api_key_env: Environment variable that holds the key; empty for a server that wants none.
        headers_env: Further headers, by the environment variable that holds their value.
        logprobs: How probabilities are taken: ``"token_ids"`` of exactly the label tokens (vLLM), ``"top"`` from the
            likeliest tokens, ``"auto"`` the first where the server offers it.
        top_logprobs: Likeliest tokens asked for; lowered when the server gives fewer.
        choice: How a choice is enforced; ``"auto"`` takes vLLM's way where the server is one.
        concurrency: Calls in flight at most.
        timeout_secs: Longest duration of one call in seconds.
        retries: Further attempts after the first.
        backoff_secs: Bound in seconds of the random wait after the first failure; it doubles with each further one.
        batch_size: Requests per block.
        tokenizer: Directory of the model's tokenizer, to find label tokens here instead of asking the server.
        extra_body: Further keys of every call.
        max_answer_bytes: Longest answer.
        batch: See :class:`BatchOptions`.
    """

    base_url: str
    model: Annotated[str, Field(min_length=1)]
    api: Api = "chat"
    api_key_env: str = "OPENAI_API_KEY"
    headers_env: dict[str, str] = Field(default_factory=dict)
    logprobs: Literal["auto", "token_ids", "top"] = "auto"
    top_logprobs: Annotated[int, Field(ge=1, le=1000)] = 20
    choice: Literal["auto", "vllm", "json_schema"] = "auto"
    concurrency: Annotated[int, Field(ge=1, le=4096)] = 32
    timeout_secs: Annotated[float, Field(gt=0, le=86400)] = 120.0
    retries: Annotated[int, Field(ge=0, le=100)] = 6
    backoff_secs: Annotated[float, Field(ge=0, le=60)] = 0.5
    batch_size: Annotated[int, Field(ge=1)] = 256
    tokenizer: Path | None = None
    extra_body: dict[str, Any] = Field(default_factory=dict)
    max_answer_bytes: Annotated[int, Field(ge=1024)] = 8 * 2**20
    batch: BatchOptions = BatchOptions()

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or not value.isascii():
            raise ValueError("expected an address such as 'http://127.0.0.1:8000/v1'")
        if parts.query or parts.fragment:
            raise ValueError("an address without '?' and '#' is expected")
        _ = parts.port  # raises ValueError for a port that is none
        return value.rstrip("/")

    @field_validator("headers_env")
    @classmethod
    def _are_headers(cls, value: dict[str, str]) -> dict[str, str]:
        if wrong := [name for name in value if not re.fullmatch(r"[A-Za-z0-9-]+", name, re.ASCII)]:
            raise ValueError(f"{wrong[0]!r} cannot be the name of a header")
        return value

    @field_validator("extra_body")
    @classmethod
    def _is_further(cls, value: dict[str, Any]) -> dict[str, Any]:
        if owned := sorted(value.keys() & OWNED):
            raise ValueError(f"{owned[0]!r} is set by demoscope")
        return value

    @property
    def root(self) -> str:
        """Address of the server itself, where vLLM has interfaces beside ``/v1``."""
        return self.base_url.removesuffix("/v1")

    @property
    def place(self) -> str:
        """Host, port and path: what may be shown of the address."""
        parts = urlsplit(self.base_url)
        return f"{parts.netloc}{parts.path}"

    @property
    def is_loopback(self) -> bool:
        """Whether the server is this machine."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")


def refuse_secrets(options: Mapping[str, Any], *, where: str) -> None:
    """Refuse keys that stand in a settings file, before anything quotes them.

    Args:
        options: The TOML table as it was read.
        where: What to name in the message.

    Raises:
        ConfigError: A key stands where only the name of an environment variable belongs; it is not quoted.
    """
    extra = options.get("extra_body")
    for path, table in (("", options), ("extra_body.", extra if isinstance(extra, dict) else {})):
        for name in table:
            if name.lower().replace("-", "_") in _SECRETS:
                raise ConfigError(
                    f"{where}: {path}{name}: keys come from the environment only; "
                    "name the variable in 'api_key_env' or 'headers_env', and take the key out of the file"
                )
    address = options.get("base_url")
    if isinstance(address, str) and "@" in address:
        raise ConfigError(f"{where}: base_url: a user name or password in the address is refused; see 'api_key_env'")
    headers = options.get("headers_env")
    named = {"api_key_env": options.get("api_key_env") or "_"}
    named |= {f"headers_env.{name}": value for name, value in headers.items()} if isinstance(headers, dict) else {}
    for path, value in named.items():
        if not isinstance(value, str) or not _VARIABLE.fullmatch(value):
            raise ConfigError(
                f"{where}: {path}: expected the name of an environment variable, in capital letters "
                "(what stands there is not shown, it might be a key)"
            )


def headers_of(options: OpenaiOptions, *, where: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Headers of every call, and the secrets in them.

    Raises:
        ConfigError: A variable is not set though it is needed, or what it holds cannot be a header.
    """
    headers: dict[str, str] = {}
    secrets: list[str] = []
    if key := _value(options.api_key_env, where=where):
        headers["Authorization"] = f"Bearer {key}"
        secrets.append(key)
    for name, variable in options.headers_env.items():
        value = _value(variable, where=where)
        if not value:
            raise ConfigError(f"{where}: headers_env.{name}: the environment variable {variable} is not set")
        headers[name] = value
        secrets.append(value)
    if not headers and options.api_key_env and not options.is_loopback:
        raise ConfigError(
            f"{where}: the environment variable {options.api_key_env} is not set; "
            "name another one in 'api_key_env', or write api_key_env = \"\" for a server that wants no key"
        )
    return headers, tuple(secrets)


def _value(variable: str, *, where: str) -> str:
    value = os.environ.get(variable, "").strip() if variable else ""
    if not (value.isascii() and (not value or value.isprintable())):
        raise ConfigError(f"{where}: the environment variable {variable} holds characters that no key has")
    return value
