"""SPSS and Stata files as pyreadstat writes them, and as they are broken."""

from __future__ import annotations

import sys

import pandas as pd
import polars as pl
import pyreadstat
import pytest

from demoscope.errors import DataError, MissingPartError
from demoscope.surveys.cells import cell_texts
from demoscope.surveys.files import open_source

PEOPLE = pd.DataFrame(
    {
        "q": [1.0, 2.0, 9.0, None] * 100,
        "land": ["NA", "DE", "", "é"] * 100,
        "day": pd.to_datetime(["2020-01-01"] * 400),
    }
)
LABELS = {"q": {1.0: "yes", 2.0: "no", 9.0: "don't know"}}


def spss(path, **options):
    pyreadstat.write_sav(
        PEOPLE,
        str(path),
        column_labels={"q": "Trust", "land": "Country", "day": "Day"},
        variable_value_labels=LABELS,
        missing_ranges={"q": [9, {"lo": 97, "hi": 99}]},
        **options,
    )
    return path


def stata(path):
    tagged = pd.DataFrame({"q": [1, 2, "a", "d", None], "w": [0.5, 1, 2, 3, 4.25]})
    pyreadstat.write_dta(
        tagged,
        str(path),
        missing_user_values={"q": ["a", "d"]},
        variable_value_labels={"q": {1: "yes", "a": "refused"}},
    )
    return path


@pytest.mark.parametrize(("name", "options"), [("x.sav", {}), ("x.zsav", {"compress": True})])
def test_spss_keeps_codes_that_are_declared_missing(tmp_path, name, options):
    source = open_source(spss(tmp_path / name, **options))
    assert source.columns == ("q", "land", "day")
    assert source.labels == {"q": {"1": "yes", "2": "no", "9": "don't know"}}
    assert source.titles == {"q": "Trust", "land": "Country", "day": "Day"}
    assert {column: sorted(codes) for column, codes in source.user_missing.items()} == {"q": ["9", "97..99"]}
    frame = source.read(["land", "q"])
    assert frame.columns == ["land", "q"]
    assert cell_texts(frame["q"], where="x")[:4].to_list() == ["1", "2", "9", None]
    assert cell_texts(frame["land"], where="x")[:4].to_list() == ["NA", "DE", None, "é"]


def test_stata_tells_its_missing_values_apart(tmp_path):
    source = open_source(stata(tmp_path / "x.dta"))
    assert source.labels == {"q": {"1": "yes", ".a": "refused"}}
    frame = source.read()
    assert cell_texts(frame["q"], where="x").to_list() == ["1", "2", ".a", ".d", None]
    assert frame["w"].to_list() == [0.5, 1, 2, 3, 4.25]


def test_pandas_reads_the_same_numbers_from_stata(tmp_path):
    pyreadstat.write_dta(PEOPLE[["q", "land"]], str(tmp_path / "x.dta"))
    outside = pd.read_stata(tmp_path / "x.dta", convert_categoricals=False)
    frame = open_source(tmp_path / "x.dta").read()
    assert frame["q"].equals(pl.Series("q", outside["q"].to_numpy()).fill_nan(None))
    assert frame["land"].to_list() == outside["land"].to_list()


@pytest.mark.parametrize("name", ["x.sav", "x.dta"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.99])
def test_cut_off_files_are_refused(tmp_path, name, share):
    path = spss(tmp_path / name) if name == "x.sav" else tmp_path / name
    if name == "x.dta":
        pyreadstat.write_dta(PEOPLE[["q", "land"]], str(path))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(DataError) as error:
        open_source(path).read()
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize(("name", "kind"), [("x.sav", "SPSS"), ("x.zsav", "SPSS"), ("x.dta", "Stata")])
def test_other_bytes_are_refused(tmp_path, name, kind):
    (tmp_path / name).write_bytes(b"id,word\n1,a\n")
    with pytest.raises(DataError, match=f"not an? {kind} file: it begins with b'id,word"):
        open_source(tmp_path / name)


def test_absent_columns_point_to_the_nearest(tmp_path):
    with pytest.raises(DataError, match="no column 'lannd'; did you mean 'land'"):
        open_source(spss(tmp_path / "x.sav")).read(["lannd"])


def test_without_the_package_the_message_says_what_to_install(tmp_path, monkeypatch):
    path = spss(tmp_path / "x.sav")
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    with pytest.raises(MissingPartError, match=r"\.sav files need pyreadstat .*: pip install 'demoscope\[files\]'"):
        open_source(path)
