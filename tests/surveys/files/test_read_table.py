"""Files: what is read, and what is refused because it is not what its name says."""

from __future__ import annotations

import gzip
from contextlib import suppress

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demoscope.errors import DataError, DemoscopeError
from demoscope.surveys import read_table

ROWS = [("1", "a"), ("2", None), ("3", "c d")]
CSV = b"id,word\n1,a\n2,\n3,c d\n"


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def parquet_bytes(tmp_path):
    path = tmp_path / "whole.parquet"
    pl.DataFrame({"id": range(500), "word": [f"w{i}" for i in range(500)]}).write_parquet(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        CSV.replace(b",", b";"),
        CSV.replace(b",", b"\t"),
        CSV.replace(b",", b"|"),
        CSV.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + CSV,
        CSV.rstrip(b"\n"),
        CSV + b"\n\n",
        b'"id","word"\n"1","a"\n"2",\n"3","c d"\n',
    ],
    ids=["comma", "semicolon", "tab", "bar", "crlf", "byte-order mark", "no last newline", "blank end", "quoted"],
)
def test_dialects_of_csv_read_the_same(file, content):
    frame = read_table(file("x.csv", content))
    assert frame.columns == ["id", "word"]
    assert frame.rows() == ROWS
    assert frame.dtypes == [pl.String, pl.String]


def test_quoted_fields_may_hold_separators_quotes_and_newlines(file):
    frame = read_table(file("x.csv", b'id,word\n1,"a,b"\n2,"c ""d"""\n3,"e\nf"\n'))
    assert frame["word"].to_list() == ["a,b", 'c "d"', "e\nf"]


def test_only_wanted_columns_are_read_in_wanted_order(file):
    assert read_table(file("x.csv", CSV), columns=["word", "id"]).columns == ["word", "id"]


def test_parquet_keeps_its_types(tmp_path):
    frame = pl.DataFrame({"a": [1, None], "b": [1.0, 2.0], "c": ["x", "y"]})
    frame.write_parquet(tmp_path / "x.parquet")
    assert read_table(tmp_path / "x.parquet", columns=["c", "a"]).equals(frame.select("c", "a"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"", "the file is empty"),
        ("x.csv", b"id,word\n1,a\n2\n", "row 2 has 1 fields, the header has 2"),
        ("x.csv", b"id,word\n1,a\n2", "row 2 has 1 fields, the header has 2"),
        ("x.csv", b"id,word\n1,a,b\n", "row 1 has 3 fields, the header has 2"),
        ("x.csv", b"id,word\n1,a\n\n2,b\n", "row 2 is a blank line"),
        ("x.csv", b'id,word\n1,"a\n2,b\n', "not a regular CSV file after row 0"),
        ("x.csv", b'id,word\n1,a\n1,"a"b\n', "not a regular CSV file after row 1"),
        ("x.csv", b"x" * 200_000, "not a regular CSV file after row 0: field larger than field limit"),
        ("x.csv", b"id,word,id\n1,a,2\n", "column 'id' occurs 2 times"),
        ("x.csv", CSV.decode().encode("utf-16"), "not a text file"),
        ("x.csv", b"id,word\n1,\xe9t\xe9\n", "not UTF-8 text"),
        ("x.csv", gzip.compress(CSV, mtime=0), "not a text file"),
        ("x.csv", b"PAR1" + bytes(40) + b"PAR1", "not a text file"),
        ("x.parquet", CSV, "not a Parquet file: it begins with b'id,word"),
        ("x.parquet", b"", "not a Parquet file"),
        ("x.parquet", b"PAR1", "damaged Parquet file"),
        ("x.parquet", b"PAR1" + bytes(40) + b"PAR1", "damaged Parquet file"),
        ("x.sav", b"$FL2", "unknown kind of file '.sav'; known are .csv, .tsv, .txt, .parquet"),
        ("x", CSV, "unknown kind of file ''"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(file, name, content, message):
    path = file(name, content)
    with pytest.raises(DataError) as error:
        read_table(path)
    assert message in str(error.value)
    assert str(error.value).startswith(f"{path}: ")


def test_absent_files_and_folders_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"absent\.csv: cannot be read: No such file"):
        read_table(tmp_path / "absent.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=r"folder\.csv: cannot be read"):
        read_table(tmp_path / "folder.csv")


def test_absent_columns_point_to_the_nearest(file, tmp_path):
    pl.DataFrame({"id": [1], "word": ["a"]}).write_parquet(tmp_path / "x.parquet")
    for path in (file("x.csv", CSV), tmp_path / "x.parquet"):
        with pytest.raises(DataError) as error:
            read_table(path, columns=["idd", "word", "wrd"])
        assert "no column 'idd'; did you mean 'id'?" in str(error.value)
        assert "no column 'wrd'; did you mean 'word'?" in str(error.value)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_a_cut_off_parquet_file_is_refused(tmp_path, share):
    whole = parquet_bytes(tmp_path)
    (tmp_path / "cut.parquet").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DataError, match="cut off"):
        read_table(tmp_path / "cut.parquet")


def test_a_name_with_wildcards_is_a_name(file):
    file("a1.csv", b"id\n1\n")
    assert read_table(file("a[1].csv", CSV)).height == 3


@settings(max_examples=60)
@given(content=st.binary(max_size=300) | st.text('a1,;"\n\r\t', max_size=60).map(str.encode))
def test_any_bytes_give_a_table_or_a_typed_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_bytes(content)
    with suppress(DemoscopeError):
        read_table(path)


@settings(max_examples=60)
@given(data=st.data())
def test_flipped_bytes_of_a_parquet_file_give_a_table_or_a_typed_error(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("any")
    content = bytearray(parquet_bytes(folder))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "x.parquet").write_bytes(content)
    with suppress(DemoscopeError):
        read_table(folder / "x.parquet")
