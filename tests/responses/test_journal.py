import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demoscope.errors import StoreError
from demoscope.responses.journal import HEADER, MARK, Journal

GROUPS = [
    [{"cell": f"{group}-{row}", "probs": [0.1, 1 / 3, 2e-308], "text": "ü\n"} for row in range(group + 1)]
    for group in range(3)
]
ROWS = [row for group in GROUPS for row in group]


def written(path, groups=GROUPS):
    journal = Journal(path)
    ends = []
    for group in groups:
        journal.append(group)
        ends.append(path.stat().st_size)
    journal.close()
    return ends


def reread(path):
    journal = Journal(path)
    journal.close()
    return journal.rows, journal.lost_bytes


def test_answers_come_back_to_the_last_bit(tmp_path):
    written(tmp_path / "journal")
    assert reread(tmp_path / "journal") == (ROWS, 0)


def test_a_journal_goes_on_where_it_was(tmp_path):
    path = tmp_path / "journal"
    written(path, GROUPS[:2])
    written(path, GROUPS[2:])
    assert reread(path) == (ROWS, 0)


def test_every_torn_tail_loses_the_last_group_only(tmp_path):
    path = tmp_path / "journal"
    ends = [len(HEADER), *written(path)]
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        rows, lost = reread(path)
        complete = sum(end <= size for end in ends) - 1
        assert rows == [row for group in GROUPS[: max(complete, 0)] for row in group]
        assert lost == size - (ends[complete] if complete >= 0 else 0)
        assert reread(path) == (rows, 0)
        assert path.read_bytes() == whole[: ends[max(complete, 0)]]


@pytest.mark.parametrize("garbage", [b"\0" * 100, MARK, MARK + b"\xff" * 60, b"x"])
def test_garbage_at_the_end_is_cut_away(tmp_path, garbage):
    path = tmp_path / "journal"
    written(path)
    path.write_bytes(path.read_bytes() + garbage)
    assert reread(path) == (ROWS, len(garbage))


def test_damage_before_good_answers_is_an_error_with_its_place(tmp_path):
    path = tmp_path / "journal"
    starts = [len(HEADER), *written(path)[:-1]]
    whole = path.read_bytes()
    rng = random.Random(1)
    for start, end in pairwise(starts):
        for place in [*range(start, start + 28), *(rng.randrange(start, end) for _ in range(20))]:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << rng.randrange(8))]) + whole[place + 1 :])
            with pytest.raises(
                StoreError, match=f"journal: damaged at byte {start}, with good answers from byte {end} on"
            ):
                Journal(path)
            assert len(path.read_bytes()) == len(whole)


def test_another_file_is_not_taken_for_a_journal(tmp_path):
    path = tmp_path / "journal"
    path.write_text("my notes")
    with pytest.raises(StoreError, match="not a journal"):
        Journal(path)
    assert path.read_text() == "my notes"


def test_clearing_forgets_everything(tmp_path):
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.append(GROUPS[0])
    journal.clear()
    journal.append(GROUPS[1])
    journal.close()
    assert reread(path) == (GROUPS[1], 0)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.lists(
            st.dictionaries(
                st.text(max_size=5),
                st.none() | st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
                max_size=3,
            ),
            min_size=1,
            max_size=3,
        ),
        max_size=4,
    )
)
def test_any_plain_rows_come_back(tmp_path_factory, groups):
    path = tmp_path_factory.mktemp("journal") / "journal"
    written(path, groups)
    assert reread(path) == ([row for group in groups for row in group], 0)
