"""Files of other surveys, read where they are present; none of them is part of this project."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from demoscope.errors import DataError
from demoscope.surveys import load_microdata, load_survey
from demoscope.surveys.item import Item, Option

DATA = Path(__file__).parents[3] / "shared/data"
FILES = {
    "ess11": "ess11/ess11_pl_es_se.csv",
    "gss2018": "gss2018/gss2018.csv",
    "bfi": "bfi/bfi.csv",
    "ces2016": "ces2016/ces2016.csv",
}
SHIPPED = {"ess11": "ess", "ces2016": "ces2016"}
REFUSED, UNKNOWN, OTHER, NOT_APPLICABLE = "refused", "dont_know", "other_missing", "not_applicable"


@dataclass(frozen=True)
class Rule:
    """What the description of a file says about some of its columns: texts of valid cells, and reasons of others."""

    columns: str
    valid: frozenset[str]
    missing: dict[str, str] = field(default_factory=dict)


def codes(low, high):
    return frozenset(map(str, range(low, high + 1)))


SHORT = {"7": REFUSED, "8": UNKNOWN, "9": OTHER}
LONG = {"77": REFUSED, "88": UNKNOWN, "99": OTHER}
RACES = frozenset(("White", "Black", "Hispanic", "Asian", "Middle Eastern", "Mixed", "Native American", "Other"))
RULES = {
    "ess11": (
        Rule(
            "rlgdgr lrscale trstprl trstlgl trstplt trstprt trstplc trstep stfdem stfgov ppltrst pplfair pplhlp "
            "imbgeco imueclt imwbcnt happy stflife",
            codes(0, 10),
            LONG,
        ),
        Rule("health gincdif domicil", codes(1, 5), SHORT),
        Rule("sclmeet", codes(1, 7), LONG),
        Rule("polintr imdfetn impcntr", codes(1, 4), SHORT),
        Rule("vote", codes(1, 3), SHORT),
        Rule("brncntr gndr", codes(1, 2), SHORT),
        Rule("uemp12m", codes(1, 2), SHORT | {"6": NOT_APPLICABLE}),
        Rule("eisced", codes(1, 7), LONG | {"55": OTHER}),
        Rule("hinctnta", codes(1, 10), LONG),
        Rule("agea", codes(13, 110), {"999": OTHER}),
        Rule("eduyrs", codes(0, 60), LONG),
    ),
    "gss2018": (
        Rule(
            "natspac natenvir natheal natcity natcrime natdrug nateduc natrace natarms nataid natfare natroad natsoc "
            "natmass natpark natchld natsci natenrgy",
            codes(-1, 1),
        ),
        Rule("polviews", codes(1, 7)),
        Rule("partyid", codes(0, 6), {"7": NOT_APPLICABLE}),
        Rule("age", codes(18, 89)),
        Rule("sex", codes(0, 1)),
        Rule("educ", codes(0, 20)),
        Rule("degree", codes(0, 4)),
        Rule("race", codes(1, 3)),
        Rule("rincom16", codes(1, 26)),
        Rule("xnorcsiz", codes(1, 10)),
        Rule("news", codes(1, 5)),
        Rule("wrkstat", codes(1, 8)),
    ),
    "bfi": (
        Rule(" ".join(f"{trait}{number}" for trait in "ACENO" for number in range(1, 6)), codes(1, 6)),
        Rule("gender", codes(1, 2)),
        Rule("education", codes(1, 5)),
        Rule("age", codes(0, 120)),
    ),
    "ces2016": (
        Rule("state", frozenset(("Texas", "New York", "Ohio", "Georgia", "Washington"))),
        Rule("votetrump female collegeed bornagain", codes(0, 1)),
        Rule("age", codes(18, 120)),
        Rule("racef", RACES),
        Rule("famincr", codes(1, 12)),
        Rule("ideo angryracism whiteadv fearraces racerare", codes(1, 5)),
        Rule("pid7na prayerfreq", codes(1, 7)),
        Rule("religimp", codes(1, 4)),
        Rule("churchatd", codes(1, 6)),
    ),
}
CASES = [(name, column, rule) for name, rules in RULES.items() for rule in rules for column in rule.columns.split()]


def definition(name):
    survey = load_survey(SHIPPED.get(name) or Path(__file__).parent / f"definitions/{name}.toml")
    if name != "ces2016":
        return survey
    # The definition that comes with the package leaves the vote out, which the file has.
    options = (Option(code=0, label="No"), Option(code=1, label="Yes"))
    vote = Item(id="votetrump", type="binary", text="Did you vote for Donald Trump?", options=options)
    return survey.model_copy(update={"items": (*survey.items, vote)})


READ = {}


def load(name):
    path = DATA / FILES[name]
    if not path.exists():
        pytest.skip(f"{FILES[name]} is not here")
    if name not in READ:
        READ[name] = load_microdata(definition(name), path=path), pl.read_csv(path, infer_schema=False)
    return READ[name]


@pytest.mark.parametrize("name", FILES)
def test_definitions_are_surveys(name):
    assert len(definition(name).items) >= 11


@pytest.mark.parametrize(("name", "column", "rule"), CASES, ids=[f"{name}-{column}" for name, column, _ in CASES])
def test_what_is_valid_and_why_the_rest_is_missing(name, column, rule):
    micro, raw = load(name)
    part = next(part for part in micro.survey.parts if column in part.columns)
    cells, counts = raw[column], dict(raw[column].value_counts().iter_rows())
    known = rule.valid | set(rule.missing) | {None}
    assert set(counts) <= known
    assert micro.frame[part.id].count() == cells.is_in(list(rule.valid)).sum() > 0
    lost = micro.missing.filter(pl.col("item") == part.id).group_by("code", "reason").agg(pl.col("n").sum())
    reasons = {**rule.missing, "": OTHER}
    expected = {(code, reason, counts[code or None]) for code, reason in reasons.items() if counts.get(code or None)}
    assert set(lost.iter_rows()) == expected
    if isinstance(part, Item):
        found = {str(code): n for code, n in micro.frame[part.id].drop_nulls().value_counts().iter_rows()}
        assert found == {code: n for code, n in counts.items() if code in rule.valid}


@pytest.mark.parametrize("name", FILES)
def test_every_part_that_a_file_has_has_a_rule(name):
    micro, raw = load(name)
    ruled = {column for case, column, _ in CASES if case == name}
    assert {column for part in micro.survey.parts for column in part.columns if column in raw.columns} - ruled <= {
        "cntry"
    }


def test_an_extract_of_the_ess_goes_through_the_definition_of_all_rounds():
    micro, raw = load("ess11")
    assert micro.countries == ("Poland", "Spain", "Sweden")
    assert micro.weight_column == "pspwght"
    assert (micro.frame["weight"] == raw["pspwght"].cast(pl.Float64)).all()
    assert micro.frame["respondent_id"].to_list() == (raw["cntry"] + "-" + raw["idno"]).to_list()
    whole = {part.id for part in load_survey("ess").parts}
    assert {part.id for part in micro.survey.parts} == whole - set(micro.absent["part"])
    assert {"trstun", "ipcrtiv", "denomination"} <= set(micro.absent["part"])


def test_ess_has_one_code_with_three_meanings():
    micro, raw = load("ess11")
    sevens = {item: (raw[item] == "7").sum() for item in ("trstprl", "sclmeet", "imdfetn")}
    assert (micro.frame["trstprl"] == 7).sum() == sevens["trstprl"] > 0
    assert (micro.frame["sclmeet"] == 7).sum() == sevens["sclmeet"] > 0
    assert (micro.frame["imdfetn"] == 7).sum() == 0
    assert sevens["imdfetn"] > 0


def test_another_weight_of_the_ess_can_be_named():
    path = DATA / FILES["ess11"]
    if not path.exists():
        pytest.skip(f"{FILES['ess11']} is not here")
    micro = load_microdata(definition("ess11"), path=path, weight="anweight")
    assert micro.weight_column == "anweight"
    assert (micro.frame["weight"] == pl.read_csv(path)["anweight"]).all()


def test_all_states_of_the_ces_extract_go_through_the_definition_of_the_sample():
    micro, raw = load("ces2016")
    assert micro.countries == ("Georgia", "New York", "Ohio", "Texas", "Washington")
    assert micro.frame["country"].to_list() == raw["state"].to_list()


def test_cells_of_the_cumulative_ces_have_the_options_of_its_definition():
    path = DATA / "ces-cells/survey_cells.csv"
    if not path.exists():
        pytest.skip("the cells are not here")
    cells, survey = pl.read_csv(path), load_survey("ces")
    shares = cells.group_by("cell_id", "question").agg(pl.col("share").sum(), options=pl.len())
    assert (shares["share"] - 1).abs().max() < 1e-6
    assert set(cells["question"]) == {"ideo5", "relig_church", "economy_retro"}
    for question in cells["question"].unique():
        item = survey.item(question)
        named = set(cells.filter(pl.col("question") == question)["option"].str.to_lowercase())
        plain = {option.removeprefix("gotten ").removeprefix("stayed ") for option in named}
        assert plain == {label.lower() for label in item.labels}
        sizes = shares.filter(pl.col("question") == question)
        assert sizes.height == 96
        assert set(sizes["options"]) == {len(item.options)}


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
