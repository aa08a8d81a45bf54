import hashlib
import io
import math

import polars as pl

from demoscope.responses import answers_hash
from demoscope.responses.content import lines_sum, sum_text
from demoscope.responses.rows import encode_row, frame_of
from tests.responses.rows import key_of, row, rows

LINES = [encode_row(answer)[0] for answer in rows(0, 40)]
CELLS = frame_of(LINES)


def test_neither_order_of_rows_nor_encoding_matters():
    first = answers_hash(CELLS)
    assert first == answers_hash(CELLS.reverse())
    assert first == answers_hash(pl.concat([CELLS[:7], CELLS[7:]], rechunk=False))
    for compression in ("zstd", "uncompressed", "snappy"):
        buffer = io.BytesIO()
        CELLS.write_parquet(buffer, compression=compression)
        assert first == answers_hash(pl.read_parquet(io.BytesIO(buffer.getvalue())))


def test_the_last_bit_of_any_value_matters():
    first = answers_hash(CELLS)
    nudged = CELLS.with_columns(
        label_mass=pl.when(pl.int_range(pl.len()) == 3).then(pl.lit(0.5000000000000001)).otherwise("label_mass")
    )
    assert answers_hash(nudged) != first
    assert answers_hash(CELLS[1:]) != first
    assert answers_hash(CELLS.with_columns(text=pl.lit(""))) != first
    swapped = CELLS.with_columns(pl.col("profile").reverse())
    assert answers_hash(swapped) != first
    assert len({answers_hash(CELLS[:count]) for count in range(41)}) == 41


def test_sums_can_be_taken_apart():
    whole = lines_sum(LINES)
    assert sum_text(whole) == answers_hash(CELLS)
    assert sum_text(lines_sum(LINES[:9]) + lines_sum(LINES[9:])) == sum_text(whole)
    assert sum_text(whole - lines_sum(LINES[:9])) == answers_hash(CELLS[9:])
    assert sum_text(lines_sum(LINES[:9]) - whole) != answers_hash(CELLS[9:])
    assert answers_hash(CELLS.clear()) == "0" * 32


def test_the_form_that_is_hashed_does_not_change_unnoticed():
    """A change of it makes every published hash wrong: then the format of the manifest has to change as well."""
    odd = row(1, profile='age="9"', probs=[0.1, -0.0, 1e-7], label_mass=math.nan, unseen_mass=1.0, text="ü\n", code=-3)
    line = (
        f'["{key_of(1)}","org/some-model-8b-instruct","0123456789abcdef","persona",null,"age=\\"9\\"",null,"vote",'
        f'"default","en","reversed","single","logprobs",-1,"{odd["prompt_hash"]}","valid",null,-3,[0.1,-0.0,1e-07],'
        'NaN,1.0,"ü\\n",null,201,1]'
    ).encode()
    assert encode_row(odd)[0] == line
    assert answers_hash(frame_of([line])) == hashlib.blake2b(line, digest_size=16).hexdigest()
