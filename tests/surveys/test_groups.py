"""Groups of people in the place of countries."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from demoscope.config import Group
from demoscope.errors import ConfigError, DataError
from demoscope.surveys import Microdata, Survey, microdata_from_frame, survey_from_table
from demoscope.surveys.groups import FEWEST_IN_GROUP, columns_read, grouped

YES_NO = {"1": "Yes", "2": "No"}
SURVEY = survey_from_table(
    {
        "id": "s",
        "title": "S",
        "id_column": "id",
        "country_column": "land",
        "weight_column": "w",
        "missing": {"-1": "dont_know", "-2": "refused", "-4": "not_asked"},
        "languages": {},
        "demographics": [
            {"id": "sex", "column": "Q260", "values": {"1": "man", "2": "woman"}},
            {"id": "age", "bands": [{"low": 18, "high": 39, "label": "18-39"}, {"low": 40, "label": "40 or over"}]},
        ],
        "items": [
            {"id": "lean", "column": "Q240", "text": "Left?", "options": {str(k): str(k) for k in range(1, 11)}},
            {"id": "p", "text": "Well?", "options": YES_NO},
            {"id": "q", "text": "Well?", "options": YES_NO, "asked_in": ["Y"]},
            {"id": "man", "column": "Q260", "text": "A man?", "options": YES_NO},
        ],
    },
    where=Path("s.toml"),
)
LEFT = Group(where="lean <= 5", text="a person on the left", dimension="ideology")
RIGHT = Group(where="lean > 5", text="a person on the right", dimension="ideology")
MEN = Group(where="sex = 'man'", text="a man")
YS = Group(where="country = 'Y'", text="a person from Y")


def raw(n=200):
    """Three of four people live in X; they lean 1, 2, ..., 10, 1, ...; every tenth of them does not say."""
    rows = range(n)
    return pl.DataFrame(
        {
            "id": [f"r{row}" for row in rows],
            "land": ["Y" if row % 4 == 3 else "X" for row in rows],
            "w": [1.0 + row % 3 for row in rows],
            "Q260": [1 + row % 2 for row in rows],
            "age": [18 + row % 60 for row in rows],
            "Q240": [-1 if row % 10 == 9 else 1 + row % 10 for row in rows],
            "p": [-2 if row % 20 == 0 else -1 if row % 20 == 1 else 1 + row % 2 for row in rows],
            "q": [1 if row % 4 == 3 else -4 for row in rows],
        }
    )


DATA = microdata_from_frame(raw(), survey=SURVEY)


def test_everybody_comes_once_for_each_of_her_groups():
    people = grouped(DATA, {"right": RIGHT, "left": LEFT, "men": MEN}, pooling="as_is")
    assert people.countries == ("left", "men", "right")
    expected = {
        "left": [row for row in range(200) if row % 10 < 5],
        "men": [row for row in range(200) if row % 2 == 0],
        "right": [row for row in range(200) if 5 <= row % 10 < 9],  # whose lean is unknown is in neither
    }
    for name, rows in expected.items():
        part = people.frame.filter(pl.col("country") == name)
        assert part["respondent_id"].to_list() == [f"{name}/r{row}" for row in rows]
        assert part["weight"].to_list() == [1.0 + row % 3 for row in rows]
    assert people.frame.columns == ["respondent_id", "country", "weight", "group", "lean", "p", "q", "man"]
    assert people.frame["group"].unique().sort().to_list() == ["a man", "a person on the left", "a person on the right"]


def test_countries_weigh_the_same_within_a_group():
    people = grouped(DATA, {"left": LEFT, "ys": YS})
    land = dict(zip(raw()["id"], raw()["land"], strict=True))
    sums: dict[tuple[str, str], float] = {}
    for name, person, weight in people.frame.select("country", "respondent_id", "weight").iter_rows():
        key = name, land[person.partition("/")[2]]
        sums[key] = sums.get(key, 0.0) + weight
    as_is = grouped(DATA, {"left": LEFT, "ys": YS}, pooling="as_is").frame
    assert sums["left", "X"] == pytest.approx(sums["left", "Y"])
    left = pl.col("country") == "left"
    assert sums["left", "X"] + sums["left", "Y"] == pytest.approx(as_is.filter(left)["weight"].sum())
    # Within a country, people weigh what they did relative to each other; a group of one country stays as it is.
    assert people.frame.filter(~left).equals(as_is.filter(~left))


def test_a_survey_without_weights_has_them_where_countries_are_made_equal():
    plain = microdata_from_frame(raw(), survey=SURVEY.model_copy(update={"weight_column": None}))
    assert grouped(plain, {"left": LEFT}).survey.weight_columns == ("weight",)
    assert grouped(plain, {"left": LEFT}, pooling="as_is").survey.weight_columns == ()


def test_the_survey_says_who_they_are():
    survey = grouped(DATA, {"left": LEFT, "men": MEN}).survey
    (group,) = survey.demographics
    assert (group.id, group.noun, group.words) == ("group", True, ("a person on the left", "a man"))
    assert Survey.model_validate_json(survey.model_dump_json(exclude_defaults=True)) == survey


def test_items_that_an_expression_reads_are_told():
    """By their own name, and by the column of an attribute."""
    told = {name: grouped(DATA, {"g": group}).survey.items_told_by(["group"]) for name, group in GROUPS.items()}
    assert told == {"left": ("lean",), "men": ("man",), "ys": ()}
    assert columns_read(SURVEY, GROUPS) == ("Q240", "Q260", "land")


GROUPS = {"left": LEFT, "men": MEN, "ys": YS}


def test_an_item_is_asked_where_somebody_was():
    xs = Group(where="country = 'X'", text="a person from X")
    items = {item.id: item.asked_in for item in grouped(DATA, {"xs": xs, "ys": YS, "men": MEN}).survey.items}
    assert items["q"] == ("ys",)  # all men live in X
    assert items["p"] is None


def test_losses_are_counted_by_group():
    """Reasons are those of people where they can be known, and their number always is."""
    people = grouped(DATA, {"left": LEFT, "ys": YS, "men": MEN})
    for name in people.countries:
        part = people.frame.filter(pl.col("country") == name)
        for item in ("lean", "p", "q", "man"):
            lost = people.missing.filter(pl.col("country") == name, pl.col("item") == item)
            assert lost["n"].sum() == part[item].null_count()
    reasons = people.missing.select("country", "item", "reason", "n").rows()
    assert ("left", "q", "not_asked", 80) in reasons  # the only reason there is in X
    # All who said nothing to p are here: ten refused, ten did not know.
    assert {("left", "p", "refused", 10), ("left", "p", "dont_know", 10)} <= set(reasons)
    # Of them, the men might be either.
    assert [row for row in reasons if row[:2] == ("men", "p")] == [("men", "p", "other_missing", 10)]


def test_strata_and_units_of_two_countries_stay_apart():
    frame = DATA.frame.with_columns(stratum=pl.lit("1"), psu=pl.lit("7"))
    people = grouped(Microdata(SURVEY, frame, DATA.missing), {"left": LEFT}).frame
    assert people["stratum"].unique().sort().to_list() == ["X/1", "Y/1"]
    assert people["psu"].unique().sort().to_list() == ["X/7", "Y/7"]


@dataclass(frozen=True)
class Numbered(Microdata):
    """People whose numbers are known."""

    numbers: pl.DataFrame = field(default_factory=pl.DataFrame)


def test_banded_attributes_are_compared_as_numbers():
    ages = raw()["age"].cast(pl.Float64)
    data = Numbered(DATA.survey, DATA.frame, DATA.missing, numbers=pl.DataFrame({"age": ages}))
    people = grouped(data, {"g": Group(where="age BETWEEN 30 AND 45", text="a person of 30 to 45")})
    assert people.frame.height == ages.is_between(30, 45).sum()


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("lean <=", "group 'g': 'lean <=' is no SQL expression"),
        ("leann < 3", "group 'g': 'leann < 3' names 'leann'.*did you mean 'lean'"),
        ("Q240 < 3", "names 'Q240'"),
        ("lean + 1", "is of type Int.*, not true or false"),
        ("lean / 'a' = 1", "cannot be evaluated|is no SQL"),
    ],
)
def test_expressions_that_cannot_be_meant_are_errors(where, message):
    with pytest.raises(ConfigError, match=message):
        grouped(DATA, {"g": Group(where=where, text="x")})


def test_small_groups_are_refused():
    few = Group(where=f"lean = 1 AND sex = 'man' AND country = 'X' AND weight_of = {FEWEST_IN_GROUP}", text="x")
    with pytest.raises(ConfigError, match="weight_of"):
        grouped(DATA, {"few": few})
    with pytest.raises(DataError, match="group 'one': 20 respondents of whom 'lean = 1' holds"):
        grouped(DATA, {"one": Group(where="lean = 1", text="x")})


def test_groups_are_told_apart():
    with pytest.raises(ConfigError, match="groups 'a' and 'b' have the same text 'a man'"):
        grouped(DATA, {"a": MEN, "b": MEN})
    with pytest.raises(ConfigError, match="has no groups"):
        grouped(DATA, {})
    with pytest.raises(ConfigError, match="'a/b' cannot be called so"):
        grouped(DATA, {"a/b": MEN})
