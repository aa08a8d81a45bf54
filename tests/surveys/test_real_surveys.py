"""Files of other surveys, read where they are present; none of them is part of this project."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from demoscope.errors import DataError
from demoscope.surveys import load_microdata, load_survey

DATA = Path(__file__).parents[3] / "shared/data"
FILES = {"ess11": "ess11/ess11_pl_es_se.csv", "gss2018": "gss2018/gss2018.csv", "bfi": "bfi/bfi.csv"}


def definition(name):
    return load_survey(Path(__file__).parent / f"definitions/{name}.toml")


def load(name):
    path = DATA / FILES[name]
    if not path.exists():
        pytest.skip(f"{FILES[name]} is not here")
    return load_microdata(definition(name), path=path), pl.read_csv(path)


@pytest.mark.parametrize("name", FILES)
def test_definitions_are_surveys(name):
    assert len(definition(name).items) >= 12


@pytest.mark.parametrize("name", FILES)
def test_valid_codes_and_missing_reasons_account_for_every_row(name):
    micro, raw = load(name)
    for item in micro.survey.items:
        valid = raw[item.column].is_in(item.codes).sum()
        assert micro.frame[item.id].count() == valid > 0
        assert micro.missing.filter(pl.col("item") == item.id)["n"].sum() == raw.height - valid


def test_ess_has_one_code_with_three_meanings():
    micro, raw = load("ess11")
    assert micro.countries == ("Poland", "Spain", "Sweden")
    assert (micro.frame["weight"] == raw["pspwght"]).all()
    seven = {item: (raw[item] == 7).sum() for item in ("trstprl", "sclmeet", "imdfetn", "uemp12m")}
    assert (micro.frame["trstprl"] == 7).sum() == seven["trstprl"] > 0
    assert (micro.frame["sclmeet"] == 7).sum() == seven["sclmeet"] > 0
    assert (micro.frame["imdfetn"] == 7).sum() == 0
    refused = micro.missing.filter((pl.col("item") == "imdfetn") & (pl.col("reason") == "refused"))["n"].sum()
    assert refused == seven["imdfetn"]
    not_applicable = micro.missing.filter((pl.col("item") == "uemp12m") & (pl.col("code") == "6"))
    assert set(not_applicable["reason"]) <= {"not_applicable"}


def test_ess_ages_of_999_are_missing():
    micro, raw = load("ess11")
    assert micro.frame["age_band"].null_count() == (raw["agea"] == 999).sum()


def test_negative_codes_and_0_are_answers_in_the_gss():
    micro, raw = load("gss2018")
    assert micro.frame["natspac"].min() == -1
    assert (micro.frame["natspac"] == -1).sum() == (raw["natspac"] == -1).sum() > 0
    assert (micro.frame["partyid"] == 0).sum() == (raw["partyid"] == 0).sum() > 0
    assert micro.frame["partyid"].max() == 6


def test_an_option_left_out_of_the_definition_is_found_in_the_file():
    path = DATA / FILES["bfi"]
    if not path.exists():
        pytest.skip("the file is not here")
    survey = definition("bfi")
    first, *others = survey.items
    short = first.model_copy(update={"options": first.options[:-1]})
    row = pl.read_csv(path)["A1"].to_list().index(6) + 1
    with pytest.raises(DataError, match=rf"bfi\.csv: column 'A1', row {row}: code '6' is not declared; options 1\.\.5"):
        load_microdata(survey.model_copy(update={"items": (short, *others)}), path=path)
