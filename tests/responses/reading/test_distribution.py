# ruff: noqa: RUF001  # answers in many scripts
import json
import math
import string
from typing import get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from demoscope.responses.reading.distribution import SUM_TOLERANCE, DistributionReading, read_distribution
from demoscope.schema import AnswerStatus, InvalidReason
from tests.responses.reading.cases import (
    AGREE,
    ARABIC,
    CHINESE,
    FRENCH,
    GERMAN,
    HINDI,
    JAPANESE,
    KOREAN,
    LETTERS,
    RUSSIAN,
    SIGNS,
    THAI,
    lettered,
    numbered,
    unlabelled,
)

THREE = lettered("Agree", "Neither", "Disagree")
NUMBERS = numbered("Agree", "Neither", "Disagree")
TEXTS = unlabelled("Agree", "Neither", "Disagree")
COMMAS = lettered("Yes, always", "Yes, sometimes", "No")
SPLIT = (0.2, 0.3, 0.5)

STATED = [
    (THREE, "A: 20%\nB: 30%\nC: 50%"),
    (THREE, "A: 20\nB: 30\nC: 50"),
    (THREE, "A: 0.2\nB: 0.3\nC: 0.5"),
    (THREE, "A: .2\nB: .3\nC: .5"),
    (THREE, "A 20%\nB 30%\nC 50%"),
    (THREE, "A = 20%\nB = 30%\nC = 50%"),
    (THREE, "A -> 20%\nB → 30%\nC => 50%"),
    (THREE, "(A) 20%\n(B) 30%\n(C) 50%"),
    (THREE, "a) 20 %\nb) 30 %\nc) 50 %"),
    (THREE, "A. Agree - 20\nB. Neither - 30\nC. Disagree - 50"),
    (THREE, "A. Agree: 20%\nB. Neither: 30%\nC. Disagree: 50%"),
    (THREE, "A (Agree): 20%\nB (Neither): 30%\nC (Disagree): 50%"),
    (THREE, "Option A: 20%\nOption B: 30%\nOption C: 50%"),
    (THREE, "Agree: 20%\nNeither: 30%\nDisagree: 50%"),
    (THREE, "Agree (20%), Neither (30%), Disagree (50%)"),
    (THREE, "agree 20 percent; neither 30 percent; disagree 50 percent"),
    (THREE, "20% A\n30% B\n50% C"),
    (THREE, "20% A, 30% B, 50% C"),
    (THREE, "20% A 30% B 50% C"),
    (THREE, "20% - Agree\n30% - Neither\n50% - Disagree"),
    (THREE, "20% for A, 30% for B, 50% for C"),
    (THREE, "20 A\n30 B\n50 C"),
    (THREE, "A: 20%, B: 30%, C: 50%"),
    (THREE, "A: 20%, B: 30% and C: 50%"),
    (THREE, "A: 20% B: 30% C: 50%"),
    (THREE, "A 20 B 30 C 50"),
    (THREE, "A=20;B=30;C=50"),
    (THREE, "C: 50%\nA: 20%\nB: 30%"),
    (THREE, "- **A**: 20%\n- **B**: 30%\n- **C**: 50%"),
    (THREE, "* `A`: 20%\n* `B`: 30%\n* `C`: 50%"),
    (THREE, "| Option | Share |\n|---|---|\n| A | 20% |\n| B | 30% |\n| C | 50% |"),
    (THREE, "| A | Agree | 20% |\n| B | Neither | 30% |\n| C | Disagree | 50% |"),
    (THREE, "A: 20% (the state)\nB: 30% (both)\nC: 50% (nobody)"),
    (THREE, "A: ~20%\nB: about 30%\nC: approximately 50%"),
    (THREE, "Here is my answer:\n\nA: 20%\nB: 30%\nC: 50%\n\nTotal: 100%"),
    (THREE, "A: 20%\nB: 30%\nC: 50%\nThe numbers say what people like me think."),
    (THREE, "A: 20%\nA: 20%\nB: 30%\nC: 50%"),
    (THREE, '{"A": 0.2, "B": 0.3, "C": 0.5}'),
    (THREE, '{"A": 20, "B": 30, "C": 50}'),
    (THREE, '{"A": "20%", "B": "30%", "C": "50%"}'),
    (THREE, '```json\n{"Agree": 20, "Neither": 30, "Disagree": 50}\n```'),
    (THREE, '{"probabilities": {"A": 0.2, "B": 0.3, "C": 0.5}}'),
    (THREE, '[{"option": "A", "p": 0.2}, {"option": "B", "p": 0.3}, {"option": "C", "p": 0.5}]'),
    (THREE, "{'A': 20, 'B': 30, 'C': 50}"),
    (THREE, "As an AI I cannot know, but: \nA: 20%\nB: 30%\nC: 50%"),
    (THREE, "<think>A: 90%</think>A: 20%\nB: 30%\nC: 50%"),
    (THREE, "A: 20\u200b%\r\nB: 30%\r\nC: 50\x00%"),
    (NUMBERS, "1: 20%\n2: 30%\n3: 50%"),
    (NUMBERS, "1: 0.2, 2: 0.3, 3: 0.5"),
    (NUMBERS, "1: 20,2: 30,3: 50"),
    (NUMBERS, "1. Agree: 20\n2. Neither: 30\n3. Disagree: 50"),
    (NUMBERS, "20% 1\n30% 2\n50% 3"),
    (NUMBERS, '{"1": 20, "2": 30, "3": 50}'),
    (TEXTS, "Agree: 20%\nNeither: 30%\nDisagree: 50%"),
    (TEXTS, '{"Agree": 0.2, "Neither": 0.3, "Disagree": 0.5}'),
    (COMMAS, "Yes, always: 20%, Yes, sometimes: 30%, No: 50%"),
    (COMMAS, "A. Yes, always: 20%\nB. Yes, sometimes: 30%\nC. No: 50%"),
    (SIGNS, "< 5: 20%\n> 5: 30%\n5%: 50%"),
    (GERMAN, "A: 20,0 %\nB: 30,0 %\nC: 50,0 %"),
    (GERMAN, "Stimme zu: 20 Prozent, Weder noch: 30 Prozent, Stimme nicht zu: 50 Prozent"),
    (FRENCH, "A : 20 %\nB : 30 %\nC : 50 %"),
    (FRENCH, "Tout à fait d’accord : 20 %\nD’accord : 30 %\nPas d’accord : 50 %"),
    (RUSSIAN, "Полностью согласен — 20%\nСогласен — 30%\nНе согласен — 50%"),
    (ARABIC, "١: ٢٠٪\n٢: ٣٠٪\n٣: ٥٠٪"),
    (ARABIC, "أوافق بشدة: 20%\nأوافق: 30%\nلا أوافق: 50%"),
    (HINDI, "१: २०%\n२: ३०%\n३: ५०%"),
    (CHINESE, "Ａ：２０％\nＢ：３０％\nＣ：５０％"),
    (CHINESE, "非常同意：20%，同意：30%，不同意：50%"),
    (JAPANESE, "賛成：20%、どちらともいえない：30%、反対：50%"),
    (KOREAN, "동의함: 20%, 보통: 30%, 동의하지 않음: 50%"),
]

UNREADABLE = [
    (THREE, "", "no_answer"),
    (THREE, "...", "no_answer"),
    (THREE, "A: 20%\nB: 30%", "invalid_text"),
    (THREE, "A: 20%\nB: 30%\nF: 50%", "invalid_key"),
    (THREE, "A: 20%\nB: 30%\nC: 40%\nD: 10%", "invalid_key"),
    (NUMBERS, "1: 20%\n2: 30%\n4: 50%", "invalid_key"),
    (THREE, '{"A": 0.2, "B": 0.3, "F": 0.5}', "invalid_key"),
    (THREE, "A: 20%\nB: 30%\nOther: 50%", "invalid_text"),
    (THREE, "A: 20%\nB: 30%\nC: 60%", "invalid_text"),
    (THREE, "A: 20%\nB: 30%\nC: 5%", "invalid_text"),
    (THREE, "A: 2\nB: 3\nC: 5", "invalid_text"),
    (THREE, "A: 0.2%\nB: 0.3%\nC: 0.5%", "invalid_text"),
    (THREE, "A: 20%\nB: 0.3\nC: 0.5", "invalid_text"),
    (THREE, "A: 0\nB: 0\nC: 0", "invalid_text"),
    (THREE, "A: -20%\nB: 70%\nC: 50%", "invalid_text"),
    (THREE, '{"A": -0.2, "B": 0.7, "C": 0.5}', "invalid_text"),
    (THREE, '{"A": NaN, "B": 0.5, "C": 0.5}', "invalid_text"),
    (THREE, '{"A": Infinity, "B": 0.5, "C": 0.5}', "invalid_text"),
    (THREE, '{"A": null, "B": 0.5, "C": 0.5}', "invalid_text"),
    (THREE, '{"A": true, "B": 0, "C": 0}', "invalid_text"),
    (THREE, '{"A": [0.2], "B": 0.3, "C": 0.5}', "invalid_text"),
    (THREE, '{"A": 1' + "0" * 400 + ', "B": 0.5, "C": 0.5}', "invalid_text"),
    (THREE, "A: NaN\nB: 50%\nC: 50%", "invalid_text"),
    (THREE, "A: 20-30%\nB: 30%\nC: 50%", "invalid_text"),
    (THREE, "A: 10/50\nB: 30%\nC: 50%", "invalid_text"),
    (THREE, "A: <20%\nB: 30%\nC: 50%", "invalid_text"),
    (THREE, "A: >20%\nB: 30%\nC: 50%", "invalid_text"),
    (THREE, "20%, 30%, 50%", "invalid_text"),
    (THREE, "20\n30\n50", "invalid_text"),
    (THREE, "B", "invalid_text"),
    (THREE, "Most people would agree.", "invalid_text"),
    (THREE, "A: 20%\nA: 30%\nB: 30%\nC: 50%", "ambiguous"),
    (THREE, '{"A": 0.2, "A": 0.3, "B": 0.3, "C": 0.5}', "ambiguous"),
    (THREE, "A: 20%\nAgree: 30%\nB: 30%\nC: 50%", "ambiguous"),
    (THREE, "A or B: 50%\nC: 50%", "ambiguous"),
    (THREE, "A. Disagree: 20%\nB: 30%\nC: 50%", "key_text_mismatch"),
]


def read(scale, text, **more):
    labels, options = scale
    return read_distribution(text, labels=labels, options=options, **more)


@pytest.mark.parametrize(("scale", "text"), STATED)
def test_stated_shares(scale, text):
    reading = read(scale, text)
    assert (reading.status, reading.reason) == ("valid", None)
    assert reading.probs == pytest.approx(SPLIT)


@pytest.mark.parametrize(("scale", "text", "reason"), UNREADABLE)
def test_what_is_no_distribution(scale, text, reason):
    assert read(scale, text) == DistributionReading("invalid", reason, None)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("I cannot provide percentages.", "refusal"),
        ("As an AI, I can't say what people think.", "refusal"),
        ("无法回答", "refusal"),
        ("I don't know.", "dont_know"),
        ("Keine Ahnung", "dont_know"),
    ],
)
def test_refusals_and_dont_knows(text, status):
    assert read(THREE, text) == DistributionReading(status, None, None)


@pytest.mark.parametrize("text", ["", "A: 20%", "A: 20%\nB: 3", '{"A": 0.2, "B"', "A: 20%\nF", "Here are the"])
def test_texts_that_were_cut_off(text):
    assert read(THREE, text, truncated=True) == DistributionReading("invalid", "truncated", None)


def test_a_text_cut_off_behind_all_shares_is_valid():
    assert read(THREE, "A: 20%\nB: 30%\nC: 50%\nThese numb", truncated=True).probs == pytest.approx(SPLIT)


def test_the_sum_may_miss_the_whole_by_its_tolerance():
    assert SUM_TOLERANCE == 0.02
    assert read(THREE, "A: 20\nB: 30\nC: 52").probs == pytest.approx((20 / 102, 30 / 102, 52 / 102))
    assert read(THREE, "A: 0.2\nB: 0.3\nC: 0.48").probs == pytest.approx((20 / 98, 30 / 98, 48 / 98))
    assert read(THREE, "A: 20\nB: 30\nC: 52.1").reason == "invalid_text"
    assert read(THREE, "A: 0.2\nB: 0.3\nC: 0.479").reason == "invalid_text"


def test_a_fraction_of_one_per_cent_is_no_fraction_of_the_whole():
    thai = "A: 0.5%\nB: 99.5%"
    assert read(THAI, thai).probs == pytest.approx((0.005, 0.995))


def test_shares_come_in_displayed_order():
    labels, options = THREE
    text = "Agree: 20%\nNeither: 30%\nDisagree: 50%"
    assert read_distribution(text, labels=labels, options=options[::-1]).probs == pytest.approx(SPLIT[::-1])


ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
SCALES = st.sampled_from([THREE, NUMBERS, TEXTS, COMMAS, SIGNS, AGREE, ARABIC, CHINESE])


@st.composite
def rambling(draw):
    labels, options = draw(SCALES)
    marks = [" ", ": ", ", ", "\n", "%", "-", "|", "{", "}", "[", '"', "(", ")", "/", "=", ".", "\ud800", "\x00", "٪"]
    numbers = ["20", "0.5", "30%", "50%", "100", "1e9", "-5", "٢٠", "9" * 30, "NaN"]
    piece = st.one_of(st.sampled_from([*labels, *options, *marks, *numbers]), st.text(max_size=3))
    return (labels, options), "".join(draw(st.lists(piece, max_size=16)))


def sound(reading, count):
    assert reading.status in get_args(AnswerStatus)
    assert (reading.probs is not None) == (reading.status == "valid")
    assert (reading.reason is not None) == (reading.status == "invalid")
    assert reading.reason is None or reading.reason in get_args(InvalidReason)
    if reading.probs is not None:
        assert len(reading.probs) == count
        assert all(0 <= part <= 1 for part in reading.probs)
        assert math.fsum(reading.probs) == pytest.approx(1.0, abs=1e-12)


@given(rambling(), st.booleans())
def test_answers_in_pieces_are_read_soundly(answer, truncated):
    scale, text = answer
    sound(read(scale, text, truncated=truncated), len(scale[1]))


@given(ANYTHING, st.lists(ANYTHING, max_size=5), st.booleans(), st.booleans())
def test_no_text_and_no_options_raise(text, options, truncated, with_letters):
    labels = LETTERS[: len(options)] if with_letters else options
    sound(read_distribution(text, labels=labels, options=options, truncated=truncated), len(options))


WORD = st.sampled_from(["bra", "kulo", "mesti", "ventar", "кран", "дуб", "猫咪", "나무", "ดอกไม้", "कमल", "وردة"])
OPTIONS = st.lists(st.lists(WORD, min_size=1, max_size=3).map(" ".join), min_size=2, max_size=6, unique=True)
FORMS = [
    "{label}: {n}%",
    "{label}. {option} - {n}",
    "{option}: {n} %",
    "{label} = {n}",
    "{n}% {option}",
    "({label}) {n}%",
]


@st.composite
def shares(draw):
    """Options with whole percentages that sum to 100."""
    options = draw(OPTIONS)
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=len(options) - 1, max_size=len(options) - 1)))
    return options, [high - low for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]


@given(shares(), st.sampled_from(FORMS), st.sampled_from(["\n", ", ", "; "]), st.booleans(), st.randoms())
def test_shares_come_back(answer, form, mark, with_numbers, random):
    options, numbers = answer
    count = len(options)
    labels = [str(i + 1) for i in range(count)] if with_numbers else list(string.ascii_uppercase[:count])
    lines = [
        form.format(label=label, option=option, n=number)
        for label, option, number in zip(labels, options, numbers, strict=True)
    ]
    random.shuffle(lines)
    reading = read_distribution(mark.join(lines), labels=labels, options=options)
    assert reading.probs == pytest.approx([number / 100 for number in numbers])


@given(shares(), st.booleans(), st.booleans())
def test_json_comes_back(answer, by_text, percent):
    options, numbers = answer
    labels = list(string.ascii_uppercase[: len(options)])
    values = [number if percent else number / 100 for number in numbers]
    text = json.dumps(dict(zip(options if by_text else labels, values, strict=True)))
    reading = read_distribution(text, labels=labels, options=options)
    assert reading.probs == pytest.approx([number / 100 for number in numbers])


@given(shares(), st.data())
def test_a_missing_share_is_never_filled_in(answer, data):
    options, numbers = answer
    labels = list(string.ascii_uppercase[: len(options)])
    missing = data.draw(st.integers(0, len(options) - 1))
    assume(numbers[missing] > 0)
    lines = [
        f"{label}: {number}%" for i, (label, number) in enumerate(zip(labels, numbers, strict=True)) if i != missing
    ]
    assert read_distribution("\n".join(lines), labels=labels, options=options).status == "invalid"
