"""Survey files: keys, names and rules between the parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from demoscope.errors import ConfigError
from demoscope.surveys import EMBEDDED, Survey, load_survey, survey_from_table

ITEM = {"id": "q", "text": "Well?", "options": {"1": "Yes", "2": "No"}}
SEX = {"id": "sex", "text": "a {value}", "noun": True, "values": {"1": "man", "2": "woman"}}


MAP = {"title": "Map", "low": {"a": "low", "b": "left"}, "high": {"a": "high", "b": "right"}}


def indicators(*axes, scores=None):
    scores = scores or {"q": {"1": 1, "2": 0.5}}
    return [{"id": f"i{n}", "label": "I", "axis": axis, "scores": scores} for n, axis in enumerate(axes)]


def survey(**table):
    base = {"id": "s", "title": "S", "country": "Utopia", "items": [ITEM]}
    table = {key: value for key, value in (base | table).items() if value is not None}
    return survey_from_table(table, where=Path("folder/s.toml"))


def items(*tables):
    return [ITEM | table for table in tables]


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_surveys_load_and_carry_their_terms(name):
    loaded = load_survey(name)
    assert loaded.id == name
    assert loaded.citation
    assert loaded.licence


def test_parts_are_found_by_name_and_unknown_ones_point_to_the_nearest():
    s = survey(demographics=[SEX])
    assert s.item("q").text == "Well?"
    assert s.demographic("sex").words == ("man", "woman")
    with pytest.raises(ConfigError, match="survey 's' has no item 'qq'; did you mean 'q'"):
        s.item("qq")
    with pytest.raises(ConfigError, match="no demographic 'sexe'; did you mean 'sex'"):
        s.demographic("sexe")


def test_shown_attributes_come_in_the_order_of_the_survey():
    s = survey(demographics=[SEX, {"id": "town"}, {"id": "age", "shown": False}])
    assert s.shown() == ("sex", "town")
    assert s.shown(["age", "sex"]) == ("sex", "age")
    assert s.shown([]) == ()
    with pytest.raises(ConfigError, match="'town' is named twice"):
        s.shown(["town", "town"])


def test_items_that_a_persona_has_been_told():
    s = survey(
        items=items({"column": "lr"}, {"id": "p"}), demographics=[{"id": "leaning", "column": "lr"}, {"id": "town"}]
    )
    assert s.items_told_by(["leaning", "town"]) == ("q",)
    assert s.items_told_by(["town"]) == ()


def test_scales_are_shared_by_items():
    s = survey(scales={"yn": {"1": "Yes", "2": "No"}}, items=items({"options": "yn"}, {"id": "p", "options": "yn"}))
    assert s.item("q").options == s.item("p").options


def test_missing_codes_of_an_item_replace_those_of_the_survey():
    default = {"7": "refused", "8": "dont_know", "NA": "other_missing"}
    wide = {"id": "wide", "options": {str(i): str(i) for i in range(11)}}
    own = {"id": "own", "missing": {"77": "refused"}}
    s = survey(missing=default, items=items({}, wide, own))
    assert s.missing_codes(s.item("q")) == default
    assert s.missing_codes(s.item("wide")) == {"NA": "other_missing"}
    assert s.missing_codes(s.item("own")) == {"77": "refused"}


def test_missing_codes_beside_those_of_the_survey():
    s = survey(missing={"-1": "dont_know"}, items=items({"missing_also": {"3": "not_applicable"}}))
    assert s.missing_codes(s.item("q")) == {"-1": "dont_know", "3": "not_applicable"}


def test_missing_codes_are_shared_by_name():
    tables = {"two": {"77": "refused", "88": "dont_know"}}
    s = survey(
        missing_tables=tables, items=items({"missing": "two"}), demographics=[SEX | {"missing": "two"}, {"id": "town"}]
    )
    assert s.missing_codes(s.item("q")) == s.missing_codes(s.demographic("sex")) == tables["two"]


def test_a_column_can_have_several_names():
    s = survey(items=items({"column": ["q1", "Q1"]}, {"id": "p"}), demographics=[SEX | {"column": ["gndr", "Q1"]}])
    assert s.item("q").columns == ("q1", "Q1")
    assert s.item("p").columns == ("p",)
    assert s.items_told_by(["sex"]) == ("q",)
    assert survey().id_columns == survey().weight_columns == ()
    assert survey(id_column=["cntry", "idno"], weight_column="w").id_columns == ("cntry", "idno")


def test_a_code_in_a_file_whose_scale_is_turned_round():
    item = survey(items=items({"options": {"0": "No", "1": "Perhaps", "2": "Yes"}})).item("q")
    assert [item.mirrored(code) for code in item.codes] == [2, 1, 0]


def test_a_survey_is_the_same_after_it_was_written_down():
    s = survey(
        culture_map={**MAP, "indicators": indicators(*"aabb")},
        groups={"g": {"where": "q = 1", "text": "a yes-sayer"}},
        variants=[{"name": "x", "has": ["q"], "mirrored": ["q"]}],
        weight_column=["w", "v"],
        missing_tables={"two": {"77": "refused"}},
        items=items({"missing": "two"}),
    )
    assert Survey.model_validate_json(s.model_dump_json(exclude_defaults=True)) == s
    assert s.culture_map.axes == ("a", "b")


def test_data_lie_beside_the_file_that_names_them(tmp_path):
    assert survey(data="d/x.csv").data == (Path("folder") / "d/x.csv").resolve()
    assert survey(data=str(tmp_path / "x.csv")).data == tmp_path / "x.csv"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"titel": "x"}, "unknown key 'titel'; did you mean 'title'?"),
        ({"items": items({"txt": "x"})}, "unknown key 'items.0.txt'; did you mean 'text'?"),
        ({"demographics": [SEX | {"value": {}}]}, "unknown key 'demographics.0.value'; did you mean 'values'?"),
        ({"demographics": [{"id": "a", "bands": [{"label": "x", "lo": 1}]}]}, "did you mean 'low'?"),
        ({"items": []}, "items"),
        ({"items": None}, "key 'items' is missing"),
        ({"items": "q"}, "items"),
        ({"items": {"id": "q"}}, "items"),
        ({"items": items({}, {})}, "two items are called 'q'"),
        ({"items": items({"options": []})}, "item 'q' has no options"),
        ({"items": items({"options": "yn"}), "scales": {"ny": {"1": "a"}}}, "no scale is called 'yn'"),
        ({"items": items({"options": "yn"}), "scales": 3}, "no scale is called 'yn'"),
        ({"items": items({"block": "b"})}, "block 'b' has one item"),
        ({"items": items({"id": "weight"})}, "'weight' is a column of our own tables"),
        ({"items": items({"id": "sex"}), "demographics": [SEX]}, "'sex' is both an item and a demographic"),
        ({"items": items({"asked_in": ["Atlantis"]})}, "asked in 'Atlantis', no country of this survey"),
        ({"demographics": [SEX, SEX]}, "two demographics are called 'sex'"),
        ({"demographics": [SEX, SEX | {"id": "gender"}]}, "sex, gender all want to be the noun"),
        ({"demographics": [SEX | {"text": "a person"}]}, "must contain {value} once"),
        ({"demographics": [SEX | {"text": "{value} {other}"}]}, "no other braces"),
        ({"demographics": [SEX | {"bands": [{"label": "x"}]}]}, "both values and bands"),
        ({"demographics": [SEX | {"missing": {"1": "refused"}}]}, "both as a value and as missing"),
        ({"demographics": [{"id": "a", "bands": [{"label": "x", "high": 3}, {"label": "y", "low": 3}]}]}, "overlap"),
        ({"demographics": [{"id": "a", "bands": [{"label": "x", "low": 3}, {"label": "y", "low": 9}]}]}, "overlap"),
        (
            {"demographics": [{"id": "a", "bands": [{"label": "x", "low": 3, "high": 1}]}]},
            "ends at 1, before it begins",
        ),
        ({"demographics": [{"id": "a", "bands": [{"label": "x", "low": float("nan")}]}]}, "finite"),
        (
            {"demographics": [{"id": "a", "bands": [{"label": "x", "high": 1}, {"label": "x", "low": 2}]}]},
            "two bands are called 'x'",
        ),
        (
            {"missing": {"88": "refused"}, "demographics": [{"id": "age", "bands": [{"label": "old", "low": 55}]}]},
            "missing code 88 lies in band 'old' of demographic 'age'",
        ),
        ({"country": None}, "give either country_column or, for a single country, country"),
        ({"country_column": "c"}, "give either country_column or, for a single country, country"),
        ({"country": "(all)"}, "'(all)' cannot be a country"),
        ({"countries": {"1": "A"}}, "country_column, which is not given"),
        ({"generator": "synthetic", "data": "x.csv"}, "exclude each other"),
        ({"generator": "magic"}, "generator"),
        ({"items": items({"missing": "two"}), "missing_tables": {"tow": {}}}, "no 'two'; did you mean 'tow'?"),
        ({"items": items({"missing_also": {"1": "refused"}})}, "code 1 is declared both as an option and as missing"),
        ({"demographics": [SEX | {"missing_also": {"1": "refused"}}]}, "both as a value and as missing"),
        ({"items": items({"column": []})}, "items.0.column"),
        ({"variants": [{"name": "x", "mirrored": ["p"]}]}, "variant 'x' mirrors 'p', no item of this survey"),
        ({"variants": [{"name": "x", "mirrored": ["q"], "refused": "No."}]}, "is refused"),
        ({"groups": {"g": {"text": "a man"}}}, "key 'groups.g.where' is missing"),
        ({"culture_map": {**MAP, "high": {"a": "A"}, "indicators": indicators(*"aabb")}}, "the same two axes"),
        ({"culture_map": {**MAP, "indicators": indicators("a", "a", "a", "b")}}, "axis 'b' has fewer than two"),
        ({"culture_map": {**MAP, "indicators": indicators("a", "a", "b", "c")}}, "no axis is called 'c'"),
        ({"culture_map": {**MAP, "indicators": indicators(*"aabb", scores={"p": {"1": 1}})}}, "scores 'p', no item"),
        ({"culture_map": {**MAP, "indicators": indicators(*"aabb", scores={"q": {"1": 1}})}}, "the codes 1, 2 of 'q'"),
    ],
)
def test_contradictions_are_errors(table, message):
    with pytest.raises(ConfigError) as error:
        survey(**table)
    assert message in str(error.value)
    assert str(error.value).startswith("folder/s.toml: ")


def test_every_wrong_key_has_its_line():
    with pytest.raises(ConfigError) as error:
        survey(titel="x", items=items({"txt": "x"}))
    assert len(str(error.value).splitlines()) == 2


def test_unknown_surveys_point_to_the_nearest_embedded_one():
    with pytest.raises(ConfigError, match=r"no survey 'ces2061'.*did you mean 'ces2016'"):
        load_survey("ces2061")


def test_absent_and_broken_files_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.toml: no such file"):
        load_survey(tmp_path / "absent.toml")
    for content in (b"id = ", b"\xff\xfe\x00", b"\x00\x01"):
        (tmp_path / "broken.toml").write_bytes(content)
        with pytest.raises(ConfigError, match=r"broken\.toml"):
            load_survey(str(tmp_path / "broken.toml"))


def test_a_survey_of_the_user_may_lie_anywhere(tmp_path):
    (tmp_path / "mine.toml").write_text(
        'id = "mine"\ntitle = "Mine"\ncountry = "Utopia"\ndata = "mine.csv"\n'
        '[[items]]\nid = "q"\ntext = "Well?"\noptions = { -1 = "No", 0 = "Perhaps", 1 = "Yes" }\n'
    )
    mine = load_survey(tmp_path / "mine.toml")
    assert mine.item("q").codes == (-1, 0, 1)
    assert mine.data == tmp_path / "mine.csv"
