"""A digest of answers that depends neither on how a file encodes them nor on their order.

Each answer is hashed by itself (BLAKE2b-128 of its line, see ``rows``), and the digests are added modulo 2^128.
A sum needs no sorting and no full load: a store adds what it seals and subtracts what that replaces.
It tells any accident (the chance that two different sets of answers agree is 2^-128); it is no seal against a forger,
who could search for answers with a given sum.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from demoscope.responses.rows import encode_values
from demoscope.schema import CELLS, check_columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

_BYTES: Final = 16
_MODULUS: Final = 1 << (8 * _BYTES)


def lines_sum(lines: Iterable[bytes]) -> int:
    """Sum of the digests of answers."""
    blake2b = hashlib.blake2b
    return sum(int.from_bytes(blake2b(line, digest_size=_BYTES).digest(), "big") for line in lines) % _MODULUS


def frame_sum(cells: pl.DataFrame) -> int:
    """The same for the rows of a frame with columns ``schema.CELLS``."""
    return lines_sum(map(encode_values, cells.iter_rows()))


def sum_text(total: int) -> str:
    """A sum, or a difference of sums, as 32 hexadecimal digits."""
    return f"{total % _MODULUS:0{2 * _BYTES}x}"


def answers_hash(cells: pl.DataFrame) -> str:
    """Digest of all cells, 32 hexadecimal digits.

    Two sets of answers have the same one if they are equal to the last bit (all values that are no numbers count as
    equal), in whatever order and however often their asking was interrupted; and else they differ.

    Args:
        cells: Columns of ``schema.CELLS``, one row per cell.
    """
    return sum_text(frame_sum(check_columns(cells, CELLS, what="cells")))
