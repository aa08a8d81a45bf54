"""Files of answers made elsewhere: numbers, missing codes, probabilities, countries, and what is not used."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from demoscope.errors import DataError
from demoscope.runs.given import typed, unused, with_country
from demoscope.surveys import load_microdata, load_survey

FILE = Path("answers.csv")
SURVEY = load_survey("synthetic")  # -1 and -2 are missing codes
PEOPLE = load_microdata(SURVEY)
NORTH, SOUTH = (PEOPLE.frame.filter(pl.col("country") == name)["respondent_id"][0] for name in ("North", "South"))


@pytest.mark.parametrize(
    "cells",
    [["3.0", " 2 ", "", "-1.0", "-2"], [3.0, 2.0, float("nan"), -1.0, None], [3, 2, None, -1, -2]],
    ids=["text", "float", "integer"],
)
def test_whole_numbers_and_missing_codes_of_the_survey(cells):
    column = typed(pl.DataFrame({"news": cells}), SURVEY, where=FILE)["news"]
    assert column.dtype == pl.Int64
    assert column.to_list() == [3, 2, None, None, None]


def test_missing_codes_of_a_long_table_are_those_of_its_item():
    frame = pl.DataFrame({"item": ["news", "voted", None], "code": ["-1", "1.0", "2"]})
    assert typed(frame, SURVEY, where=FILE)["code"].to_list() == [None, 1, 2]


@pytest.mark.parametrize("cell", ["2.5", "often"])
def test_what_is_no_whole_number_is_named(cell):
    with pytest.raises(DataError, match=rf"answers.csv: column 'news', row 2: '{cell}' is not a whole number"):
        typed(pl.DataFrame({"news": ["1", cell]}), SURVEY, where=FILE)


def test_probabilities_as_text():
    frame = typed(pl.DataFrame({"probs": ["[0.2, 0.8]", "", "[1, 0]"]}), SURVEY, where=FILE)
    assert frame["probs"].to_list() == [[0.2, 0.8], None, [1.0, 0.0]]


@pytest.mark.parametrize("cell", ["0.2 0.8", "0.5", '["a"]', "[true, false]", '{"a": 1}', "[0.2,"])
def test_what_is_no_list_of_probabilities_is_named(cell):
    with pytest.raises(DataError, match=r"answers.csv: column 'probs', row 2: .* is not a JSON list"):
        typed(pl.DataFrame({"probs": ["[0.2, 0.8]", cell]}), SURVEY, where=FILE)


def located(columns, *, survey=SURVEY, people=PEOPLE, column=None):
    return with_country(pl.DataFrame(columns), survey, people, column=column, where=FILE)["country"].to_list()


def test_the_country_is_found_where_it_is_told():
    assert located({"country": ["North"], "land": ["South"]}) == ["North"]
    assert located({"country": ["North"], "land": ["South"]}, column="land") == ["South"]
    states = SURVEY.model_copy(update={"country_column": "land", "countries": {"1": "North", "2": "South"}})
    assert located({"land": ["2.0", "North"]}, survey=states) == ["South", "North"]
    for source in ("source_respondent_id", "respondent_id"):
        assert located({source: [SOUTH, NORTH]}) == ["South", "North"]


def test_answers_are_never_pooled_over_countries():
    with pytest.raises(DataError, match=r"3 countries \(North, South, West\).*--country"):
        located({"news": [1]})
    with pytest.raises(DataError, match="column 'respondent_id', row 2: 'nobody' is no respondent"):
        located({"respondent_id": [NORTH, "nobody"]})
    with pytest.raises(DataError, match="no column 'contry'; did you mean 'country'"):
        located({"country": ["North"]}, column="contry")


def test_people_of_one_country_need_no_column():
    people = type(PEOPLE)(SURVEY, PEOPLE.frame.filter(pl.col("country") == "West"), PEOPLE.missing)
    assert located({"news": [1, 2]}, people=people) == ["West", "West"]


def test_what_is_not_used_is_told():
    wide = pl.DataFrame({item.id: [1] for item in SURVEY.items if item.id != "news"} | {"sex": ["man"], "llm": ["x"]})
    assert unused(wide, SURVEY, by=("llm",), persona_id=None) == (("Items that the answers lack", "news"),)
    assert unused(wide, SURVEY, by=(), persona_id=None)[1] == ("Columns not used", "llm")
    long = pl.DataFrame({"persona_id": ["a"], "item": ["weather"], "code": [1], "mood": ["good"]})
    told = dict(unused(long, SURVEY, by=(), persona_id=None))
    assert told["Items that the survey lacks"] == "weather"
    assert told["Columns not used"] == "mood"
