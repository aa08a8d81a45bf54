"""Kinds of a survey's file."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from demoscope.errors import ConfigError, DataError
from demoscope.surveys import survey_from_table
from demoscope.surveys.recognise import recognised

ITEM = {"id": "q", "text": "Well?", "options": {"1": "Yes", "2": "No"}}
FRAME = pl.DataFrame({"q": [1, 1, 2], "version": ["6-0-0", "6-0-0", None], "n": [3, 4, 5]})


def kind(*variants, frame=FRAME):
    table = {"id": "s", "title": "S", "country": "Utopia", "items": [ITEM], "variants": list(variants)}
    survey = survey_from_table(table, where=Path("s.toml"))
    found = recognised(survey, frame.columns, frame.select, where="people.csv")
    return None if found is None else found.name


def test_the_first_kind_that_fits_is_taken():
    assert kind() is None
    assert kind({"name": "old", "has": ["v1"]}, {"name": "new", "has": ["q"]}, {"name": "any"}) == "new"
    assert kind({"name": "without", "lacks": ["q"]}, {"name": "any"}) == "any"


def test_an_expression_holds_in_most_rows():
    assert kind({"name": "six", "where": "version LIKE '6%'"}, {"name": "any"}) == "six"
    assert kind({"name": "twos", "where": "q = 2"}, {"name": "any"}) == "any"
    assert kind({"name": "half", "where": "n > 3 AND q = 1"}) is None
    assert kind({"name": "absent", "where": "wave = 7"}) is None
    assert kind({"name": "text", "where": "version > 6"}, {"name": "any"}) == "any"


def test_a_refused_kind_says_what_to_take():
    with pytest.raises(DataError, match=r"people\.csv: this is the time series\. Take the file of wave 7\."):
        kind({"name": "the time series", "has": ["q"], "refused": "Take the file of wave 7."})


@pytest.mark.parametrize(
    ("where", "message"), [("q +", "is no SQL"), ("q + 1", "neither true nor"), ("1 = 1", "no col")]
)
def test_expressions_that_decide_nothing(where, message):
    with pytest.raises(ConfigError, match=message):
        kind({"name": "x", "where": where})
