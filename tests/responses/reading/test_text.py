# ruff: noqa: RUF001  # answers in many scripts
import re
from typing import get_args

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from demoscope.responses.reading import phrases
from demoscope.responses.reading.scale import compile_scale
from demoscope.responses.reading.text import Reading, read_text
from demoscope.schema import AnswerStatus, InvalidReason
from tests.responses.reading.cases import (
    ACCENTS,
    AGREE,
    ARABIC,
    CHINESE,
    COUNTS,
    CUT,
    DOWN,
    ENDS,
    HINDI,
    KNOW,
    KOREAN,
    LETTERS,
    LONG,
    NAMED,
    OTHER,
    RUSSIAN,
    SIGNS,
    THAI,
    UNREAD,
    WORDS,
    lettered,
    unlabelled,
)


def read(scale, text, **more):
    labels, options = scale
    return read_text(text, labels=labels, options=options, **more)


@pytest.mark.parametrize(("scale", "text", "option"), NAMED)
def test_named_options(scale, text, option):
    assert read(scale, text) == Reading("valid", None, option)


@pytest.mark.parametrize(("scale", "text", "reason"), UNREAD)
def test_what_names_no_option_is_not_coerced_into_one(scale, text, reason):
    assert read(scale, text) == Reading("invalid", reason, None)


@pytest.mark.parametrize(("scale", "text", "status"), OTHER)
def test_refusals_and_dont_knows(scale, text, status):
    assert read(scale, text) == Reading(status, None, None)


@pytest.mark.parametrize(("scale", "text", "reading"), CUT)
def test_texts_that_were_cut_off(scale, text, reading):
    assert read(scale, text, truncated=True) == reading


PLAIN = lettered("Blue", "Green", "Red")


def listed(table):
    return [phrase.strip() for phrase in re.split(r"[,\n]", table) if phrase.strip()]


@pytest.mark.parametrize("phrase", listed(phrases.REFUSALS))
def test_every_phrase_of_refusal_is_recognised(phrase):
    assert read(PLAIN, f"– {phrase.capitalize()}.") == Reading("refusal")


@pytest.mark.parametrize("phrase", listed(phrases.DONT_KNOWS))
def test_every_phrase_of_not_knowing_is_recognised(phrase):
    assert read(PLAIN, f"{phrase}!") == Reading("dont_know")


@pytest.mark.parametrize("phrase", listed(phrases.CUES))
def test_every_announcement_of_an_answer_is_passed(phrase):
    assert read(PLAIN, f"{phrase}: B") == Reading("valid", None, 1)
    assert read(PLAIN, f"To be weighed with care: {phrase}: Green.") == Reading("valid", None, 1)


@pytest.mark.parametrize("phrase", listed(phrases.OR))
def test_every_or_makes_two_options_ambiguous(phrase):
    assert read(PLAIN, f"B {phrase} C") == Reading("invalid", "ambiguous")


@pytest.mark.parametrize("phrase", [*listed(phrases.TRAILS), *listed(phrases.ENDINGS)])
def test_an_explanation_may_follow(phrase):
    assert read(PLAIN, f"B {phrase}") == Reading("valid", None, 1)
    assert read(PLAIN, f"Green {phrase}") == Reading("valid", None, 1)


def test_labels_that_are_the_options_are_no_keys():
    assert read(WORDS, "A") == Reading("invalid", "invalid_key")
    assert read(unlabelled("1", "2", "10"), "1") == Reading("valid", None, 0)
    assert read(unlabelled("1", "2", "10"), "10") == Reading("valid", None, 2)
    assert read(unlabelled("+", "-", "0"), "-") == Reading("valid", None, 1)


def test_options_that_read_alike_can_only_be_told_by_their_labels():
    twins = lettered("Agree", "agree!", "Disagree")
    assert read(twins, "Agree") == Reading("invalid", "ambiguous")
    assert read(twins, "B") == Reading("valid", None, 1)
    assert read(twins, "B. agree!") == Reading("valid", None, 1)


def test_displayed_order_alone_decides_what_a_label_means():
    labels, options = AGREE
    assert read_text("B", labels=labels, options=options[::-1]).option == 1
    assert read_text("B. Agree", labels=labels, options=options[::-1]) == Reading("invalid", "key_text_mismatch")
    assert read_text("Agree", labels=labels, options=options[::-1]).option == 3


def test_a_scale_is_prepared_once():
    assert compile_scale(*AGREE) is compile_scale(*AGREE)


ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
SCALES = [AGREE, WORDS, KNOW, DOWN, ENDS, COUNTS, SIGNS, LONG, RUSSIAN, ARABIC, HINDI, CHINESE, KOREAN, THAI, ACCENTS]


@st.composite
def rambling(draw):
    """Texts of the pieces that answers are made of, in no order."""
    labels, options = draw(st.sampled_from(SCALES))
    marks = [" ", ". ", ", ", ": ", "\n", "?", "(", ")", "/", "-", "%", "“", "\u200f", "\ud800", "\x00"]
    words = ["not", "answer", "I", "a", "or", "I choose", "because", "don't know", "as an AI", "不", "ない", "10", "F"]
    piece = st.one_of(st.sampled_from([*labels, *options, *marks, *words]), st.text(max_size=3))
    return (labels, options), "".join(draw(st.lists(piece, max_size=14)))


def sound(reading, count):
    assert reading.status in get_args(AnswerStatus)
    assert (reading.option is not None) == (reading.status == "valid")
    assert (reading.reason is not None) == (reading.status == "invalid")
    assert reading.reason is None or reading.reason in get_args(InvalidReason)
    assert reading.option is None or 0 <= reading.option < count


@given(rambling(), st.booleans())
def test_answers_in_pieces_are_read_soundly(answer, truncated):
    scale, text = answer
    sound(read(scale, text, truncated=truncated), len(scale[1]))


@given(ANYTHING, st.lists(ANYTHING, max_size=5), st.booleans(), st.booleans())
@example("\ud800", ["\udfff", "", "\x00"], True, True)
def test_no_text_and_no_options_raise(text, options, truncated, with_letters):
    labels = LETTERS[: len(options)] if with_letters else options
    sound(read_text(text, labels=labels, options=options, truncated=truncated), len(options))


# Words of options that are neither labels nor phrases of the tables.
SYLLABLES = st.sampled_from(
    ["bra", "kulo", "mesti", "ventar", "Δρυς", "кран", "дуб", "猫咪", "ねこ", "나무", "ดอกไม้", "कमल", "وردة", "Ölberg"]
)
OPTION = st.lists(SYLLABLES, min_size=1, max_size=4).map(" ".join)
OPTIONS = st.lists(OPTION, min_size=2, max_size=7, unique=True)
LABELLING = st.sampled_from(["letters", "numbers", "downward", "digits of Arabic", "options"])
SUFFIX = st.sampled_from(
    [
        "That is all.",
        "The weather was fine yesterday.",
        "It rained; nobody came.",
        "Das war schon immer so.",
        "C'est la vie !",
    ]
)


def labels_of(labelling, options):
    count = len(options)
    numbers = [str(i + 1) for i in range(count)]
    return {
        "letters": LETTERS[:count],
        "numbers": numbers,
        "downward": [str(i) for i in range(count + 5, 5, -1)],
        "digits of Arabic": [number.translate(str.maketrans("123456789", "١٢٣٤٥٦٧٨٩")) for number in numbers],
        "options": options,
    }[labelling]


@given(
    OPTIONS,
    LABELLING,
    st.sampled_from(["{label}", "{label}. {option}", "{option}", "{label}) {option}", "Answer: {label}"]),
)
def test_an_option_that_is_said_plainly_is_found(options, labelling, form):
    labels = labels_of(labelling, options)
    for i, (label, option) in enumerate(zip(labels, options, strict=True)):
        text = form.format(label=label, option=option)
        if labelling == "options" and form.startswith("{label}") and "{option}" in form:
            continue
        assert read_text(text, labels=labels, options=options) == Reading("valid", None, i)


@given(OPTIONS, LABELLING, SUFFIX, st.sampled_from([". ", "\n", "! ", "\n\n"]), st.data())
def test_a_sentence_behind_the_answer_never_makes_it_another_option(options, labelling, suffix, mark, data):
    labels = labels_of(labelling, options)
    i = data.draw(st.integers(0, len(options) - 1))
    said = data.draw(st.sampled_from([labels[i], options[i], f"{labels[i]}: {options[i]}"]))
    assert read_text(f"{said}{mark}{suffix}", labels=labels, options=options).option in {i, None}


@given(OPTIONS, LABELLING, st.data())
def test_another_options_text_behind_a_label_is_never_valid(options, labelling, data):
    labels = labels_of(labelling, options)
    assume(labelling != "options")
    i, j = data.draw(st.lists(st.integers(0, len(options) - 1), min_size=2, max_size=2, unique=True))
    reading = read_text(f"{labels[i]}. {options[j]}", labels=labels, options=options)
    assert reading == Reading("invalid", "key_text_mismatch")


@given(OPTIONS, LABELLING, st.data())
def test_two_labels_are_never_one(options, labelling, data):
    labels = labels_of(labelling, options)
    i, j = data.draw(st.lists(st.integers(0, len(options) - 1), min_size=2, max_size=2, unique=True))
    joint = data.draw(st.sampled_from([" or ", " / ", "/", " and ", "\n", " oder ", "、"]))
    assume(joint.strip() != "/" or j not in {0, len(options) - 1})  # "1/6" says one out of six
    assert read_text(f"{labels[i]}{joint}{labels[j]}", labels=labels, options=options).status == "invalid"
