"""The batch interface of OpenAI-compatible servers: files of questions go up, files of answers come down."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from demoscope.engines.server.batch_lines import custom_id_of
from demoscope.engines.server.faults import ACCOUNT_CALLS, TOO_LARGE, WRONG_SCHEMA, CallError, retry_after_secs
from demoscope.engines.server.options import headers_of
from demoscope.engines.server.pace import backoff_secs
from demoscope.engines.server.received import CONNECT_SECS, ERROR_BYTES, Receiver
from demoscope.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO, Self

    import httpx

    from demoscope.engines.server.openai import OpenaiEngine

T = TypeVar("T")

MARK: Final = "demoscope_batch"
"""Key of a batch's metadata under which its own name stands."""

ENDED: Final = frozenset({"completed", "failed", "expired", "cancelled"})
"""States of a batch that it does not leave."""

_PAGE: Final = 100
_PAGES: Final = 10_000
_NOTHING_MADE: Final = frozenset(
    {"http_400", "http_401", "http_402", "http_403", "http_404", "http_413", "http_422", "http_425", "http_429"}
    | {"insufficient_quota", "prompt_too_long", "unreachable"}
)  # after any other failure the server may have done what it was asked to do


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Counts(_Lenient):
    total: int = 0
    completed: int = 0
    failed: int = 0


class _Problem(_Lenient):
    code: str | None = None
    message: str | None = None


class _Problems(_Lenient):
    data: list[_Problem] | None = None


class Batch(_Lenient):
    """What a server says of one batch.

    Attributes:
        id: The server's name of it.
        status: ``"completed"``, ``"failed"``, ``"expired"`` and ``"cancelled"`` are final.
        input_file_id: File of the questions.
        output_file_id: File of the answers, once there is one.
        error_file_id: File of the requests without an answer.
        request_counts: How many there are, are answered, and have failed.
        metadata: What was said when it was made.
        errors: Why it failed.
    """

    id: str = Field(min_length=1)
    status: str
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    request_counts: _Counts | None = None
    metadata: dict[str, Any] | None = None
    errors: _Problems | None = None

    @property
    def counts(self) -> _Counts:
        """The counts, 0 where the server names none."""
        return self.request_counts or _Counts()

    @property
    def ended(self) -> bool:
        """Whether all that will come of it has come; a completed one may be named before its file is."""
        late = self.status == "completed" and self.counts.completed > 0 and self.output_file_id is None
        return self.status in ENDED and not late


@dataclass(frozen=True, slots=True)
class Place:
    """Where the line of an answer stands in a file.

    Attributes:
        start: First byte.
        size: Bytes of the line.
    """

    start: int
    size: int


class BatchClient:
    """Calls the batch interface of the server of one engine, one call at a time.

    Args:
        engine: Who asks; address, key, patience and words are its.
        sleep: Waits some seconds.

    Raises:
        ConfigError: There is no key.
    """

    def __init__(self, engine: OpenaiEngine, *, sleep: Callable[[float], None] = time.sleep) -> None:
        import httpx

        self._options = options = engine.options
        self._what = f"model {engine.name!r}"
        headers, secrets = headers_of(options, where=f"{self._what}: options")
        self._received = Receiver(secrets)
        self._sleep = sleep
        self._refusals = 0
        secs = options.timeout_secs
        self._http = httpx.Client(
            headers={"Accept-Encoding": "identity", **headers},
            timeout=httpx.Timeout(secs, connect=min(secs, CONNECT_SECS)),
            follow_redirects=False,  # the key is for this server only
            trust_env=not options.is_loopback,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    @property
    def endpoint(self) -> str:
        """The interface that answers the questions of a batch."""
        return "/v1/chat/completions" if self._options.api == "chat" else "/v1/completions"

    def upload(self, path: Path, *, name: str) -> str:
        """Send a file of questions.

        Returns:
            The server's name of it.

        Raises:
            EngineError: The server does not take it.
        """

        def send() -> str:
            with path.open("rb") as file:
                parts = {"file": (name, file, "application/jsonl")}
                return self._once("POST", "/files", read=_file_id, data={"purpose": "batch"}, files=parts)

        # A file that is sent twice costs nothing.
        return self._patiently(send)

    def create(self, file_id: str, *, mark: str) -> Batch:
        """Have a batch made of a file, once.

        Where the server's answer leaves open whether it was made, it is looked for under its mark before it is asked
        for again.

        Args:
            file_id: What :meth:`upload` returned.
            mark: A name that no other batch has.

        Raises:
            NotMadeError: The server does not make it.
            EngineError: Whether it was made is not known.
        """
        body = {
            "input_file_id": file_id,
            "endpoint": self.endpoint,
            "completion_window": self._options.batch.window,
            "metadata": {MARK: mark},
        }
        failed, clear = 0, True
        while True:
            try:
                return self._once("POST", "/batches", read=_batch, json=body)
            except CallError as error:
                failed += 1
                if error.fault.code not in _NOTHING_MADE:
                    clear = False
                    self._sleep(self._options.batch.settle_secs)
                    if (found := self.find(mark, file_id=file_id)) is not None:
                        return found
                if self._given_up(error, failed):
                    raise (NotMadeError if clear else EngineError)(self._words(error)) from None
                self._wait(error, failed)

    def find(self, mark: str, *, file_id: str | None = None) -> Batch | None:
        """The batch with a mark, looked for among all that the server lists.

        Args:
            mark: That of :meth:`create`.
            file_id: Its file, which no other batch has, for servers that do not keep metadata.

        Raises:
            EngineError: The server does not list its batches.
        """
        after = ""
        for _ in range(_PAGES):
            path = f"/batches?limit={_PAGE}" + (f"&after={after}" if after else "")
            batches, more = self._call("GET", path, read=_page)
            for batch in batches:
                known = file_id is not None and batch.input_file_id == file_id
                if known or (batch.metadata or {}).get(MARK) == mark:
                    return batch
            if not (more and batches):
                return None
            after = batches[-1].id
        raise EngineError(f"{self._what}: the list of batches has no end")

    def batch(self, batch_id: str) -> Batch:
        """What has become of a batch.

        Raises:
            GoneError: The server does not know it.
            EngineError: The server does not say.
        """
        return self._call("GET", f"/batches/{batch_id}", read=_batch)

    def cancel(self, batch_id: str) -> Batch:
        """Stop a batch; one that has ended stays as it is.

        Raises:
            GoneError: The server does not know it.
            EngineError: The server does not say what has become of it.
        """
        try:
            return self._patiently(lambda: self._once("POST", f"/batches/{batch_id}/cancel", read=_batch))
        except EngineError:
            found = self.batch(batch_id)
            if found.status in ENDED:
                return found
            raise

    def lines(self, file_id: str) -> Iterator[bytes]:
        """The lines of a file, as they come, without the secrets of the settings.

        Of a line that is longer than an answer may be only the beginning is given.

        Raises:
            CallError: The file does not come, or not to its end.
        """
        limit = self._options.max_answer_bytes
        address = f"{self._options.base_url}/files/{file_id}/content"
        with self._faults(), self._http.stream("GET", address) as response:
            self._check(response)
            held = bytearray()
            for piece in response.iter_raw(2**16):
                first, *rest = piece.split(b"\n")
                if len(held) <= limit:
                    held += first
                for following in rest:
                    yield self._received.redacted(bytes(held[:limit]))
                    held = bytearray(following)
            if held:
                yield self._received.redacted(bytes(held[:limit]))

    def download(self, file_id: str, sink: BinaryIO) -> list[tuple[str | None, Place]]:
        """Add the lines of a file to another file.

        Returns:
            Whose answer each line is, ``None`` where it does not say, and where it stands.

        Raises:
            EngineError: The file does not come.
        """
        start = sink.tell()

        def fetch() -> list[tuple[str | None, Place]]:
            sink.seek(start)
            sink.truncate()
            places = []
            for line in self.lines(file_id):
                if line.strip():
                    places.append((custom_id_of(line), Place(sink.tell(), len(line))))
                    sink.write(line + b"\n")
            return places

        return self._patiently(fetch)

    def problem_of(self, batch: Batch) -> str:
        """Why a batch failed, in the server's words as far as they can be shown."""
        said = batch.errors.data if batch.errors is not None and batch.errors.data else []
        words = "; ".join(": ".join(filter(None, (each.code, each.message))) for each in said[:3])
        return self._received.quote(words or "the server does not say why")

    def _call(self, method: str, path: str, *, read: Callable[[dict[str, Any]], T]) -> T:
        return self._patiently(lambda: self._once(method, path, read=read))

    def _patiently(self, attempt: Callable[[], T]) -> T:
        failed = 0
        while True:
            try:
                return attempt()
            except CallError as error:
                failed += 1
                if self._given_up(error, failed):
                    kind = GoneError if error.fault.code == "http_404" else EngineError
                    raise kind(self._words(error)) from None
                self._wait(error, failed)

    def _given_up(self, error: CallError, failed: int) -> bool:
        if error.fault.stop == "account" and self._refusals >= ACCOUNT_CALLS:
            return True
        return not error.fault.retry or failed > self._options.retries

    def _wait(self, error: CallError, failed: int) -> None:
        wait = backoff_secs(failed, base=self._options.backoff_secs)
        self._sleep(wait if error.retry_after is None else error.retry_after)

    def _words(self, error: CallError) -> str:
        return f"{self._what}: {error.fault.code}: {error}"

    def _once(self, method: str, path: str, *, read: Callable[[dict[str, Any]], T], **content: Any) -> T:  # noqa: ANN401 - httpx's
        limit = self._options.max_answer_bytes
        with self._faults(), self._http.stream(method, f"{self._options.base_url}{path}", **content) as response:
            self._check(response)
            raw = self._received.redacted(self._start_of(response, limit))
        if len(raw) > limit:
            raise CallError(TOO_LARGE, f"the answer is longer than {limit} bytes")
        reply = self._received.json_object(raw)
        try:
            return read(reply)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in problem["loc"])
            raise CallError(WRONG_SCHEMA, f"the answer has another shape: {place}: {problem['msg']}") from None

    def _check(self, response: httpx.Response) -> None:
        if response.is_success:
            self._refusals = 0
            return
        raw = self._received.redacted(self._start_of(response, ERROR_BYTES))
        wait = retry_after_secs(response.headers.get("retry-after"))
        error = self._received.refusal(response.status_code, raw, retry_after=wait)
        self._refusals += error.fault.stop == "account"
        raise error

    @staticmethod
    def _start_of(response: httpx.Response, limit: int) -> bytes:
        """The body, or a little more of it than ``limit``."""
        held = bytearray()
        for piece in response.iter_raw(2**16):
            held += piece
            if len(held) > limit:
                break
        return bytes(held)

    def _faults(self) -> AbstractContextManager[None]:
        return self._received.faults(late=f"nothing came for {self._options.timeout_secs:g} s")


class NotMadeError(EngineError):
    """A batch was not made, for sure."""


class GoneError(EngineError):
    """The server knows no such batch or file."""


def _file_id(reply: dict[str, Any]) -> str:
    return _File.model_validate(reply).id


def _batch(reply: dict[str, Any]) -> Batch:
    return Batch.model_validate(reply)


def _page(reply: dict[str, Any]) -> tuple[list[Batch], bool]:
    page = _Page.model_validate(reply)
    return page.data, bool(page.has_more)


class _File(_Lenient):
    id: str = Field(min_length=1)


class _Page(_Lenient):
    data: list[Batch]
    has_more: bool | None = None
