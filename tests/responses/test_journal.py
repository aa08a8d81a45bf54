import logging
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demoscope.errors import StoreError
from demoscope.responses.journal import HEADER, MARK, Journal

GROUPS = [[f'["{group}-{line}", 0.1, "ü"]'.encode() for line in range(group + 1)] for group in range(4)]
LINES = [line for group in GROUPS for line in group]


def written(path, groups=GROUPS):
    journal = Journal(path)
    ends = []
    for group in groups:
        journal.append(group)
        ends.append(path.stat().st_size)
    journal.sync()
    journal.close()
    return ends


def reread(path):
    journal = Journal(path)
    lines = journal.lines()
    journal.close()
    return lines, journal.lost_bytes, journal.damage


def flattened(groups):
    return [line for group in groups for line in group]


def test_lines_come_back(tmp_path):
    written(tmp_path / "journal")
    assert reread(tmp_path / "journal") == (LINES, 0, [])


def test_a_journal_goes_on_where_it_was(tmp_path):
    path = tmp_path / "journal"
    written(path, GROUPS[:2])
    written(path, GROUPS[2:])
    assert reread(path) == (LINES, 0, [])


def test_every_torn_tail_loses_the_last_group_only(tmp_path):
    path = tmp_path / "journal"
    ends = [len(HEADER), *written(path)]
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        complete = sum(end <= size for end in ends) - 1
        expected = flattened(GROUPS[: max(complete, 0)])
        assert reread(path) == (expected, size - (ends[complete] if complete >= 0 else 0), [])
        assert reread(path) == (expected, 0, [])
        assert path.read_bytes() == whole[: ends[max(complete, 0)]]
    assert [entry.name for entry in tmp_path.iterdir()] == ["journal"]


@pytest.mark.parametrize("garbage", [MARK, MARK + b"\xff" * 60, MARK[:2]])
def test_the_beginning_of_a_record_is_cut_away(tmp_path, garbage):
    path = tmp_path / "journal"
    written(path)
    path.write_bytes(path.read_bytes() + garbage)
    assert reread(path) == (LINES, len(garbage), [])


@pytest.mark.parametrize("garbage", [b"\0" * 100, b"x", MARK + bytes(60)])
def test_what_no_kill_leaves_is_cut_away_and_named(tmp_path, garbage, caplog):
    path = tmp_path / "journal"
    size = written(path)[-1]
    whole = path.read_bytes()
    path.write_bytes(whole + garbage)
    assert reread(path) == (LINES, len(garbage), [(size, size + len(garbage))])
    assert f"{path}: damaged at bytes {size} to {size + len(garbage)}" in caplog.text
    assert path.read_bytes() == whole
    assert (tmp_path / "journal.damaged").read_bytes() == whole + garbage


def test_groups_before_and_after_damage_are_kept(tmp_path, caplog):
    path = tmp_path / "journal"
    ends = written(path)
    whole = path.read_bytes()
    rng = random.Random(1)
    caplog.set_level(logging.WARNING)
    for damaged, (start, end) in enumerate(pairwise([len(HEADER), *ends])):
        for place in [*range(start, start + 28), *(rng.randrange(start, end) for _ in range(10))]:
            broken = whole[:place] + bytes([whole[place] ^ (1 << rng.randrange(8))]) + whole[place + 1 :]
            path.write_bytes(broken)
            caplog.clear()
            lines, _, damage = reread(path)
            assert lines == flattened(GROUPS[:damaged] + GROUPS[damaged + 1 :])
            # The length of the last record may have grown, so that it looks like one that was cut off.
            assert damage == [(start, end)] or (damaged == len(GROUPS) - 1 and damage == [])
            if damage:
                assert f"{path}: damaged at bytes {start} to {end}" in caplog.text
                asides = list(tmp_path.glob("journal.damaged*"))
                assert broken in [aside.read_bytes() for aside in asides]
                for aside in asides:
                    aside.unlink()
            assert reread(path) == (lines, 0, [])


def test_several_damages_are_told_apart(tmp_path):
    path = tmp_path / "journal"
    ends = written(path)
    data = bytearray(path.read_bytes())
    for place in (ends[0] - 1, ends[2] - 1):
        data[place] ^= 4
    path.write_bytes(data)
    assert reread(path) == (GROUPS[1] + GROUPS[3], 0, [(len(HEADER), ends[0]), (ends[1], ends[2])])
    written(path, GROUPS[:1])
    assert reread(path)[0] == GROUPS[1] + GROUPS[3] + GROUPS[0]


def test_copies_of_damaged_journals_do_not_replace_each_other(tmp_path):
    path = tmp_path / "journal"
    written(path)
    whole = path.read_bytes()
    for garbage in (b"1", b"2", b"2", b"3"):
        path.write_bytes(whole + garbage)
        reread(path)
    copies = {copy.name: copy.read_bytes() for copy in tmp_path.glob("journal.*")}
    assert copies == {
        "journal.damaged": whole + b"1",
        "journal.damaged-2": whole + b"2",
        "journal.damaged-3": whole + b"3",
    }


def test_a_damaged_header_loses_no_line(tmp_path):
    path = tmp_path / "journal"
    written(path)
    whole = path.read_bytes()
    path.write_bytes(b"X" + whole[1:])
    assert reread(path) == (LINES, 0, [(0, len(HEADER))])
    assert path.read_bytes() == whole


@pytest.mark.parametrize("begin", [b"my notes", b"DSJRNL1\n", b"DSJRNL3\n", b"\0" * 8])
def test_another_file_is_not_taken_for_a_journal(tmp_path, begin):
    path = tmp_path / "journal"
    written(path)
    rest = path.read_bytes()[len(HEADER) :] if begin.startswith(b"DS") else b""
    path.write_bytes(begin + rest)
    with pytest.raises(StoreError, match="journal: not a journal"):
        Journal(path)
    assert path.read_bytes() == begin + rest


def test_a_journal_that_is_overwritten_while_it_is_open_is_named(tmp_path):
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append(GROUPS[1])
    with path.open("r+b") as file:
        file.seek(20)
        file.write(b"\0\0\0\0")
    with pytest.raises(StoreError, match="journal: damaged at byte 8 since it was opened"):
        journal.lines()
    journal.close()


def test_clearing_forgets_everything(tmp_path):
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append(GROUPS[0])
    journal.clear()
    assert journal.lines() == []
    journal.append(GROUPS[1])
    journal.append([])
    journal.close()
    assert reread(path) == (GROUPS[1], 0, [])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(st.binary(min_size=1).map(lambda line: line.replace(b"\n", b"n")) | st.just(MARK), min_size=1),
        max_size=4,
    )
)
def test_any_lines_come_back(tmp_path_factory, groups):
    path = tmp_path_factory.mktemp("journal") / "journal"
    written(path, groups)
    assert reread(path) == (flattened(groups), 0, [])
