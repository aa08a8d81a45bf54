"""Slow twin of the fit of the latent normal model: scipy's divergences of shares from integrated probabilities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scipy import stats

from tests.reference.polychoric import cell_probabilities, thresholds, two_step

if TYPE_CHECKING:
    import numpy as np


def slow_fit(table: np.ndarray, respondents: float) -> dict[str, float]:
    """G2, X2 and RMSEA of a table without empty rows and columns."""
    rows, cols = table.shape
    expected = cell_probabilities(thresholds(table.sum(axis=1)), thresholds(table.sum(axis=0)), two_step(table))
    expected *= respondents / expected.sum()
    observed = table * respondents / table.sum()
    g2, x2 = (
        float(stats.power_divergence(observed, expected, axis=None, lambda_=name)[0])
        for name in ("log-likelihood", "pearson")
    )
    df = rows * cols - rows - cols
    return {"g2": g2, "x2": x2, "df": df, "rmsea": math.sqrt(max(0.0, (g2 - df) / (df * (respondents - 1))))}
