import json
import os
import subprocess
import sys

import polars as pl
import pytest

from demoscope.errors import StoreError
from demoscope.responses import Store, answers_hash, store
from demoscope.responses.decode import decode
from demoscope.schema import CELLS, check_columns
from tests.responses.small import plan, usual

CELLS_ = plan()
ROWS = [decode(cell, usual(cell.request)) for cell in CELLS_]


def failed(row):
    return {**row, "status": "error", "reason": "tired", "probs": None}


@pytest.fixture
def sealed(tmp_path):
    with Store(tmp_path / "r") as store:
        store.append(ROWS[:10])
        store.seal()
        store.append(ROWS[10:])
        store.seal()
    return tmp_path / "r"


def test_answers_are_there_before_and_after_sealing(tmp_path):
    for close_early in (False, True):
        folder = tmp_path / str(close_early)
        store = Store(folder)
        store.append(ROWS[:3])
        if close_early:
            store.close()
            store = Store(folder)
        store.append(ROWS[3:])
        before = store.cells()
        manifest = store.seal()
        assert store.cells().equals(before)
        store.close()
        with Store(folder) as store:
            cells = store.cells()
            assert cells.equals(before)
            assert store.manifest == manifest
        assert cells["cell"].to_list() == sorted(row["cell"] for row in ROWS)
        assert manifest.content_hash == answers_hash(cells)
        assert manifest.cells == len(ROWS)
        check_columns(cells, CELLS, what="cells")


def test_the_hash_does_not_depend_on_how_often_it_was_sealed(tmp_path, sealed):
    with Store(tmp_path / "once") as store:
        store.append(ROWS[::-1])
        once = store.seal()
    with Store(sealed) as store:
        assert len(store.manifest.parts) == 2
        assert store.manifest.content_hash == once.content_hash


def test_sealing_nothing_changes_nothing(sealed):
    before = {path: path.read_bytes() for path in sealed.glob("*")}
    with Store(sealed) as store:
        store.seal()
    assert before == {path: path.read_bytes() for path in sealed.glob("*")} | {sealed / "lock": before[sealed / "lock"]}


def test_some_cells_can_be_selected(sealed):
    with Store(sealed) as store:
        keys = [ROWS[3]["cell"], ROWS[12]["cell"], "nobody"]
        assert set(store.cells(keys)["cell"]) == set(keys[:2])


def test_errors_stay_open_and_the_last_answer_counts(tmp_path):
    with Store(tmp_path) as store:
        store.append([failed(ROWS[0]), failed(ROWS[1])])
        store.seal()
        assert store.settled() == set()
        store.append([failed(ROWS[1]), ROWS[0]])
        for _ in range(2):
            assert store.settled() == {ROWS[0]["cell"]}
            assert dict(store.cells().select("cell", "status").rows()) == {
                ROWS[0]["cell"]: "valid",
                ROWS[1]["cell"]: "error",
            }
            store.seal()


def test_a_long_journal_seals_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "SEAL_ROWS", 8)
    with Store(tmp_path) as opened:
        for first in range(0, len(ROWS), 4):
            opened.append(ROWS[first : first + 4])
        assert [part.rows for part in opened.manifest.parts] == [8, 8, 8, 8]
        assert opened.cells().height == len(ROWS)


def test_a_second_process_is_refused(tmp_path):
    with Store(tmp_path), pytest.raises(StoreError, match=f"process id {os.getpid()}"):
        Store(tmp_path)
    Store(tmp_path).close()
    code = f"from demoscope.responses import Store; from pathlib import Path; Store(Path({str(tmp_path)!r}))"
    with Store(tmp_path):
        child = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert f"in use by another process (process id {os.getpid()})" in child.stderr


@pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.999])
def test_a_flipped_bit_in_a_part_is_found_before_it_is_parsed(sealed, place, monkeypatch):
    path = sealed / "part-00001.parquet"
    data = bytearray(path.read_bytes())
    data[int(place * len(data))] ^= 1
    path.write_bytes(data)
    opened = []
    read_parquet = pl.read_parquet
    monkeypatch.setattr(pl, "read_parquet", lambda source: opened.append(1) or read_parquet(source))
    with pytest.raises(StoreError, match=r"part-00001\.parquet: damaged"):
        Store(sealed)
    assert len(opened) == 1


def test_absent_parts_and_strangers_are_refused(sealed):
    (sealed / "part-00000.parquet").rename(sealed / "part-00007.parquet")
    with pytest.raises(StoreError, match=r"part-00000\.parquet: sealed answers cannot be read"):
        Store(sealed)
    (sealed / "part-00007.parquet").rename(sealed / "part-00000.parquet")
    (sealed / "manifest.json").unlink()
    with pytest.raises(StoreError, match=r"part-00000\.parquet: not named in manifest\.json"):
        Store(sealed)


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"format": "other"}', '{"format": "demoscope-responses-1", "parts": 3}']
)
def test_a_broken_manifest_is_refused(sealed, text):
    (sealed / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match=r"manifest\.json"):
        Store(sealed)


def test_the_manifest_vouches_for_bytes_and_content(sealed):
    table = json.loads((sealed / "manifest.json").read_text())
    assert table["format"] == "demoscope-responses-1"
    assert [part["rows"] for part in table["parts"]] == [10, len(ROWS) - 10]
    assert sorted(path.name for path in sealed.iterdir()) == [
        "journal",
        "lock",
        "manifest.json",
        "part-00000.parquet",
        "part-00001.parquet",
    ]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "r").write_text("")
    with pytest.raises(StoreError, match="is a file"):
        Store(tmp_path / "r")
