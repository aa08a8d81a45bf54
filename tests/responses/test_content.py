import io

import polars as pl

from demoscope.responses import answers_hash
from demoscope.responses.decode import decode
from demoscope.responses.parts import CELLS_SCHEMA
from tests.responses.small import plan, usual

CELLS = pl.DataFrame([decode(cell, usual(cell.request)) for cell in plan()], schema=CELLS_SCHEMA)


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
