"""Slow twin of the two-step polyserial correlation (Olsson, Drasgow & Dorans 1982), in rho and without derivatives."""

from __future__ import annotations

import numpy as np
from scipy import optimize, stats

from tests.reference.polychoric import thresholds


def slow_polyserial(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """Categories of ``y`` count from 0 and all occur."""
    centred = x - np.average(x, weights=weights)
    z = centred / np.sqrt(np.average(centred**2, weights=weights))
    tau = thresholds(np.bincount(y, weights=weights))

    def misfit(rho: float) -> float:
        spread = np.sqrt(1 - rho**2)
        likelihood = stats.norm.cdf((tau[y + 1] - rho * z) / spread) - stats.norm.cdf((tau[y] - rho * z) / spread)
        return -float(np.sum(weights * np.log(likelihood)))

    found = optimize.minimize_scalar(misfit, bounds=(-0.999, 0.999), method="bounded", options={"xatol": 1e-10})
    return float(found.x)
