from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demoscope.report import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.125, "0.12"),
        (-0.004, "0.00"),
        (-0.006, "-0.01"),
        (1, "1.00"),
        (None, "not defined"),
        (float("nan"), "not defined"),
    ],
)
def test_scores_have_two_decimals(value, text):
    assert words.score(value) == text


def test_intervals_stand_in_brackets_and_are_left_out_where_an_end_is_missing():
    row = {"r": 0.5, "r_low": 0.25, "r_high": 0.751}
    assert words.with_interval(row, "r") == "0.50 [0.25, 0.75]"
    assert words.with_interval(row | {"r_low": None}, "r") == "0.50"
    assert words.with_interval(row | {"r": None}, "r") == "not defined"
    assert words.with_interval({"other": -0.5, "r_low": -1, "r_high": 0}, "other", ends="r") == "-0.50 [-1.00, 0.00]"


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"interviews": 12.4, "interviews_low": 8.0, "interviews_high": 20.0}, "12 [8, 20]"),
        ({"interviews": 300.0, "interviews_low": 200.0, "interviews_high": 600.0}, "300 [200, more than 600]"),
        ({"interviews": 600.0, "interviews_censored": True}, "more than 600"),
        ({"interviews": 0.4, "interviews_low": 0.2, "interviews_high": 0.6}, "less than 1 [less than 1, less than 1]"),
        ({"interviews": 1234.0}, "1,234"),
        ({"interviews": None}, "not defined"),
    ],
)
def test_interviews(row, text):
    assert words.interviews(row, most=600) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0004, "< 0.001"), (0.012, "0.012"), (1.0, "1.000"), (None, "not defined")]
)
def test_p_values(value, text):
    assert words.p_value(value) == text


def test_labels_cannot_reorder_what_stands_around_them():
    assert words.clean("a\u202eb\u2067c\x00d\ud800e") == "a�b�c�d�e"
    assert words.clean(" \n\t") == "(blank)"
    assert words.clean("  a \n b ") == "a b"
    assert words.clean("עברית") == "עברית"


@given(st.text())
def test_clean_text_can_be_written_and_stays_clean(text):
    cleaned = words.clean(text)
    assert cleaned.encode("utf-8")
    assert words.clean(cleaned) == cleaned
    assert cleaned.strip() == cleaned != ""


@pytest.mark.parametrize(
    ("parts", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists(parts, text):
    assert words.listed(parts) == text
