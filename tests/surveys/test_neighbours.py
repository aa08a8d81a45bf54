"""Definitions of surveys whose files are the user's: ESS, EVS 2017, GSS and CES."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest

from demoscope.errors import DataError
from demoscope.surveys import load_survey
from demoscope.surveys.microdata import microdata_from_frame

SURVEYS = {name: load_survey(name) for name in ("ess", "evs2017", "gss", "ces")}
ITEMS = [(name, item) for name, survey in SURVEYS.items() for item in survey.items]
HUMAN_VALUES = 21
STATA = {
    ".d": "dont_know",
    ".i": "not_applicable",
    ".n": "other_missing",
    ".r": "refused",
    ".s": "other_missing",
    ".y": "not_asked",
}


@pytest.mark.parametrize("name", SURVEYS)
def test_no_data_come_with_a_definition_of_a_file_of_the_user(name):
    survey = SURVEYS[name]
    assert survey.data is None
    assert survey.generator is None
    assert survey.partial
    assert "No data come with this definition" in survey.notes
    assert survey.citation
    assert survey.licence


@pytest.mark.parametrize("name", SURVEYS)
def test_no_text_and_no_label_comes_twice(name):
    survey = SURVEYS[name]
    assert not [text for text, n in Counter(item.text for item in survey.items).items() if n > 1]
    assert not [label for label, n in Counter(item.label for item in survey.items).items() if n > 1]
    columns = Counter(column for part in survey.items for column in part.columns)
    assert max(columns.values()) == 1


@pytest.mark.parametrize(("name", "item"), ITEMS, ids=[f"{name}-{item.id}" for name, item in ITEMS])
def test_wording(name, item):
    assert len(item.text) <= 220
    assert item.text[-1] in "?."
    assert 1 <= len(item.label) <= 40
    assert item.domain
    assert len(set(item.labels)) == len(item.labels) >= 2
    assert not {label for label in item.labels if label != label.strip() or label.endswith(".")}
    assert not set(SURVEYS[name].missing_codes(item)) & {str(code) for code in item.codes}


@pytest.mark.parametrize("name", SURVEYS)
def test_attributes_that_personas_show_come_in_a_sentence(name):
    survey = SURVEYS[name]
    assert sum(part.noun for part in survey.demographics) == 1
    assert all(part.question for part in survey.demographics)
    assert {"sex", "age", "education"} <= {part.id for part in survey.demographics if part.shown}


@pytest.mark.parametrize("name", ["ess", "evs2017"])
def test_countries_have_a_name_in_a_persona(name):
    survey = SURVEYS[name]
    home = survey.demographic("home")
    assert set(home.values) == set(survey.countries)
    assert {name.removeprefix("the ") for name in home.values.values()} == set(survey.countries.values())
    assert len(set(survey.countries.values())) == len(survey.countries) > 35


def ess(**columns):
    rows = len(next(iter(columns.values())))
    people = {"cntry": ["GB"] * rows, "idno": list(range(rows)), "pspwght": [1.0] * rows}
    return microdata_from_frame(pl.DataFrame(people | columns), survey=SURVEYS["ess"])


def test_all_human_values_of_the_ess_are_read_under_both_names():
    values = [item for item in SURVEYS["ess"].items if item.domain == "human values"]
    assert len(values) == HUMAN_VALUES
    for place in (0, 1):
        micro = ess(**{item.columns[place]: [1, 6, 7, 88] for item in values})
        assert [item.id for item in micro.survey.items] == [item.id for item in values]
        for item in values:
            assert micro.frame[item.id].to_list() == [1, 6, None, None]
            lost = micro.missing.filter(pl.col("item") == item.id)
            assert set(lost.select("code", "reason").iter_rows()) == {("7", "refused"), ("88", "dont_know")}


def test_a_code_of_another_width_is_an_error_in_the_ess():
    assert ess(trstprl=[7, 8, 9, 10]).frame["trstprl"].to_list() == [7, 8, 9, 10]
    for column, code in (("trstprl", 11), ("sclmeet", 8), ("polintr", 77), ("health", 6)):
        with pytest.raises(DataError, match=f"column '{column}', row 1: code '{code}' is not declared"):
            ess(**{column: [code, 1]})


def test_respondents_of_the_ess_are_known_by_country_and_number():
    two = pl.DataFrame({"cntry": ["GB", "XK"], "idno": [1, 1], "pspwght": [1.0, 1.0], "happy": [3, 4]})
    micro = microdata_from_frame(two, survey=SURVEYS["ess"])
    assert micro.frame["respondent_id"].to_list() == ["GB-1", "XK-1"]
    assert micro.countries == ("Kosovo", "United Kingdom")
    rounds = pl.concat([two, two])
    with pytest.raises(DataError, match="row 3: id 'GB-1' is that of row 1 already"):
        microdata_from_frame(rounds, survey=SURVEYS["ess"])


def test_weights_inside_a_country_come_before_those_of_the_design():
    weights = {"pspwght": [2.0], "dweight": [3.0], "anweight": [4.0]}
    for column in ("pspwght", "dweight"):
        raw = pl.DataFrame({"cntry": ["SE"], "idno": [1], "happy": [5]} | weights)
        micro = microdata_from_frame(raw, survey=SURVEYS["ess"])
        assert (micro.weight_column, micro.frame["weight"].to_list()) == (column, weights.pop(column))


def gss(**columns):
    rows = len(next(iter(columns.values())))
    return microdata_from_frame(pl.DataFrame({"wtssps": [1.0] * rows} | columns), survey=SURVEYS["gss"])


def test_missing_values_of_stata_have_reasons_in_the_gss():
    micro = gss(natspac=["1", "2", "3", *STATA], polviews=["7", *STATA, "4", "1"])
    assert micro.frame["natspac"].to_list() == [1, 2, 3] + [None] * len(STATA)
    for item in ("natspac", "polviews"):
        lost = micro.missing.filter(pl.col("item") == item)
        assert dict(lost.select("code", "reason").iter_rows()) == STATA


def test_numbers_that_stand_for_missing_answers_in_the_gss():
    micro = gss(
        attend=[0, 8, 9, -99],
        partyid=[0, 7, 8, 9],
        natfare=[0, 8, 9, -100],
        age=[89, 98, 99, 18],
        helpful=[1, 2, 3, -98],
    )
    assert micro.frame["attend"].to_list() == [0, 8, None, None]
    assert micro.frame["partyid"].to_list() == [0, None, None, None]
    assert micro.frame["natfare"].null_count() == 4
    assert micro.frame["age"].to_list() == ["60 or over", None, None, "18-29"]
    reasons = {(item, code): reason for item, _, code, reason, _ in micro.missing.iter_rows()}
    assert reasons["natfare", "0"] == reasons["natfare", "-100"] == reasons["partyid", "7"] == "not_applicable"
    assert reasons["partyid", "8"] == reasons["helpful", "-98"] == reasons["age", "98"] == "dont_know"


def test_options_of_the_gss_stand_in_the_order_of_the_scale():
    micro = gss(trust=[1, 2, 3, 1])
    assert micro.survey.item("trust").codes == (1, 3, 2)
    assert SURVEYS["gss"].item("courts").codes == (1, 3, 2)
    assert SURVEYS["gss"].item("reliten").codes == (4, 2, 3, 1)


def test_spss_files_of_the_gss_have_names_in_capitals():
    raw = pl.DataFrame({"HAPPY": [1, 3], "SEX": [1, 2], "WTSSALL": [0.5, 1.5], "VSTRAT": [1, 2], "VPSU": [1, 1]})
    micro = microdata_from_frame(raw, survey=SURVEYS["gss"])
    assert micro.weight_column == "WTSSALL"
    assert micro.frame.select("happy", "sex", "stratum", "psu").rows() == [(1, "man", "1", "1"), (3, "woman", "2", "1")]
    assert micro.countries == ("United States",)


def evs(**columns):
    rows = len(next(iter(columns.values())))
    people = {"id_cocas": list(range(rows)), "country": [826] * rows, "gweight": [1.0] * rows, "v1": [1] * rows}
    return microdata_from_frame(pl.DataFrame(people | columns), survey=SURVEYS["evs2017"])


def test_negative_codes_of_the_evs_are_missing():
    micro = evs(v102=[1, 10, -1, -2, -10], age=[18, 82, -1, -2, -4], v133=[1, 10, 0, -1, -4])
    assert micro.frame["v102"].to_list() == [1, 10, None, None, None]
    assert micro.frame["age"].to_list() == ["under 30", "60 or over", None, None, None]
    assert micro.frame["v133"].to_list() == [1, 10, None, None, None]
    assert micro.variant is not None
    assert micro.countries == ("Great Britain",)


def test_a_joint_file_is_refused_as_one_of_the_evs():
    with pytest.raises(DataError, match="ZA7500"):
        microdata_from_frame(pl.DataFrame({"cntry_AN": ["GB"], "A001": [1]}), survey=SURVEYS["evs2017"])


def test_both_files_of_the_ces_are_read():
    year = {"inputstate": [48], "gender4": [2], "birthyr": [1970], "pew_churatd": [7], "CC24_302": [1]}
    cumulative = {"state": ["Texas"], "gender": [2], "age": [46], "relig_church": [6], "economy_retro": [5]}
    for columns, weight in ((year, "commonweight"), (cumulative, "weight_cumulative")):
        raw = pl.DataFrame(columns | {"ideo5": [6], "pid7": [8], weight: [0.7]})
        micro = microdata_from_frame(raw, survey=SURVEYS["ces"])
        assert micro.weight_column == weight
        assert micro.frame.select("sex", "state").rows() == [("woman", "Texas")]
        assert micro.frame["economy_retro"][0] == (1 if columns is year else 5)
        assert micro.frame["relig_church"][0] == (None if columns is year else 6)
        lost = dict(micro.missing.select("item", "reason").iter_rows())
        assert lost["ideo5"] == lost["pid7"] == "dont_know"
