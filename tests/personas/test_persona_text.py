"""Personas as sentences."""

from __future__ import annotations

import pytest

from demoscope.errors import ConfigError
from demoscope.personas import persona_text
from demoscope.surveys import load_survey

CES = load_survey("ces2016")
WOMAN = {"sex": "woman", "age_band": "18-34", "state": "Ohio", "collegeed": "without a college degree"}


def test_the_default_sentence():
    assert persona_text(CES, WOMAN) == "You are a woman aged 18-34 from Ohio without a college degree."


def test_the_order_of_the_mapping_does_not_matter():
    assert persona_text(CES, dict(reversed(WOMAN.items()))) == persona_text(CES, WOMAN)


def test_without_a_noun_it_is_a_person():
    assert persona_text(CES, {"state": "Texas"}) == "You are a person from Texas."
    assert persona_text(CES, {}) == "You are a person."


def test_further_attributes():
    attributes = WOMAN | {"racef": "Hispanic", "famincr": "$30,000-39,999"}
    assert persona_text(CES, attributes) == (
        "You are a woman aged 18-34 from Ohio without a college degree with a family income of $30,000-39,999 "
        "who describes their race as Hispanic."
    )


def test_values_are_data_and_no_templates():
    assert (
        persona_text(CES, {"state": "{value} {sex} {{ 1 + 1 }}"}) == "You are a person from {value} {sex} {{ 1 + 1 }}."
    )


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("portrait", "I am a woman aged 18-34 from Ohio without a college degree."),
        (
            "list",
            (
                "You are a person. This is known about you:\n"
                "- sex: woman\n- age: 18-34\n- state: Ohio\n- education: without a college degree"
            ),
        ),
        (
            "dialogue",
            (
                "An interviewer has asked you about yourself:\n"
                "Interviewer: sex?\nYou: woman\nInterviewer: age?\nYou: 18-34\n"
                "Interviewer: state?\nYou: Ohio\nInterviewer: education?\nYou: without a college degree"
            ),
        ),
    ],
)
def test_other_styles_say_every_attribute_once(style, text):
    assert persona_text(CES, WOMAN, style=style) == text


def test_a_language_without_words_is_an_error():
    with pytest.raises(ConfigError, match=r"language 'es': demographic 'sex' lacks translations\.es\.text"):
        persona_text(CES, WOMAN, language="es")


def test_unknown_attributes_are_errors():
    with pytest.raises(ConfigError, match="no demographic 'stat'; did you mean 'state'"):
        persona_text(CES, {"stat": "Ohio"})
