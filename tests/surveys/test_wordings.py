"""A user's own words in the place of a survey's."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from demoscope.errors import ConfigError, DataError
from demoscope.surveys import load_survey
from demoscope.surveys.wordings import with_wordings, wording_table

SURVEY = load_survey("ces2016")


def table(tmp_path, *rows):
    path = tmp_path / "words.csv"
    pl.DataFrame(list(rows), schema=["item", "code", "text"], orient="row").write_csv(path)
    return path


def test_words_change_and_nothing_else(tmp_path):
    path = table(tmp_path, ("ideo", None, "Official question?"), ("ideo", 5, "Official label"), ("pid7na", "1", "Dem"))
    changed = with_wordings(SURVEY, path)
    assert changed.item("ideo").text == "Official question?"
    assert changed.item("ideo").labels == (*SURVEY.item("ideo").labels[:-1], "Official label")
    assert changed.item("pid7na").labels[0] == "Dem"
    assert changed.item("pid7na").text == SURVEY.item("pid7na").text
    assert [item.codes for item in changed.items] == [item.codes for item in SURVEY.items]
    assert changed.data == SURVEY.data
    rest = [item.id for item in SURVEY.items if item.id not in ("ideo", "pid7na")]
    assert all(changed.item(name) == SURVEY.item(name) for name in rest)


def test_the_table_of_a_survey_changes_nothing(tmp_path):
    path = tmp_path / "own.csv"
    wording_table(SURVEY).write_csv(path)
    assert with_wordings(SURVEY, path) == SURVEY


def test_an_official_question_has_no_paraphrases_of_ours(tmp_path):
    town = load_survey(Path(__file__).parent / "definitions/town.toml")
    changed = with_wordings(town, table(tmp_path, ("taxes", None, "Official?")))
    assert changed.item("taxes").paraphrases == ()
    assert changed.item("taxes").translations["es"].text == town.item("taxes").translations["es"].text


def test_every_row_that_does_not_fit_has_its_line(tmp_path):
    path = table(
        tmp_path, ("ideoo", None, "x"), ("ideo", "9", "x"), ("ideo", "1", " "), ("ideo", "2", "a"), ("ideo", "2", "b")
    )
    with pytest.raises(DataError) as error:
        with_wordings(SURVEY, path)
    lines = str(error.value).splitlines()
    assert len(lines) == 4
    assert "row 1: no item 'ideoo'; did you mean 'ideo'" in lines[0]
    assert "row 2: item 'ideo' has no option with code '9'; it has 1, 2, 3, 4, 5" in lines[1]
    assert "row 3: item 'ideo' has no text here" in lines[2]
    assert "row 5: option 2 of 'ideo' stands in an earlier row already" in lines[3]


def test_two_options_cannot_get_one_label(tmp_path):
    with pytest.raises(ConfigError, match=r"words\.csv: .*label 'same' stands for several options"):
        with_wordings(SURVEY, table(tmp_path, ("ideo", 1, "same"), ("ideo", 2, "same")))


def test_a_table_needs_its_columns(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text("item,text\nideo,x\n", encoding="utf-8")
    with pytest.raises(DataError, match="no column 'code'"):
        with_wordings(SURVEY, path)
