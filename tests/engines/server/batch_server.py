"""A server on the loopback interface with the batch interface of hosted models, which fails as a test tells it to."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    Speak: TypeAlias = Callable[[dict[str, Any]], tuple[int, Any]]
    """Answers the body of one question: status and body."""


@dataclass
class BatchServer:
    """Files and batches in memory; batches are answered when :meth:`finish` says so.

    Attributes:
        speak: Answers each question, also those that are asked by themselves.
        faults: What goes wrong with the next calls of ``"METHOD path"`` (ids are ``*``), in this order: a status that
            is answered in place of the right answer, with ``made`` after the work is done, or ``"cut"``.
        list_lag_secs: How long a new batch is missing from the list.
        page: Batches on one page of the list.
        forgets_metadata: Whether batches come back without theirs.
        calls: ``"METHOD path"`` of all calls.
        asked: Bodies of the questions that were asked by themselves.
        keys: What each call said for authorisation.
        files: Content by name.
        batches: By name, the oldest first.
    """

    speak: Speak
    faults: dict[str, list[tuple[Any, bool]]] = field(default_factory=dict)
    list_lag_secs: float = 0.0
    page: int = 100
    forgets_metadata: bool = False
    calls: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.batches = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def fail(self, call: str, status: Any, *, made: bool = False) -> None:
        self.faults.setdefault(call, []).append((status, made))

    def custom_ids(self) -> list[str]:
        """Of all questions in all batches that were made: what is paid."""
        return [
            json.loads(line)["custom_id"]
            for batch in self.batches.values()
            for line in self.files[batch["input_file_id"]].splitlines()
        ]

    def questions(self, batch_id: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[self.batches[batch_id]["input_file_id"]].splitlines()]

    def finish(
        self,
        *,
        status: str = "completed",
        lose: Callable[[int], bool] = lambda number: False,
        expire: Callable[[int], bool] = lambda number: False,
        spoil: Callable[[bytes], bytes] = lambda output: output,
    ) -> None:
        """End all batches that run: lose lines, put some into the error file, spoil the output."""
        for batch in self.batches.values():
            if batch["status"] in {"completed", "failed", "expired", "cancelled"}:
                continue
            output, errors = [], []
            for number, question in enumerate(self.questions(batch["id"])):
                line = {"id": f"r{number}", "custom_id": question["custom_id"], "response": None, "error": None}
                if lose(number):
                    continue
                if expire(number):
                    errors.append({**line, "error": {"code": "batch_expired", "message": "too late"}})
                    continue
                code, body = self.speak(question["body"])
                line["response"] = {"status_code": code, "request_id": "q", "body": body}
                (output if code == 200 else errors).append(line)
            for lines, kind in ((output, "output_file_id"), (errors, "error_file_id")):
                if lines:
                    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
                    batch[kind] = self._file(spoil(data) if kind == "output_file_id" else data)
            batch["status"] = status
            batch["request_counts"] |= {"completed": len(output), "failed": len(errors)}

    def serve(self, method: str, path: str, headers: Any, body: bytes) -> tuple[Any, bytes]:
        address = urlsplit(path)
        place = address.path.removeprefix("/v1")
        call = f"{method} {re.sub(r'(file|batch)-[0-9]+', '*', place)}"
        with self._lock:
            self.calls.append(call)
            self.keys.append(headers.get("Authorization", ""))
            status, made = (self.faults.get(call) or [(None, True)]).pop(0)
            if status is not None and not made:
                return status, b'{"error": {"message": "not today"}}'
            right = self._work(method, place, parse_qs(address.query), headers, body)
            return right if status is None else (status, b'{"error": {"message": "not today"}}')

    def _work(self, method: str, place: str, query: dict[str, list[str]], headers: Any, body: bytes) -> Any:
        parts = place.strip("/").split("/")
        match method, *parts:
            case "POST", "chat", "completions":
                self.asked.append(json.loads(body))
                status, reply = self.speak(self.asked[-1])
                return status, json.dumps(reply).encode()
            case "POST", "files":
                return 200, json.dumps({"id": self._upload(headers, body), "object": "file"}).encode()
            case "GET", "files", name, "content":
                return (200, self.files[name]) if name in self.files else (404, b"{}")
            case "POST", "batches":
                return 200, json.dumps(self._create(json.loads(body))).encode()
            case "GET", "batches":
                return 200, json.dumps(self._list(query)).encode()
            case "GET", "batches", name:
                return (200, json.dumps(self.batches[name]).encode()) if name in self.batches else (404, b"{}")
            case "POST", "batches", name, "cancel":
                if self.batches[name]["status"] == "completed":
                    return 409, b'{"error": {"message": "cannot cancel a batch that is completed"}}'
                self.batches[name]["status"] = "cancelling"
                return 200, json.dumps(self.batches[name]).encode()
        return 404, b"{}"

    def _upload(self, headers: Any, body: bytes) -> str:
        boundary = headers["Content-Type"].split("boundary=")[1].encode()
        fields = {}
        for part in body.split(b"--" + boundary)[1:-1]:
            head, content = part.strip(b"\r\n").split(b"\r\n\r\n", 1)
            fields[re.search(rb'name="([^"]+)"', head)[1].decode()] = content
        assert fields["purpose"] == b"batch"
        return self._file(fields["file"])

    def _create(self, said: dict[str, Any]) -> dict[str, Any]:
        lines = self.files[said["input_file_id"]].splitlines()
        assert {json.loads(line)["url"] for line in lines} == {said["endpoint"]}
        batch = {"id": f"batch-{len(self.batches)}", "status": "in_progress", "output_file_id": None, **said}
        if self.forgets_metadata:
            batch["metadata"] = None
        batch |= {"error_file_id": None, "created": time.monotonic()}
        batch["request_counts"] = {"total": len(lines), "completed": 0, "failed": 0}
        self.batches[batch["id"]] = batch
        return batch

    def _list(self, query: dict[str, list[str]]) -> dict[str, Any]:
        old = time.monotonic() - self.list_lag_secs
        shown = [batch for batch in reversed(self.batches.values()) if batch["created"] <= old]
        if "after" in query:
            place = [batch["id"] for batch in shown].index(query["after"][0])
            shown = shown[place + 1 :]
        return {"object": "list", "data": shown[: self.page], "has_more": len(shown) > self.page}

    def _file(self, content: bytes) -> str:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return name


class _Http(ThreadingHTTPServer):
    batches: BatchServer


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: Any) -> None:
        pass

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            raise AssertionError("the length of a file is known")
        status, answer = self.server.batches.serve(self.command, self.path, self.headers, body)
        if status == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b'{"id": "')
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
