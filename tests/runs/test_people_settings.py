"""What the settings of a run change in the people of a survey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from demoscope.config import RunConfig
from demoscope.errors import ConfigError
from demoscope.runs.people import load_people
from demoscope.runs.respondents import respondents, sample_design

if TYPE_CHECKING:
    from pathlib import Path

SURVEY = """
id = "s"
title = "S"
country = "Utopia"
data = "people.csv"
id_column = "id"
weight_column = "w"
psu_column = "town"
partial = true
[[variants]]
name = "the second release"
has = ["v"]
says = "Mind the gap."
[[items]]
id = "p"
text = "Well?"
options = { 1 = "Yes", 2 = "No" }
[[items]]
id = "q"
text = "Sure?"
options = { 1 = "Yes", 2 = "No" }
[[items]]
id = "later"
text = "Later?"
options = { 1 = "Yes", 2 = "No" }
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "s.toml").write_text(SURVEY, encoding="utf-8")
    (tmp_path / "people.csv").write_text("id,w,v,town,p,q\na,1,4,x,1,2\nb,3,4,x,2,2\nc,2,2,y,1,1\n", encoding="utf-8")
    (tmp_path / "words.csv").write_text("item,code,text\np,,Truly well?\n", encoding="utf-8")
    return tmp_path


def people(folder: Path, **settings):
    models = [{"name": "m", "engine": "scripted", "steerings": ["unsteered"]}]
    config = RunConfig.model_validate({"name": "r", "survey": "s.toml", "models": models, **settings})
    return load_people(config, folder)


@pytest.mark.parametrize(
    ("weight", "weights", "column", "used"),
    [(None, [1, 3, 2], "w", "weight"), ("v", [4, 4, 2], "v", "weight"), ("none", [1, 1, 1], None, None)],
)
def test_another_column_of_weights_or_none(folder, weight, weights, column, used):
    _, data, personas = people(folder, weight=weight)
    assert data.frame["weight"].to_list() == weights
    assert personas["weight"].to_list() == weights
    assert data.weight_column == column
    assert sample_design(data) == {"weights": used, "strata": None, "psu": "psu"}


def test_a_column_of_weights_that_is_not_there(folder):
    with pytest.raises(ConfigError, match="'vv'"):
        people(folder, weight="vv")


def test_wordings_beside_the_settings(folder):
    survey, _, _ = people(folder, wording="words.csv")
    assert survey.item("p").text == "Truly well?"
    assert survey.item("q").text == "Sure?"


def test_the_report_says_what_the_file_is_and_what_it_lacks(folder):
    _, data, _ = people(folder)
    assert respondents(data, items=("p", "q"), countries=("Utopia",)).notes == (
        "The file is the second release. Mind the gap.",
        "Weights are those of column w.",
        "Intervals are those of a sample drawn in primary sampling units.",
        "The file has no column for 1 items and attributes of the survey: later.",
    )
    _, data, _ = people(folder, weight="none")
    assert "Every person counts alike: no weights are used." in respondents(data, items=(), countries=("Utopia",)).notes
    assert data.frame["psu"].dtype == pl.String
