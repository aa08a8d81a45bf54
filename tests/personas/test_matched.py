"""Personas matched to respondents."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from demoscope.errors import ConfigError, DataError
from demoscope.personas import match_personas, unmatched
from demoscope.schema import PERSONAS, check_columns
from demoscope.surveys import load_microdata, load_survey, microdata_from_frame, survey_from_table

CES = load_microdata(load_survey("ces2016"))

SURVEY = survey_from_table(
    {
        "id": "s",
        "title": "S",
        "id_column": "id",
        "country_column": "land",
        "weight_column": "w",
        "demographics": [{"id": "job"}, {"id": "town"}, {"id": "hobby", "shown": False}],
        "items": [{"id": "q", "text": "Well?", "options": {"1": "Yes", "2": "No"}}],
    },
    where=Path("s.toml"),
)


def micro(**columns):
    base = {
        "id": ["1", "2", "3", "4"],
        "land": ["Y", "X", "Y", "X"],
        "w": [1.0, 2.0, 3.0, 4.0],
        "job": ["cook", "smith", None, "cook"],
        "town": ["Ulm", None, None, "Ulm"],
        "hobby": ["chess", "chess", "chess", None],
        "q": [1, None, 2, 1],
    }
    return microdata_from_frame(pl.DataFrame(base | columns), survey=SURVEY)


def test_schema_and_content():
    personas = match_personas(micro())
    check_columns(personas, PERSONAS, what="personas")
    assert personas.columns == [*PERSONAS, "job", "town"]
    assert personas.rows() == [
        ("p-4", "X", "4", 4.0, "job=cook|town=Ulm", "cook", "Ulm"),
        ("p-1", "Y", "1", 1.0, "job=cook|town=Ulm", "cook", "Ulm"),
    ]


def test_lost_respondents_are_counted_by_the_first_attribute_they_lack():
    assert unmatched(micro()).rows() == [("X", "town", 1), ("Y", "job", 1)]
    assert unmatched(micro(), attributes=["hobby"], countries=["X"]).rows() == [("X", "hobby", 1)]
    assert unmatched(micro(), attributes=[]).is_empty()


def test_lost_respondents_are_logged(caplog):
    with caplog.at_level("INFO", logger="demoscope.personas"):
        match_personas(micro())
    assert "X: 1 without a persona, since town is unknown" in caplog.messages


def test_a_persona_needs_the_shown_attributes_only():
    assert match_personas(micro(), attributes=["hobby"])["source_respondent_id"].to_list() == ["2", "1", "3"]


def test_attributes_come_in_the_order_of_the_survey():
    assert match_personas(micro(), attributes=["town", "job"]).equals(match_personas(micro()))


def test_without_attributes_everybody_is_the_same_profile():
    assert match_personas(micro(), attributes=[])["profile"].to_list() == [""] * 4


def test_profiles_of_different_facts_differ():
    tricky = micro(job=["a|town=b", "a", "a%7C", "="], town=["c", "b|town=c", "x", "%3D"])
    personas = match_personas(tricky)
    assert personas["profile"].n_unique() == 4
    assert "job=a%7Ctown%3Db|town=c" in personas["profile"]


def test_a_country_subset_has_the_same_people():
    everywhere = match_personas(CES, per_country=50, seed=3)
    for countries in (["Ohio"], ["Texas", "Georgia"]):
        part = match_personas(CES, countries=countries, per_country=50, seed=3)
        assert part.equals(everywhere.filter(pl.col("country").is_in(countries)))


def test_a_larger_sample_contains_the_smaller_one():
    small, large = (set(match_personas(CES, per_country=n, seed=1)["persona_id"]) for n in (20, 200))
    assert len(small) == 80
    assert small < large


def test_seeds_draw_different_people():
    one, other = (set(match_personas(CES, per_country=100, seed=seed)["persona_id"]) for seed in (0, 1))
    # Two independent samples of 100 out of 600 share 17 on average, in each of four countries.
    assert 30 < len(one & other) < 110


def test_everybody_is_drawn_equally_often():
    """Counts of 200 seeds against the binomial: no respondent is preferred."""
    ohio = CES.frame.filter(pl.col("country") == "Ohio").height
    drawn = pl.concat(match_personas(CES, countries=["Ohio"], per_country=60, seed=seed) for seed in range(200))
    counts = drawn["persona_id"].value_counts()["count"]
    assert len(counts) == ohio
    variance = 200 * 0.1 * 0.9
    dispersion = ((counts - 20) ** 2 / variance).sum() / ohio
    assert dispersion == pytest.approx(1, abs=5 * (2 / ohio) ** 0.5)


def test_a_sample_larger_than_the_country_is_everybody():
    assert match_personas(CES, per_country=10_000).equals(match_personas(CES))


def test_rows_of_the_file_may_come_in_any_order():
    shuffled = CES.frame.sample(fraction=1, shuffle=True, seed=1)
    again = match_personas(type(CES)(CES.survey, shuffled, CES.missing), per_country=30)
    assert again.sort("persona_id").equals(match_personas(CES, per_country=30).sort("persona_id"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attributes": ["jobb"]}, "no demographic 'jobb'; did you mean 'job'"),
        ({"attributes": ["job", "job"]}, "'job' is named twice"),
        ({"countries": ["Z"]}, "no respondents in country 'Z'; known: X, Y"),
        ({"countries": ["X", "X"]}, "country 'X' is named twice"),
    ],
)
def test_unknown_names_are_errors(settings, message):
    with pytest.raises(ConfigError, match=message):
        match_personas(micro(), **settings)


def test_a_country_without_personas_is_an_error():
    with pytest.raises(DataError, match="country 'Y' has no respondent whose job, town are all known"):
        match_personas(micro(job=[None, "smith", None, "cook"]))
