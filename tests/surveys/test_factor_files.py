"""Files that hold labels and no codes, as factors of R do."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from demoscope.errors import DataError
from demoscope.surveys import load_microdata, survey_from_table
from demoscope.surveys.wordings import with_wordings
from tests.surveys.files.r_files import INT, NA_INTEGER, data_frame, rds, text, vector

AGREE = {"1": "Strongly agree", "2": "Agree", "3": "2", "4": "Disagree"}
SURVEY = survey_from_table(
    {
        "id": "s",
        "title": "S",
        "country": "Utopia",
        "missing": {"8": "dont_know"},
        "demographics": [{"id": "sex", "values": {"1": "man", "2": "woman"}}],
        "items": [{"id": "q", "text": "Well?", "options": AGREE}, {"id": "r", "text": "Well?", "options": AGREE}],
    },
    where=Path("s.toml"),
)


def factor(codes, *levels):
    return vector(INT, codes, levels=text(*levels), **{"class": text("factor")})


def people(tmp_path, **columns):
    known = {
        "sex": factor([1, 2, 2, 1], "Male", "Female"),
        "q": factor([1, 2, 3, NA_INTEGER], "Agree strongly", "DISAGREE", "Don't know"),
        "r": factor([1, 2, 2, 1], "2", "Agree"),
    }
    path = tmp_path / "people.rds"
    path.write_bytes(rds(data_frame(**(known | columns))))
    return path


def test_labels_are_the_answers_of_those_words(tmp_path):
    data = load_microdata(SURVEY, path=people(tmp_path))
    assert data.frame["sex"].to_list() == ["man", "woman", "woman", "man"]
    assert data.frame["q"].to_list() == [1, 4, None, None]
    assert data.frame["r"].to_list() == [3, 2, 2, 3]
    lost = data.missing.filter(pl.col("item") == "q").select("code", "reason", "n").rows()
    assert sorted(lost) == [("", "other_missing", 1), ("Don't know", "dont_know", 1)]
    assert "factors of R" in data.notes[0]


def test_labels_of_the_official_wording_need_its_table(tmp_path):
    path = people(tmp_path, q=factor([1, 2, 2, 1], "Totally in favour", "Against it"))
    with pytest.raises(DataError, match=r"'Totally in favour' .*survey wording"):
        load_microdata(SURVEY, path=path)
    words = tmp_path / "words.csv"
    words.write_text("item,code,text\nq,1,Totally in favour\nq,4,Against it\n", encoding="utf-8")
    data = load_microdata(with_wordings(SURVEY, words), path=path)
    assert data.frame["q"].to_list() == [1, 4, 4, 1]
