"""A positive definite matrix in place of a matrix of pairwise correlations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from demoscope import _native
from demoscope.errors import ConfigError, DataError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from demoscope.stats.kernels import Floats


@dataclass(frozen=True, slots=True)
class NearestCorrelation:
    """A correlation matrix and what it took.

    Attributes:
        matrix: Correlations (p, p): symmetric, unit diagonal, no eigenvalue below the floor by more than 1e-12.
        changed: Whether it differs from the input; if not, it is the input bit for bit.
        smallest_eigenvalue: Smallest eigenvalue of the input.
        shift: Frobenius norm of the difference to the input.
        iterations: Rounds of projections, those of the floor included.
        converged: Whether Higham's alternation came to its end within 1,000 rounds; if not, the matrix is a correlation
            matrix all the same, but not quite the nearest.
    """

    matrix: Floats
    changed: bool
    smallest_eigenvalue: float
    shift: float
    iterations: int
    converged: bool


def nearest_correlation(
    matrix: ArrayLike, *, method: Literal["higham", "clip"] = "higham", floor: float = 1e-4
) -> NearestCorrelation:
    """The positive definite correlation matrix that is nearest to a matrix of pairwise correlations.

    Correlations that were estimated pair by pair need not be those of one joint distribution.
    Distances of correlations never need this; determinants, factor analysis and the like do.

    Args:
        matrix: Correlations (p, p), symmetric with unit diagonal, each up to rounding of 1e-12.
        method: ``"higham"`` finds the nearest correlation matrix in the Frobenius norm by alternating projections with
            Dykstra's correction (Higham 2002) and then goes on as ``"clip"``.
            ``"clip"`` lifts the eigenvalues below ``floor`` to it and scales the diagonal back to 1, until none is
            below.
        floor: Smallest eigenvalue that is allowed, from 0 to below 1; ``0`` with ``"higham"`` gives Higham's matrix.

    Raises:
        DataError: The matrix is not square, an entry is no correlation, it is not symmetric, or its diagonal is not 1;
            the message names row and column, from 0.
        ConfigError: ``floor`` is out of range.
    """
    if not 0.0 <= floor < 1.0:
        raise ConfigError(f"floor must be at least 0 and below 1, got {floor}")
    try:
        correlations = np.ascontiguousarray(matrix, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"the matrix is not an array of numbers: {error}") from error
    if correlations.ndim != 2 or correlations.shape[0] != correlations.shape[1]:
        raise DataError(f"a correlation matrix is square, this one has the shape {correlations.shape}")
    found, changed, smallest, shift, iterations, converged = _native.nearest_correlation(correlations, method, floor)
    return NearestCorrelation(
        matrix=found,
        changed=changed,
        smallest_eigenvalue=smallest,
        shift=shift,
        iterations=iterations,
        converged=converged,
    )
