from __future__ import annotations

import re
from typing import Any

import jinja2
import pytest

from demoscope.engines.base import Message, Request
from demoscope.engines.chat import LabelError, Renderer

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
        pieces = self._pattern.findall(text.lower() if self._fold_case else text)
        if add_special_tokens:
            pieces = ["<s>", *pieces, "<e>"]
        self._tokens += [piece for piece in dict.fromkeys(pieces) if piece not in self._tokens]
        return [self._tokens.index(piece) for piece in pieces]

    def decode(self, ids: list[int]) -> str:
        return "".join(self.convert_ids_to_tokens(ids))

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
    with pytest.raises(LabelError, match="label 'A' is no token of its own") as caught:
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
    with pytest.raises(LabelError, match="label 'A' is no token of its own"):
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


TALK = (
    Message("system", "You are old."),
    Message("user", "Tea?"),
    Message("assistant", "A"),
    Message("user", "Milk?"),
)
PLAIN_TALK = "You are old.\n\nTea?\nAnswer: A\n\nMilk?\nAnswer:"


def test_a_model_without_a_chat_template_reads_plain_text() -> None:
    tokenizer, rendered = renderer(None)
    # What the tokenizer puts before a text stays, what it puts behind does not.
    assert text_of(tokenizer, rendered.encode(rendered.text(TALK))) == "<s>" + PLAIN_TALK
    assert (rendered.plain, rendered.has_system_role, rendered.source) == (True, True, "")
    assert rendered.stop == ("\n",)


def test_plain_text_can_be_asked_of_a_model_with_a_template() -> None:
    tokenizer = Tokenizer(TURNS)
    rendered = Renderer(tokenizer, template=None, template_kwargs={}, plain=True)
    assert rendered.text(TALK) == PLAIN_TALK


def test_labels_of_plain_text_are_found_with_their_space() -> None:
    tokenizer, rendered = renderer(None, merge=r" [A-Z]\b")
    prompt, labels = rendered.tokens(Request("k", TALK, ("B", "A")))
    assert tokenizer.convert_ids_to_tokens(labels) == [" B", " A"]
    assert tokenizer.convert_ids_to_tokens(prompt[-1:]) == [":"]


def test_paths_of_labels_of_several_tokens() -> None:
    tokenizer, rendered = renderer()
    text = rendered.text(TALK)
    prompt, paths = rendered.paths(text, ("1", "10", "No way"))
    assert prompt == rendered.encode(text)
    assert [tokenizer.convert_ids_to_tokens(list(path)) for path in paths] == [["1"], ["1", "0"], ["No", " ", "way"]]


def test_an_empty_label_is_refused() -> None:
    _, rendered = renderer()
    text = rendered.text(TALK)
    with pytest.raises(LabelError, match="label '' is no token of its own"):
        rendered.paths(text, ("A", ""))


@pytest.mark.parametrize("labels", [("A", "B"), ("Zoo", "Zoom"), ("Zebra", "Zebra two", "1")])
def test_white_space_is_split_as_it_is_before_a_word(labels: tuple[str, ...]) -> None:
    """Byte pairs of the GPT-2 kind: two line ends are one token at the end of a text, and two before a word."""
    tokenizer, rendered = renderer(TURNS + "\n", merge=r"\n\n(?!\S)")
    for _ in range(2):
        prompt, paths = rendered.paths(rendered.text(TALK), labels)
        assert tokenizer.convert_ids_to_tokens(prompt[-3:]) == ["assistant", "\n", "\n"]
        assert ["".join(tokenizer.convert_ids_to_tokens(list(path))) for path in paths] == list(labels)


def test_an_answer_ends_with_what_the_template_writes_behind_it() -> None:
    tokenizer, rendered = renderer()
    assert tokenizer.convert_ids_to_tokens([rendered.end_token]) == ["<e>"]


@pytest.mark.parametrize("template", ["{{ messages[-1].content }}", "{{ raise_exception('only questions') }}"])
def test_without_a_turn_marker_an_answer_ends_with_the_end_of_the_text(template: str) -> None:
    tokenizer = Tokenizer(template)
    rendered = Renderer(tokenizer, template=None, template_kwargs={})
    assert rendered.end_token is None
    tokenizer.eos_token_id = 1  # type: ignore[attr-defined]
    assert Renderer(tokenizer, template=None, template_kwargs={}).end_token == 1


def test_an_answer_in_plain_text_ends_with_an_empty_line() -> None:
    tokenizer, rendered = renderer(None, merge=r"\n\n")
    assert tokenizer.convert_ids_to_tokens([rendered.end_token]) == ["\n\n"]
