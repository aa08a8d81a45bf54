"""Bindings of the neighbours of the polychoric correlation: shapes, types, and errors of the core."""

from __future__ import annotations

import numpy as np
import pytest

from demoscope import _native
from demoscope.errors import DataError

CODES = np.array([[0, 1, 255], [1, 0, 2], [2, 1, 0], [1, 1, 1], [0, 0, 2]], dtype=np.uint8)
NUMBERS = np.array([[0.5, np.nan], [1.5, 2.0], [-1.0, 0.0], [0.1, 3.0], [2.0, -1.0]])
SIZES = [3, 2, 3]


def test_one_value_per_pair() -> None:
    for found, pairs in [
        (_native.pearson(NUMBERS, None, 1), 1),
        (_native.spearman(CODES, SIZES, None, 1), 3),
        (_native.cramer_v(CODES, SIZES, None, 1), 3),
        (_native.polyserial(NUMBERS, CODES, SIZES, None, 1), 6),
    ]:
        assert [part.shape for part in found] == [(pairs,)] * 6
        assert [part.dtype for part in found] == [np.float64] * 4 + [np.uint8] * 2
    fits = _native.polychoric_fit(CODES, SIZES, None, "none", 1)
    assert [part.dtype for part in fits] == [np.float64, np.float64, np.uint32, *[np.float64] * 3, np.uint8, np.uint8]
    assert fits[2].tolist() == [1, 3, 1]


def test_broken_input_is_a_typed_error() -> None:
    with pytest.raises(DataError, match=r"row 1, item 0: code 1 is not below the 1 categories"):
        _native.spearman(CODES, [1, 2, 3], None, None)
    with pytest.raises(DataError, match="weights has 4 values, 5 are needed"):
        _native.cramer_v(CODES, SIZES, np.ones(4), None)
    with pytest.raises(DataError, match=r"values, position 3: inf is not a finite number or NaN"):
        _native.pearson(np.where(NUMBERS == 2.0, np.inf, NUMBERS)[:2], None, None)
    with pytest.raises(DataError, match="values has 8 values, 10 are needed"):
        _native.polyserial(NUMBERS[:4], CODES, SIZES, None, None)
    with pytest.raises(DataError, match="unknown zero_cells"):
        _native.polychoric_fit(CODES, SIZES, None, "half", None)
    with pytest.raises(DataError, match=r"floor, position 0: 1 is not at least 0 and below 1"):
        _native.nearest_correlation(np.eye(2), "clip", 1.0)
    with pytest.raises(ValueError, match="threads must be at least 1"):
        _native.pearson(NUMBERS, None, 0)
