"""Files of slow formats that are kept: as they were, and never out of date."""

from __future__ import annotations

import os

import pandas as pd
import pyreadstat
import pytest

from demoscope.surveys.files import cache, cached_files, clear_cache, open_source


@pytest.fixture(autouse=True)
def keeps_small_files(monkeypatch):
    monkeypatch.setattr(cache, "CACHED_FROM_BYTES", 0)


def people(path, answer=2):
    pyreadstat.write_dta(
        pd.DataFrame({"q": [1, answer, "a"], "w": [0.5, 1.0, 2.0], "land": ["NA", "é", ""]}),
        str(path),
        missing_user_values={"q": ["a"]},
        column_labels=["Trust", "Weight", "Country"],
        variable_value_labels={"q": {1: "yes", "a": "refused"}},
    )
    return path


def described(source):
    return source.path, source.columns, source.labels, source.titles, source.notes, dict(source.user_missing)


def test_a_kept_file_is_what_it_was_made_from(tmp_path, monkeypatch):
    path = people(tmp_path / "people 1.dta")
    direct = open_source(path, cached=False)
    assert cached_files() == []
    first = open_source(path)
    monkeypatch.setattr(pyreadstat, "read_dta", None)  # from here on, only the kept file can answer
    again = open_source(path)
    for source in (first, again):
        assert described(source) == described(direct)
        assert source.read().equals(direct_frame := source.read(["q", "w", "land"]))
        assert source.read(["w", "q"]).equals(direct_frame.select("w", "q"))
    monkeypatch.undo()
    assert again.read().equals(direct.read())
    assert again.read().schema == direct.read().schema


def test_kept_files_are_listed_and_deleted(tmp_path, own_cache):
    open_source(people(tmp_path / "people.dta"))
    open_source(people(tmp_path / "other.dta", answer=3))
    assert [file.source for file in cached_files()] == ["other.dta", "people.dta"]
    for file in cached_files():
        assert file.path.parent == own_cache / "demoscope" / "surveys"
        assert file.bytes == file.path.stat().st_size
        assert abs(file.made.timestamp() - file.path.stat().st_mtime) < 1e-3
    assert len(clear_cache()) == 2
    assert cached_files() == []
    assert list((own_cache / "demoscope" / "surveys").iterdir()) == []


def test_a_changed_file_is_read_anew(tmp_path):
    path = people(tmp_path / "people.dta")
    assert open_source(path).read()["q"].to_list() == ["1", "2", ".a"]
    people(path, answer=5)
    assert open_source(path).read()["q"].to_list() == ["1", "5", ".a"]


@pytest.mark.parametrize("damage", ["cut", "empty", "cells", "strange"])
def test_a_damaged_kept_file_is_made_again(tmp_path, damage):
    path = people(tmp_path / "people.dta")
    whole = open_source(path).read()
    kept = cached_files()[0].path
    content = bytearray(kept.read_bytes())
    if damage == "cells":
        content[4:40] = bytes(36)
    elif damage == "strange":
        whole.write_parquet(kept)
        content = kept.read_bytes()
    else:
        content = content[: 0 if damage == "empty" else -20]
    kept.write_bytes(content)
    assert open_source(path).read().equals(whole)
    assert open_source(path).read().equals(whole)
    assert cached_files()[0].source == "people.dta"


def test_what_cannot_be_kept_is_read_and_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    source = open_source(people(tmp_path / "people.dta"))
    assert source.read().height == 3
    assert source.notes[-1].startswith("nothing can be kept in ")
    assert cached_files() == []
    assert clear_cache() == []


def test_an_interrupted_writer_leaves_nothing_that_is_read(tmp_path, own_cache, monkeypatch):
    path = people(tmp_path / "people.dta")

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        open_source(path)
    assert list((own_cache / "demoscope" / "surveys").iterdir()) == []


def test_small_files_and_fast_formats_are_not_kept(tmp_path, monkeypatch):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    open_source(tmp_path / "x.csv").read()
    monkeypatch.setattr(cache, "CACHED_FROM_BYTES", 10_000_000)
    open_source(people(tmp_path / "people.dta")).read()
    assert cached_files() == []


def test_the_folder_is_the_users_own(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", os.sep + "home")
    assert cache.cache_folder().parts[-4:] == ("home", ".cache", "demoscope", "surveys")
