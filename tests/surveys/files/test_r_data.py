"""Data frames of R: factors, labelled vectors, missing values, and broken files."""

from __future__ import annotations

import sys

import pytest

from demoscope.errors import DataError, MissingPartError
from demoscope.surveys.cells import cell_texts
from demoscope.surveys.files import open_source
from tests.surveys.files.r_files import INT, LGL, NA_INTEGER, REAL, STR, data_frame, na_real, rda, rds, text, vector

LABELLED = {
    "labels": vector(REAL, [1.0, 2.0, -1.0], names=text("yes", "no", "refused")),
    "label": text("Trust"),
    "na_values": vector(REAL, [-1.0]),
    "class": text("haven_labelled_spss", "haven_labelled"),
}
COLUMNS = {
    "q": vector(REAL, [1.0, 2.0, -1.0, na_real()], **LABELLED),
    "tagged": vector(REAL, [1.0, na_real("a"), na_real("d"), na_real()]),
    "land": vector(STR, ["NA", None, "é", ""]),
    "n": vector(INT, [1, NA_INTEGER, -3, 0]),
    "sex": vector(INT, [1, 2, NA_INTEGER, 2], levels=text("man", "woman"), **{"class": text("factor")}),
    "yes": vector(LGL, [1, 0, NA_INTEGER, 1]),
}
FRAME = data_frame(**COLUMNS)


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.rds", rds(FRAME)), ("x.rda", rda(people=FRAME)), ("x.RData", rda(people=FRAME, k=text("a")))],
)
def test_cells_labels_and_missing_values(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    source = open_source(path)
    assert source.columns == tuple(COLUMNS)
    texts = {name: cell_texts(column, where=name).to_list() for name, column in source.read().to_dict().items()}
    assert texts == {
        "q": ["1", "2", "-1", None],
        "tagged": ["1", ".a", ".d", None],
        "land": ["NA", None, "é", None],
        "n": ["1", None, "-3", "0"],
        "sex": ["man", "woman", None, "woman"],
        "yes": ["1", "0", None, "1"],
    }
    assert source.labels == {
        "q": {"1": "yes", "2": "no", "-1": "refused"},
        "sex": {"man": "man", "woman": "woman"},
    }
    assert source.titles == {"q": "Trust"}
    assert source.user_missing == {"q": ["-1"]}
    assert source.notes == (
        f"1 of 6 columns of {name} are factors of R (sex): their cells are the labels, the file has no codes for them",
    )
    assert source.read(["n", "q"]).columns == ["n", "q"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (rda(a=FRAME, b=FRAME), "one data frame is expected in it, it holds 2: a, b"),
        (rda(k=text("a")), "one data frame is expected in it, it holds 0: k"),
        (rds(text("a")), "one data frame is expected in it, it holds 0: STR"),
        (b"", "not a file of R, or a damaged one"),
        (b"id,word\n1,a\n", "not a file of R, or a damaged one"),
    ],
)
def test_other_content_is_refused(tmp_path, content, message):
    path = tmp_path / "x.rda"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        open_source(path)
    assert str(error.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_cut_off_files_are_refused(tmp_path, share):
    content = rds(FRAME)
    (tmp_path / "x.rds").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match="not a file of R, or a damaged one"):
        open_source(tmp_path / "x.rds")


def test_a_factor_outside_its_levels_is_refused(tmp_path):
    frame = data_frame(sex=vector(INT, [1, 3], levels=text("man", "woman")))
    (tmp_path / "x.rds").write_bytes(rds(frame))
    with pytest.raises(DataError, match="column 'sex': damaged factor"):
        open_source(tmp_path / "x.rds").read()


def test_without_the_package_the_message_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "x.rds").write_bytes(rds(FRAME))
    monkeypatch.setitem(sys.modules, "rdata", None)
    with pytest.raises(MissingPartError, match=r"\.rds files need rdata .*: pip install 'demoscope\[files\]'"):
        open_source(tmp_path / "x.rds")
