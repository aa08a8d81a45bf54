"""The batch interface, call by call: what is sent, what is read, what is given up."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from typing import Any

import pytest

from demoscope.engines import Message, Request
from demoscope.engines.server.batch import Batch, BatchClient, GoneError, NotMadeError
from demoscope.engines.server.batch_lines import custom_id_of, line_of, read_line
from demoscope.engines.server.openai import OpenaiEngine
from demoscope.errors import ConfigError, EngineError
from tests.engines.server.batch_server import BatchServer
from tests.engines.server.faulty_server import Call, FaultyServer, Wire, chat_reply, says

ASKED = Request("k", (Message("user", "Tea?"),), ("A", "B"), seed=5)
KEY = "sk-abcdef/0123456789"
TOPS = {"A": math.log(0.6), "B": math.log(0.2), "x": math.log(0.05)}


def make(url: str = "http://127.0.0.1:9/v1", **options: Any) -> OpenaiEngine:
    settings = {"retries": 2, "backoff_secs": 0.001, "batch": {"settle_secs": 0}, **options}
    return OpenaiEngine(model="m", options={"base_url": url, "model": "served", **settings})


def client(url: str, **options: Any) -> BatchClient:
    return BatchClient(make(url, **options), sleep=lambda secs: None)


def line(body: Any = None, *, status: Any = 200, key: str = "k", **more: Any) -> bytes:
    said = {"id": "r", "custom_id": key, "response": {"status_code": status, "body": body}, "error": None, **more}
    return json.dumps(said).encode()


def live(request: Request, reply: Any, **options: Any) -> Any:
    with FaultyServer(says(200, reply)) as server:
        (answer,) = make(server.url, retries=0, logprobs="top", choice="json_schema", **options).ask([request])
    return answer


@pytest.mark.parametrize("mode", ["logprobs", "choice", "text", "verbalized"])
@pytest.mark.parametrize("api", ["chat", "completions"])
def test_the_body_is_that_of_a_call(mode: Any, api: Any) -> None:
    request = replace(ASKED, mode=mode)
    bodies: list[Any] = []

    def act(wire: Wire, call: Call) -> None:
        bodies.append(call.body)
        says(400, {})(wire, call)

    options = {"api": api, "logprobs": "top", "choice": "json_schema", "extra_body": {"user": "me"}}
    with FaultyServer(act) as server:
        engine = make(server.url, **options)
        list(engine.ask([request]))
    endpoint = "/v1/chat/completions" if api == "chat" else "/v1/completions"
    said = json.loads(line_of(engine, request, endpoint=endpoint))
    assert said == {"custom_id": "k", "method": "POST", "url": endpoint, "body": bodies[0]}


@pytest.mark.parametrize(
    ("mode", "reply"),
    [
        ("logprobs", chat_reply(tops=TOPS)),
        ("logprobs", chat_reply(tops={"I": -0.1})),
        ("logprobs", chat_reply(tops={"A": -0.1, "B": 7.0})),
        ("logprobs", chat_reply(None, refusal="I must not")),
        ("choice", chat_reply('{"answer": "B"}')),
        ("choice", chat_reply('{"answer": "C"}')),
        ("choice", chat_reply("B")),
        ("text", chat_reply("A. yes", reasoning_content="hm")),
        ("text", chat_reply("no", refusal="I must not")),
        ("verbalized", chat_reply("A: 40%, B: 60%")),
        ("text", {"choices": []}),
        ("text", {"choices": [{"text": "B"}]}),
        ("text", {"error": {"code": 404, "message": "gone"}}),
        ("text", {"error": {"message": "This model's maximum context length is 9", "code": 400}}),
    ],
)
def test_an_answer_is_read_as_if_it_had_come_to_a_call(mode: Any, reply: Any) -> None:
    request = replace(ASKED, mode=mode)
    read = read_line(make(), request, line(reply))
    assert read == live(request, reply)
    assert read.key == "k"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (line({"error": {"message": "no"}}, status=400), "http_400"),
        (line({"error": {"message": "maximum context length is 9"}}, status=400), "prompt_too_long"),
        (line({"error": {"code": "insufficient_quota"}}, status=429), "insufficient_quota"),
        (line(None, status=500), "http_500"),
        (line(status=0, response=None, error={"code": "batch_expired", "message": "late"}), "batch_expired"),
        (line(response=None, error={"code": "Not a code!", "message": "x"}), "batch_error"),
        (line(response=None, error={"code": 7}), "batch_error"),
        (line(response=None), "batch_error"),
        (line(chat_reply(tops=TOPS), error={"code": "odd"}), "odd"),
        (line("text"), "wrong_schema"),
        (line(chat_reply()), "no_logprobs"),
        (line(chat_reply(tops=TOPS))[:-9], "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"7", "batch_error"),
        (b'"k"', "batch_error"),
    ],
)
def test_lines_that_are_no_answers(said: bytes, reason: str) -> None:
    read = read_line(make(), ASKED, said)
    assert (read.key, read.status, read.reason) == ("k", "error", reason)


@pytest.mark.parametrize(
    ("said", "key"),
    [
        (line(), "k"),
        (line()[:40], "k"),
        (b'{"custom_id" : "k", "res', "k"),
        (b'{"custom_id": "k', None),
        (b'{"custom_id": 7}', None),
        (b'["custom_id"]', None),
        (b"\xff\xfe", None),
        (b"", None),
        (b"[" * 100_000, None),
    ],
)
def test_whose_answer_a_line_is(said: bytes, key: str | None) -> None:
    assert custom_id_of(said) == key


def test_batches_cannot_take_probabilities_of_token_ids() -> None:
    with pytest.raises(EngineError, match="batches name the likeliest tokens only; write logprobs = 'top'"):
        line_of(make(logprobs="token_ids"), ASKED, endpoint="/")
    with pytest.raises(EngineError, match="may be several tokens"):
        line_of(make(), replace(ASKED, labels=("1", "10")), endpoint="/")


def test_how_batches_are_made_does_not_change_who_answers() -> None:
    assert make(batch={"requests": 7, "window": "7d", "probe": False}).revision == make().revision
    with pytest.raises(ConfigError, match=r"unknown key 'batch\.request'; did you mean 'requests'"):
        make(batch={"request": 7})


def test_a_hosted_model_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY is not set"):
        client("https://example.invalid/v1")


def content(data: bytes) -> FaultyServer:
    return FaultyServer(says(500, {}), pages={"/files/f/content": says(200, data)})


def test_lines_come_whole_and_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    escaped = KEY.replace("/", "\\/")
    # Across the pieces in which a stream is read, which are 64 KiB.
    lines = [b"x" * 65_530 + KEY.encode(), escaped.encode() * 3, b"", b"\r", b"y" * 200_000, b"last"]
    with content(b"\n".join(lines)) as server, client(server.url) as hosted:
        found = list(hosted.lines("f"))
        assert found == [b"x" * 65_530 + b"[key]", b"[key]" * 3, b"", b"\r", b"y" * 200_000, b"last"]
        sink = io.BytesIO(b"before")
        sink.seek(0, io.SEEK_END)
        places = hosted.download("f", sink)
    assert [sink.getvalue()[place.start :][: place.size] for _, place in places] == [*found[:2], *found[4:]]


def test_a_line_that_is_too_long_is_cut_and_the_next_is_not() -> None:
    lines = [line({"long": "x" * 500_000}), line(chat_reply(tops=TOPS), key="next")]
    with content(b"\n".join(lines)) as server, client(server.url, max_answer_bytes=2048) as hosted:
        long, short = hosted.lines("f")
    assert (len(long), short) == (2048, lines[1])
    assert custom_id_of(long) == "k"
    assert read_line(make(), ASKED, long).reason == "not_json"


def test_what_is_said_of_a_batch_may_be_little() -> None:
    batch = Batch.model_validate({"id": "b", "status": "completed", "strange": 1})
    assert (batch.ended, batch.counts.completed) == (True, 0)
    late = Batch.model_validate({"id": "b", "status": "completed", "request_counts": {"completed": 1}})
    assert not late.ended
    assert not Batch.model_validate({"id": "b", "status": "something new"}).ended


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (says(200, b"<html>"), "not_json: the answer is not JSON: <html>"),
        (says(200, []), "wrong_schema: the answer is no JSON object"),
        (says(200, {"id": "b"}), "wrong_schema: the answer has another shape: status: Field required"),
        (says(200, {"id": "b" * 5000}), "too_large: the answer is longer than 4096 bytes"),
        (says(302, b"", location="http://127.0.0.1:9/"), "http_302: HTTP 302"),
        (says(403, {"error": KEY}), r"http_403: HTTP 403: {\"error\": \"\[key\]\"}"),
    ],
)
def test_what_cannot_be_read_names_model_and_reason(page: Any, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with (
        FaultyServer(says(500, {}), pages={"/batches/b": page}) as server,
        client(server.url, max_answer_bytes=4096) as hosted,
        pytest.raises(EngineError, match=f"model 'm': {words}") as caught,
    ):
        hosted.batch("b")
    assert not isinstance(caught.value, GoneError | NotMadeError)


def test_what_the_server_does_not_know() -> None:
    with FaultyServer(says(500, {})) as server, client(server.url) as hosted:
        with pytest.raises(GoneError, match="http_404"):
            hosted.batch("b")
        with pytest.raises(GoneError, match="http_404"):
            hosted.download("f", io.BytesIO())


def test_nobody_answers() -> None:
    with client("http://127.0.0.1:9/v1") as hosted:
        with pytest.raises(EngineError, match="model 'm': unreachable: no connection"):
            hosted.batch("b")
        with pytest.raises(NotMadeError, match="unreachable"):
            hosted.create("f", mark="x")


def test_an_unclear_end_is_not_taken_for_a_refusal() -> None:
    with BatchServer(lambda body: (200, {})) as server, client(server.url) as hosted:
        for _ in range(2):
            server.fail("POST /batches", 500)
        server.fail("POST /batches", 400)
        with pytest.raises(EngineError, match="http_400") as caught:
            hosted.create("f", mark="x")
        assert not isinstance(caught.value, NotMadeError)
        assert server.calls.count("GET /batches") == 2


def test_a_list_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demoscope.engines.server.batch._PAGES", 3)
    page = says(200, {"data": [{"id": "b", "status": "completed"}], "has_more": True})

    class Endless(FaultyServer):
        def serve(self, wire: Wire, method: str, path: str, headers: Any, body: Any) -> None:
            self.visits.append(path)
            page(wire, Call(method, path, headers, body, 0.0, 0))

    with Endless(page) as server, client(server.url) as hosted:
        with pytest.raises(EngineError, match="the list of batches has no end"):
            hosted.find("mark")
        assert server.visits == ["/v1/batches?limit=100", *["/v1/batches?limit=100&after=b"] * 2]
