"""Standard errors by brute force: the derivative of an estimate in the weight of every respondent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable


def derivative_se(estimate: Callable[[np.ndarray], float], weights: np.ndarray, step: float = 1e-3) -> float:
    """``sqrt(n/(n-1) sum z^2)`` with ``z_i = w_i d estimate / d w_i`` by central differences."""
    n = len(weights)

    def slope(row: int) -> float:
        way = np.zeros(n)
        way[row] = step
        return (estimate(weights * (1 + way)) - estimate(weights * (1 - way))) / (2 * step)

    z = np.array([slope(row) for row in range(n)])
    assert abs(z.sum()) < 1e-6
    return float(np.sqrt(n / (n - 1) * np.sum(z**2)))
