"""An item asked alone."""

from __future__ import annotations

from string import ascii_uppercase

import pytest

from demoscope.errors import ConfigError
from demoscope.prompts import item_prompt
from demoscope.surveys import Item, Option, load_survey

ITEM = load_survey("ces2016").item("religimp")
PERSONA = "You are a woman aged 18-34 from Ohio without a college degree."


def many(n):
    return Item(id="q", text="Which?", options=tuple(Option(code=i, label=f"label {i}") for i in range(n)))


def test_the_whole_prompt():
    prompt = item_prompt(ITEM, persona=PERSONA, order="given")
    assert prompt.messages == (
        ("system", PERSONA),
        (
            "user",
            (
                "How much does religion matter in your life?\n"
                "A. Not at all\nB. Not too much\nC. Somewhat\nD. Very much\n"
                "Answer with one letter."
            ),
        ),
    )
    assert prompt.labels == ("A", "B", "C", "D")
    assert prompt.option_codes == (1, 2, 3, 4)


def test_reversed_options_have_letters_from_the_top():
    prompt = item_prompt(ITEM, persona=None, order="reversed")
    assert prompt.messages[0][1].splitlines()[1:5] == [
        "A. Very much",
        "B. Somewhat",
        "C. Not too much",
        "D. Not at all",
    ]
    assert prompt.labels == ("A", "B", "C", "D")
    assert prompt.option_codes == (4, 3, 2, 1)


def test_without_persona_there_is_the_question_only():
    unsteered, steered = (item_prompt(ITEM, persona=persona, order="given") for persona in (None, PERSONA))
    assert unsteered.messages == steered.messages[1:]


def test_each_letter_stands_beside_the_option_of_its_code():
    for item in load_survey("synthetic").items:
        for order in ("given", "reversed"):
            prompt = item_prompt(item, persona=None, order=order)
            labels = dict(zip(item.codes, item.labels, strict=True))
            shown = dict(line.split(". ", 1) for line in prompt.messages[0][1].splitlines()[1:-1])
            letters = zip(prompt.labels, prompt.option_codes, strict=True)
            assert shown == {letter: labels[code] for letter, code in letters}


def test_26_options_have_letters_and_27_have_not():
    assert item_prompt(many(26), persona=None, order="given").labels == tuple(ascii_uppercase)
    with pytest.raises(ConfigError, match="item 'q' has 27 options; a prompt has letters for 26"):
        item_prompt(many(27), persona=None, order="given")
