"""What the engine ``openai`` sends and makes of answers, on a server that says what a test wants."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from demoscope.engines import Answer, Engine, Message, Request, Sampling
from demoscope.engines.server.openai import OpenaiEngine
from demoscope.errors import ConfigError, EngineError
from tests.engines.server.faulty_server import Act, Call, FaultyServer, Wire, chat_reply, says

ASKED = Request(
    "k",
    (Message("system", "You are a woman."), Message("user", "Tea?\nA. yes\nB. no\nAnswer with one letter.")),
    ("A", "B"),
    sampling=Sampling(temperature=0.7, top_p=0.9, max_tokens=17),
    seed=2**40 + 5,
)
LONG_LABELS = ("Strongly agree", "Agree")
MODELS = says(200, {"object": "list", "data": [{"id": "served", "owned_by": "someone"}, {"id": "served-large"}]})


def make(server: FaultyServer, **options: Any) -> OpenaiEngine:
    settings = {"retries": 1, "backoff_secs": 0.001, **options}
    return OpenaiEngine(model="m", options={"base_url": server.url, "model": "served", **settings})


def ask(act: Act, request: Request, *, pages: dict[str, Act] | None = None, **options: Any) -> tuple[Answer, Any]:
    """The answer, and the last body that was sent."""
    with FaultyServer(act, pages=pages or {}) as server:
        (answer,) = make(server, **options).ask([request])
        return answer, server.calls[-1].body


def tops(**logprobs: float) -> Act:
    return says(200, chat_reply(tops=logprobs))


class TestContract:
    """The same promises as ``test_contract``, which has no server."""

    def distribution(self, wire: Wire, call: Call) -> None:
        first = 0.5 + len(call.asked) / 1000
        says(200, chat_reply(tops={"A": math.log(first), "B": math.log(0.2)}))(wire, call)

    def requests(self) -> list[Request]:
        return [
            replace(ASKED, key=f"k{number}", messages=(Message("user", "Tea or coffee? " + number * "x"),))
            for number in range(5)
        ]

    def test_it_is_an_engine(self) -> None:
        with FaultyServer(self.distribution) as server:
            engine = make(server)
            assert isinstance(engine, Engine)
            assert engine.capabilities.modes == ("logprobs", "choice", "text", "verbalized")
            assert not engine.capabilities.adapters
            assert all(isinstance(part, str) for pair in engine.facts().items() for part in pair)
            engine.close()

    def test_neighbours_and_history_change_nothing(self) -> None:
        with FaultyServer(self.distribution) as server:
            engine = make(server)
            together = {answer.key: answer for answer in engine.ask(self.requests())}
            assert together.keys() == {"k0", "k1", "k2", "k3", "k4"}
            for request in reversed(self.requests()):
                assert list(engine.ask([request])) == [together[request.key]]
            engine.close()
            assert list(engine.ask(self.requests()[:1])) == [together["k0"]]


def test_what_is_sent_for_the_likeliest_tokens() -> None:
    _, body = ask(tops(A=-1.0, B=-2.0), ASKED, extra_body={"user": "demoscope"}, top_logprobs=11)
    assert body == {
        "model": "served",
        "messages": [
            {"role": "system", "content": "You are a woman."},
            {"role": "user", "content": "Tea?\nA. yes\nB. no\nAnswer with one letter."},
        ],
        "max_tokens": 1,
        "temperature": 1.0,
        "top_p": 1.0,
        "logprobs": True,
        "top_logprobs": 11,
        "user": "demoscope",
    }


def test_all_labels_seen() -> None:
    answer, _ = ask(tops(A=math.log(0.6), B=math.log(0.2), x=math.log(0.05)), ASKED)
    assert answer.probs == pytest.approx((0.75, 0.25))
    assert answer.label_mass == pytest.approx(0.8)
    assert (answer.unseen_mass, answer.prompt_tokens, answer.output_tokens) == (0.0, 12, 3)


def test_a_label_with_a_space_before_it_counts_as_well() -> None:
    act = tops(**{"A": math.log(0.3), " A": math.log(0.1), " B": math.log(0.2), "a": math.log(0.1)})
    answer, _ = ask(act, ASKED)
    assert answer.probs == pytest.approx((2 / 3, 1 / 3))
    assert answer.label_mass == pytest.approx(0.6)
    assert answer.unseen_mass == 0.0


@pytest.mark.parametrize(
    ("logprobs", "unseen"),
    [
        ({"A": 0.5, "x": 0.3, "y": 0.02}, 2 * 2 * 0.02),  # two labels of two forms each, none likelier than the last
        ({"A": 0.5, "x": 0.3, "y": 0.19}, 0.01),  # no more than is left
        ({"A": 1.0, "x": 0.3}, 0.0),
        # The drawn token stands first and may be less likely than tokens that are not listed.
        ({"zebra": 1e-6, "A": 0.5, "x": 0.01}, 4 * 0.01),
    ],
)
def test_what_labels_may_weigh_that_were_not_seen(logprobs: dict[str, float], unseen: float) -> None:
    act = tops(**{token: math.log(value) for token, value in logprobs.items()})
    answer, _ = ask(act, replace(ASKED, labels=("A", "B", "C")))
    assert answer.status == "valid"
    assert answer.probs == pytest.approx((1.0, 0.0, 0.0))
    assert answer.unseen_mass == pytest.approx(unseen, abs=1e-12)


def test_no_label_among_the_likeliest_tokens() -> None:
    answer, _ = ask(tops(I=math.log(0.9), The=math.log(0.04)), ASKED)
    assert (answer.status, answer.reason, answer.probs, answer.label_mass) == ("invalid", "no_label_mass", None, 0.0)
    assert answer.unseen_mass == pytest.approx(0.06)


@pytest.mark.parametrize("least", ["-Infinity", "-9999.0", "-1e300"])
def test_a_label_without_mass_has_probability_0(least: str) -> None:
    reply = chat_reply(tops={"A": -0.5, "B": 77.0})
    text = json.dumps(reply).replace("77.0", least).encode()
    answer, _ = ask(says(200, text), ASKED)
    assert (answer.status, answer.probs, answer.unseen_mass) == ("valid", (1.0, 0.0), 0.0)


@pytest.mark.parametrize("labels", [("1", "10"), LONG_LABELS])
def test_labels_that_may_be_several_tokens_are_refused(labels: tuple[str, ...]) -> None:
    with pytest.raises(EngineError, match=r"may be several tokens.*use letters or mode 'choice'"):
        ask(tops(A=-1.0), replace(ASKED, labels=labels))


@pytest.mark.parametrize(
    "act",
    [
        says(200, chat_reply()),
        says(400, {"error": {"message": "`logprobs` is not supported with this model"}}),
        says(200, {"choices": [{"message": {"content": "A"}, "logprobs": {"content": []}}]}),
        says(
            200, {"choices": [{"message": {"content": "A"}, "logprobs": {"content": [{"token": "A", "logprob": 0}]}}]}
        ),
    ],
)
def test_a_server_without_log_probabilities_stops_the_run_with_a_way_out(act: Act) -> None:
    with pytest.raises(EngineError, match=r"gives no log-probabilities.*use mode 'choice' or 'text'"):
        ask(act, ASKED)


def test_one_answer_without_log_probabilities_among_others_is_one_row() -> None:
    def act(wire: Wire, call: Call) -> None:
        empty = {"choices": [{"message": {"content": ""}, "logprobs": {"content": []}}]}
        says(200, empty if "x" in call.asked else chat_reply(tops={"A": -1.0, "B": -1.0}))(wire, call)

    odd = replace(ASKED, key="odd", messages=(Message("user", "x"),))
    with FaultyServer(act) as server:
        engine = make(server)
        assert [answer.status for answer in engine.ask([ASKED])] == ["valid"]
        assert [answer.reason for answer in engine.ask([odd])] == ["no_logprobs"]
        assert len(server.calls) == 3


@pytest.mark.parametrize(
    ("message", "lowered"),
    [
        ("Requested sample logprobs of 20, which is greater than max allowed: 8 (parameter=logprobs, value=20)", 8),
        ("Invalid value for 'top_logprobs': must be less than or equal to 5.", 5),
        ("Invalid top_logprobs value, the valid range of top_logprobs is [0, 10]", 10),
        ("top_logprobs too high", 5),
    ],
)
def test_fewer_alternatives_are_asked_for_where_the_server_gives_fewer(message: str, lowered: int) -> None:
    def act(wire: Wire, call: Call) -> None:
        many = call.body["top_logprobs"] > lowered
        (says(400, {"error": {"message": message}}) if many else tops(A=-1.0, B=-1.0))(wire, call)

    with FaultyServer(act) as server:
        engine = make(server)
        assert [answer.status for answer in engine.ask([ASKED])] == ["valid"]
        assert server.calls[-1].body["top_logprobs"] == lowered
        assert engine.facts()["logprobs"] == f"top {lowered}, rest unseen"


@pytest.mark.parametrize(
    ("key", "message", "cured"),
    [
        ("max_tokens", "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", True),
        ("top_p", "Unsupported parameter: 'top_p' is not supported with this model.", True),
        ("temperature", "Unsupported value: 'temperature' does not support 0.7 with this model.", False),
    ],
)
def test_other_words_for_servers_that_want_them(key: str, message: str, cured: bool) -> None:
    def act(wire: Wire, call: Call) -> None:
        (says(400, {"error": {"message": message}}) if key in call.body else says(200, chat_reply("A")))(wire, call)

    asked = replace(ASKED, mode="text", sampling=Sampling(temperature=0.7, max_tokens=9))
    answer, body = ask(act, asked)
    assert (answer.status, answer.reason) == (("valid", None) if cured else ("error", "http_400"))
    if key == "max_tokens":
        assert body["max_completion_tokens"] == 9


def test_a_template_without_a_system_role_gets_the_persona_in_the_first_turn() -> None:
    def act(wire: Wire, call: Call) -> None:
        refused = call.body["messages"][0]["role"] == "system"
        message = {"error": {"message": "System role not supported"}}
        (says(400, message) if refused else tops(A=-1.0, B=-1.0))(wire, call)

    answer, body = ask(act, ASKED)
    assert answer.status == "valid"
    assert body["messages"] == [
        {"role": "user", "content": "You are a woman.\n\nTea?\nA. yes\nB. no\nAnswer with one letter."}
    ]


@pytest.mark.parametrize("mode", ["text", "verbalized"])
def test_texts_and_what_is_sent_for_them(mode: Any) -> None:
    reply = chat_reply("A, of course", reasoning_content="Hmm.")
    reply["choices"][0]["finish_reason"] = "length"
    answer, body = ask(says(200, reply), replace(ASKED, mode=mode))
    assert answer == Answer(
        "k", "valid", text="A, of course", truncated=True, thought="Hmm.", prompt_tokens=12, output_tokens=3
    )
    assert (body["seed"], body["temperature"], body["top_p"], body["max_tokens"]) == (5, 0.7, 0.9, 17)
    assert "logprobs" not in body
    assert "top_k" not in body


def test_an_answer_that_is_all_thought_is_an_empty_text() -> None:
    reply = {"choices": [{"message": {"content": None, "reasoning": "I wonder"}, "finish_reason": "length"}]}
    answer, _ = ask(says(200, reply), replace(ASKED, mode="text"))
    assert (answer.status, answer.text, answer.truncated, answer.thought) == ("valid", "", True, "I wonder")


def test_half_of_a_surrogate_pair_can_be_stored() -> None:
    answer, _ = ask(says(200, b'{"choices": [{"message": {"content": "A \\ud83d"}}]}'), replace(ASKED, mode="text"))
    assert answer.text == "A ?"


@pytest.mark.parametrize("mode", ["logprobs", "choice", "text"])
@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"content": None, "refusal": "I can't help with that."}, "finish_reason": "stop"},
        {"message": {"content": "I can't help with that."}, "finish_reason": "content_filter"},
    ],
)
def test_refusals_keep_their_text(mode: Any, choice: dict[str, Any]) -> None:
    answer, _ = ask(says(200, {"choices": [choice]}), replace(ASKED, mode=mode))
    assert (answer.status, answer.text, answer.probs) == ("refusal", "I can't help with that.", None)


CHOICE = replace(ASKED, mode="choice", labels=LONG_LABELS)


@pytest.mark.parametrize(
    ("written", "status", "text"),
    [
        ('{"answer": "Agree"}', "valid", "Agree"),
        ('\n{ "answer" :\n"Strongly agree"\n\n\n\n', "valid", "Strongly agree"),
        ('{"answer": "Disagree"}', "invalid", '{"answer": "Disagree"}'),
        ('{"answer": "Agr', "invalid", '{"answer": "Agr'),
        ('{"answer": 1}', "invalid", '{"answer": 1}'),
        ("Agree", "invalid", "Agree"),
        ("", "invalid", ""),
    ],
)
def test_a_choice_by_schema(written: str, status: str, text: str) -> None:
    answer, body = ask(says(200, chat_reply(written)), CHOICE)
    assert (answer.status, answer.text) == (status, text)
    assert answer.reason == (None if status == "valid" else "invalid_key")
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["answer"]["enum"] == list(LONG_LABELS)
    assert body["max_tokens"] > len('{"answer": "Strongly agree"}')
    assert (body["seed"], body["temperature"]) == (5, 0.7)


@pytest.mark.parametrize("options", [{"choice": "vllm"}, {"vllm": True}])
def test_a_choice_in_the_words_of_vllm(options: dict[str, Any]) -> None:
    pages = {"/models": says(200, {"data": [{"id": "served", "owned_by": "vllm"}]})} if "vllm" in options else {}
    options = {key: value for key, value in options.items() if key != "vllm"}
    answer, body = ask(says(200, chat_reply("Agree")), CHOICE, pages=pages, **options)
    assert (answer.status, answer.text) == ("valid", "Agree")
    assert body["structured_outputs"] == {"choice": list(LONG_LABELS)}
    assert "response_format" not in body
    answer, _ = ask(says(200, chat_reply("Agree.")), CHOICE, pages=pages, choice="vllm")
    assert (answer.status, answer.reason, answer.text) == ("invalid", "invalid_key", "Agree.")


def test_the_server_must_know_the_model() -> None:
    with FaultyServer(tops(A=-1.0, B=-1.0), pages={"/models": MODELS}) as server:
        assert [answer.status for answer in make(server).ask([ASKED])] == ["valid"]
        with pytest.raises(
            ConfigError, match=r"options: model: the server at .* has no 'serve'; did you mean 'served'\?"
        ):
            list(make(server, model="serve").ask([ASKED]))


@pytest.mark.parametrize("page", [says(404, b""), says(200, b"<html>"), says(200, {"data": None}), says(405, b"")])
def test_a_server_without_a_list_of_models_is_asked_all_the_same(page: Act) -> None:
    answer, _ = ask(tops(A=-1.0, B=-1.0), ASKED, pages={"/models": page})
    assert answer.status == "valid"


def test_completions_ask_with_plain_text() -> None:
    reply = {
        "choices": [
            {
                "text": " A",
                "finish_reason": "length",
                "logprobs": {
                    "tokens": [" A"],
                    "token_logprobs": [math.log(0.6)],
                    "top_logprobs": [{" A": math.log(0.6), " B": math.log(0.2)}],
                },
            }
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 1},
    }
    answer, body = ask(says(200, reply), ASKED, api="completions", top_logprobs=5)
    assert answer.probs == pytest.approx((0.75, 0.25))
    assert body["prompt"] == "You are a woman.\n\nTea?\nA. yes\nB. no\nAnswer with one letter.\n"
    assert body["logprobs"] == 5
    assert "messages" not in body
    answer, _ = ask(says(200, reply), replace(ASKED, mode="text"), api="completions")
    assert (answer.text, answer.truncated, answer.output_tokens) == (" A", True, 1)
