"""Slow twin of the two-step polychoric correlation (Olsson 1979), from one-dimensional integrals of scipy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Floats = NDArray[np.float64]


def thresholds(totals: Floats) -> Floats:
    cumulative = np.concatenate([[0.0], np.cumsum(totals)]) / totals.sum()
    return np.asarray(stats.norm.ppf(np.clip(cumulative, 0.0, 1.0)))


def cell_probabilities(rows: Floats, cols: Floats, rho: float) -> Floats:
    """Probability of every cell: that of the column given x, integrated over the row by Gauss and Legendre."""
    spread = np.sqrt(1 - rho**2)
    nodes, weights = np.polynomial.legendre.leggauss(200)

    def row(low: float, high: float) -> Floats:
        x = low + (high - low) * (nodes + 1) / 2
        conditional = np.diff(stats.norm.cdf((cols[None, :] - rho * x[:, None]) / spread), axis=1)
        return np.asarray((high - low) / 2 * (weights * stats.norm.pdf(x)) @ conditional)

    return np.array([row(low, high) for low, high in pairwise(np.clip(rows, -9.0, 9.0))])


def two_step(table: Floats, rows: Floats | None = None, cols: Floats | None = None) -> float:
    """Maximum of the likelihood over rho, thresholds given or taken from the margins."""
    rows = thresholds(table.sum(axis=1)) if rows is None else rows
    cols = thresholds(table.sum(axis=0)) if cols is None else cols

    def misfit(rho: float) -> float:
        used = table > 0
        return -float(np.sum(table[used] * np.log(cell_probabilities(rows, cols, rho)[used])))

    found = optimize.minimize_scalar(misfit, bounds=(-0.999, 0.999), method="bounded", options={"xatol": 1e-9})
    return float(found.x)
