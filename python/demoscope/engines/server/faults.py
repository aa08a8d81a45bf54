"""What can go wrong when a server is asked, as one table: is it tried again, does it stop the run, what is stored."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_RETRY_AFTER: Final = 60.0
"""Seconds that a server may ask us to wait; a longer wish is cut to this."""

QUOTE: Final = 200
"""Characters of a server's answer that a message quotes at most."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table.

    Attributes:
        code: Stored as the reason of the answer.
        retry: Whether the same request may succeed later.
        stop: What ends the run.
            ``"never"``: the row gets ``code`` and the run goes on.
            ``"at once"``: as soon as this request is given up.
            ``"account"``: it concerns every request alike, so the run ends with the third in a row, whoever got it.
        slower: Whether the server says that it is asked too much.
    """

    code: str
    retry: bool
    stop: str = "never"
    slower: bool = False


ACCOUNT_CALLS: Final = 3
"""Refusals of the account without a success between them that end a run."""

HTTP_FAULTS: Final[Mapping[int, Fault]] = {
    400: Fault("http_400", retry=False),
    401: Fault("http_401", retry=True, stop="account"),
    402: Fault("http_402", retry=True, stop="account"),
    403: Fault("http_403", retry=True, stop="account"),
    404: Fault("http_404", retry=False),
    408: Fault("http_408", retry=True),
    409: Fault("http_409", retry=True),
    413: Fault("http_413", retry=False),
    422: Fault("http_422", retry=False),
    425: Fault("http_425", retry=True),
    429: Fault("http_429", retry=True, slower=True),
    500: Fault("http_500", retry=True),
    502: Fault("http_502", retry=True),
    503: Fault("http_503", retry=True, slower=True),
    504: Fault("http_504", retry=True),
}
"""Statuses with a row of their own; of the others 5xx is tried again and the rest is not."""

PROMPT_TOO_LONG: Final = Fault("prompt_too_long", retry=False)
INSUFFICIENT_QUOTA: Final = Fault("insufficient_quota", retry=True, stop="account")
UNREACHABLE: Final = Fault("unreachable", retry=True, stop="at once")
TIMEOUT: Final = Fault("timeout", retry=True)
CUT_OFF: Final = Fault("cut_off", retry=True)
NOT_JSON: Final = Fault("not_json", retry=True)
WRONG_SCHEMA: Final = Fault("wrong_schema", retry=False)
NO_CHOICES: Final = Fault("no_choices", retry=True)
NO_LOGPROBS: Final = Fault("no_logprobs", retry=True)
NOT_A_NUMBER: Final = Fault("not_a_number", retry=False)
TOO_LARGE: Final = Fault("too_large", retry=False)

_LENGTH_STATUSES: Final = frozenset({400, 413, 422})
_LENGTH_WORDS = re.compile(
    r"context[ _](?:length|window|size)|maximum (?:context|model) length|prompt is too long|input is too long|"
    r"exceeds? the (?:available |maximum )?context|max_model_len|too many (?:input )?tokens",
    re.IGNORECASE,
)


class CallError(Exception):
    """A call that brought no usable answer.

    Args:
        fault: Its row in the table.
        message: What happened, for people; free of secrets.
        retry_after: Seconds that the server asked to wait, if it did.
        body: The server's answer, at most :data:`QUOTE` times 20 characters of it, for those who look for a cure.
    """

    def __init__(self, fault: Fault, message: str, *, retry_after: float | None = None, body: str = "") -> None:
        super().__init__(message)
        self.fault = fault
        self.retry_after = retry_after
        self.body = body


def fault_of_status(status: int, body: str) -> Fault:
    """The row of an HTTP status.

    Args:
        status: The status, or the one that a body with status 200 names in its ``error.code``.
        body: What the server wrote.
    """
    if status in _LENGTH_STATUSES and _LENGTH_WORDS.search(body):
        return PROMPT_TOO_LONG
    if status == 429 and "insufficient_quota" in body:
        return INSUFFICIENT_QUOTA
    return HTTP_FAULTS.get(status) or Fault(f"http_{status}", retry=status >= 500)


def status_in_body(reply: Mapping[str, Any]) -> int | None:
    """The HTTP status that a reply with status 200 carries as ``error.code``, as gateways write it."""
    error = reply.get("error")
    if not isinstance(error, dict) or reply.get("choices"):
        return None
    code = error.get("code")
    return code if isinstance(code, int) and 400 <= code < 600 else 500


def retry_after_secs(value: str | None, *, now: float | None = None) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, from 0 to :data:`LONGEST_RETRY_AFTER`.

    Args:
        value: The header: a number of seconds or an HTTP date.
        now: Seconds since 1970; the clock unless given.

    Returns:
        ``None`` where there is no such header or it says nothing that can be meant.
    """
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text, re.ASCII):
        secs = float(text)
    else:
        try:
            secs = parsedate_to_datetime(text).timestamp() - (time.time() if now is None else now)
        except (ValueError, OverflowError):
            return None
    return min(max(secs, 0.0), LONGEST_RETRY_AFTER)


def quoted(text: str, *, secrets: tuple[str, ...]) -> str:
    """At most :data:`QUOTE` characters of a foreign text, fit for a terminal and without the secrets in it."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "[key]")
    escaped = "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
    return escaped if len(escaped) <= QUOTE else f"{escaped[: QUOTE - 3]}..."
