"""Every row of the table of faults, on a real server that goes wrong in that way."""

from __future__ import annotations

import json
import logging
import math
import socket
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from demoscope.engines import Answer, Message, Request
from demoscope.engines.server.faults import HTTP_FAULTS, LONGEST_RETRY_AFTER, QUOTE, quoted, retry_after_secs
from demoscope.engines.server.openai import OpenaiEngine
from demoscope.errors import EngineError
from tests.engines.server.faulty_server import (
    Act,
    Call,
    FaultyServer,
    Wire,
    chat_reply,
    drips,
    ends_early,
    floods,
    hangs_up,
    resets_mid_body,
    says,
    stalls,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-canary/7f3a91c2d5"
RETRIES = 2
FINE = says(200, chat_reply(tops={"A": math.log(0.6), "B": math.log(0.3), "the": math.log(0.05)}))
BAD = "request-3"


def make(url: str, **options: Any) -> OpenaiEngine:
    settings = {"retries": RETRIES, "backoff_secs": 0.001, "timeout_secs": 5.0, "max_answer_bytes": 2**16, **options}
    return OpenaiEngine(model="m", options={"base_url": url, "model": "served", "api_key_env": "CANARY", **settings})


def block(count: int = 8, **fields: Any) -> list[Request]:
    return [
        Request(f"k{number}", (Message("user", f"request-{number} A or B?"),), ("A", "B"), seed=number, **fields)
        for number in range(count)
    ]


def only_bad(act: Act, *, times: int | None = None) -> Act:
    """One request of the block meets the fault, each time or the first few times."""

    def choose(wire: Wire, call: Call) -> None:
        wrong = BAD in call.asked and (times is None or call.number < times)
        (act if wrong else FINE)(wire, call)

    return choose


@pytest.fixture(autouse=True)
def no_leak(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[None]:
    """The key is in nothing that anybody could read, whatever happens in a test."""
    monkeypatch.setenv("CANARY", KEY)
    with caplog.at_level(logging.DEBUG):
        yield
    captured = capfd.readouterr()
    assert KEY not in caplog.text + captured.out + captured.err


def error(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


TOO_LONG = error("This model's maximum context length is 1024 tokens. However, ...")
NAN = (
    b'{"choices":[{"message":{"content":"A"},'
    b'"logprobs":{"content":[{"token":"A","logprob":NaN,"top_logprobs":[%s]}]}}]}'
)
TOP = b'{"token":"A","logprob":%s},{"token":"B","logprob":-1.0}'

# What is served; reason of the row; how often it is called; whether asking again may help.
ROWS = {
    "400": (says(400, error("no")), "http_400", False),
    "400 of a long prompt": (says(400, TOO_LONG), "prompt_too_long", False),
    "404": (says(404, error("no")), "http_404", False),
    "408": (says(408, error("late")), "http_408", True),
    "409": (says(409, error("busy")), "http_409", True),
    "413": (says(413, b"<html>too large</html>"), "http_413", False),
    "413 of a long prompt": (says(413, error("prompt is too long: 9000 tokens")), "prompt_too_long", False),
    "422": (says(422, {"detail": [{"msg": "no"}]}), "http_422", False),
    "422 of a long prompt": (says(422, error("exceeds the context window")), "prompt_too_long", False),
    "418": (says(418, b""), "http_418", False),
    "425": (says(425, b""), "http_425", True),
    "429": (says(429, error("slow down")), "http_429", True),
    "429 with Retry-After": (says(429, error("slow down"), retry_after="0"), "http_429", True),
    "500": (says(500, b"oops"), "http_500", True),
    "502": (says(502, b"<html>bad gateway</html>"), "http_502", True),
    "503": (says(503, error("overloaded"), retry_after="0"), "http_503", True),
    "504": (says(504, b""), "http_504", True),
    "529": (says(529, b""), "http_529", True),
    "a redirect": (says(307, b"", location="http://127.0.0.1:9/v1/chat/completions"), "http_307", False),
    "an error with status 200": (says(200, error("overloaded", code=503)), "http_503", True),
    "reset in mid-body": (resets_mid_body, "cut_off", True),
    "end in mid-body": (ends_early, "cut_off", True),
    "no answer at all": (hangs_up, "cut_off", True),
    "HTML": (says(200, b"<!doctype html><title>Log in</title>"), "not_json", True),
    "cut JSON": (says(200, b'{"choices": [{"message": {"cont'), "not_json", True),
    "deep JSON": (says(200, b"[" * 60000), "not_json", True),
    "not UTF-8": (says(200, b'{"choices": "\xff"}'), "not_json", True),
    "a list": (says(200, [1]), "wrong_schema", False),
    "another shape": (says(200, {"choices": [{"message": "A"}]}), "wrong_schema", False),
    "another object": (says(200, {"object": "list"}), "wrong_schema", False),
    "no choices": (says(200, {"choices": []}), "no_choices", True),
    "NaN": (says(200, NAN % (TOP % b"NaN")), "not_a_number", False),
    "null": (says(200, NAN % (TOP % b"null")), "not_a_number", False),
    "plus infinity": (says(200, NAN.replace(b"NaN", b"-1.0") % (TOP % b"Infinity")), "not_a_number", False),
    "a log-probability above 0": (says(200, NAN.replace(b"NaN", b"-1.0") % (TOP % b"7.5")), "not_a_number", False),
    "50 MB": (floods(50, announced=False), "too_large", False),
    "50 MB, announced": (floods(50, announced=True), "too_large", False),
}


@pytest.mark.parametrize("row", ROWS)
def test_one_faulty_request_is_one_row_in_error(row: str) -> None:
    act, reason, again = ROWS[row]
    with FaultyServer(only_bad(act)) as server:
        engine = make(server.url)
        answers = {answer.key: answer for answer in engine.ask(block())}
    check_block(answers, reason=reason)
    assert len(server.calls_for(BAD)) == (1 + RETRIES if again else 1)
    assert len(server.calls) == 7 + len(server.calls_for(BAD))
    assert KEY not in repr(answers) + repr(engine) + repr(engine.facts()) + engine.revision


@pytest.mark.parametrize("row", [row for row, (_, _, again) in ROWS.items() if again])
def test_a_passing_fault_leaves_no_trace(row: str) -> None:
    with FaultyServer(only_bad(ROWS[row][0], times=RETRIES)) as server:
        answers = list(make(server.url).ask(block()))
    assert [answer.status for answer in answers] == ["valid"] * 8
    assert len(server.calls_for(BAD)) == 1 + RETRIES


@pytest.mark.parametrize("act", [stalls, drips])
def test_a_stalled_answer_is_given_up_in_time(act: Act) -> None:
    with FaultyServer(only_bad(act)) as server:
        answers = {answer.key: answer for answer in make(server.url, timeout_secs=0.25, retries=1).ask(block())}
    check_block(answers, reason="timeout")
    assert len(server.calls_for(BAD)) == 2


def check_block(answers: dict[str, Answer], *, reason: str) -> None:
    assert answers.keys() == {f"k{number}" for number in range(8)}
    bad = answers.pop("k3")
    assert (bad.status, bad.reason, bad.probs, bad.text) == ("error", reason, None, None)
    for answer in answers.values():
        assert answer.status == "valid"
        assert answer.probs == pytest.approx((2 / 3, 1 / 3))


def test_every_status_of_the_table_has_a_row_here() -> None:
    tested = {int(row[:3]) for row in ROWS if row[:3].isdigit()} | {status for status, _ in ACCOUNT.values()}
    assert tested >= HTTP_FAULTS.keys()


ACCOUNT = {
    "401": (401, error("Incorrect API key provided")),
    "402": (402, error("out of credit")),
    "403": (403, error("not your region")),
    "insufficient_quota": (429, error("You exceeded your quota", code="insufficient_quota")),
}


@pytest.mark.parametrize("row", ACCOUNT)
def test_a_refused_account_stops_the_run_after_three_calls(row: str) -> None:
    status, body = ACCOUNT[row]
    with FaultyServer(says(status, body)) as server:
        engine = make(server.url)
        with pytest.raises(EngineError, match=f"model 'm': (http_)?{row}: HTTP {status}: .*{body['error']['message']}"):
            list(engine.ask(block()))
    assert len(server.calls) == 3


def test_a_refused_account_counts_the_list_of_models_too() -> None:
    refuses = says(401, error("no"))
    with FaultyServer(refuses, pages={"/models": refuses}) as server, pytest.raises(EngineError, match="http_401"):
        list(make(server.url).ask(block()))
    assert len(server.visits) == 3


def test_a_key_without_the_right_to_list_models_can_ask() -> None:
    with FaultyServer(FINE, pages={"/models": says(403, error("missing scope"))}) as server:
        assert {answer.status for answer in make(server.url).ask(block())} == {"valid"}


def test_one_forbidden_prompt_among_others_does_not_stop_the_run() -> None:
    with FaultyServer(only_bad(says(403, error("moderated")))) as server:
        answers = {answer.key: answer for answer in make(server.url, retries=1, concurrency=1).ask(block())}
    check_block(answers, reason="http_403")


def test_answers_that_came_before_the_account_was_refused_are_kept() -> None:
    def act(wire: Wire, call: Call) -> None:
        (FINE if len(server.calls) <= 4 else says(401, error("expired")))(wire, call)

    found = []
    with FaultyServer(act) as server:
        answers = make(server.url, concurrency=1).ask(block())
        with pytest.raises(EngineError, match=r"http_401: HTTP 401: .*expired"):
            found.extend(answers)
    assert [answer.status for answer in found] == ["valid"] * 4
    assert len(server.calls) == 7


def test_a_server_that_is_not_there_stops_the_run() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # taken, and nobody listens
        engine = make(f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        with pytest.raises(EngineError, match="model 'm': unreachable: no connection"):
            list(engine.ask(block()))
    assert engine.calls == 1 + RETRIES


def test_a_server_that_goes_away_stops_the_run_and_the_answers_before_are_kept() -> None:
    with FaultyServer(FINE) as server:
        engine = make(server.url)
        assert len(list(engine.ask(block()))) == 8
    with pytest.raises(EngineError, match="unreachable"):
        list(engine.ask(block()))


@pytest.mark.parametrize("announced", [False, True])
def test_a_huge_answer_is_neither_read_nor_held(announced: bool) -> None:
    with FaultyServer(floods(50, announced=announced)) as server:
        engine = make(server.url, retries=0)
        list(engine.ask(block(1)))  # imports
        before = engine.bytes_read
        tracemalloc.start()
        try:
            (answer,) = engine.ask(block(1))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert answer.reason == "too_large"
    assert engine.bytes_read - before <= 3 * 2**16  # the limit, and the piece that passes it
    assert peak < 8 * 2**20
    assert server.bytes_sent < 20 * 10**6  # what lies in the buffers between the two


@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize("mode", ["logprobs", "choice", "text"])
def test_a_server_that_echoes_the_key_does_not_spread_it(mode: Any, escaped: bool) -> None:
    def echo(wire: Wire, call: Call) -> None:
        token = call.headers["authorization"].removeprefix("Bearer ")
        reply = json.dumps(chat_reply(f"you are {token}", tops={token: -1.0, "A": -1.0}))
        says(200, (reply.replace("/", "\\/") if escaped else reply).encode())(wire, call)

    with FaultyServer(echo) as server:
        answers = list(make(server.url).ask(block(2, mode=mode)))
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {KEY}"}
    assert KEY not in repr(answers)
    if mode == "text":
        assert answers[0].text == "you are [key]"


def test_an_error_that_echoes_the_key_is_quoted_without_it() -> None:
    act = says(401, error(f"bad key\x1b[31m {KEY}\n" + "x" * 900))
    with FaultyServer(act) as server, pytest.raises(EngineError) as caught:
        list(make(server.url).ask(block()))
    message = str(caught.value)
    assert KEY not in message
    assert "[key]" in message
    assert "\x1b" not in message
    assert "\n" not in message
    assert len(message) < QUOTE + 60


def test_quotes_are_short_and_fit_for_a_terminal() -> None:
    assert quoted("a\x00\x1b[2J\u202e\n\u00e9", secrets=()) == "a\\x00\\x1b[2J\\u202e\\n\u00e9"
    assert quoted("key-one key-one-long", secrets=("key-one", "key-one-long")) == "[key] [key]"
    assert len(quoted("x" * 5000, secrets=())) == QUOTE


NOON = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.mark.parametrize(
    ("value", "secs"),
    [
        (None, None),
        ("0", 0.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("86400", LONGEST_RETRY_AFTER),
        ("-3", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        ("\u0663", None),
        ("Sun, 06 Nov 1994 08:49:47 GMT", 10.0),
        ("Sun, 06 Nov 1994 08:49:27 GMT", 0.0),
        ("Mon, 06 Nov 2034 08:49:27 GMT", LONGEST_RETRY_AFTER),
        ("Sun, 99 Nov 1994 08:49:27 GMT", None),
    ],
)
def test_retry_after(value: str | None, secs: float | None) -> None:
    assert retry_after_secs(value, now=NOON) == secs
