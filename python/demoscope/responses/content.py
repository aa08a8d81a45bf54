"""A digest of answers that does not depend on how a file encodes them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from demoscope.responses.cell import canonical
from demoscope.schema import CELLS, check_columns

if TYPE_CHECKING:
    import polars as pl


def answers_hash(cells: pl.DataFrame) -> str:
    """BLAKE2b-128 of all cells, sorted by key.

    Two stores have the same hash if and only if they hold the same answers to the last bit, in whatever order and
    however often they were interrupted.

    Args:
        cells: Columns of ``schema.CELLS``, one row per cell.
    """
    state = hashlib.blake2b(digest_size=16)
    for row in check_columns(cells, CELLS, what="cells").sort("cell").iter_rows():
        state.update(canonical(row))
        state.update(b"\n")
    return state.hexdigest()
