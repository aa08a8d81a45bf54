"""JSON calls to one server: read as a stream, cut at a size, tried again as the table of faults says."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Self, TypeVar

from demoscope.engines.server.faults import (
    ACCOUNT_CALLS,
    TOO_LARGE,
    UNREACHABLE,
    CallError,
    retry_after_secs,
    status_in_body,
)
from demoscope.engines.server.pace import Pace, backoff_secs
from demoscope.engines.server.received import CONNECT_SECS, ERROR_BYTES, Receiver
from demoscope.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    import httpx

T = TypeVar("T")


class Health:
    """What is known of a server from one block of requests to the next.

    Args:
        most: Calls in flight at most.

    Attributes:
        pace: How many calls may be in flight.
        refusals: Refusals of the account since the last success.
        calls: Calls sent so far, for tests and for the curious.
        bytes_read: Bytes of answers that were taken from the network.
    """

    def __init__(self, *, most: int) -> None:
        self.pace = Pace(most=most)
        self.refusals = 0
        self.calls = 0
        self.bytes_read = 0

    def account_refused(self) -> None:
        """Note a refusal; from now on no more calls are in flight than refusals are left before the run ends."""
        self.refusals += 1
        self.pace.ceiling = max(1, ACCOUNT_CALLS - self.refusals)

    def answered(self) -> None:
        """Note that the account is not refused."""
        self.refusals = 0
        self.pace.ceiling = None


class HttpClient:
    """Calls one server; lives as long as the event loop that it was entered in.

    Args:
        what: Who is asked, for messages.
        headers: Headers of every call; their secrets are in ``secrets``.
        secrets: Texts that no message and no answer may show.
        trust_env: Whether proxies named in the environment are used.
        timeout_secs: Longest duration of a call, from the first byte sent to the last received.
        retries: Further attempts after the first.
        backoff_secs: Bound of the first wait between attempts.
        max_bytes: Longest answer.
        health: Kept by the caller from block to block.
    """

    def __init__(
        self,
        what: str,
        *,
        headers: Mapping[str, str],
        secrets: tuple[str, ...],
        trust_env: bool,
        timeout_secs: float,
        retries: int,
        backoff_secs: float,
        max_bytes: int,
        health: Health,
    ) -> None:
        import httpx

        self._what = what
        self._received = Receiver(secrets)
        self._timeout = timeout_secs
        self._retries = retries
        self._backoff = backoff_secs
        self._max_bytes = max_bytes
        self._health = health
        self._http = httpx.AsyncClient(
            # A packed body would have to be unpacked before its size is known.
            headers={"Accept-Encoding": "identity", "Content-Type": "application/json", **headers},
            timeout=httpx.Timeout(timeout_secs, connect=min(timeout_secs, CONNECT_SECS), pool=None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            follow_redirects=False,  # the key is for this server only
            trust_env=trust_env,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def call(
        self, url: str, body: Mapping[str, Any] | None, *, read: Callable[[dict[str, Any]], T], optional: bool = False
    ) -> T:
        """POST ``body``, or GET without one, and read the answer, as often as the table of faults allows.

        Args:
            url: Where to.
            body: What is sent as JSON.
            read: Turns the answer into what is wanted, or raises a :class:`CallError`.
            optional: Whether the run can do without this answer: then only a server that is down or busy is asked
                again, and a refusal of the account is counted but ends nothing.

        Raises:
            CallError: The request is given up.
            EngineError: The run is to be given up: nobody answers there, or the account is refused.
        """
        failed = 0
        while True:
            try:
                return await self._once(url, body, read)
            except CallError as error:
                failed += 1
                if error.fault.stop == "account" and self._health.refusals >= ACCOUNT_CALLS and not optional:
                    raise self._stop(error) from None
                if optional and error.fault is not UNREACHABLE and not error.fault.slower:
                    raise
                if not error.fault.retry or failed > self._retries:
                    if error.fault.stop == "at once":
                        raise self._stop(error) from None
                    raise
                wait = backoff_secs(failed, base=self._backoff) if error.retry_after is None else error.retry_after
            await asyncio.sleep(wait)

    async def _once(self, url: str, body: Mapping[str, Any] | None, read: Callable[[dict[str, Any]], T]) -> T:
        pace = self._health.pace
        async with pace.slot() as started:
            try:
                value = read(await self._attempt(url, body))
            except CallError as error:
                if error.fault.slower:
                    pace.refused(started, retry_after=error.retry_after)
                if error.fault.stop == "account":
                    self._health.account_refused()
                raise
            pace.succeeded()
            return value

    async def _attempt(self, url: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        self._health.calls += 1
        with self._received.faults(late=f"no complete answer within {self._timeout:g} s"):
            async with asyncio.timeout(self._timeout):
                content = None if body is None else json.dumps(body, ensure_ascii=True).encode("ascii")
                async with self._http.stream("GET" if body is None else "POST", url, content=content) as response:
                    raw = await self._read(response)
        wait = retry_after_secs(response.headers.get("retry-after"))
        if not response.is_success:
            raise self._received.refusal(response.status_code, raw, retry_after=wait)
        reply = self._received.json_object(raw)
        if (status := status_in_body(reply)) is not None:
            raise self._received.refusal(status, raw, retry_after=wait)
        self._health.answered()
        return reply

    async def _read(self, response: httpx.Response) -> bytes:
        """The body, held in pieces and never past the limit; of an error only the beginning."""
        limit = self._max_bytes if response.is_success else min(self._max_bytes, ERROR_BYTES)
        announced = response.headers.get("content-length", "")
        if response.is_success and announced.isascii() and announced.isdigit() and int(announced) > limit:
            raise CallError(TOO_LARGE, f"the answer is {announced} bytes long, more than {limit}")
        pieces: list[bytes] = []
        size = 0
        async for piece in response.aiter_raw(2**16):
            self._health.bytes_read += len(piece)
            size += len(piece)
            if size > limit:
                if not response.is_success:
                    break
                raise CallError(TOO_LARGE, f"the answer is longer than {limit} bytes")
            pieces.append(piece)
        return self._received.redacted(b"".join(pieces))

    def _stop(self, error: CallError) -> EngineError:
        return EngineError(f"{self._what}: {error.fault.code}: {error}")
