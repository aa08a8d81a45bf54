"""A server on the loopback interface that speaks HTTP well or badly, as a test tells it to."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self


@dataclass
class Call:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any
    at: float
    number: int
    """How many calls with the same body came before."""

    @property
    def asked(self) -> str:
        """The words of the last turn."""
        if "messages" in self.body:
            return self.body["messages"][-1]["content"]
        return self.body["prompt"]


@dataclass
class Wire:
    """The open connection of one call."""

    connection: socket.socket
    server: FaultyServer

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)
        self.server.bytes_sent += len(data)

    def answer(self, status: int, body: bytes, *, headers: Mapping[str, str] | None = None, length: int | None = None):
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body) if length is None else length}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())  # a mere close would wait for the files made of the socket


Act: TypeAlias = "Callable[[Wire, Call], None]"


def says(status: int, body: Any, **headers: str) -> Act:
    """A whole answer; ``retry_after`` among the headers becomes ``Retry-After``."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return lambda wire, call: wire.answer(status, data, headers=named)


def resets_mid_body(wire: Wire, call: Call) -> None:
    wire.answer(200, b'{"choices": [{"mess', length=4000)
    time.sleep(0.02)
    wire.reset()


def ends_early(wire: Wire, call: Call) -> None:
    wire.answer(200, b'{"choices": [{"mess', length=4000, headers={"Connection": "close"})
    wire.connection.shutdown(socket.SHUT_RDWR)


def hangs_up(wire: Wire, call: Call) -> None:
    wire.connection.shutdown(socket.SHUT_RDWR)


def stalls(wire: Wire, call: Call) -> None:
    wire.answer(200, b'{"choi', length=4000)
    wire.server.stopping.wait(20)


def drips(wire: Wire, call: Call) -> None:
    wire.answer(200, b" ", length=4000)
    while not wire.server.stopping.wait(0.02):
        wire.send(b" ")


def floods(megabytes: int, *, announced: bool) -> Act:
    """A body without an end worth waiting for."""

    def act(wire: Wire, call: Call) -> None:
        if announced:
            wire.answer(200, b"", length=megabytes * 10**6)
        else:
            wire.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        for _ in range(megabytes * 10):
            wire.send(b" " * 10**5)

    return act


def chat_reply(text: str = "A", *, tops: Mapping[str, Any] | None = None, **message: Any) -> dict[str, Any]:
    """A reply as such servers write it; ``tops`` are log-probabilities by token, the first one drawn."""
    reply: dict[str, Any] = {
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3},
    }
    if tops is not None:
        listed = [{"token": token, "logprob": value, "bytes": None} for token, value in tops.items()]
        reply["choices"][0]["logprobs"] = {"content": [{**listed[0], "top_logprobs": listed}]}
    return reply


@dataclass
class FaultyServer:
    """Answers every POST as ``act`` says; ``/models`` and the rest are 404 unless ``pages`` has them.

    Attributes:
        act: Called for each POST outside of ``pages``.
        pages: What other paths do.
        calls: All calls outside of ``pages`` in order of arrival.
        visits: Paths of all calls.
        peaks: Calls in hand when each call arrived, itself included.
        bytes_sent: Bytes that the network took.
    """

    act: Act
    pages: dict[str, Act] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    visits: list[str] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    bytes_sent: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._in_hand = 0
        self._server = _Tcp(("127.0.0.1", 0), _Handler)
        self._server.faulty = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def calls_for(self, word: str) -> list[Call]:
        return [call for call in self.calls if word in call.asked]

    def serve(self, wire: Wire, method: str, path: str, headers: Mapping[str, str], body: Any) -> None:
        with self._lock:
            self.visits.append(path)
            before = sum(1 for call in self.calls if call.body == body)
            call = Call(method, path, headers, body, time.monotonic(), before)
            page = self.pages.get(path.removeprefix("/v1"))
            counted = page is None and method == "POST"
            if counted:
                self.calls.append(call)
                self._in_hand += 1
                self.peaks.append(self._in_hand)
        try:
            act = page or (self.act if method == "POST" else says(404, {"error": "no such page"}))
            act(wire, call)
        finally:
            with self._lock:
                self._in_hand -= counted


class _Tcp(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False  # hence joined
    request_queue_size = 64
    faulty: FaultyServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up; that is what is tested."""


class _Handler(StreamRequestHandler):
    server: _Tcp

    def handle(self) -> None:
        faulty = self.server.faulty
        with faulty._lock:
            faulty._open.add(self.connection)
        try:
            while line := self.rfile.readline():
                method, path, _ = line.decode().split()
                headers = {}
                while (header := self.rfile.readline().decode().strip()) != "":
                    name, value = header.split(":", 1)
                    headers[name.lower()] = value.strip()
                body = self.rfile.read(int(headers.get("content-length", 0)))
                parsed = json.loads(body) if body else None
                faulty.serve(Wire(self.connection, faulty), method, path, headers, parsed)
        except (OSError, ValueError):
            return
        finally:
            with faulty._lock:
                faulty._open.discard(self.connection)
