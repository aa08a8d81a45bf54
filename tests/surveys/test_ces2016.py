"""The embedded sample of people."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import polars as pl
import pytest

from demoscope.personas import match_personas
from demoscope.surveys import load_microdata, load_survey, read_table

ROOT = Path(__file__).parents[2]
SOURCE = ROOT.parent / "shared/data/ces2016/ces2016.csv"
SURVEY = load_survey("ces2016")


@pytest.fixture(scope="module")
def data():
    return load_microdata(SURVEY)


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("embed_ces2016", ROOT / "tools/embed_ces2016.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_600_people_of_each_of_four_states(data):
    assert data.countries == ("Georgia", "New York", "Ohio", "Texas")
    assert data.frame["country"].value_counts()["count"].to_list() == [600] * 4
    assert (data.frame["weight"] == 1.0).all()


def test_ten_items_in_three_domains():
    assert [len(item.options) for item in SURVEY.items] == [5, 7, 4, 6, 7, 2, 5, 5, 5, 5]
    assert {item.domain for item in SURVEY.items} == {"politics", "religion", "race"}
    assert not any(item.block for item in SURVEY.items)


def test_shown_attributes_make_48_profiles(data):
    assert SURVEY.shown() == ("sex", "age_band", "state", "collegeed")
    personas = match_personas(data)
    assert personas.height == 2400
    assert personas["profile"].n_unique() == 4 * 2 * 3 * 2


def test_missing_answers_are_real_and_all_counted(data):
    counts = dict(data.missing.group_by("item").agg(pl.col("n").sum()).iter_rows())
    nulls = {name: n for name, n in zip(data.frame.columns, data.frame.null_count().row(0), strict=True) if n}
    assert counts == nulls
    # The first rows of the source miss 5 % of the answers on race, the whole source 21 %.
    for item in ("angryracism", "whiteadv", "fearraces", "racerare"):
        assert 0.18 < counts[item] / 2400 < 0.24


def test_the_vote_is_not_in_the_file():
    columns = read_table(SURVEY.data).columns
    assert "votetrump" not in columns
    assert len(columns) == 17


def test_the_file_is_small():
    assert SURVEY.data.stat().st_size < 40_000


@pytest.mark.skipif(not SOURCE.exists(), reason="the source file is not here")
def test_the_sample_can_be_drawn_again(tool):
    assert tool.sample(SOURCE).equals(read_table(tool.TARGET))


@pytest.mark.skipif(not SOURCE.exists(), reason="the source file is not here")
def test_the_survey_reads_the_whole_source(data):
    everybody = load_microdata(SURVEY, path=SOURCE)
    assert everybody.frame.height == 14_986
    assert everybody.frame.filter(pl.col("respondent_id").is_in(data.frame["respondent_id"].implode())).height == 2400


@pytest.mark.skipif(not SOURCE.exists(), reason="the source file is not here")
def test_the_sample_looks_like_its_states(data):
    """Every mean of the sample lies within four standard errors of its state's, missing answers included."""
    everybody = load_microdata(SURVEY, path=SOURCE).frame
    for item in SURVEY.items:
        for answer in (pl.col(item.id), pl.col(item.id).is_null().cast(pl.Float64)):
            within = everybody.group_by("country").agg(mean=answer.mean(), sd=answer.std())
            drawn = data.frame.group_by("country").agg(drawn=answer.mean(), n=answer.count())
            both = drawn.join(within, on="country")
            z = (both["drawn"] - both["mean"]) / (both["sd"] / both["n"].sqrt()).replace(0.0, 1.0)
            assert z.abs().max() < 4
