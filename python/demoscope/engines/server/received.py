"""What a server sent: without the keys of the settings, fit to be shown, and a fault where it cannot be read."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from demoscope.engines.server.faults import (
    CUT_OFF,
    NOT_JSON,
    QUOTE,
    TIMEOUT,
    UNREACHABLE,
    WRONG_SCHEMA,
    CallError,
    fault_of_status,
    quoted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST_SECRET: Final = 8
"""Shorter keys ("EMPTY", "none") are words that local servers get for want of a key, and answers have words in them."""

CONNECT_SECS: Final = 10.0
"""Longest wait for a connection."""

ERROR_BYTES: Final = 2**16
"""Of an error only its beginning is looked at."""


class Receiver:
    """Reads what one server sends.

    Args:
        secrets: Texts that no message and no answer may show.
    """

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = tuple(secret for secret in secrets if len(secret) >= SHORTEST_SECRET)

    def redacted(self, raw: bytes) -> bytes:
        """The bytes without the secrets, however they are written."""
        for secret in self._secrets:
            for written in (secret, secret.replace("/", "\\/")):  # some writers of JSON escape slashes
                raw = raw.replace(written.encode("ascii"), b"[key]")
        return raw

    def quote(self, said: str | bytes) -> str:
        """The beginning of a foreign text, fit for a terminal."""
        text = said if isinstance(said, str) else said[: 4 * QUOTE].decode("utf-8", errors="replace")
        return quoted(text, secrets=self._secrets)

    def json_object(self, raw: bytes) -> dict[str, Any]:
        """A body as the JSON object that it must be.

        Raises:
            CallError: It is none.
        """
        try:
            reply = json.loads(raw)
        except (ValueError, RecursionError):
            raise CallError(NOT_JSON, f"the answer is not JSON: {self.quote(raw)}") from None
        if not isinstance(reply, dict):
            raise CallError(WRONG_SCHEMA, f"the answer is no JSON object: {self.quote(raw)}")
        return reply

    def refusal(self, status: int, raw: bytes, *, retry_after: float | None) -> CallError:
        """The error of an HTTP status.

        Args:
            status: The status.
            raw: What the server wrote, redacted.
            retry_after: Seconds that it asked to wait, if it did.
        """
        text = raw.decode("utf-8", errors="replace")
        message = f"HTTP {status}: {self.quote(text)}" if text.strip() else f"HTTP {status}"
        return CallError(fault_of_status(status, text), message, retry_after=retry_after, body=text[: 20 * QUOTE])

    @contextmanager
    def faults(self, *, late: str) -> Iterator[None]:
        """What goes wrong on the way, by its row in the table of faults.

        Args:
            late: What is said of an answer that does not come in time.
        """
        import httpx

        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol) as error:
            raise CallError(UNREACHABLE, f"no connection: {self.quote(str(error))}") from None
        except (TimeoutError, httpx.TimeoutException):
            raise CallError(TIMEOUT, late) from None
        except httpx.HTTPError as error:
            raise CallError(CUT_OFF, f"the answer broke off: {self.quote(str(error))}") from None
