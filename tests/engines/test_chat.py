from __future__ import annotations

import re
from typing import Any

import jinja2
import pytest

from demoscope.engines.base import Message, Request
from demoscope.engines.chat import LabelError, Renderer
from demoscope.errors import EngineError

TURNS = "{% for m in messages %}<s>{{ m.role }}\n{{ m.content }}<e>{% endfor %}<s>assistant\n"
TURNS_WITHOUT_SYSTEM = TURNS.replace("{% for m in messages %}", "{% for m in messages if m.role != 'system' %}")
TURNS_REFUSING_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}" + TURNS


class Tokenizer:
    """Words, digits and signs as tokens; turn markers are added tokens; text after a newline or a space may merge."""

    def __init__(self, template: str | None, *, merge: str = "(?!)", fold_case: bool = False) -> None:
        self.chat_template = template
        self._pattern = re.compile(rf"<s>|<e>|{merge}|[A-Za-z]+|\d|\s|.", re.DOTALL)
        self._fold_case = fold_case
        self._tokens: list[str] = ["<s>", "<e>"]

    def get_added_vocab(self) -> dict[str, int]:
        return {"<s>": 0, "<e>": 1}

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        assert not add_special_tokens
        pieces = self._pattern.findall(text.lower() if self._fold_case else text)
        self._tokens += [piece for piece in dict.fromkeys(pieces) if piece not in self._tokens]
        return [self._tokens.index(piece) for piece in pieces]

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return [self._tokens[place] for place in ids]

    def apply_chat_template(
        self, conversation: list[dict[str, str]], *, tokenize: bool, chat_template: str | None = None, **variables: Any
    ) -> str:
        assert not tokenize
        environment = jinja2.Environment(autoescape=False, keep_trailing_newline=True)

        def raise_exception(message: str) -> None:
            raise jinja2.TemplateError(message)

        template = environment.from_string(chat_template or self.chat_template or "")
        return template.render(messages=conversation, raise_exception=raise_exception, **variables)


def renderer(template: str | None = TURNS, **settings: Any) -> tuple[Tokenizer, Renderer]:
    tokenizer = Tokenizer(template, **settings)
    return tokenizer, Renderer(tokenizer, template=None, template_kwargs={})


def asked(*labels: str) -> Request:
    return Request("k", (Message("system", "You are old."), Message("user", "A or B?")), labels)


def text_of(tokenizer: Tokenizer, tokens: list[int]) -> str:
    return "".join(tokenizer.convert_ids_to_tokens(tokens))


def test_labels_are_the_tokens_that_follow_the_prompt() -> None:
    tokenizer, rendered = renderer()
    prompt, labels = rendered.tokens(asked("B", "A"))
    assert text_of(tokenizer, prompt) == "<s>system\nYou are old.<e><s>user\nA or B?<e><s>assistant\n"
    assert tokenizer.convert_ids_to_tokens(labels) == ["B", "A"]


def test_a_label_of_two_tokens_is_refused() -> None:
    _, rendered = renderer()
    with pytest.raises(LabelError, match=r"'10' is not one token after the prompt, which then ends in \['1', '0'\]"):
        rendered.tokens(asked("1", "10"))


def test_a_label_that_melts_into_the_prompt_is_refused() -> None:
    _, rendered = renderer(merge=r"\n[AB]")
    with pytest.raises(LabelError, match="label 'A' is not one token") as caught:
        rendered.tokens(asked("A", "B"))
    assert f"ends in {[chr(10) + 'A']}" in str(caught.value)


def test_two_labels_of_one_token_are_refused() -> None:
    _, rendered = renderer(fold_case=True)
    with pytest.raises(LabelError, match="labels 'A' and 'a' are the same token"):
        rendered.tokens(asked("A", "a"))


def test_labels_are_looked_up_again_after_another_end_of_the_prompt() -> None:
    """Without a turn marker the end of the question is what the label follows."""
    _, rendered = renderer("{{ messages[-1].content }}", merge=r"x[AB]")
    fine = Request("k", (Message("user", "Choose: "),), ("A", "B"))
    melts = Request("k", (Message("user", "Choose: x"),), ("A", "B"))
    rendered.tokens(fine)
    with pytest.raises(LabelError, match="label 'A' is not one token"):
        rendered.tokens(melts)


@pytest.mark.parametrize("template", [TURNS_WITHOUT_SYSTEM, TURNS_REFUSING_SYSTEM])
def test_without_a_system_role_the_persona_opens_the_user_turn(template: str) -> None:
    tokenizer, rendered = renderer(template)
    prompt, _ = rendered.tokens(asked("A", "B"))
    assert not rendered.has_system_role
    assert text_of(tokenizer, prompt) == "<s>user\nYou are old.\n\nA or B?<e><s>assistant\n"


def test_a_template_of_ones_own_and_its_variables() -> None:
    tokenizer = Tokenizer(None)
    rendered = Renderer(tokenizer, template=TURNS + "{{ thinking }}", template_kwargs={"thinking": "none "})
    prompt, _ = rendered.tokens(asked("A", "B"))
    assert text_of(tokenizer, prompt).endswith("<s>assistant\nnone ")


def test_a_model_without_a_chat_template_is_refused() -> None:
    with pytest.raises(EngineError, match=r"options\.chat_template"):
        renderer(None)
