"""The first half of the World Values Survey, wave 7: what is general, and items Q1 to Q111."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from demoscope.errors import DataError
from demoscope.surveys import load_survey
from demoscope.surveys.recognise import recognised

FACTS = Path(__file__).parents[3] / "shared/wvs7-items.json"
SURVEY = load_survey("wvs7")
FIRST = [f"Q{number}" for number in range(1, 112)]
TWINS = ("Q33_3", "Q34_3", "Q35_3")
ITEMS = [SURVEY.item(name) for name in (*FIRST, *TWINS)]
DOMAINS = {1: "social values", 2: "wellbeing", 3: "social capital", 4: "economic values"}
MISSING = {"-1": "dont_know", "-2": "refused", "-3": "not_applicable", "-4": "not_asked", "-5": "other_missing"}
INVERTED = next(variant for variant in SURVEY.variants if variant.mirrored)


@pytest.fixture(scope="module")
def facts():
    if not FACTS.exists():
        pytest.skip("the table of facts is not here")
    return json.loads(FACTS.read_text(encoding="utf-8"))["items"]


@pytest.mark.parametrize("name", FIRST)
def test_an_item_is_what_the_file_holds(facts, name):
    fact, item = facts[name], SURVEY.item(name)
    low, high = fact["codes"]
    assert list(item.codes) == fact.get("code_order", list(range(low, high + 1)))
    assert len(item.codes) == fact["n_cat"]
    assert item.type == fact["type"]
    assert item.domain == DOMAINS[fact["domain"]]
    assert item.polarity == (-1 if fact.get("reversed") else 1)
    assert item.columns[0] == name


def test_items_are_in_the_order_of_the_questionnaire():
    known = [item.id for item in SURVEY.items if item.id in FIRST]
    assert known == FIRST


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_wording(item):
    assert len(item.text) <= 220
    assert item.text[-1] in "?."
    assert 1 <= len(item.label) <= 40
    assert len(set(item.labels)) == len(item.labels)
    assert not {label for label in item.labels if label != label.strip()}


def test_no_text_and_no_label_comes_twice():
    assert len({item.text for item in ITEMS}) == len(ITEMS)
    assert len({item.label for item in ITEMS}) == len(ITEMS)


def test_long_scales_name_both_ends_and_no_step_between():
    long = [item for item in ITEMS if len(item.codes) == 10]
    assert [item.id for item in long] == ["Q48", "Q49", "Q50", "Q90", "Q106", "Q107", "Q108", "Q109", "Q110"]
    for item in long:
        assert item.labels[0].startswith("1 (")
        assert item.labels[-1].startswith("10 (")
        assert item.labels[1:-1] == tuple(str(step) for step in range(2, 10))


def test_missing_codes():
    assert SURVEY.missing == MISSING
    for part in (*SURVEY.demographics, *ITEMS):
        extra = {"3": "not_applicable"} if part.id == "Q111" else {}
        assert SURVEY.missing_codes(part) == MISSING | extra


def test_scales_whose_codes_are_not_in_order():
    assert SURVEY.item("Q56").labels == ("Better", "About the same", "Worse")
    assert SURVEY.item("Q56").codes == (1, 3, 2)
    for name in TWINS:
        twin, full = SURVEY.item(name), SURVEY.item(name.removesuffix("_3"))
        assert twin.codes == (1, 3, 2)
        assert twin.labels == (full.labels[1], full.labels[2], full.labels[3])
        assert twin.block == full.block is not None
        assert (twin.domain, twin.polarity) == (full.domain, full.polarity)


def test_blocks_tie_what_cannot_be_answered_freely():
    blocks = {}
    for item in ITEMS:
        blocks.setdefault(item.block, []).append(item.id)
    assert blocks["child_qualities"] == [f"Q{number}" for number in range(7, 18)]
    assert {name: len(ids) for name, ids in blocks.items() if name is not None} == {
        "child_qualities": 11,
        "men_first": 2,
        "nationals_first": 2,
        "wife_earns_more": 2,
    }


def test_zero_is_an_answer_about_membership():
    for number in range(94, 106):
        item = SURVEY.item(f"Q{number}")
        assert item.codes == (0, 1, 2)
        assert item.labels[0] == "Not a member"


def test_right_answers_of_the_quizzes():
    right = {"Q91": "India", "Q92": "Washington, D.C.", "Q93": "Human rights"}
    codes = {name: item.codes[item.labels.index(right[name])] for name in right for item in [SURVEY.item(name)]}
    assert codes == {"Q91": 3, "Q92": 1, "Q93": 2}


def test_66_countries_and_territories():
    assert len(SURVEY.countries) == len(set(SURVEY.countries.values())) == 66
    assert SURVEY.countries["909"] == "Northern Ireland"
    assert SURVEY.countries["276"] == "Germany"
    home = SURVEY.demographic("home")
    assert home.values.keys() == SURVEY.countries.keys()
    assert {home.values[code].removeprefix("the ") for code in home.values} == set(SURVEY.countries.values())


def test_what_personas_show():
    assert SURVEY.shown() == ("sex", "age", "home", "settlement", "education")


@pytest.mark.parametrize(
    ("demographic", "codes"),
    [
        ("sex", range(1, 3)),
        ("settlement", range(1, 3)),
        ("education", range(9)),
        ("education_group", range(1, 4)),
        ("marital_status", range(1, 7)),
        ("employment", range(1, 9)),
        ("income_group", range(1, 4)),
        ("class", range(1, 6)),
        ("religion", range(10)),
    ],
)
def test_coded_demographics(demographic, codes):
    assert list(SURVEY.demographic(demographic).values) == [str(code) for code in codes]


@pytest.mark.parametrize(
    ("demographic", "lowest", "highest"),
    [("age", 16, 103), ("birth_year", 1916, 2007), ("income", 1, 10), ("children", 0, 24)],
)
def test_bands_hold_every_value_and_no_missing_code(demographic, lowest, highest):
    banded = SURVEY.demographic(demographic)
    assert all(banded.band_of(str(value)) for value in range(lowest, highest + 1))
    assert not any(banded.band_of(code) for code in MISSING)


@pytest.mark.parametrize("name", INVERTED.mirrored)
def test_a_mirror_gives_back_codes_and_has_a_column(name):
    item = SURVEY.item(name)
    assert [item.mirrored(code) for code in item.codes] == list(reversed(item.codes))
    assert item.columns == (name, f"{name}P")


def test_what_an_inverted_file_does_not_mirror_is_not_read_from_it():
    for item in ITEMS:
        assert (len(item.columns) > 1) == (item.id in INVERTED.mirrored)


FILES = {
    "a simulated file of wave 7": {
        "version": ["simulated from wvs7"] * 4,
        "Q1": [1] * 4,
        "B_COUNTRY": [32, 32, 36, 36],
    },
    "an inverted file of wave 7": {
        "version": ["6-0-0 (2024-04-30)"] * 4,
        "Q1P": [4] * 4,
        "B_COUNTRY": [32, 32, 36, 36],
    },
    "the wave 7 file of a single country": {
        "version": ["6-0-0 (2024-04-15)"] * 4,
        "Q1": [1] * 4,
        "B_COUNTRY": [630] * 4,
    },
    "version 6 of the wave 7 file": {
        "version": ["6-0-0 (2024-04-30)"] * 4,
        "Q1": [1] * 4,
        "B_COUNTRY": [32, 36, 36, 36],
    },
    "version 5 of the wave 7 file": {"version": ["5-0-0"] * 4, "Q1": [1] * 4, "B_COUNTRY": [32, 32, 32, 36]},
    "a wave 7 file": {"Q1": [1] * 4, "B_COUNTRY": [32, 32, 36, 36]},
}


@pytest.mark.parametrize("as_text", [False, True], ids=["numbers", "text"])
@pytest.mark.parametrize("name", FILES)
def test_kinds_of_file(name, as_text):
    frame = pl.DataFrame(FILES[name])
    if as_text:
        frame = frame.cast(pl.String)
    found = recognised(SURVEY, frame.columns, frame.select, where="people.csv")
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("columns", "advice"),
    [
        (("S002VS", "S003", "X001", "A001"), "Cross-National Wave 7"),
        (("cntry", "cntry_AN", "A001"), "Cross-National Wave 7"),
        (("c_abrv", "v1", "v2"), "evs2017"),
        (("V2", "V4", "V5"), "Cross-National Wave 7"),
    ],
)
def test_other_surveys_are_refused(columns, advice):
    frame = pl.DataFrame({name: [1] for name in columns})
    with pytest.raises(DataError, match=advice):
        recognised(SURVEY, frame.columns, frame.select, where="people.csv")


def test_an_unknown_file_is_of_no_kind():
    frame = pl.DataFrame({"something": [1]})
    assert recognised(SURVEY, frame.columns, frame.select, where="people.csv") is None
