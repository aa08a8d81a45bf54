"""A data file alone in an archive."""

from __future__ import annotations

import gc
import gzip
import tempfile
import zipfile

import pytest

from demoscope.errors import DataError
from demoscope.surveys.files import open_source

CSV = b"id,word\n1,a\n2,b\n"


def packed(path, **files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return path


def test_the_one_data_file_is_read(tmp_path, monkeypatch):
    (tmp_path / "unpacked").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "unpacked"))
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(CSV))
    for path in (packed(tmp_path / "x.zip", people_csv=CSV, readme_pdf=b"..."), tmp_path / "x.csv.gz"):
        source = open_source(path)
        assert source.path == path
        assert source.read().rows() == [("1", "a"), ("2", "b")]
        del source
    gc.collect()
    assert list((tmp_path / "unpacked").iterdir()) == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a_csv": CSV, "b_csv": CSV}, "one data file is expected in it, it holds 2: a.csv, b.csv"),
        ({"a_pdf": CSV}, "one data file is expected in it, it holds 0: a.pdf"),
        ({}, "one data file is expected in it, it holds 0: nothing"),
        ({"a_csv": b"id,word\n1\n"}, r"(a.csv): row 1 has 1 fields"),
    ],
)
def test_other_archives_are_refused(tmp_path, files, message):
    path = packed(tmp_path / "x.zip", **files)
    with pytest.raises(DataError) as error:
        open_source(path).read()
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_damaged_archives_are_refused(tmp_path):
    whole = gzip.compress(CSV)
    for name, content in (("x.csv.gz", whole[:-9]), ("y.csv.gz", CSV), ("x.zip", b"PK\3\4"), ("z.csv.gz", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=r"damaged archive|the file is empty"):
            open_source(tmp_path / name)
