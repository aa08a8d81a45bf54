"""What every code of a file becomes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from demoscope.surveys import load_microdata, survey_from_table
from demoscope.surveys.code_table import code_table
from demoscope.surveys.files import open_source

TABLE = {
    "id": "s",
    "title": "S",
    "country": "X",
    "missing": {"-1": "dont_know"},
    "demographics": [
        {"id": "age", "bands": [{"label": "young", "low": 18, "high": 29}, {"label": "old", "low": 30}]},
        {"id": "sex", "values": {"1": "man", "2": "woman"}, "missing": {}},
    ],
    "items": [
        {"id": "q", "text": "?", "options": {"1": "yes", "2": "no"}},
        {"id": "absent", "text": "?", "options": {"1": "yes", "2": "no"}},
    ],
}
RAW = pl.DataFrame({"age": [20, 40, None, 40], "sex": ["1", "x", "2", "1"], "q": [1, 2, -1, 7]})


def test_every_code_is_there_with_what_it_becomes(tmp_path):
    survey = survey_from_table(TABLE, where=Path("s.toml"))
    RAW.write_csv(tmp_path / "x.csv")
    for data in (RAW, open_source(tmp_path / "x.csv")):
        assert code_table(data, survey).rows() == [
            ("age", "age", "20", 1, "young", "young", "valid"),
            ("age", "age", "40", 2, "old", "old", "valid"),
            ("age", "age", "", 1, None, None, "other_missing"),
            ("sex", "sex", "1", 2, "man", "man", "valid"),
            ("sex", "sex", "2", 1, "woman", "woman", "valid"),
            ("sex", "sex", "x", 1, None, None, "unknown"),
            ("q", "q", "-1", 1, None, None, "dont_know"),
            ("q", "q", "1", 1, "1", "yes", "valid"),
            ("q", "q", "2", 1, "2", "no", "valid"),
            ("q", "q", "7", 1, None, None, "unknown"),
        ]


def test_mirrored_codes_and_unreadable_columns():
    variants = [{"name": "inverted", "mirrored": ["q"]}]
    survey = survey_from_table(TABLE | {"variants": variants}, where=Path("s.toml"))
    table = code_table(pl.DataFrame({"q": [1], "age": [dt.date(2020, 1, 1)]}), survey, variant=survey.variants[0])
    assert table.rows() == [
        ("age", "age", "Date", 1, None, None, "unreadable"),
        ("q", "q", "1", 1, "2", "no", "valid"),
    ]


def test_its_counts_are_those_of_the_microdata(tmp_path):
    survey = survey_from_table(TABLE | {"partial": True}, where=Path("s.toml"))
    raw = RAW.with_columns(sex=pl.lit("1"), q=pl.Series([1, 2, -1, -1]))
    raw.write_csv(tmp_path / "x.csv")
    data, table = load_microdata(survey, path=tmp_path / "x.csv"), code_table(raw, survey)
    for part in ("age", "sex", "q"):
        lost = table.filter(pl.col("part") == part, pl.col("became").is_null())["n"].sum()
        assert lost == data.frame[part].null_count()
        assert lost == data.missing.filter(pl.col("item") == part)["n"].sum()
