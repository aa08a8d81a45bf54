"""Rows as lines: what goes in comes out, to the last bit."""

import io
import math
import struct

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demoscope.errors import StoreError
from demoscope.responses import answers_hash
from demoscope.responses.content import lines_sum, sum_text
from demoscope.responses.rows import CELLS_SCHEMA, decode_line, encode_row, encode_values, frame_of, key_bytes, line_key
from demoscope.schema import CELLS, check_columns
from tests.responses.rows import key_of, row, rows

STRANGE = [math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, -2.5e-320, 1e308, 1.7976931348623157e308, 1 / 3, 1e22]


def bits(number):
    return None if number is None else "nan" if math.isnan(number) else struct.pack("<d", number)


def through_parquet(frame):
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", statistics=False)
    return pl.read_parquet(io.BytesIO(buffer.getvalue()))


def test_a_frame_has_the_columns_of_the_schema():
    frame = frame_of([encode_row(answer)[0] for answer in rows(0, 9)])
    assert check_columns(frame, CELLS, what="cells").rows(named=True) == rows(0, 9)
    assert frame_of([]).schema == pl.Schema(CELLS_SCHEMA)


def test_numbers_that_json_lacks_come_back():
    answers = [row(number, label_mass=value, probs=[value, 0.5, value]) for number, value in enumerate(STRANGE)]
    lines = [encode_row(answer)[0] for answer in answers]
    assert lines[0].count(b"NaN") == 3
    assert lines[2].count(b"-Infinity") == 3
    for frame in (frame_of(lines), through_parquet(frame_of(lines))):
        for value, mass, probs in zip(STRANGE, frame["label_mass"], frame["probs"], strict=True):
            assert bits(mass) == bits(probs[0]) == bits(probs[2]) == bits(value)
        assert answers_hash(frame) == sum_text(lines_sum(lines))
        assert [encode_values(values) for values in frame.iter_rows()] == lines


def test_an_absent_number_is_not_one_that_is_none():
    lines = {encode_row(row(1, label_mass=value))[0] for value in (None, math.nan, 0.0, -0.0, math.inf)}
    assert len(lines) == 5
    words = row(1, text="NaN", thought="null")
    assert frame_of([encode_row(words)[0]]).row(0, named=True) == words


def test_all_numbers_that_are_none_are_one():
    (odd,) = struct.unpack("<d", struct.pack("<Q", 0xFFF8000000000123))
    assert encode_row(row(1, label_mass=odd))[0] == encode_row(row(1, label_mass=math.nan))[0]


@given(
    st.floats() | st.none(),
    st.lists(st.floats(), max_size=5) | st.none(),
    st.text(st.characters(exclude_categories=["Cs"])) | st.none(),
    st.integers(-(2**31), 2**31 - 1) | st.none(),
    st.integers(-(2**63), 2**63 - 1) | st.none(),
)
def test_any_answer_comes_back(mass, probs, text, code, tokens):
    answer = row(3, label_mass=mass, probs=probs, text=text, code=code, prompt_tokens=tokens)
    line, values = encode_row(answer)
    assert values == list(answer.values())
    assert b"\n" not in line
    assert line_key(line) == bytes.fromhex(answer["cell"])
    assert encode_values(decode_line(line)) == line
    frame = through_parquet(frame_of([line]))
    assert answers_hash(frame) == sum_text(lines_sum([line]))
    held = frame.row(0, named=True)
    assert (held["text"], held["code"], held["prompt_tokens"]) == (text, code, tokens)
    assert bits(held["label_mass"]) == bits(mass)
    assert held["probs"] == probs or [bits(part) for part in held["probs"]] == [bits(part) for part in probs]


def test_numbers_of_other_types_become_those_of_the_column():
    plain = row(1, label_mass=1.0, probs=[0.25, 0.75], draw=3, prompt_tokens=7)
    other = row(
        1, label_mass=1, probs=(np.float32(0.25), np.float64(0.75)), draw=np.int64(3), prompt_tokens=np.uint8(7)
    )
    assert encode_row(other)[0] == encode_row(plain)[0]
    assert encode_row(row(1, code=True))[0] == encode_row(row(1, code=1))[0]
    shuffled = dict(sorted(plain.items(), key=lambda pair: hash(pair[0])))
    assert encode_row(shuffled)[0] == encode_row(plain)[0]


def test_half_a_character_is_replaced():
    held = frame_of([encode_row(row(1, text="a\ud83d", thought="\ude00b \U0001f600"))[0]]).row(0, named=True)
    assert (held["text"], held["thought"]) == ("a\ufffd", "\ufffdb \U0001f600")


@pytest.mark.parametrize(
    "key", ["", "nobody", key_of(1).upper(), key_of(1)[:-1], f"{key_of(1)}0", f" {key_of(1)[1:]}", 7, None]
)
def test_other_keys_are_refused(key):
    with pytest.raises(StoreError, match="32 hexadecimal digits"):
        encode_row({**row(1), "cell": key})
    if isinstance(key, str):
        assert key_bytes(key) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"draw": 2**31}, "draw 2147483648 does not fit Int32"),
        ({"prompt_tokens": -(2**63) - 1}, "prompt_tokens .* does not fit Int64"),
        ({"code": 1.5}, "code 1.5 is no Int32"),
        ({"label_mass": "0.5"}, "label_mass '0.5' is no Float64"),
        ({"probs": 0.5}, "probs 0.5 is no List"),
        ({"probs": [None]}, "probs .None. is no List"),
        ({"text": b"x"}, "text b'x' is no String"),
        ({"status": 1}, "status 1 is no String"),
    ],
)
def test_other_values_are_refused(change, message):
    with pytest.raises(StoreError, match=f"cell '{key_of(1)}': {message}"):
        encode_row(row(1) | change)


def test_other_columns_are_refused():
    answer = row(1)
    del answer["wording"]
    with pytest.raises(StoreError, match=r"lacking \['wording'\], unknown \[\]"):
        encode_row(answer)
    with pytest.raises(StoreError, match=r"lacking \['wording'\], unknown \['phrasing'\]"):
        encode_row({**answer, "phrasing": "x"})
    with pytest.raises(StoreError, match=r"lacking \[\], unknown \['phrasing'\]"):
        encode_row({**row(1), "phrasing": "x"})
