import json
import logging
import math
import os

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demoscope.errors import StoreError
from demoscope.responses import Store, answers_hash, store
from demoscope.responses.index import Outcome
from demoscope.responses.pace import Pace
from demoscope.schema import CELLS, check_columns
from tests.responses.rows import failed, key_of, row, rows

ROWS = rows(0, 30)
KEYS = [answer["cell"] for answer in ROWS]


@pytest.fixture
def sealed(tmp_path):
    with Store(tmp_path / "r") as store:
        store.append(ROWS[:10])
        store.seal()
        store.append(ROWS[10:20])
        store.seal()
        store.append(ROWS[20:])
        store.seal()
    return tmp_path / "r"


def as_dicts(cells):
    return {cell["cell"]: cell for cell in cells.iter_rows(named=True)}


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
            assert len(store) == len(ROWS)
        assert cells["cell"].to_list() == sorted(KEYS)
        assert as_dicts(cells) == {answer["cell"]: answer for answer in ROWS}
        assert manifest.content_hash == answers_hash(cells)
        assert manifest.cells == len(ROWS)
        check_columns(cells, CELLS, what="cells")


def test_the_hash_does_not_depend_on_how_often_it_was_sealed(tmp_path, sealed):
    with Store(tmp_path / "once") as store:
        store.append(ROWS[::-1])
        once = store.seal()
    with Store(sealed) as store:
        assert len(store.manifest.parts) == 3
        assert store.manifest.content_hash == once.content_hash


def test_sealing_nothing_changes_nothing(sealed):
    before = {path: path.read_bytes() for path in sealed.glob("*")}
    with Store(sealed) as store:
        store.seal()
    assert before == {path: path.read_bytes() for path in sealed.glob("*")} | {sealed / "lock": before[sealed / "lock"]}


def test_some_cells_can_be_selected(sealed):
    with Store(sealed) as store:
        store.append([row(77)])
        keys = [KEYS[3], KEYS[12], "nobody", key_of(77), KEYS[3], key_of(99)]
        assert store.cells(iter(keys)).rows(named=True) == sorted(
            [ROWS[3], ROWS[12], row(77)], key=lambda answer: answer["cell"]
        )
        assert store.cells([]).height == 0
        check_columns(store.cells([]), CELLS, what="cells")


def test_errors_stay_open_and_the_last_answer_counts(tmp_path):
    with Store(tmp_path) as store:
        store.append([failed(0), failed(1)])
        store.seal()
        assert not store.settled(KEYS[0])
        store.append([failed(1, "worn out"), row(0)])
        for _ in range(3):
            assert (store.settled(KEYS[0]), store.settled(KEYS[1]), store.settled(KEYS[2])) == (True, False, False)
            assert len(store) == 2
            assert as_dicts(store.cells()) == {KEYS[0]: row(0), KEYS[1]: failed(1, "worn out")}
            assert store.cells([KEYS[0]]).rows(named=True) == [row(0)]
            manifest = store.seal()
            assert manifest.cells == 2
            assert manifest.content_hash == answers_hash(store.cells())
    with Store(tmp_path) as store:
        assert store.outcome(KEYS[0]) == Outcome("valid", None, ROWS[0]["label_mass"])
        assert store.outcome(KEYS[1]) == Outcome("error", "worn out", ROWS[1]["label_mass"])


def test_outcomes_are_those_of_the_answers(tmp_path):
    answers = [
        row(0, label_mass=None),
        row(1, label_mass=math.inf),
        row(2, status="invalid", reason="no_label_mass", label_mass=0.0),
        row(3, status="dont_know"),
    ]
    with Store(tmp_path) as store:
        store.append(answers)
        for _ in range(2):
            for answer in answers:
                expected = Outcome(answer["status"], answer["reason"], answer["label_mass"])
                assert store.outcome(answer["cell"]) == expected
                assert store.settled(answer["cell"])
            store.seal()
        for stranger in (key_of(9), key_of(0).upper(), "nobody", ""):
            assert store.outcome(stranger) is None
            assert not store.settled(stranger)


OPERATIONS = st.lists(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["valid", "error", "invalid"])), max_size=4)
    | st.sampled_from(["seal", "reopen", "flush"]),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(OPERATIONS)
def test_a_store_is_a_dictionary(tmp_path_factory, operations):
    folder = tmp_path_factory.mktemp("r")
    expected: dict[str, dict] = {}
    opened = Store(folder)
    for operation in operations:
        if operation == "seal":
            manifest = opened.seal()
            if expected:
                assert (manifest.cells, manifest.content_hash) == (len(expected), answers_hash(opened.cells()))
        elif operation == "reopen":
            opened.close()
            opened = Store(folder)
        elif operation == "flush":
            opened.flush()
        else:
            answers = [row(number, status=status) for number, status in operation]
            opened.append(answers)
            expected.update((answer["cell"], answer) for answer in answers)
        assert len(opened) == len(expected)
        for key, answer in expected.items():
            assert opened.outcome(key) == Outcome(answer["status"], None, answer["label_mass"])
    assert as_dicts(opened.cells()) == expected
    opened.close()


def test_a_long_journal_seals_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "SEAL_ROWS", 8)
    with Store(tmp_path) as opened:
        for first in range(0, len(ROWS), 4):
            safe = opened.append(ROWS[first : first + 4])
            assert safe or first not in {4, 12, 20}
        assert [part.rows for part in opened.manifest.parts] == [8, 8, 8]
        assert opened.cells().height == len(ROWS)


def test_long_texts_are_sealed_early(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "SEAL_BYTES", 20_000)
    with Store(tmp_path) as opened:
        for number in range(5):
            opened.append([row(number, thought="x" * 9_000)])
        assert [part.rows for part in opened.manifest.parts] == [3]
        assert len(opened) == 5


def test_rows_that_are_none_leave_the_store_as_it_was(tmp_path):
    with Store(tmp_path) as store:
        store.append(ROWS[:2])
        with pytest.raises(StoreError, match="32 hexadecimal digits"):
            store.append([ROWS[2], {**ROWS[3], "cell": "c-3"}])
        with pytest.raises(StoreError, match="lacking"):
            store.append([{"cell": KEYS[2]}])
        assert len(store) == store.cells().height == 2
        store.append(ROWS[2:4])
        assert len(store) == 4


def test_a_closed_store_takes_nothing(tmp_path):
    store = Store(tmp_path)
    store.append(ROWS[:3])
    store.close()
    store.close()
    for call in (store.seal, store.flush, lambda: store.append(ROWS[3:]), store.cells):
        with pytest.raises(StoreError, match="closed"):
            call()


class TestPace:
    def test_an_fsync_waits_fifty_times_as_long_as_the_last_one_took(self):
        now = [100.0]
        pace = Pace(lambda: now[0])

        def work(secs):
            now[0] += secs

        assert pace.due()
        for cost, wait in ((0.002, 0.1), (0.02, 1.0), (0.5, 5.0), (3.0, 5.0)):
            pace.timed(lambda cost=cost: work(cost))
            now[0] += wait - 0.001
            assert not pace.due()
            now[0] += 0.002
            assert pace.due()

    def test_append_says_when_answers_are_safe(self, tmp_path, monkeypatch):
        now = [0.0]
        synced = []
        fsync = os.fsync

        def slow(file):
            now[0] += 0.01
            synced.append(file)
            fsync(file)

        monkeypatch.setattr(os, "fsync", slow)
        store = Store(tmp_path, clock=lambda: now[0])
        synced.clear()
        assert store.append(ROWS[:2])
        assert len(synced) == 1
        for _ in range(3):
            now[0] += 0.1
            assert not store.append(ROWS[2:4])
        assert len(synced) == 1
        now[0] += 0.21
        assert store.append(ROWS[4:6])
        assert len(synced) == 2
        assert store.append([])
        assert not store.append(ROWS[6:8])
        assert not store.append([])
        store.flush()
        assert store.append([])
        assert len(synced) == 3
        store.flush()
        assert len(synced) == 3
        assert not store.append(ROWS[8:10])
        store.seal()
        assert store.append([])
        assert not store.append(ROWS[10:12])
        before = len(synced)
        store.close()
        assert len(synced) == before + 1


class TestDamage:
    @pytest.mark.parametrize("place", [0.0, 0.3, 0.6, 0.999])
    def test_a_part_with_a_flipped_bit_is_named_and_set_aside(self, sealed, place, monkeypatch, caplog):
        path = sealed / "part-00001.parquet"
        data = bytearray(path.read_bytes())
        data[int(place * len(data))] ^= 1
        path.write_bytes(data)
        parsed = []
        read_parquet = pl.read_parquet
        monkeypatch.setattr(
            pl, "read_parquet", lambda source, columns: parsed.append(1) or read_parquet(source, columns=columns)
        )
        with Store(sealed) as store:
            assert len(parsed) == 4  # outcomes of two good parts, and their answers for the new hash
            assert store.damaged == ("part-00001.parquet",)
            assert f"{path}: damaged: its SHA-256 is not the one in manifest.json; its 10 answers" in caplog.text
            assert (sealed / "part-00001.parquet.damaged").read_bytes() == data
            assert not path.exists()
            assert [store.settled(key) for key in KEYS] == [True] * 10 + [False] * 10 + [True] * 10
            assert len(store) == 20
            assert store.manifest.content_hash == answers_hash(store.cells())
            assert store.manifest.cells == 20
        caplog.clear()
        with Store(sealed) as store:
            assert store.damaged == ()
            assert caplog.text == ""
            store.append(ROWS[10:20])
            store.seal()
            assert [part.file for part in store.manifest.parts] == [
                f"part-0000{number}.parquet" for number in (0, 2, 3)
            ]
            assert store.manifest.content_hash == answers_hash(pl.DataFrame(ROWS, schema=store.cells().schema))

    def test_a_part_that_is_absent_is_named(self, sealed, caplog):
        (sealed / "part-00000.parquet").unlink()
        with Store(sealed) as store:
            assert store.damaged == ("part-00000.parquet",)
            assert "part-00000.parquet: absent, though manifest.json names it" in caplog.text
            assert len(store) == 20
            assert not list(sealed.glob("*.damaged"))
        with Store(sealed) as store:
            assert store.damaged == ()

    def test_all_parts_may_be_damaged(self, sealed):
        for path in sealed.glob("part-*"):
            path.write_bytes(b"")
        with Store(sealed) as store:
            assert len(store.damaged) == 3
            assert len(store) == 0
            assert store.cells().height == 0
            store.append(ROWS)
            assert store.seal().content_hash == answers_hash(store.cells())

    def test_an_earlier_answer_comes_back_when_a_later_one_is_damaged(self, tmp_path):
        with Store(tmp_path) as store:
            store.append([failed(0), row(1)])
            store.seal()
            store.append([row(0), failed(2)])
            store.seal()
        (tmp_path / "part-00001.parquet").write_bytes(b"x")
        with Store(tmp_path) as store:
            assert as_dicts(store.cells()) == {KEYS[0]: failed(0), KEYS[1]: row(1)}
            assert store.manifest.content_hash == answers_hash(store.cells())
            assert not store.settled(KEYS[0])

    def test_answers_of_a_damaged_part_that_the_journal_still_has_are_kept(self, tmp_path, monkeypatch):
        with Store(tmp_path) as store:
            store.append(ROWS[:10])
            monkeypatch.setattr(store._journal, "clear", lambda: None)  # killed in the middle of sealing
            store.seal()
        (tmp_path / "part-00000.parquet").write_bytes(b"x")
        with Store(tmp_path) as store:
            assert store.damaged == ("part-00000.parquet",)
            assert as_dicts(store.cells()) == {answer["cell"]: answer for answer in ROWS[:10]}
            assert store.seal().parts[0].file == "part-00001.parquet"

    def test_a_part_that_breaks_while_the_store_is_open_is_named(self, sealed):
        with Store(sealed) as store:
            (sealed / "part-00002.parquet").write_bytes(b"x")
            with pytest.raises(StoreError, match=r"part-00002\.parquet: damaged"):
                store.cells()

    def test_a_part_that_cannot_be_read_now_is_not_taken_for_damaged(self, sealed):
        path = sealed / "part-00001.parquet"
        path.rename(sealed / "elsewhere")
        path.mkdir()
        with pytest.raises(StoreError, match=r"part-00001\.parquet: sealed answers cannot be read: Is a directory"):
            Store(sealed)
        path.rmdir()
        (sealed / "elsewhere").rename(path)
        with Store(sealed) as store:
            assert len(store) == 30

    def test_answers_around_damage_in_the_journal_are_kept(self, tmp_path, caplog):
        caplog.set_level(logging.WARNING)
        with Store(tmp_path) as store:
            ends = []
            for first in range(0, 30, 10):
                store.append(ROWS[first : first + 10])
                ends.append((tmp_path / "journal").stat().st_size)
        data = bytearray((tmp_path / "journal").read_bytes())
        data[ends[0] + 500] ^= 1
        (tmp_path / "journal").write_bytes(data)
        with Store(tmp_path) as store:
            assert store.damaged == ("journal",)
            assert f"damaged at bytes {ends[0]} to {ends[1]}" in caplog.text
            assert [store.settled(key) for key in KEYS] == [True] * 10 + [False] * 10 + [True] * 10
            assert (tmp_path / "journal.damaged").read_bytes() == data
            store.append(ROWS[10:20])
            assert store.seal().content_hash == answers_hash(pl.DataFrame(ROWS, schema=store.cells().schema))
        with Store(tmp_path) as store:
            assert store.damaged == ()

    def test_strangers_are_refused(self, sealed):
        (sealed / "part-00000.parquet").rename(sealed / "part-00007.parquet")
        with pytest.raises(StoreError, match=r"part-00007\.parquet: not named in manifest\.json"):
            Store(sealed)
        (sealed / "part-00007.parquet").rename(sealed / "part-00000.parquet")
        (sealed / "manifest.json").unlink()
        with pytest.raises(StoreError, match=r"part-00000\.parquet: not named in manifest\.json"):
            Store(sealed)

    @pytest.mark.parametrize(
        "text",
        [
            "{",
            "[]",
            "{}",
            "\xff",
            '{"format": "other"}',
            '{"format": "demoscope-responses-1", "parts": [], "cells": 0, "content_hash": ""}',
            '{"format": "demoscope-responses-2", "parts": 3}',
            '{"format": "demoscope-responses-2", "parts": [{"file": "../x", "rows": 1, "sha256": "", "content_hash": ""}]}',  # noqa: E501 - one case
        ],
    )
    def test_a_broken_manifest_is_refused(self, sealed, text):
        (sealed / "manifest.json").write_text(text, encoding="latin-1")
        before = sorted(sealed.iterdir())
        with pytest.raises(StoreError, match=r"manifest\.json"):
            Store(sealed)
        assert sorted(sealed.iterdir()) == before

    def test_drafts_that_a_kill_left_are_swept_and_nothing_else(self, sealed):
        for name in (
            "part-00003.parquet.new",
            "manifest.json.new",
            "journal.new",
            "notes.new",
            "part-00009.parquet.damaged",
        ):
            (sealed / name).write_bytes(b"half")
        with Store(sealed) as store:
            assert len(store) == 30
        left = {path.name for path in sealed.iterdir()}
        assert {"notes.new", "part-00009.parquet.damaged"} <= left
        assert not left & {"part-00003.parquet.new", "manifest.json.new", "journal.new"}


def test_the_manifest_vouches_for_bytes_and_content(sealed):
    table = json.loads((sealed / "manifest.json").read_text())
    assert table["format"] == "demoscope-responses-2"
    assert [part["rows"] for part in table["parts"]] == [10, 10, 10]
    assert table["next_part"] == 3
    for part, first in zip(table["parts"], (0, 10, 20), strict=True):
        frame = pl.read_parquet(sealed / part["file"])
        assert part["content_hash"] == answers_hash(frame)
        assert set(frame["cell"]) == set(KEYS[first : first + 10])
    assert sorted(path.name for path in sealed.iterdir()) == [
        "journal",
        "lock",
        "manifest.json",
        "part-00000.parquet",
        "part-00001.parquet",
        "part-00002.parquet",
    ]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "r").write_text("")
    with pytest.raises(StoreError, match="is a file"):
        Store(tmp_path / "r")
    with pytest.raises(StoreError, match="the folder cannot be made"):
        Store(tmp_path / "r" / "s")
