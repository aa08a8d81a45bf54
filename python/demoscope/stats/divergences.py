"""Distances between the answers of people and of a model to one item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from demoscope.errors import DataError
from demoscope.stats.kernels import Floats, divergences_batch

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

SHARES_TOLERANCE: Final = 1e-6
"""Values that sum to 1 within this are shares, not counts."""


def divergences(
    human: ArrayLike,
    model: ArrayLike,
    *,
    scores: ArrayLike | None = None,
    n_human: float | None = None,
    n_model: float | None = None,
) -> dict[str, float]:
    """All distances between two distributions over the same ordered categories.

    p is the human side, q the model side; F and G are their cumulative distributions.
    ``w1_norm`` (Wasserstein-1 divided by the range of the scores) is the measure for ordinal items, ``tv`` for nominal
    ones.
    ``cramer_sq_norm_unbiased`` and ``l2_sq_unbiased`` have the contribution of sampling taken away and may be negative.
    ``w1_floor``, ``tv_floor`` and ``cramer2_floor`` are the expected distances of two samples of one distribution.
    Bounded distances lie in [0, 1]; Kullback-Leibler divergences in [0, inf].

    Args:
        human: Counts or weighted counts (K), or shares that sum to 1.
        model: The same for the model.
        scores: Ascending scores of the categories; by default 1 to K.
        n_human: Number of people, effective when weighted; by default the sum of the counts, unknown for shares.
        n_model: The same for the model.

    Returns:
        Name of the measure to its value.
        NaN where a number of respondents is needed and not known, where a ratio has no denominator, and where a side
        has no answers.

    Raises:
        DataError: The sides differ in length, hold negative or non-finite values, or the scores do not ascend.
    """
    p, q = _counts(human, "human"), _counts(model, "model")
    if len(p) != len(q):
        raise DataError(f"human has {len(p)} categories and model has {len(q)}")
    ranks = np.arange(1.0, len(p) + 1.0) if scores is None else _counts(scores, "scores")
    if len(ranks) != len(p):
        raise DataError(f"there are {len(p)} categories and {len(ranks)} scores")
    sizes = [_respondents(p, n_human, "n_human"), _respondents(q, n_model, "n_model")]
    values = divergences_batch(p[None, :], q[None, :], scores=ranks, n_human=sizes[0], n_model=sizes[1])
    return {name: float(value[0]) for name, value in values.items()}


def _counts(values: ArrayLike, name: str) -> Floats:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is not an array of numbers: {error}") from error
    if array.ndim != 1 or len(array) == 0:
        raise DataError(f"{name} must be a list of numbers, one per category")
    return array


def _respondents(counts: Floats, given: float | None, name: str) -> float:
    if given is not None:
        if not (np.isfinite(given) and given > 0):
            raise DataError(f"{name} must be a finite number above 0, got {given}")
        return float(given)
    total = float(counts.sum())
    return float("nan") if abs(total - 1.0) <= SHARES_TOLERANCE else total
