"""How much of the variance of answers demographic cells explain, for people and for models.

Much more for a model than for people is stereotyping; much less, a steering that does nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from demoscope.scores.sides import CodedSide, ExactSide, blocks, effective_size
from demoscope.stats.kernels import MISSING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from demoscope.scores.sides import Floats
    from demoscope.surveys import Item

ROUNDING = 1e-12
"""A smaller share is 0: cells with equal means differ by rounding."""


def eta_squared(side: CodedSide | ExactSide, cell: NDArray[np.int64], items: tuple[Item, ...]) -> float:
    """Share of variance between demographic cells, mean over ordered items.

    Codes: epsilon squared, i.e. corrected for the number of cells and near 0 without demographic effects.
    Option probabilities: variance between cells of the expected answer over the variance of answers, which needs
    no correction.

    Args:
        side: Answers of n persons.
        cell: Number of each person's demographic cell, shape (n,), -1 = unknown.
        items: Declarations, in the order of the side's items.

    Returns:
        A share, NaN where no item can be used; the corrected estimate may be slightly negative.
    """
    share = _coded if isinstance(side, CodedSide) else _exact
    values = []
    for j, (item, block) in enumerate(zip(items, blocks(side.categories), strict=True)):
        if item.ordered:
            values.append(share(side, cell, j, block, np.asarray(item.scores, dtype=np.float64)))  # type: ignore[arg-type]
    defined = [value for value in values if np.isfinite(value)]
    return float(np.mean(defined)) if defined else float("nan")


def _coded(side: CodedSide, cell: NDArray[np.int64], j: int, _block: slice, scores: Floats) -> float:
    known = (cell >= 0) & (side.codes[:, j] != MISSING)
    if known.sum() < 3:
        return float("nan")
    y, w = scores[side.codes[known, j]], side.weights[known]
    within, total, cells = _spread(y, w, cell[known])
    n = effective_size(w)
    if not (total > 0 and n > cells):
        return float("nan")
    return 1 - (within / (n - cells)) / (total / (n - 1))


def _exact(side: ExactSide, cell: NDArray[np.int64], _j: int, block: slice, scores: Floats) -> float:
    probs = side.probs[side.profile, block]
    known = (cell >= 0) & np.isfinite(probs).all(axis=1)
    if known.sum() < 3:
        return float("nan")
    probs, w = probs[known], side.weights[known]
    expected = (probs * scores).sum(axis=1)
    within_answers = ((probs * np.square(scores)).sum(axis=1) - np.square(expected)) @ w / w.sum()
    within, total, _ = _spread(expected, w, cell[known])
    variance = total + within_answers
    if not variance > 0:
        return float("nan")
    between = float((total - within) / variance)
    return between if abs(between) > ROUNDING else 0.0


def _spread(y: Floats, w: Floats, cell: NDArray[np.int64]) -> tuple[float, float, int]:
    """Weighted variance within cells, in all, and the number of cells."""
    _, number = np.unique(cell, return_inverse=True)
    mass = np.bincount(number, weights=w)
    means = np.bincount(number, weights=w * y) / mass
    grand = (w * y).sum() / w.sum()
    within = (w * np.square(y - means[number])).sum() / w.sum()
    return float(within), float((w * np.square(y - grand)).sum() / w.sum()), len(mass)
