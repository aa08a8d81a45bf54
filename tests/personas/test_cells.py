"""Personas drawn from demographic cells."""

from __future__ import annotations

from collections import Counter
from itertools import count
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from demoscope.errors import ConfigError, DataError
from demoscope.personas import draw_from_cells, match_personas, raked
from demoscope.personas.balanced import null_vector, rounded
from demoscope.schema import PERSONAS, check_columns
from demoscope.surveys import load_microdata, load_survey, microdata_from_frame, survey_from_table

CES = load_microdata(load_survey("ces2016"))
SHOWN = ("sex", "age_band", "collegeed")

SURVEY = survey_from_table(
    {
        "id": "s",
        "title": "S",
        "country_column": "land",
        "weight_column": "w",
        "demographics": [
            {"id": "sex", "values": {"1": "man", "2": "woman"}},
            {"id": "town", "values": {"1": "Ulm", "2": "Bonn"}},
        ],
        "items": [{"id": "q", "text": "Well?", "options": {"1": "Yes", "2": "No"}}],
    },
    where=Path("s.toml"),
)


def micro(**columns):
    base = {
        "land": ["X"] * 4 + ["Y"] * 4,
        "w": [1.0, 2.0, 3.0, 4.0] * 2,
        "sex": [1, 1, 2, 2] * 2,
        "town": [1, 2, 1, 2] * 2,
        "q": [1] * 8,
    }
    return microdata_from_frame(pl.DataFrame(base | columns), survey=SURVEY)


def test_schema_and_content():
    personas = draw_from_cells(micro(), per_country=10)
    check_columns(personas, PERSONAS, what="personas")
    assert personas.columns == [*PERSONAS, "sex", "town"]
    assert personas["persona_id"].to_list()[:2] == ["c-X-1", "c-X-2"]
    assert personas["persona_id"].n_unique() == 20
    assert personas["source_respondent_id"].is_null().all()
    assert personas["weight"].to_list() == [1.0] * 20
    # 10 personas for weights 1, 2, 3, 4: nothing is left to chance.
    for country in "XY":
        assert Counter(personas.filter(pl.col("country") == country)["profile"]) == {
            "sex=man|town=Ulm": 1,
            "sex=man|town=Bonn": 2,
            "sex=woman|town=Ulm": 3,
            "sex=woman|town=Bonn": 4,
        }


def test_profiles_are_those_of_matched_personas():
    drawn = draw_from_cells(CES, attributes=SHOWN)
    matched = match_personas(CES, attributes=SHOWN)
    assert set(drawn["profile"]) <= set(matched["profile"])
    assert drawn.group_by("country").len().sort("country").equals(matched.group_by("country").len().sort("country"))


def words_of(personas, country):
    here = personas.filter(pl.col("country") == country)
    return {name: Counter(here[name]) for name in SHOWN}


@pytest.mark.parametrize("seed", range(5))
def test_margins_are_met_as_nearly_as_whole_numbers_allow(seed):
    size = 97
    drawn = draw_from_cells(CES, attributes=SHOWN, per_country=size, seed=seed)
    complete = CES.frame.drop_nulls(SHOWN)
    for country in CES.countries:
        people = complete.filter(pl.col("country") == country)
        words = words_of(drawn, country)
        assert drawn.filter(pl.col("country") == country).height == size
        for name in SHOWN:
            for word, n in Counter(people[name]).items():
                # A margin that is given up near the end moves by less than two persons.
                assert abs(words[name][word] - size * n / people.height) < 2


def test_margins_are_closer_than_those_of_a_random_sample():
    """Squared distances from the expected counts over 30 seeds, against a sample of respondents of the same size."""
    complete = CES.frame.drop_nulls(SHOWN).filter(pl.col("country") == "Ohio")

    def off(personas):
        words = words_of(personas, "Ohio")
        return sum(
            (words[name][word] - 60 * n / complete.height) ** 2
            for name in SHOWN
            for word, n in Counter(complete[name]).items()
        )

    settings = {"attributes": SHOWN, "countries": ["Ohio"], "per_country": 60}
    drawn = sum(off(draw_from_cells(CES, seed=seed, **settings)) for seed in range(30))
    sampled = sum(off(match_personas(CES, seed=seed, **settings)) for seed in range(30))
    assert drawn < sampled / 20


def test_seeds_are_repeatable_and_differ():
    one, again, other = (draw_from_cells(CES, attributes=SHOWN, per_country=50, seed=seed) for seed in (1, 1, 2))
    assert one.equals(again)
    assert not one["profile"].equals(other["profile"])


def test_a_country_alone_has_the_same_personas():
    everywhere = draw_from_cells(CES, attributes=SHOWN, per_country=50)
    alone = draw_from_cells(CES, attributes=SHOWN, per_country=50, countries=["Texas"])
    assert alone.equals(everywhere.filter(pl.col("country") == "Texas"))


def test_rows_of_the_file_may_come_in_any_order():
    shuffled = type(CES)(CES.survey, CES.frame.sample(fraction=1, shuffle=True, seed=1), CES.missing)
    assert draw_from_cells(shuffled, per_country=30).equals(draw_from_cells(CES, per_country=30))


def test_without_attributes_everybody_is_the_same():
    personas = draw_from_cells(micro(), attributes=[])
    assert personas["profile"].to_list() == [""] * 8


def test_targets_are_met_by_personas():
    targets = {"sex": {"man": 0.5, "woman": 0.5}, "Y": {"sex": {"man": 0.9, "woman": 0.1}}}
    personas = draw_from_cells(micro(), per_country=100, targets=targets)
    assert Counter(personas.filter(pl.col("country") == "X")["sex"]) == {"man": 50, "woman": 50}
    assert Counter(personas.filter(pl.col("country") == "Y")["sex"]) == {"man": 90, "woman": 10}
    # Within a sex towns are as they were: 1 to 2 and 3 to 4.
    towns = Counter(personas.filter(pl.col("country") == "Y", pl.col("sex") == "man")["town"])
    assert towns == {"Ulm": 30, "Bonn": 60}


def test_targets_are_met_by_people():
    targets = {"sex": {"man": 0.5, "woman": 0.5}}
    data = raked(micro(), targets, shown=["sex", "town"])
    weights = data.frame["weight"].to_list()
    assert weights == pytest.approx([5 / 3, 10 / 3, 15 / 7, 20 / 7] * 2)
    nobody = raked(micro(), {"sex": {"man": 1, "woman": 0}}, shown=["sex"])
    assert nobody.frame["sex"].to_list() == ["man"] * 4


def test_people_without_weights_have_them_after_raking():
    survey = SURVEY.model_copy(update={"weight_column": None})
    data = microdata_from_frame(
        pl.DataFrame({"land": ["X"] * 3, "sex": [1, 2, 2], "town": [1, 1, 2], "q": [1, 1, 1]}), survey=survey
    )
    weighted = raked(data, {"sex": {"man": 0.5, "woman": 0.5}}, shown=["sex"])
    assert weighted.survey.weight_columns == ("weight",)
    assert weighted.frame["weight"].to_list() == pytest.approx([1.5, 0.75, 0.75])


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"sexx": {"man": 1.0}}, "no demographic 'sexx'; did you mean 'sex'"),
        ({"sex": {"men": 1.0}}, "personas.targets.sex: no value is 'men'; did you mean 'man'"),
        ({"sex": {"man": 0.4, "woman": 0.5}}, "personas.targets.sex: shares sum to 0.9"),
        ({"town": {"Ulm": 1.0, "Bonn": 0.0}}, "do not show 'town'; name it in personas.attributes"),
        ({"Z": {"sex": {"man": 1.0}}}, "no respondents in country 'Z'"),
        ({"X": {"sex": {"man": 1.0}}}, "X: sex 'woman' has no share, and 2 respondents"),
    ],
)
def test_targets_that_cannot_be_meant_are_errors(targets, message):
    with pytest.raises(ConfigError, match=message):
        draw_from_cells(micro(), attributes=["sex"], targets=targets)
    with pytest.raises(ConfigError, match=message):
        raked(micro(), targets, shown=["sex"])


def test_a_country_without_cells_is_an_error():
    with pytest.raises(DataError, match="country 'Y' has no respondent whose sex, town"):
        draw_from_cells(micro(sex=[1, 1, 2, 2, None, None, None, None]))


def stream(seed):
    generator = np.random.default_rng(seed)
    return (float(generator.random()) for _ in count())


def test_counts_are_right_on_average():
    """Each cell is rounded up with a probability equal to its fraction: 4,000 draws against the binomial."""
    expected = np.array([0.3, 1.6, 0.25, 2.85, 0.5, 0.5])
    margins = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 0, 1, 0, 1]], dtype=float)
    draws = np.array([rounded(expected, margins, uniform=stream(seed)) for seed in range(4000)])
    assert set(draws.sum(axis=1)) == {6}
    fractions = expected - np.floor(expected)
    errors = (draws.mean(axis=0) - expected) / np.sqrt(fractions * (1 - fractions) / 4000)
    assert np.abs(errors).max() < 4
    assert ((draws == np.floor(expected)) | (draws == np.floor(expected) + 1)).all()


def test_whole_margins_stay_whole():
    expected = np.full((3, 4), 0.5)
    margins = np.array(
        [np.ones(12)]
        + [(np.arange(12) // 4 == row).astype(float) for row in range(2)]
        + [(np.arange(12) % 4 == column).astype(float) for column in range(3)]
    )
    # Rows sum to 2 and columns to 1.5: rows can be kept in every draw, columns to the next whole number.
    for seed in range(50):
        table = rounded(expected.ravel(), margins, uniform=stream(seed)).reshape(3, 4)
        assert table.sum() == 6
        assert set(table.sum(axis=1)) == {2}
        assert set(table.sum(axis=0)) <= {1, 2}


def test_null_vectors_are_null_and_exist_exactly_where_columns_depend():
    generator = np.random.default_rng(5)
    for _ in range(200):
        rows, columns = generator.integers(1, 7, size=2)
        matrix = generator.integers(0, 2, size=(rows, columns)).astype(float)
        found = null_vector(matrix)
        assert (found is None) == (np.linalg.matrix_rank(matrix) == columns)
        if found is not None:
            assert np.abs(found).max() >= 1
            assert matrix @ found == pytest.approx(np.zeros(rows), abs=1e-9)
