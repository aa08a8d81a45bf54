"""Nearest correlation matrices against Higham's example, R, and a slow twin with LAPACK."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demoscope import nearest_correlation
from demoscope.errors import ConfigError, DataError
from tests.reference.nearest_correlation import slow_nearest

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "reference" / "golden" / "structure.json").read_text(encoding="utf-8")
)["nearest_correlation"]
HIGHAM = np.array(GOLDEN["input"], dtype=float)
FOUR = np.array([[1, 0.9, 0.7, -0.4], [0.9, 1, 0.3, 0.5], [0.7, 0.3, 1, 0.6], [-0.4, 0.5, 0.6, 1]])
METHODS = st.sampled_from(["higham", "clip"])


def upper(matrix: np.ndarray) -> list[float]:
    return matrix[np.triu_indices(len(matrix), 1)].tolist()


def test_golden_value() -> None:
    found = nearest_correlation(HIGHAM, floor=0)
    a12, a13, a23 = (float(GOLDEN["nearest_offdiag"][key]) for key in ("a12", "a13", "a23"))
    assert upper(found.matrix) == pytest.approx([a12, a13, a23], abs=1e-10)
    assert found.smallest_eigenvalue == pytest.approx(1 - math.sqrt(2), abs=1e-14)
    assert found.shift == pytest.approx(math.sqrt(2 * ((1 - a12) ** 2 + a13**2 + (1 - a23) ** 2)), abs=1e-10)
    assert found.changed
    assert found.converged
    # The default floor comes after the alternation and moves entries by about as much.
    assert upper(nearest_correlation(HIGHAM).matrix) == pytest.approx([a12, a13, a23], abs=1e-4)


def test_equals_r() -> None:
    """nearPD(corr = TRUE) of Matrix 1.5-3, tolerance 1e-14, and cor.smooth of psych, which lifts to 1e-10."""
    assert upper(nearest_correlation(FOUR, floor=0).matrix) == pytest.approx(
        [0.710403285733, 0.542977918049, -0.203771036012, 0.414531792247, 0.356870736542, 0.481461791028], abs=1e-9
    )
    assert upper(nearest_correlation(FOUR, method="clip", floor=1e-10).matrix) == pytest.approx(
        [0.676301578600, 0.522128811920, -0.228059477465, 0.355174871198, 0.356722464600, 0.465585259405], abs=1e-10
    )
    assert upper(nearest_correlation(HIGHAM, method="clip", floor=1e-10).matrix) == pytest.approx(
        [0.7395391542019, 0.0938363213766, 0.7395391542019], abs=1e-10
    )


@st.composite
def matrices(draw: st.DrawFn) -> np.ndarray:
    """Any symmetric matrix of correlations; most are not positive definite."""
    order = draw(st.integers(1, 7))
    entries = draw(st.lists(st.floats(-1, 1), min_size=order * order, max_size=order * order))
    matrix = np.array(entries).reshape(order, order)
    matrix = np.triu(matrix, 1)
    return matrix + matrix.T + np.eye(order)


@settings(max_examples=25)
@given(matrices())
def test_equals_the_slow_twin(matrix: np.ndarray) -> None:
    found = nearest_correlation(matrix, floor=0)
    assert found.smallest_eigenvalue == pytest.approx(np.linalg.eigvalsh(matrix)[0], abs=1e-13)
    assert np.allclose(found.matrix, slow_nearest(matrix), rtol=0, atol=1e-6)


@given(matrices(), METHODS, st.sampled_from([0.0, 1e-8, 1e-4, 0.1, 0.9]))
def test_laws(matrix: np.ndarray, method: Literal["higham", "clip"], floor: float) -> None:
    found = nearest_correlation(matrix, method=method, floor=floor)
    assert np.array_equal(found.matrix, found.matrix.T)
    assert (np.diag(found.matrix) == 1).all()
    assert (np.abs(found.matrix) <= 1).all()
    # The twelve digits that the core promises, plus the rounding of LAPACK.
    assert np.linalg.eigvalsh(found.matrix)[0] >= floor - 1e-12 - 1e-14
    assert found.shift == pytest.approx(np.linalg.norm(found.matrix - matrix), abs=1e-12)
    assert found.changed == (found.smallest_eigenvalue < floor - 1e-12)
    again = nearest_correlation(found.matrix, method=method, floor=floor)
    assert not again.changed
    assert again.matrix.tobytes() == found.matrix.tobytes()
    if not found.changed:
        assert found.matrix.tobytes() == matrix.tobytes()
        assert (found.shift, found.iterations) == (0, 0)


def test_nothing_is_nearer_than_higham() -> None:
    random = np.random.default_rng(71)
    for order in (5, 20):
        numbers = random.normal(size=(30, order)) + random.normal(size=(30, 1))
        numbers = np.where(random.random(numbers.shape) < 0.4, np.nan, numbers)
        pairs = np.ma.corrcoef(np.ma.masked_invalid(numbers), rowvar=False).filled(0.0)
        matrix = np.clip(np.triu(pairs, 1) + np.triu(pairs, 1).T, -1, 1) + np.eye(order)
        higham, clip = (nearest_correlation(matrix, method=method, floor=0) for method in ("higham", "clip"))
        assert higham.shift <= clip.shift
        assert higham.converged


def test_rounding_of_other_programs_passes() -> None:
    crooked = HIGHAM.copy()
    crooked[0, 0] -= 2**-53
    crooked[0, 1] -= 2**-53
    found = nearest_correlation(crooked)
    assert np.array_equal(found.matrix, found.matrix.T)
    assert np.allclose(found.matrix, nearest_correlation(HIGHAM).matrix, rtol=0, atol=1e-10)


def test_bad_input() -> None:
    for matrix, message in [
        ([[1, math.nan], [math.nan, 1]], r"matrix, row 0, column 1 \(from 0\): NaN is not a correlation"),
        ([[1, 1.5], [1.5, 1]], "row 0, column 1"),
        ([[1, 0.5], [0.4, 1]], "row 0, column 1.* the same on both sides"),
        ([[1, 0.5], [0.5, 0.9]], "row 1, column 1.*: 0.9 is not 1"),
        ([[1, 0.5]], r"square, this one has the shape \(1, 2\)"),
        ([1, 2], "square"),
        ([["a"]], "array of numbers"),
    ]:
        with pytest.raises(DataError, match=message):
            nearest_correlation(matrix)
    with pytest.raises(DataError, match="unknown method 'near'; known: higham, clip"):
        nearest_correlation(HIGHAM, method="near")  # type: ignore[arg-type]
    for floor in (-1e-9, 1.0, math.nan):
        with pytest.raises(ConfigError, match="floor"):
            nearest_correlation(HIGHAM, floor=floor)
    assert nearest_correlation(np.zeros((0, 0))).matrix.shape == (0, 0)
