"""The commands that look at surveys, on good files and on bad ones."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from demoscope.cli.main import cli
from demoscope.errors import ConfigError, DataError
from demoscope.surveys import DEFINED, EMBEDDED, load_survey
from demoscope.surveys.simulation import simulate, write_simulated

WVS = load_survey("wvs7")
DEFINITION = """
id = "s"
title = "Small survey"
country_column = "cntry"
id_column = "id"
weight_column = ["w", "v"]
countries = { NA = "Namibia", PE = "Peru" }
missing = { 0 = "refused", -1 = "dont_know", 9 = "other_missing" }
[[demographics]]
id = "sex"
values = { 1 = "man", 2 = "woman" }
[[items]]
id = "trust"
text = "Trust?"
options = { 1 = "Very much", 2 = "Somewhat", 3 = "Not at all" }
[[items]]
id = "scale"
text = "Where?"
options = { -1 = "Left", 0 = "Middle", 1 = "Right" }
"""
ROWS = {
    "id": ["a", "b", "c", "d"],
    "cntry": ["NA", "NA", "PE", "PE"],
    "w": [1.0, 1.0, 0.5, 1.5],
    "sex": [1, 2, 2, 9],
    "trust": [1, 0, -1, 3],
    "scale": [-1, 0, 1, 9],
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def invoke(*arguments):
    return CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=False, standalone_mode=False)


def checked(tmp_path, *options, definition=DEFINITION, suffix="csv", **columns):
    (tmp_path / "s.toml").write_text(definition, encoding="utf-8")
    path = tmp_path / f"people.{suffix}"
    frame = pl.DataFrame(ROWS | columns)
    frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
    return invoke("survey", "check", path, "--survey", tmp_path / "s.toml", *options)


def test_what_every_code_becomes_and_why(tmp_path):
    result = checked(tmp_path, "--all")
    assert result.return_value == 0
    assert "people   4 in 2 countries" in result.stdout
    assert "weights  column w; worth 4 people" in result.stdout
    trust = result.stdout[result.stdout.index("trust  (column trust)") :].splitlines()[1:5]
    assert [line.split() for line in trust] == [
        ["-1", "1", "dont", "know"], ["0", "1", "refused"], ["1", "1", "Very", "much"], ["3", "1", "Not", "at", "all"]
    ]  # fmt: skip


def test_minus_one_and_0_are_answers_of_one_item_and_missing_in_another(tmp_path):
    lines = checked(tmp_path).stdout.splitlines()
    assert "trust              answered 2 of 4; dont know 1 (-1); refused 1 (0)" in lines
    assert "scale              answered 3 of 4; other missing 1 (9)" in lines


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_namibia_is_a_country(tmp_path, suffix):
    table = json.loads(checked(tmp_path, "--json", suffix=suffix).stdout)
    assert [(row["country"], row["n"]) for row in table["countries"]] == [("Namibia", 2), ("Peru", 2)]
    assert table["schema"] == 1
    assert table["problems"] == []


def test_everything_that_is_wrong_is_listed_at_once(tmp_path):
    result = checked(
        tmp_path, trust=[1, 7, 7, 3], scale=[-1, 0, 5, 9], w=[1.0, None, 1.0, 1.0], id=["a", "a", "c", "d"]
    )
    assert result.return_value == 2
    errors = result.stderr
    assert "column 'trust', row 2: code '7' is not declared" in errors
    assert "1 further row" in errors
    assert "column 'scale', row 3: code '5' is not declared" in errors
    assert "column 'w', row 2: None is no weight" in errors
    assert "none in 1 rows: Namibia (1 of its 2 rows)" in errors
    assert "id 'a' is that of row 1 already" in errors
    assert "trust              answered 2 of 4; unknown 2 (7)" in result.stdout


def test_a_country_that_nobody_declared(tmp_path):
    result = checked(tmp_path, cntry=["NA", "XX", "XX", "PE"])
    assert result.return_value == 2
    assert "column 'cntry', row 2: country 'XX' is not declared; and 1 further row" in result.stderr


def test_a_country_read_as_missing(tmp_path):
    result = checked(tmp_path, cntry=[None, None, "PE", "PE"])
    assert result.return_value == 2
    assert "column 'cntry', row 1: no country; and 1 further row" in result.stderr


def test_a_truncated_file(tmp_path):
    checked(tmp_path)
    path = tmp_path / "people.csv"
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(DataError, match=r"people\.csv: row 4 has \d fields, the header has 6"):
        invoke("survey", "check", path, "--survey", tmp_path / "s.toml")


def labelled(tmp_path, labels):
    import pyreadstat

    path = tmp_path / "people.sav"
    pyreadstat.write_sav(pl.DataFrame(ROWS), str(path), variable_value_labels={"trust": labels})
    return path


def test_labels_that_disagree_with_the_definition(tmp_path):
    checked(tmp_path)
    turned = {1: "Not at all", 2: "Somewhat", 3: "Very much", 0: "Refused", -1: "Don't know"}
    result = invoke("survey", "check", labelled(tmp_path, turned), "--survey", tmp_path / "s.toml")
    assert result.return_value == 2
    assert "column 'trust': the labels run the other way: code 1 is 'Not at all' in the file" in result.stderr
    assert "; 2 rows" in result.stderr
    straight = {1: "Very much", 2: "Some", 3: "Not at all", 0: "Refused", -1: "Don't know"}
    result = invoke("survey", "check", labelled(tmp_path, straight), "--survey", tmp_path / "s.toml", "--all")
    assert result.return_value == 0
    assert "[Don't know]" in result.stdout
    ignored = DEFINITION.replace('id = "s"', 'id = "s"\nlabels = "ignored"')
    (tmp_path / "s.toml").write_text(ignored, encoding="utf-8")
    assert invoke("survey", "check", labelled(tmp_path, turned), "--survey", tmp_path / "s.toml").return_value == 0


def test_labels_of_a_scale_that_a_kind_of_file_turns_round(tmp_path):
    variant = '[[variants]]\nname = "the inverted file"\nmirrored = ["trust"]\n'
    checked(tmp_path, definition=DEFINITION + variant)
    turned = {1: "Not at all", 2: "Somewhat", 3: "Very much"}
    result = invoke("survey", "check", labelled(tmp_path, turned), "--survey", tmp_path / "s.toml", "--all")
    assert result.return_value == 0
    assert "the inverted file" in result.stdout
    trust = result.stdout[result.stdout.index("trust  (column trust)") :]
    assert "1         1  Not at all" in trust


def test_the_table_of_all_codes_is_written(tmp_path):
    checked(tmp_path, "--out", tmp_path / "codes.csv")
    table = pl.read_csv(tmp_path / "codes.csv", infer_schema=False)
    assert table.columns == ["part", "column", "code", "n", "became", "label", "why", "in_file"]
    assert table.filter(part="scale", code="9")["why"].to_list() == ["other_missing"]


def test_the_likeliest_survey_is_found(tmp_path):
    path = tmp_path / "people.csv"
    write_simulated(simulate(WVS, countries=1, respondents=30), path, survey=WVS)
    result = invoke("survey", "check", path)
    assert "read as 'wvs7'" in result.stderr
    assert "a simulated file of wave 7" in result.stdout
    pl.DataFrame(ROWS).write_csv(path)
    with pytest.raises(DataError, match=r"of no survey that comes with the package .*`demoscope survey new`"):
        invoke("survey", "check", path)


@pytest.mark.parametrize("suffix", ["csv", "sav"])
def test_a_draft_can_be_checked_and_is_not_overwritten(tmp_path, suffix):
    source = WVS.model_copy(update={"items": WVS.items[:12], "culture_map": None, "groups": {}})
    names = ["D_INTERVIEW", "B_COUNTRY", "W_WEIGHT", "Q260", *(item.id for item in source.items)]
    path = tmp_path / f"people.{suffix}"
    write_simulated(simulate(WVS, countries=2, respondents=40).select(names), path, survey=source)
    result = invoke("survey", "new", path, "--out", tmp_path / "draft.toml")
    assert "12 items and 1 attributes drafted" in result.stderr
    drafted = load_survey(tmp_path / "draft.toml")
    assert drafted.data == path.resolve()
    assert drafted.weight_columns == ("W_WEIGHT",)
    if suffix == "sav":
        assert drafted.item("Q1").labels == WVS.item("Q1").labels
        assert invoke("survey", "check", path, "--survey", tmp_path / "draft.toml").return_value == 0
    with pytest.raises(Exception, match="is there already"):
        invoke("survey", "new", path, "--out", tmp_path / "draft.toml")


RUN = """
name = "r"
survey = "ces2016"
[personas]
per_country = 2
[questions]
items = ["ideo", "religimp"]
[[models]]
name = "m"
engine = "scripted"
steerings = ["unsteered"]
"""


def test_official_wordings_are_written_changed_and_asked(tmp_path):
    (tmp_path / "run.toml").write_text(RUN, encoding="utf-8")
    result = invoke("survey", "wording", "ces2016", "--out", "words.csv")
    assert result.stdout.strip() == "words.csv"
    table = pl.read_csv(tmp_path / "words.csv", infer_schema=False)
    assert table.filter(item="ideo").height == 6
    pl.DataFrame({"item": ["ideo"], "code": [""], "text": ["The official question?"]}).write_csv("own.csv")
    ask = ("prompt", "run.toml", "--persona", 1, "--item", "ideo")
    assert "The official question?" in invoke(*ask, "--wording", "own.csv").stdout
    assert "The official question?" not in invoke(*ask).stdout
    with pytest.raises(Exception, match="is there already"):
        invoke("survey", "wording", "ces2016", "--out", "words.csv")
    pl.DataFrame({"item": ["ideeo"], "code": [""], "text": ["?"]}).write_csv("wrong.csv")
    with pytest.raises(DataError, match=r"wrong\.csv: row 1: no item 'ideeo'; did you mean 'ideo'"):
        invoke("plan", "run.toml", "--wording", "wrong.csv")


def test_the_cache_can_be_seen_and_deleted(tmp_path, monkeypatch):
    from demoscope.surveys.files import cache

    monkeypatch.setattr(cache, "CACHED_FROM_BYTES", 0)
    checked(tmp_path)
    invoke("survey", "check", labelled(tmp_path, {1: "Very much"}), "--survey", tmp_path / "s.toml")
    listed = invoke("survey", "cache")
    cleared = invoke("survey", "cache", "--clear")
    assert "people.sav" in listed.stdout
    assert "1 files in" in listed.stderr
    assert "1 files deleted from" in cleared.stderr
    assert invoke("survey", "cache").stdout == ""


def test_surveys_of_the_package_are_listed():
    lines = invoke("survey", "list").stdout.splitlines()
    assert sorted(line.split()[0] for line in lines) == sorted((*EMBEDDED, *DEFINED))
    with pytest.raises(ConfigError, match=r"no survey 'wvs6'.*did you mean 'wvs7'"):
        invoke("survey", "check", Path("x.csv"), "--survey", "wvs6")
