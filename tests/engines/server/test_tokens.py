"""Scoring by token ids: on a server that tokenizes like vLLM, with one token per character."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from demoscope.engines import Answer, Message, Request
from demoscope.engines.server.openai import OpenaiEngine
from demoscope.errors import EngineError
from tests.engines.server.faulty_server import Act, Call, FaultyServer, Wire, chat_reply, says

ASKED = Request("k", (Message("system", "She."), Message("user", "A or B?")), ("A", "B"))


@dataclass
class Likeness:
    """Pages of a vLLM server, and what it answers.

    Attributes:
        opening: What the chat template puts before an answer.
        merged: Texts that are one token.
        lossy: Whether tokens do not become the same text again.
        tokenized: Bodies that ``/tokenize`` got.
    """

    opening: str = "<a>"
    merged: dict[str, int] = field(default_factory=dict)
    lossy: bool = False
    scores: bool = True
    tokenized: list[Any] = field(default_factory=list)

    def encode(self, text: str) -> list[int]:
        found: list[int] = []
        while text:
            piece = next((piece for piece in self.merged if text.startswith(piece)), text[0])
            found.append(self.merged.get(piece, ord(piece[0])))
            text = text[len(piece) :]
        return found

    def render(self, body: Any) -> str:
        turns = [f"<{message['role'][0]}>{message['content']}" for message in body["messages"]]
        return "".join(turns) + (self.opening if body.get("add_generation_prompt", True) else "")

    def tokenize(self, wire: Wire, call: Call) -> None:
        self.tokenized.append(call.body)
        text = call.body["prompt"] if "prompt" in call.body else self.render(call.body)
        says(200, {"tokens": self.encode(text)})(wire, call)

    def detokenize(self, wire: Wire, call: Call) -> None:
        names = {token: piece for piece, token in self.merged.items()}
        text = "".join(names.get(token) or chr(token) for token in call.body["tokens"])
        says(200, {"prompt": text.lower() if self.lossy else text})(wire, call)

    def answer(self, wire: Wire, call: Call) -> None:
        prompt = self.encode(self.render(call.body))
        ids = call.body.get("logprob_token_ids")
        if ids is None or not self.scores:
            reply = chat_reply(tops={"A": math.log(0.4), "B": math.log(0.4)})
        else:
            named = {f"token_id:{token}": math.log(0.1 * (1 + place)) for place, token in enumerate(ids)}
            reply = chat_reply(tops={"token_id:7": math.log(0.5), **named}) | {"prompt_token_ids": prompt}
        says(200, reply)(wire, call)

    @property
    def pages(self) -> dict[str, Act]:
        return {
            "/models": says(200, {"data": [{"id": "served", "owned_by": "vllm"}]}),
            "/version": says(200, {"version": "0.32.0"}),
            "/tokenize": self.tokenize,
            "/detokenize": self.detokenize,
        }


def make(server: FaultyServer, **options: Any) -> OpenaiEngine:
    settings = {"retries": 1, "backoff_secs": 0.001, **options}
    return OpenaiEngine(model="m", options={"base_url": server.url, "model": "served", **settings})


def ask(likeness: Likeness, request: Request = ASKED, **options: Any) -> tuple[Answer, Any, str]:
    """The answer, the last body, and how log-probabilities were taken."""
    with FaultyServer(likeness.answer, pages=likeness.pages) as server:
        engine = make(server, **options)
        (answer,) = engine.ask([request])
        return answer, server.calls[-1].body, engine.facts()["logprobs"]


def test_label_tokens_are_scored_exactly() -> None:
    answer, body, way = ask(Likeness())
    assert body["logprob_token_ids"] == [ord("A"), ord("B")]
    assert (body["logprobs"], body["return_tokens_as_token_ids"], body["max_tokens"]) == (True, True, 1)
    assert answer.probs == pytest.approx((1 / 3, 2 / 3))
    assert answer.label_mass == pytest.approx(0.3)
    assert answer.unseen_mass == 0.0
    assert way == "exact by token ids"


def test_the_server_is_named_with_its_version() -> None:
    likeness = Likeness()
    with FaultyServer(likeness.answer, pages=likeness.pages) as server:
        engine = make(server)
        list(engine.ask([ASKED]))
        assert engine.facts()["server"].startswith("vLLM at 127.0.0.1:")
        assert engine.facts()["server_version"] == "0.32.0"


def test_long_labels_can_be_scored_where_they_are_one_token() -> None:
    labels = ("Agree", "10")
    answer, body, _ = ask(Likeness(merged={"Agree": 900, "10": 901}), replace(ASKED, labels=labels))
    assert body["logprob_token_ids"] == [900, 901]
    assert answer.status == "valid"


@pytest.mark.parametrize(
    ("labels", "merged", "message"),
    [
        (("1", "10"), {}, "label '10' is not one token after the prompt; use letters or mode 'choice'"),
        (("A", "B"), {">A": 900}, "label 'A' is not one token after the prompt"),
        (("x", "y"), {"x": 900, "y": 900}, "labels 'x' and 'y' are the same token"),
    ],
)
def test_labels_that_are_not_one_distinct_token_are_refused(
    labels: tuple[str, ...], merged: dict[str, int], message: str
) -> None:
    with pytest.raises(EngineError, match=f"model 'm': {message}"):
        ask(Likeness(merged=merged), replace(ASKED, labels=labels))


def test_where_tokens_do_not_become_text_again_the_label_is_rendered_as_an_answer_begun() -> None:
    likeness = Likeness(lossy=True)
    _, body, _ = ask(likeness)
    assert body["logprob_token_ids"] == [ord("A"), ord("B")]
    assert likeness.tokenized[-1]["continue_final_message"] is True
    assert likeness.tokenized[-1]["messages"][-1] == {"role": "assistant", "content": "B"}


def test_tokens_are_looked_up_once_for_all_prompts_that_end_alike() -> None:
    likeness = Likeness()
    requests = [replace(ASKED, key=f"k{n}", messages=(Message("user", "x" * n),)) for n in range(1, 9)]
    with FaultyServer(likeness.answer, pages=likeness.pages) as server:
        engine = make(server)
        assert {answer.status for answer in engine.ask(requests)} == {"valid"}
        looked_up = len(likeness.tokenized)
        assert {answer.status for answer in engine.ask(requests)} == {"valid"}
        assert len(likeness.tokenized) == looked_up == 5
        assert len(server.calls) == 16


def test_a_prompt_that_ends_otherwise_is_looked_up_again_and_scored_again() -> None:
    likeness = Likeness()
    other = replace(ASKED, key="other", messages=(Message("user", "end"),))
    with FaultyServer(likeness.answer, pages=likeness.pages) as server:
        engine = make(server)
        list(engine.ask([ASKED]))
        likeness.opening, likeness.merged = "<b>", {"B": 901}
        (answer,) = engine.ask([other])
        assert answer.status == "valid"
        assert [call.body["logprob_token_ids"] for call in server.calls[1:]] == [[65, 66], [65, 901]]


def test_words_for_the_template_travel_to_the_tokenizer() -> None:
    likeness = Likeness()
    rendering = {"chat_template_kwargs": {"enable_thinking": False}}
    _, body, _ = ask(likeness, extra_body={**rendering, "priority": 3})
    assert likeness.tokenized[0]["chat_template_kwargs"] == rendering["chat_template_kwargs"]
    assert "priority" not in likeness.tokenized[0]
    assert (body["chat_template_kwargs"], body["priority"]) == (rendering["chat_template_kwargs"], 3)


class Bare(Likeness):
    """A vLLM server behind a gateway that passes on nothing but the usual paths."""

    @property
    def pages(self) -> dict[str, Act]:
        return {"/models": super().pages["/models"]}


class Strict(Likeness):
    """A server that refuses words which it does not know."""

    def answer(self, wire: Wire, call: Call) -> None:
        if "logprob_token_ids" in call.body:
            says(400, {"error": {"message": "Unrecognized request argument supplied: logprob_token_ids"}})(wire, call)
        else:
            super().answer(wire, call)


@pytest.mark.parametrize("likeness", [Bare(), Likeness(scores=False), Strict()])
def test_a_server_that_scores_no_tokens_is_asked_for_the_likeliest_ones(likeness: Likeness) -> None:
    answer, body, way = ask(likeness)
    assert answer.probs == pytest.approx((0.5, 0.5))
    assert body["top_logprobs"] == 20
    assert way == "top 20, rest unseen"


@pytest.mark.parametrize("likeness", [Bare(), Likeness(scores=False), Strict()])
def test_unless_token_ids_are_insisted_on(likeness: Likeness) -> None:
    with pytest.raises(EngineError, match="logprobs = 'token_ids', but the server does not score tokens"):
        ask(likeness, logprobs="token_ids")


def test_the_two_ways_are_never_mixed_within_a_run() -> None:
    likeness = Likeness()
    with FaultyServer(likeness.answer, pages=likeness.pages) as server:
        engine = make(server)
        assert [answer.status for answer in engine.ask([ASKED])] == ["valid"]
        likeness.scores = False
        assert [(answer.status, answer.reason) for answer in engine.ask([ASKED])] == [("error", "wrong_schema")]
        assert engine.facts()["logprobs"] == "exact by token ids"


def test_texts_of_vllm_are_drawn_without_the_settings_of_the_model_directory() -> None:
    _, body, _ = ask(Likeness(), replace(ASKED, mode="text"))
    assert (body["top_k"], body["min_p"], body["repetition_penalty"]) == (-1, 0.0, 1.0)
    _, body, _ = ask(Likeness(), replace(ASKED, mode="text"), extra_body={"top_k": 40})
    assert body["top_k"] == 40


def test_a_vllm_server_shows_and_counts_prompts_without_being_asked_anything() -> None:
    likeness = Likeness()
    with FaultyServer(likeness.answer, pages=likeness.pages) as server:
        engine = make(server)
        expected = "<s>She.<u>A or B?<a>"
        assert engine.rendered(ASKED) == expected
        other = replace(ASKED, messages=ASKED.messages[1:])
        assert engine.prompt_tokens([ASKED, other]) == [list(map(ord, expected)), list(map(ord, "<u>A or B?<a>"))]
        assert engine.calls == 0
        plain = make(server, api="completions")
        assert plain.rendered(ASKED) == "She.\n\nA or B?\n"
        assert plain.prompt_tokens([ASKED]) == [list(map(ord, "She.\n\nA or B?\n"))]


def test_servers_that_do_not_tell_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    likeness = Likeness()
    silent = {name: page for name, page in likeness.pages.items() if name == "/models"}
    broken = likeness.pages | {"/tokenize": says(500, {})}
    for pages in (silent, broken):
        with FaultyServer(likeness.answer, pages=pages) as server:
            engine = make(server)
            assert (engine.rendered(ASKED), engine.prompt_tokens([ASKED] * 3)) == (None, None)
    # Nobody is there any more.
    assert (engine.rendered(ASKED), engine.prompt_tokens([ASKED])) == (None, None)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    far = OpenaiEngine(model="m", options={"base_url": "https://model.invalid/v1", "model": "x"})
    assert (far.rendered(ASKED), far.prompt_tokens([ASKED])) == (None, None)
