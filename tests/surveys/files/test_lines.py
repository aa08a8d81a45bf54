"""The fast check of lines against the csv module, and what a cut file is."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demoscope.errors import DataError
from demoscope.surveys.files import lines, open_source

AWKWARD = st.text(st.sampled_from("a1 é,;\t|\"\n'"), max_size=6)
QUOTINGS = (csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC)


def by_csv_module(content, *, separator, fields):
    return lines._count_by_csv_module(BytesIO(content), separator=separator, fields=fields, where="x")


@st.composite
def tables(draw, cell=AWKWARD):
    width = draw(st.integers(2, 4))
    height = draw(st.integers(1, 6))
    row = st.lists(st.one_of(st.integers(-99, 99), cell), min_size=width, max_size=width)
    return [[f"c{i}" for i in range(width)], *draw(st.lists(row, min_size=height, max_size=height))]


@st.composite
def written(draw, cell=AWKWARD):
    """A table, and its bytes in some dialect."""
    table = draw(tables(cell))
    separator = draw(st.sampled_from(",;\t|"))
    text = StringIO()
    quoting = draw(st.sampled_from(QUOTINGS))
    csv.writer(
        text, delimiter=separator, quoting=quoting, lineterminator=draw(st.sampled_from(["\n", "\r\n"]))
    ).writerows(table)
    return table, separator, draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.getvalue().encode()


@given(written())
def test_a_table_in_any_dialect_reads_back(tmp_path_factory, case):
    table, _, content = case
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_bytes(content)
    read = open_source(path).read()
    assert read.columns == table[0]
    assert [[cell or "" for cell in row] for row in read.rows()] == [[str(cell) for cell in row] for row in table[1:]]


@given(written(), st.data())
def test_a_cut_table_is_refused_or_has_exactly_its_complete_lines(tmp_path_factory, case, data):
    table, _, content = case
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        read = open_source(path).read()
    except DataError:
        return
    if read.columns != table[0]:
        assert read.is_empty()  # the header itself was cut, within its last name or its quotes
        return
    *whole, last = [[str(cell) for cell in row] for row in table[1 : 1 + read.height]] or [[]]
    rows = [[cell or "" for cell in row] for row in read.rows()]
    assert rows[:-1] == whole
    if rows:  # a cut inside the last field of a line leaves a line of full length with a shorter cell
        assert rows[-1][:-1] == last[:-1]
        assert last[-1].startswith(rows[-1][-1])


@given(st.binary(max_size=80) | st.text('a1,"\n\r', max_size=60).map(str.encode), st.integers(1, 30))
def test_the_fast_count_is_that_of_the_csv_module_or_none(content, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK_BYTES", block)
        fast = lines._count_regular(BytesIO(content), separator=ord(","), fields=2)
    if fast is not None and fast >= 0:
        try:
            content.decode()
        except UnicodeDecodeError:
            return  # refused before lines are counted
        assert fast == by_csv_module(content, separator=",", fields=2)


@given(written(st.text(st.sampled_from("ab é,"), max_size=6)), st.integers(8, 40))
def test_regular_files_need_no_csv_module(case, block):
    table, separator, content = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK_BYTES", block)
        patch.setattr(lines, "_count_by_csv_module", None)
        n = lines.count_rows(lambda: BytesIO(content), separator=separator, fields=len(table[0]), where="x")
    assert n == len(table) - 1


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: rows.insert(70_000, "1,2"), "row 70001 has 2 fields, the header has 3"),
        (lambda rows: rows.insert(70_000, ""), "row 70001 is a blank line"),
        (lambda rows: rows.insert(70_000, "1,\0,2"), "row 70001, field 2: a NUL byte"),
        (lambda rows: rows.insert(70_000, '1,"a"b,2'), "not a regular CSV file after row 70000"),
        (lambda rows: rows.insert(70_000, '1,"a,2'), "not a regular CSV file after row 70000"),
    ],
    ids=["short", "blank", "nul", "quote inside", "open quote"],
)
def test_the_row_is_named_far_down_a_file(tmp_path, spoil, message):
    rows = ["1,22,abc"] * 100_000
    spoil(rows)
    path = tmp_path / "x.csv"
    path.write_text("\n".join(["a,b,c", *rows, ""]))
    with pytest.raises(DataError) as error:
        open_source(path).read(["a"])
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)


def test_integers_are_read_as_integers_where_every_cell_is_one(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b,c\n" + "01,1,7\n" * 2000 + "2,x,\n")
    source = open_source(path)
    assert source.read().dtypes == [pl.String] * 3
    read = source.read(["c", "a"], integers=["a", "c"])
    assert read.dtypes == [pl.Int32, pl.Int32]
    assert read.row(-1) == (None, 2)
    # A cell below the sample that is no integer makes the columns text, and nothing is lost.
    assert source.read(["b"], integers=["b"])["b"].to_list() == ["1"] * 2000 + ["x"]


@pytest.mark.parametrize(
    ("encoding", "said"), [("utf-8", None), ("utf-8-sig", None), ("cp1252", "cp1252"), ("utf-16", "utf-16")]
)
def test_encodings_are_recognised_and_said(tmp_path, encoding, said):
    path = tmp_path / "x.csv"
    path.write_bytes('id,wört\n1,"né"\n'.encode(encoding))
    source = open_source(path)
    assert source.read().to_dict(as_series=False) == {"id": ["1"], "wört": ["né"]}
    assert source.notes == (() if said is None else (f"x.csv is not UTF-8; it was read as {said}",))


def test_bytes_that_windows_lacks_are_latin(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"id,word\n1,\x81\xe9\n")
    source = open_source(path)
    assert source.read()["word"].to_list() == ["\x81é"]
    assert "latin-1" in source.notes[0]


@given(st.lists(st.booleans(), max_size=400))
def test_running_parity_is_that_of_the_running_sum(flags):
    array = np.array(flags, bool)
    assert lines._running_parity(array).tolist() == (np.cumsum(array) % 2 == 1).tolist()
