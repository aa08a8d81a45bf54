"""Drafts of survey files."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from demoscope.errors import DataError
from demoscope.surveys import load_survey, microdata_from_frame, read_table, survey_from_table
from demoscope.surveys.draft import draft_survey

DATA = Path(__file__).parents[3] / "shared/data"
LIKERT = {"1": "Agree", "2": "Neither", "3": "Disagree", "8": "Don't know", "9": "Refused"}


@dataclass
class File:
    frame: pl.DataFrame
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)

    @property
    def columns(self):
        return self.frame.columns

    def read(self, columns):
        return self.frame.select(columns)


def drafted(file):
    text = draft_survey(file, name="mine", where="people.sav")
    return text, survey_from_table(tomllib.loads(text), where=Path("mine.toml"))


LABELLED = File(
    pl.DataFrame(
        {
            "idno": [1, 2, 3, 4],
            "cntry": ["PL", "SE", "SE", "PL"],
            "pspwght": [0.5, 1.5, 1.0, 1.0],
            "gndr": [1, 2, 2, 9],
            "agea": [20, 44, 999, 70],
            "taxes": [1, 2, 3, 8],
            "rents": [1, 1, 3, 9],
            "trust": [0, 4, 10, 88],
            "voted": [1, 2, 1, 2],
            "who knows": [1, 2, 3, 7],
            "notes": ["a", "b", "c", "d"],
            "constant": [1, 1, 1, 1],
        }
    ),
    labels={
        "cntry": {"PL": "Poland", "SE": "Sweden", "FR": "France"},
        "gndr": {"1": "Male", "2": "Female", "9": "No answer"},
        "taxes": LIKERT,
        "rents": LIKERT,
        "trust": {"0": "No trust", "10": "Complete trust", "88": "Don't know"},
        "voted": {"1": "Yes", "2": "No"},
        "who knows": {"1": "Same", "2": "Same", "3": 'Other\n\x7f"quote"'},
    },
    titles={"taxes": "Taxes should be lower", "rents": 'Rents are "too" high'},
)


def test_what_a_labelled_file_tells_becomes_a_survey():
    text, survey = drafted(LABELLED)
    assert survey.id_columns == ("idno",)
    assert survey.country_column == "cntry"
    assert survey.countries == {"PL": "Poland", "SE": "Sweden"}
    assert survey.weight_columns == ("pspwght",)
    assert [part.id for part in survey.demographics] == ["sex", "age"]
    assert [item.id for item in survey.items] == ["taxes", "rents", "trust", "voted", "who_knows"]
    assert survey.item("taxes").labels == ("Agree", "Neither", "Disagree")
    assert survey.item("rents").text == 'Rents are "too" high'
    assert survey.missing_codes(survey.item("taxes")) == {"8": "dont_know", "9": "refused"}
    assert survey.item("trust").codes == (0, 4, 10)
    assert survey.missing_codes(survey.item("trust")) == {"88": "dont_know"}
    assert survey.item("voted").type == "binary"
    assert survey.item("who_knows").columns == ("who knows",)
    assert survey.item("who_knows").labels[:2] == ("Same (1)", "Same (2)")
    assert survey.missing_codes(survey.demographic("age")) == {"999": "other_missing"}
    assert text.count("scale_1") == 3
    assert "# check: declare these codes as options or as missing: 7" in text
    assert "# notes holds text" in text
    assert "# constant has 1 code that could be an answer" in text


def test_a_code_of_which_the_file_says_nothing_stays_an_error_until_somebody_decides():
    _, survey = drafted(LABELLED)
    with pytest.raises(DataError, match="column 'who knows', row 4: code '7'"):
        microdata_from_frame(LABELLED.frame, survey=survey, where="people.sav")


def test_a_file_without_anything_to_ask_is_an_error():
    with pytest.raises(DataError, match=r"people\.sav: none of its 1 columns holds codes"):
        drafted(File(pl.DataFrame({"notes": ["a", "b"]})))


@pytest.mark.parametrize("name", ["bfi/bfi.csv", "gss2018/gss2018.csv", "ess11/ess11_pl_es_se.csv"])
def test_drafts_of_real_files_load(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not here")
    text, survey = drafted(File(read_table(path)))
    assert len(survey.items) >= 12
    assert {"sex", "age"} <= {part.id for part in survey.demographics}
    if name.startswith("ess11"):
        assert survey.item("trstprl").codes == tuple(range(11))
        assert "declare these codes as options or as missing: 77, 88" in text


def test_the_draft_of_an_embedded_survey_reads_its_own_data():
    ces = load_survey("ces2016")
    frame = pl.read_parquet(ces.data)
    _, survey = drafted(File(frame))
    data = microdata_from_frame(frame, survey=survey, where="ces2016")
    assert data.frame.height == frame.height
    assert {item.id for item in ces.items} <= {item.id for item in survey.items}
