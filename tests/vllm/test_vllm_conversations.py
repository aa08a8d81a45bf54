"""Models that think first, and base models that read plain text."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.small_model import FLOAT32_NATS, MODEL

from demoscope.engines.base import Answer, Message, Request, Sampling
from demoscope.engines.vllm import VllmEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TEMPLATE = Path(__file__).with_name("thinking.jinja")
BUDGET = 16


LETTERS = ("A", "B")
MESSAGES = (
    Message("system", "You are a woman from Ohio."),
    Message("user", "Do you drink tea?\nA. Yes\nB. No\nAnswer with one letter."),
)
SCORED = Request("k", MESSAGES, LETTERS)


def made(**options: Any) -> VllmEngine:
    return VllmEngine(model="smollm2", options={"model": str(MODEL), "dtype": "float32", **options})


def turns(messages: Sequence[Message], last: str) -> str:
    return "".join(f"<|im_start|>{m.role}\n{m.content}<|im_end|>\n" for m in messages) + last


def check(answer: Answer, expected: list[float]) -> None:
    assert answer.status == "valid"
    assert answer.probs is not None
    assert answer.label_mass is not None
    found = [math.log(share * answer.label_mass) for share in answer.probs]
    assert found == pytest.approx(expected, abs=FLOAT32_NATS)


@pytest.fixture(scope="class")
def thoughtful() -> Iterator[VllmEngine]:
    engine = made(chat_template=str(TEMPLATE), thinking="first", thinking_budget=BUDGET)
    yield engine
    engine.close()


class TestThinkingFirst:
    def test_labels_are_scored_behind_the_thought(
        self, thoughtful: VllmEngine, teacher: Callable[[str, str], float]
    ) -> None:
        requests = [replace(SCORED, key=f"{seed}", seed=seed) for seed in range(3)]
        answers = list(thoughtful.ask(requests))
        assert len({answer.thought for answer in answers}) == 3
        for answer in answers:
            assert answer.thought is not None
            # This model does not know the end of a thought: it ends with its turn or is cut.
            assert not answer.thought.endswith("</think>")
            assert 1 <= answer.output_tokens <= BUDGET
            behind = f"<|im_start|>assistant\n<think>\n{answer.thought}\n</think>\n\n"
            check(answer, [teacher(turns(MESSAGES, behind), label) for label in LETTERS])
        assert max(answer.output_tokens for answer in answers) == BUDGET
        assert thoughtful.facts()["thinking"] == f"first, up to {BUDGET} tokens"

    def test_choice_and_text_follow_the_same_thought(self, thoughtful: VllmEngine) -> None:
        requests = [
            replace(SCORED, key=mode, mode=mode, sampling=Sampling(max_tokens=4), seed=5)  # type: ignore[arg-type]
            for mode in ("logprobs", "choice", "text")
        ]
        answers = {answer.key: answer for answer in thoughtful.ask(requests)}
        assert len({answer.thought for answer in answers.values()}) == 1
        assert answers["choice"].text in LETTERS
        text, thought = answers["text"].text, answers["text"].thought
        assert text is not None
        assert thought is not None
        assert thought not in text
        assert answers["logprobs"].output_tokens < answers["text"].output_tokens
        assert {answer.prompt_tokens for answer in answers.values()} == {answers["text"].prompt_tokens}
        (again,) = thoughtful.ask([requests[2]])
        assert again == answers["text"]

    def test_a_thought_that_ends_by_itself_keeps_its_end(
        self, thoughtful: VllmEngine, teacher: Callable[[str, str], float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every sentence ends with a full stop, hence this end is found."""
        monkeypatch.setattr(thoughtful._conversation, "thinking", replace(thoughtful._thinking, end=".", budget=64))
        answers = list(thoughtful.ask([replace(SCORED, key=f"{seed}", seed=seed) for seed in range(4)]))
        thoughts = [answer.thought for answer in answers if answer.thought is not None]
        assert any(thought.endswith(".") for thought in thoughts)
        for answer in answers:
            if answer.thought is not None and answer.thought.endswith("."):
                assert answer.thought.count(".") == 1
                assert answer.output_tokens < 64
                behind = f"<|im_start|>assistant\n{answer.thought}\n\n"
                check(answer, [teacher(turns(MESSAGES, behind), label) for label in LETTERS])


def test_a_switch_in_the_template_is_turned_off(tokenizer: Any) -> None:
    engine = made(chat_template=str(TEMPLATE))
    renderer = engine._conversation.renderer(tokenizer)
    expected = turns(MESSAGES, "<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert engine._conversation.prompt(renderer, SCORED) == expected
    # This tokenizer splits the two line ends before a letter.
    prompt, labels = renderer.paths(expected, LETTERS)
    assert tokenizer.decode(prompt) == expected
    assert [tokenizer.decode(list(path)) for path in labels] == list(LETTERS)


@pytest.fixture(scope="class")
def plain() -> Iterator[VllmEngine]:
    engine = made(chat_template="none")
    yield engine
    engine.close()


class TestPlainText:
    TALK = (*MESSAGES, Message("assistant", "B"), Message("user", "Do you drive?\nA. Yes\nB. No"))
    PROMPT = (
        "You are a woman from Ohio.\n\nDo you drink tea?\nA. Yes\nB. No\nAnswer with one letter.\nAnswer: B\n\n"
        "Do you drive?\nA. Yes\nB. No\nAnswer:"
    )

    def test_labels_stand_behind_a_space(self, plain: VllmEngine, teacher: Callable[[str, str], float]) -> None:
        (answer,) = plain.ask([Request("k", self.TALK, LETTERS)])
        check(answer, [teacher(self.PROMPT, f" {label}") for label in LETTERS])
        assert plain.facts()["conversation"] == "no chat template: plain text"

    def test_labels_of_several_tokens_end_with_an_empty_line(
        self, plain: VllmEngine, teacher: Callable[[str, str], float]
    ) -> None:
        labels = ("1", "10", "Yes indeed")
        (answer,) = plain.ask([Request("k", self.TALK, labels)])
        check(answer, [teacher(self.PROMPT, f" {label}\n\n") for label in labels])

    def test_a_drawn_label_has_no_space(self, plain: VllmEngine) -> None:
        requests = [Request(f"{seed}", self.TALK, LETTERS, mode="choice", seed=seed) for seed in range(12)]
        assert {answer.text for answer in plain.ask(requests)} == set(LETTERS)

    def test_a_text_ends_with_its_line(self, plain: VllmEngine) -> None:
        requests = [Request(f"{seed}", self.TALK, LETTERS, mode="text", seed=seed) for seed in range(8)]
        texts = [answer.text for answer in plain.ask(requests)]
        assert all(text is not None and "\n" not in text and not text.startswith(" ") for text in texts)
        assert any(texts)
