"""Files every row of which ends with a separator that the header lacks."""

from __future__ import annotations

import pytest

from demoscope.errors import DataError
from demoscope.surveys.files import open_source


def opened(tmp_path, content):
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    return open_source(path)


@pytest.mark.parametrize(
    "content", [b"a;b\n1;2;\n3;4;\n", b"a;b\r\n1;2;\r\n3;4;\r\n", b'\xef\xbb\xbf"a";"b"\n"1";"2";\n3;4;']
)
def test_the_empty_field_is_left_out_and_said(tmp_path, content):
    source = opened(tmp_path, content)
    assert source.columns == ("a", "b")
    assert source.read().rows() == [("1", "2"), ("3", "4")]
    assert source.notes == ("every row of people.csv ends with a separator that its header lacks",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a;b\n1;2;\n3;4\n", "row 2 has 2 fields"),
        (b"a;b\n1;2;\n3;4;5\n", "row 2 has 3 fields, the header has 2"),
        (b"a;b\n1;2;3\n3;4;\n", "row 1 has 3 fields, the header has 2"),
    ],
)
def test_a_field_that_only_some_rows_have_is_an_error(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        opened(tmp_path, content).read()


def test_a_column_without_a_name_is_a_column(tmp_path):
    source = opened(tmp_path, b",b\n1,2\n3,4\n")
    assert source.columns == ("", "b")
    assert source.notes == ()
