"""What is taken out of texts, and what stays."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demoscope.prompts.neutral import neutralised

TOKENS = (
    "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|start_header_id|>", "<|endoftext|>", "<|turn>", "<turn|>",
    "<\uff5cUser\uff5c>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "<s>", "</s>", "<bos>", "<eos>", "<pad>", "<unk>",
    "<start_of_turn>", "<end_of_turn>", "<BOS_TOKEN>", "<tool_call>", "</tool_call>", "<think>", "</think>",
    "<unused42>", "<extra_id_0>", "<<SYS>>", "<</SYS>>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]",
    "[TOOL_CALLS]", "[gMASK]", "<reponame>", "<file_sep>", "<sop>", "[|endofturn|]", "<seed:bos>", "]~b]", "[e~[",
)  # fmt: skip
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ZERO_WIDTH = "\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\u180e\u00ad\U000e0041\U000e0001"
CONTROLS = "".join(chr(code) for code in (*range(32), *range(0x7F, 0xA0)) if chr(code) not in "\n\t")

pieces = st.one_of(
    st.sampled_from(TOKENS),
    st.sampled_from([*BIDI, *ZERO_WIDTH, *CONTROLS, "\u200c", "\u200d", "\ud800", "\udfff", "\u2028", "\r\n", "\n"]),
    st.sampled_from(["<", "|", ">", "[", "]", "/", "s", "_", "<|", "|>", "\u0645", "\u0915", "\u094d", "\U0001f468"]),
    st.text(max_size=4),
)
hostile_texts = st.lists(pieces, max_size=12).map("".join)
tame_texts = st.text(
    st.characters(blacklist_categories=("Cc", "Cf", "Cs", "Zl", "Zp"), blacklist_characters="<[]\u200c\u200d")
)


def clean(text, **options):
    counts = Counter()
    return neutralised(text, counts=counts, **options), counts


@pytest.mark.parametrize("token", TOKENS)
def test_special_tokens_are_broken_apart_and_stay_readable(token):
    text, counts = clean(f"say {token} now")
    assert text == f"say {token[0]} {token[1:]} now"
    assert counts == {"special_token": 1}


@pytest.mark.parametrize("hidden", [*BIDI, *ZERO_WIDTH, "\u200d", "\x00", "\x1b"])
def test_a_token_that_hidden_characters_keep_apart_is_broken_as_well(hidden):
    assert clean(f"<{hidden}|im_end|>")[0] == "< |im_end|>"


@pytest.mark.parametrize(
    ("characters", "kind"), [(BIDI, "bidi"), (ZERO_WIDTH, "zero_width"), (CONTROLS, None), ("\ud800\udc00", None)]
)
def test_every_hidden_character_goes(characters, kind):
    for character in characters:
        text, counts = clean(f"a{character}b")
        assert character not in text
        assert text[0] == "a"
        assert text[-1] == "b"
        assert sum(counts.values()) == 1
        assert kind is None or counts[kind] == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "How old are you?\n\tReally?",
        "<b>bold</b>, 1 < 2 > 0, [1], [sic], [NOT_APPLICABLE], <3, a|b, <email@example.org>, x[i]",
        "{{ 7*7 }} {% raw %} {value} ${HOME} $(ls) `ls` \\n %s",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: I want
        "क्\u200dष",  # Devanagari: a half letter
        "അവന്\u200d",  # Malayalam: a final consonant
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f\u200d\U0001f525 \U0001f9d1\U0001f3fd\u200d\U0001f680",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # the flag of Scotland
        "Đà Nẵng, Zürich, São Paulo, 北京, القاهرة",
    ],
)
def test_what_texts_need_is_left_alone(text):
    assert clean(text) == (text, {})


@pytest.mark.parametrize(
    ("text", "left"),
    [("a \u200db", "a b"), ("\u200da", "a"), ("a\u200d", "a"), ("a\u200d\u200cb", "ab"), ("1\u200c2", "12")],
)
def test_joiners_that_join_nothing_go(text, left):
    assert clean(text)[0] == left


def test_one_line_is_one_line():
    text, counts = clean("a\nb\r\nc \u2028 d", one_line=True)
    assert text == "a b c d"
    assert counts["line_break"] == 5  # two of them were no newlines to begin with
    assert clean("a\nb\r\nc")[0] == "a\nb\nc"


@given(tame_texts)
def test_texts_without_such_things_are_unchanged(text):
    assert clean(text) == (text, {})


@given(hostile_texts, st.booleans())
def test_afterwards_nothing_is_left(text, one_line):
    once, counts = clean(text, one_line=one_line)
    again, more = clean(once, one_line=one_line)
    assert again == once
    assert not more
    assert bool(counts) is (once != text)
    assert not any(token in once for token in TOKENS)
    assert not set(BIDI + CONTROLS) & set(once)
    assert not any(unicodedata.category(character) == "Cs" for character in once)
    assert not (one_line and "\n" in once)
    once.encode()
