"""Columns of numbers, with every rule checked on the way in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from demoscope.errors import DataError
from demoscope.stats.frames import positions
from demoscope.stats.kernels import MISSING, Floats

if TYPE_CHECKING:
    from collections.abc import Sequence


def numbers_from_column(column: pl.Series) -> Floats:
    """Numbers of one column, NaN where missing.

    Raises:
        DataError: The column holds something else, or a number that is not finite.
    """
    if not (column.dtype.is_numeric() or column.dtype in {pl.Null, pl.Boolean}):
        raise DataError(f"column {column.name!r} holds {column.dtype}, not numbers")
    numbers = column.cast(pl.Float64).to_numpy()
    bad = np.flatnonzero(~np.isfinite(numbers) & column.is_not_null().to_numpy())
    if len(bad):
        row = int(bad[0])
        raise DataError(f"column {column.name!r}, row {row + 1}: {column[row]} is not a finite number")
    return np.ascontiguousarray(numbers, dtype=np.float64)


def scores_from_column(column: pl.Series, declared: Sequence[int] | None, scores: Sequence[float] | None) -> Floats:
    """Score of every answer, NaN where missing.

    Args:
        column: Answers to one item.
        declared: Codes of its categories in their order; by default the sorted codes that occur.
        scores: One score per category; by default 1 to K for an Enum, the numbers in the column for all else.

    Raises:
        DataError: A code is not declared, or the scores are no finite numbers, one per category.
    """
    if scores is None and declared is None and not isinstance(column.dtype, pl.Enum):
        return numbers_from_column(column)
    places, size = positions(column, declared)
    if scores is None:
        scores = range(1, size + 1) if declared is None else [float(code) for code in declared]
    try:
        values = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"scores of {column.name!r} are no numbers: {error}") from error
    if values.shape != (size,):
        raise DataError(f"column {column.name!r} has {size} categories and {values.size} scores")
    if not np.isfinite(values).all():
        raise DataError(f"scores of {column.name!r} must be finite, got {values.tolist()}")
    numbers = np.full(len(column), np.nan)
    answered = places != MISSING
    numbers[answered] = values[places[answered]]
    return numbers
