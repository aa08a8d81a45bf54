"""Items: what a definition says, and what it may not say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demoscope.config import parse
from demoscope.errors import ConfigError
from demoscope.surveys import Item
from demoscope.surveys.item import as_integer

YES_NO = {"1": "Yes", "2": "No"}


def item(**table):
    return parse(Item, {"id": "q", "text": "Well?", "options": YES_NO} | table, where="s.toml")


def test_defaults():
    q = item()
    assert (q.codes, q.labels, q.scores) == ((1, 2), ("Yes", "No"), (1.0, 2.0))
    assert (q.type, q.label, q.column, q.domain, q.block, q.polarity) == ("ordinal", "q", "q", "", None, 1)
    assert q.ordered


def test_options_keep_their_order_whatever_their_codes():
    assert item(options={"5": "low", "-1": "middle", "0": "high"}).codes == (5, -1, 0)


def test_short_form_of_options_is_the_long_one():
    assert item() == item(options=[{"code": 1, "label": "Yes"}, {"code": 2, "label": "No"}])


def test_declared_scores_replace_ranks():
    options = [{"code": 1, "label": "never", "score": 0}, {"code": 2, "label": "weekly", "score": 52}]
    assert item(options=options).scores == (0.0, 52.0)


@pytest.mark.parametrize(
    ("kind", "ordered"), [("ordinal", True), ("binary", True), ("count", True), ("nominal", False)]
)
def test_only_nominal_items_are_unordered(kind, ordered):
    assert item(type=kind).ordered is ordered


def scored(*scores):
    return [{"code": i, "label": str(i), "score": s} for i, s in enumerate(scores)]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"options": []}, "item 'q' has no options"),
        ({"options": {}}, "item 'q' has no options"),
        ({"options": [{"code": 1, "label": "a"}, {"code": 1, "label": "b"}]}, "code 1 stands for several options"),
        ({"options": {"1": "a", "2": "a"}}, "label 'a' stands for several options"),
        ({"options": {str(i): str(i) for i in range(251)}}, "251 options; at most 250"),
        ({"options": {"one": "a"}}, "valid integer"),
        ({"options": {"4000000000": "a"}}, "less than 2147483648"),
        ({"options": {"1": ""}}, "at least 1 character"),
        ({"options": scored(1, None)}, "a score to every option or to none"),
        ({"options": scored(1, 1)}, "do not increase"),
        ({"options": scored(1, float("nan"))}, "finite"),
        ({"type": "binary", "options": {"1": "a", "2": "b", "3": "c"}}, "binary and has 3 options"),
        ({"type": "interval"}, "'ordinal', 'binary', 'nominal' or 'count'"),
        ({"missing": {"2": "refused"}}, "code 2 is declared both as an option and as missing"),
        ({"missing": {"02": "refused"}}, "code 02 is declared both as an option and as missing"),
        ({"missing": {"9": "lost"}}, "'dont_know'"),
        ({"text": " "}, "is blank"),
        ({"id": "a b"}, "match pattern"),
        ({"polarity": 2}, "polarity"),
        ({"asked_in": []}, "asked_in"),
        ({"optoins": 1}, "unknown key 'optoins'; did you mean 'options'?"),
        ({"options": [{"code": 1, "lable": "a"}]}, "unknown key 'options.0.lable'; did you mean 'label'?"),
    ],
)
def test_contradictions_are_errors(table, message):
    with pytest.raises(ConfigError) as error:
        item(**table)
    assert message in str(error.value)
    assert str(error.value).startswith("s.toml: ")


def test_an_item_without_options_key_is_an_error():
    with pytest.raises(ConfigError, match="key 'options' is missing"):
        parse(Item, {"id": "q", "text": "Well?"}, where="s.toml")


def test_250_options_are_possible():
    assert len(item(options={str(i): str(i) for i in range(250)}).codes) == 250


def test_scores_of_a_nominal_item_need_no_order():
    assert item(type="nominal", options=scored(3, 1)).scores == (3.0, 1.0)


@given(st.integers(-(10**17), 10**17), st.sampled_from(["{}", " {} ", "{}.0", "{}.", "{}.000"]))
def test_integers_are_read_however_they_are_written(number, form):
    assert as_integer(form.format(number)) == number


@pytest.mark.parametrize(
    "text", ["", "+", "-", ".", ".0", "1.5", "1e3", "0x1", "1_000", "one", "--1", "²", "nan", "1 2"]
)
def test_other_texts_are_no_integers(text):
    assert as_integer(text) is None
