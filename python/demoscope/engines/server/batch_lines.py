"""One question and one answer as lines of the files that batches are made of."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from demoscope.engines.base import Answer
from demoscope.engines.server.faults import NOT_JSON, WRONG_SCHEMA, fault_of_status, status_in_body
from demoscope.errors import EngineError

if TYPE_CHECKING:
    from demoscope.engines.base import Request
    from demoscope.engines.server.openai import OpenaiEngine

_ID_IN_PIECES = re.compile(rb'"custom_id"\s*:\s*"([^"\\]{1,512})"')
_CODE = re.compile(r"[a-z0-9_]{1,64}", re.ASCII)


def line_of(engine: OpenaiEngine, request: Request, *, endpoint: str) -> bytes:
    """A request as a line of a file of questions.

    Raises:
        EngineError: It cannot be asked in a batch, or is larger than a file may be.
    """
    said = {"custom_id": request.key, "method": "POST", "url": endpoint, "body": engine.body_of(request)}
    line = json.dumps(said, ensure_ascii=True).encode("ascii") + b"\n"
    if len(line) > engine.options.batch.file_bytes:
        raise EngineError(f"model {engine.name!r}: cell {request.key}: {len(line)} bytes, more than batch.file_bytes")
    return line


def custom_id_of(line: bytes) -> str | None:
    """Whose answer a line is; also of a damaged one, where that much of it is left."""
    try:
        said = json.loads(line)
        found = said.get("custom_id") if isinstance(said, dict) else None
    except (ValueError, RecursionError):
        pieces = _ID_IN_PIECES.search(line)
        found = None if pieces is None else pieces[1].decode("ascii", errors="replace")
    return found if isinstance(found, str) else None


def read_line(engine: OpenaiEngine, request: Request, line: bytes) -> Answer:
    """The answer in a line of a file of answers or of errors, as if it had come to a call."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return Answer(request.key, "error", reason=NOT_JSON.code)
    response = said.get("response") if isinstance(said, dict) else None
    body = response.get("body") if isinstance(response, dict) else None
    if isinstance(response, dict) and (status := _status_of(response)) is not None:
        return Answer(request.key, "error", reason=fault_of_status(status, json.dumps(body)).code)
    if response is None or said.get("error"):
        return Answer(request.key, "error", reason=_code_of(said))
    if not isinstance(body, dict):
        return Answer(request.key, "error", reason=WRONG_SCHEMA.code)
    return engine.answer_to(request, body)


def _status_of(response: dict[str, Any]) -> int | None:
    """The HTTP status of a response that is an error."""
    status, body = response.get("status_code"), response.get("body")
    if type(status) is int and not 200 <= status < 300:
        return status
    return status_in_body(body) if isinstance(body, dict) else None


def _code_of(said: object) -> str:
    """The code of an error as a server names it, where it is one."""
    error = said.get("error") if isinstance(said, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else "batch_error"
