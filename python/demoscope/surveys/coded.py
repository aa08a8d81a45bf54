"""A column of codes as distinct texts and the place of each cell's text among them.

What a code means is then asked once for each text, and counting and recoding are arithmetic on small integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from demoscope.surveys.cells import cell_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_WIDEST: Final = 4096
"""Range of integers up to which every integer of it has a place, used or not."""

_DENSE: Final = 1 << 21
"""Number of pairs of groups and places up to which they are counted in an array of all."""


@dataclass(frozen=True)
class CodedColumn:
    """One column.

    Attributes:
        first: The integer at place 0, where cells are integers without gaps.
        texts: The text at each place, where they are not.
        empty: Place of an empty cell, above all others.
        places: Place of each cell.
    """

    first: int
    texts: Sequence[str] | None
    empty: int
    places: NDArray[Any]

    def text(self, place: int) -> str:
        """Text of the cells at a place; empty for an empty cell."""
        if place == self.empty:
            return ""
        return str(self.first + place) if self.texts is None else self.texts[place]

    def counts(self, groups: NDArray[Any], *, n_groups: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Group, place and number of cells of every pair that occurs, sorted.

        Args:
            groups: Group of each cell, from 0.
            n_groups: Number of groups.
        """
        size = self.empty + 1
        pairs = groups.astype(np.int64) * size + self.places
        if n_groups * size <= _DENSE:
            all_counts = np.bincount(pairs, minlength=n_groups * size)
            used = np.flatnonzero(all_counts)
            counts = all_counts[used]
        else:
            used, counts = np.unique(pairs, return_counts=True)
        return used // size, used % size, counts

    def first_row(self, place: int) -> int:
        """Number of the first row (from 1) with the text of a place."""
        return int(np.argmax(self.places == place)) + 1


def coded(column: pl.Series, *, where: object) -> CodedColumn:
    """Places of the cells of a column.

    Args:
        column: Integers, floats, booleans, text, categories or enumeration.
        where: Name of the file, for messages.

    Raises:
        DataError: The column has another type.
    """
    whole = _as_integers(column)
    if whole is not None:
        low, high = whole.min(), whole.max()
        if isinstance(low, int) and isinstance(high, int) and high - low < _WIDEST:
            empty = high - low + 1
            numbers = whole.cast(pl.Int64) - low
            return CodedColumn(low, None, empty, numbers.fill_null(empty).to_numpy())
    texts = cell_texts(column, where=where)
    distinct = texts.drop_nulls().unique(maintain_order=True)
    if distinct.is_empty():
        return CodedColumn(0, (), 0, np.zeros(len(column), np.int64))
    places = texts.replace_strict(distinct, pl.int_range(distinct.len(), eager=True), default=None)
    return CodedColumn(0, distinct.to_list(), distinct.len(), places.fill_null(distinct.len()).to_numpy())


def _as_integers(column: pl.Series) -> pl.Series | None:
    """A column of whole numbers as integers; ``None`` where it holds anything else."""
    if column.dtype == pl.Boolean:
        return column.cast(pl.Int8)
    if column.dtype.is_integer():
        return column
    if not column.dtype.is_float():
        return None
    present = column.fill_nan(None)
    whole = present.cast(pl.Int32, strict=False)
    same = whole.null_count() == present.null_count() and (whole.cast(present.dtype) == present).all()
    return whole if same else None
