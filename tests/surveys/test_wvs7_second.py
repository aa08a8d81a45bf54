"""The second half of the World Values Survey, wave 7: items Q112 to Q259, the map of cultures, and groups of people."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from demoscope.surveys import load_survey

FACTS = Path(__file__).parents[3] / "shared/wvs7-items.json"
SURVEY = load_survey("wvs7")
NAMES = [*(f"Q{n}" for n in range(112, 223)), *(f"Q{n}" for n in range(224, 235)), "Q234A"]
NAMES += [f"Q{n}" for n in range(235, 260)]
ITEMS = [SURVEY.item(name) for name in NAMES]
DOMAINS = {
    5: "corruption",
    6: "migration",
    7: "security",
    8: "postmaterialism",
    9: "science and technology",
    10: "religious values",
    11: "ethical values",
    12: "political participation",
    13: "political culture",
}
SPECIAL = {
    "Q221": {"4": "not_applicable"},
    "Q222": {"4": "not_applicable"},
    "Q254": {"5": "not_applicable"},
    **{f"Q{n}": {"0": "other_missing"} for n in range(241, 250)},
}
CODED_OTHERWISE = ("Q119", "Q221", "Q222", "Q254")
INDICATORS = {one.id: one for one in SURVEY.culture_map.indicators}
AXES = {
    "secular": ("traditional_vs_secular", ("god", "autonomy", "abortion", "pride", "authority")),
    "self_expression": (
        "survival_vs_selfexpression",
        ("postmaterialism", "happiness", "petition", "homosexuality", "trust"),
    ),
}
LATIN_AMERICA = [
    "Argentina",
    "Bolivia",
    "Brazil",
    "Chile",
    "Colombia",
    "Ecuador",
    "Guatemala",
    "Mexico",
    "Nicaragua",
    "Peru",
    "Puerto Rico",
    "Uruguay",
    "Venezuela",
]
MIDDLE_EAST = ["Cyprus", "Egypt", "Iran", "Iraq", "Jordan", "Lebanon", "Turkey"]


@pytest.fixture(scope="module")
def table():
    if not FACTS.exists():
        pytest.skip("the table of facts is not here")
    return json.loads(FACTS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def facts(table):
    return table["items"]


def test_every_question_but_the_one_on_parties(facts):
    known = list(facts)
    asked = known[known.index("Q112") : known.index("Q259") + 1]
    assert asked == [*NAMES[:111], "Q223", *NAMES[111:]]
    assert facts["Q223"]["codes"] is None
    assert [item.id for item in SURVEY.items][-len(NAMES) :] == NAMES


def test_all_scales_are_used():
    used = {item.options for item in SURVEY.items}
    assert all(options in used for options in SURVEY.scales.values())


@pytest.mark.parametrize("name", NAMES)
def test_an_item_is_what_the_file_holds(facts, name):
    fact, item = facts[name], SURVEY.item(name)
    low, high = fact["codes"]
    assert list(item.codes) == fact.get("code_order", list(range(low, high + 1)))
    assert len(item.codes) == fact["n_cat"]
    assert item.type == fact["type"]
    assert item.domain == DOMAINS[fact["domain"]]
    assert item.polarity == (-1 if fact.get("reversed") else 1)
    assert item.columns[0] == name


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_wording(item):
    assert len(item.text) <= 180
    assert item.text[-1] in "?."
    assert 1 <= len(item.label.split()) <= 4
    assert len(item.label) <= 30
    assert len(set(item.labels)) == len(item.labels)


def test_no_text_and_no_label_comes_twice():
    assert max(Counter(item.text for item in SURVEY.items).values()) == 1
    assert max(Counter(item.label for item in SURVEY.items).values()) == 1


def test_long_scales_name_both_ends_and_no_step_between():
    long = [item for item in ITEMS if len(item.codes) == 10]
    assert len(long) == 42
    for item in long:
        assert item.labels[0].startswith("1 (")
        assert item.labels[-1].startswith("10 (")
        assert item.labels[1:-1] == tuple(str(step) for step in range(2, 10))


# Words in the labels of the first and the last option: a scale that is the wrong way round shows here.
ENDS = {
    "Q112": ("none", "great deal"),
    "Q113": ("None", "All"),
    "Q118": ("Never", "Always"),
    "Q120": ("no risk", "great risk"),
    "Q121": ("Very bad", "Very good"),
    "Q122": ("Disagree", "Agree"),
    "Q130": ("everybody", "nobody"),
    "Q131": ("Very safe", "Not safe"),
    "Q132": ("Very common", "Not common at all"),
    "Q142": ("Very worried", "Not worried"),
    "Q149": ("Freedom", "Equality"),
    "Q150": ("Freedom", "Security"),
    "Q158": ("disagree", "(agree"),
    "Q163": ("worse", "better"),
    "Q164": ("not at all", "very much"),
    "Q165": ("Yes", "No"),
    "Q169": ("Agree strongly", "Disagree strongly"),
    "Q171": ("More than once a week", "Never"),
    "Q172": ("Several times a day", "Never"),
    "Q173": ("religious", "atheist"),
    "Q174": ("rules", "good"),
    "Q175": ("death", "this world"),
    "Q176": ("(agree", "disagree"),
    "Q177": ("never", "always"),
    "Q196": ("Yes, definitely", "No, definitely"),
    "Q199": ("Very much", "Not at all"),
    "Q200": ("Often", "Never"),
    "Q201": ("Every day", "Never"),
    "Q209": ("have done", "never"),
    "Q221": ("Always", "Never"),
    "Q224": ("Very often", "never"),
    "Q234": ("Very important", "Not important"),
    "Q234A": ("A great deal", "None"),
    "Q235": ("Very good", "Very bad"),
    "Q240": ("left", "right"),
    "Q241": ("not essential", "(essential"),
    "Q250": ("not at all", "very much"),
    "Q251": ("not democratic", "completely democratic"),
    "Q252": ("dissatisfied", "completely satisfied"),
    "Q253": ("Very well", "Not at all"),
    "Q254": ("Very proud", "Not proud"),
    "Q255": ("Very close", "Not close"),
}


@pytest.mark.parametrize("name", ENDS)
def test_ends_of_scales(name):
    labels = SURVEY.item(name).labels
    assert ENDS[name][0] in labels[0]
    assert ENDS[name][1] in labels[-1]


def test_missing_codes():
    for item in ITEMS:
        assert SURVEY.missing_codes(item) == SURVEY.missing | SPECIAL.get(item.id, {})


def test_the_middle_of_q119_has_code_0():
    item = SURVEY.item("Q119")
    assert dict(zip(item.codes, item.labels, strict=True))[0] == item.labels[2] == "Hard to say"


def test_blocks_are_the_pairs_of_choices():
    blocks = {}
    for item in ITEMS:
        if item.block is not None:
            blocks.setdefault(item.block, []).append(item)
    assert {name: [item.id for item in pair] for name, pair in blocks.items()} == {
        "aims_of_country": ["Q152", "Q153"],
        "aims_of_people": ["Q154", "Q155"],
        "priorities": ["Q156", "Q157"],
    }
    for first, second in blocks.values():
        assert first.labels == second.labels
        assert second.text == first.text.replace("the most", "the second most")


def test_columns_of_an_inverted_file(facts):
    """What an inverted file turns round is read from it, but for two-way items and scales with codes of their own."""
    for item in ITEMS:
        turned = facts[item.id].get("reversed") and item.type == "ordinal" and item.id not in CODED_OTHERWISE
        assert item.columns == ((item.id, f"{item.id}P") if turned else (item.id,))
        if turned:
            assert [item.mirrored(code) for code in item.codes] == list(reversed(item.codes))


def test_culture_map_has_the_ten_indicators(table):
    for axis, (name, ids) in AXES.items():
        assert [one.id for one in INDICATORS.values() if one.axis == axis and one.id not in ids] == []
        items = {item for one in ids for item in INDICATORS[one].scores}
        told = set(table["inglehart_welzel"][name]) - {"autonomy_index", "postmaterialism_4"}
        assert told <= items
        assert items - told == ({"Q8", "Q14", "Q15", "Q17"} if axis == "secular" else {"Q154", "Q155"})
    assert len(INDICATORS) == 10
    assert tuple(SURVEY.culture_map.high) == ("secular", "self_expression")


def test_culture_map_scores_every_code(facts):
    for one in INDICATORS.values():
        for name, scores in one.scores.items():
            low, high = facts[name]["codes"]
            assert sorted(scores) == list(range(low, high + 1))
            assert set(scores) == set(SURVEY.item(name).codes)


@pytest.mark.parametrize(
    ("indicator", "at_the_high_end"),
    [
        ("god", {"Q164": 1}),
        ("abortion", {"Q184": 10}),
        ("pride", {"Q254": 4}),
        ("authority", {"Q45": 3}),
        ("happiness", {"Q46": 1}),
        ("petition", {"Q209": 1}),
        ("homosexuality", {"Q182": 10}),
        ("trust", {"Q57": 1}),
        ("autonomy", {"Q8": 1, "Q14": 1, "Q15": 2, "Q17": 2}),
    ],
)
def test_who_is_at_the_high_end_of_an_axis(indicator, at_the_high_end):
    one = INDICATORS[indicator]
    for name, scores in one.scores.items():
        assert max(scores, key=lambda code: one.high * scores[code]) == at_the_high_end[name]


@pytest.mark.parametrize(
    ("chosen", "value"), [((1, 0, 0, 0), 1), ((1, 1, 0, 0), 2), ((0, 0, 1, 1), -2), ((1, 1, 1, 1), 0)]
)
def test_autonomy_is_what_was_chosen_of_one_kind_less_the_other(chosen, value):
    scores = INDICATORS["autonomy"].scores
    codes = dict(zip(("Q8", "Q14", "Q15", "Q17"), (2 - one for one in chosen), strict=True))
    assert sum(scores[name][code] for name, code in codes.items()) == value


def test_postmaterialism_counts_aims_2_and_4():
    first, second = INDICATORS["postmaterialism"].scores.values()
    assert INDICATORS["postmaterialism"].high == 1
    for one in range(1, 5):
        for other in range(1, 5):
            assert first[one] + second[other] == 1 + (one in (2, 4)) + (other in (2, 4))
    aims = dict(zip(SURVEY.item("Q154").codes, SURVEY.item("Q154").labels, strict=True))
    assert "say" in aims[2]
    assert "speech" in aims[4]


PEOPLE = pl.DataFrame(
    {
        "Q240": [1, 3, 4, 7, 8, 10, None, 5],
        "country": ["Germany", "United States", "Cyprus", "Turkey", "Mexico", "Puerto Rico", "Libya", "Germany"],
        "sex": ["man", "woman", None, "man", "woman", "man", "woman", "man"],
        "age": [30.0, 45.0, 29.0, 46.0, 36.0, 40.0, 38.0, None],
        "birth_year": [1990.0, 1981.0, 1995.0, 1980.0, 1980.0, 1981.0, None, 1916.0],
    }
)


@pytest.mark.parametrize(
    ("group", "members"),
    [
        ("liberal", [0, 1]),
        ("conservative", [4, 5]),
        ("german", [0, 7]),
        ("american", [1]),
        ("latin_america", [4, 5]),
        ("middle_east", [2, 3]),
        ("men", [0, 3, 5, 7]),
        ("women", [1, 4, 6]),
        ("young", [0, 1, 5]),
        ("old", [3, 4, 7]),
    ],
)
def test_who_is_in_a_group(group, members):
    found = PEOPLE.with_row_index().filter(pl.sql_expr(SURVEY.groups[group].where))["index"].to_list()
    assert found == members


def test_groups_have_words_and_four_dimensions():
    assert {name: one.dimension for name, one in SURVEY.groups.items()} == {
        "liberal": "ideology",
        "conservative": "ideology",
        "german": "region",
        "american": "region",
        "latin_america": "region",
        "middle_east": "region",
        "men": "sex",
        "women": "sex",
        "young": "age",
        "old": "age",
    }
    assert all(one.text.startswith("a ") and one.text[-1] not in ".!" for one in SURVEY.groups.values())


@pytest.mark.parametrize(
    ("group", "countries"),
    [
        ("german", ["Germany"]),
        ("american", ["United States"]),
        ("latin_america", LATIN_AMERICA),
        ("middle_east", MIDDLE_EAST),
    ],
)
def test_countries_of_a_region(group, countries):
    all_of_them = pl.DataFrame({"country": sorted(SURVEY.countries.values())})
    found = all_of_them.filter(pl.sql_expr(SURVEY.groups[group].where))["country"].to_list()
    assert found == countries


def test_words_of_groups_are_words_of_the_survey():
    assert set(SURVEY.demographic("sex").values.values()) == {"man", "woman"}
    assert SURVEY.demographic("age").bands
    assert SURVEY.demographic("birth_year").bands


def test_how_many_items_have_how_many_categories(facts):
    ordinal = Counter(fact["n_cat"] for fact in facts.values() if fact["type"] == "ordinal")
    assert ordinal == {4: 99, 10: 51, 3: 40, 5: 21, 7: 1, 8: 1}
    twins = {"Q33_3", "Q34_3", "Q35_3"}
    ours = Counter(len(item.codes) for item in SURVEY.items if item.type == "ordinal" and item.id not in twins)
    assert ours == ordinal


def test_the_subset_of_the_paper(table, facts):
    subset = table["paper_subset"]["items"]
    assert len(subset) == len(set(subset)) == table["paper_subset"]["n"] == 194
    assert len([name for name in subset if name != "Q215"]) == 193
    assert len({facts[name]["domain"] for name in subset}) == 12
    assert len({SURVEY.item(name).domain for name in subset}) == 12
    assert "postmaterialism" not in {SURVEY.item(name).domain for name in subset}
