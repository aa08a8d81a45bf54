import hashlib
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demoscope.responses import index as index_file
from demoscope.responses.index import Index, Outcome, Outcomes, key_array

KEYS = st.binary(min_size=16, max_size=16) | st.integers(0, 40).map(lambda number: bytes([number % 3] * 15 + [number]))
PACKED = st.tuples(st.integers(0, 2**32 - 1), st.floats(allow_nan=False))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.dictionaries(KEYS, PACKED, max_size=30), max_size=6),
    st.lists(KEYS),
    st.sampled_from([1, 2, 7, 65536]),
    st.sampled_from([1, 20, 1000]),
)
def test_an_index_is_a_dictionary(merges, others, block_rows, reserved_rows):
    expected: dict[bytes, tuple[int, float]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_file, "_BLOCK_ROWS", block_rows)
        patch.setattr(index_file, "_RESERVED_ROWS", reserved_rows)
        index = Index()
        for merge in merges:
            index.merge(key_array(list(merge)), list(merge.values()))
            expected.update(merge)
    assert len(index) == len(expected)
    for key in [*expected, *others]:
        assert index.get(key) == expected.get(key)
    places, found = index.places(key_array([*expected, *others]))
    assert found.tolist() == [key in expected for key in [*expected, *others]]
    assert places[: len(expected)].tolist() == [sorted(expected).index(key) for key in expected]


def test_28_bytes_for_each_answer():
    index = Index()
    rng = random.Random(1)
    for _ in range(10):
        index.merge(key_array([rng.randbytes(16) for _ in range(500)]), [(1, 0.5)] * 500)
    assert (len(index), index.nbytes) == (5000, 28 * 5000)


def test_keys_that_end_in_zeros_are_told_apart():
    index = Index()
    keys = [bytes(16), b"\1" + bytes(15), b"\1\0\1" + bytes(13), bytes(15) + b"\1", b"\xff" * 15 + b"\0"]
    index.merge(key_array(keys), [(number, math.inf) for number in range(5)])
    assert [index.get(key) for key in keys] == [(number, math.inf) for number in range(5)]
    assert index.get(b"\1\0" + bytes(13) + b"\1") is None


def test_outcomes_keep_reasons_and_absent_masses():
    outcomes = Outcomes()
    packed = [outcomes.pack(*case) for case in (("valid", None, 0.5), ("valid", None, None), ("error", "tired", 0.25))]
    assert len({number for number, _ in packed}) == 3
    assert outcomes.pack("valid", None, 0.75)[0] == packed[0][0]
    assert [outcomes.unpack(*pair) for pair in packed] == [
        Outcome("valid", None, 0.5),
        Outcome("valid", None, None),
        Outcome("error", "tired", 0.25),
    ]
    assert math.isnan(outcomes.unpack(*outcomes.pack("valid", None, math.nan)).label_mass)


def test_a_large_index_grows_in_place_at_every_place():
    rng = np.random.default_rng(3)
    index, expected = Index(), {}
    for step in range(4):
        keys = [hashlib.blake2b(f"{step}-{number}".encode(), digest_size=16).digest() for number in range(70_000)]
        packed = list(zip(rng.integers(0, 9, 70_000).tolist(), rng.random(70_000).tolist(), strict=True))
        index.merge(key_array(keys), packed)
        expected.update(zip(keys, packed, strict=True))
    assert len(index) == 280_000
    for key in list(expected)[::997]:
        assert index.get(key) == expected[key]
