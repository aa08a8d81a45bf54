"""Slow twin of the bias-corrected Cramer's V (Bergsma 2013), from the uncorrected one of scipy."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import contingency


def slow_cramer_v(table: np.ndarray, respondents: float) -> float:
    """V of a table of counts or weighted counts; scipy's V takes whole numbers, so its X2 is taken by hand then."""
    rows, cols = table.shape
    if np.issubdtype(table.dtype, np.integer):
        phi2 = contingency.association(table, method="cramer", correction=False) ** 2 * (min(rows, cols) - 1)
    else:
        expected = contingency.expected_freq(table)
        phi2 = float(((table - expected) ** 2 / expected).sum() / table.sum())
    corrected = max(0.0, phi2 - (rows - 1) * (cols - 1) / (respondents - 1))
    rows_corrected = rows - (rows - 1) ** 2 / (respondents - 1)
    cols_corrected = cols - (cols - 1) ** 2 / (respondents - 1)
    return math.sqrt(corrected / min(rows_corrected - 1, cols_corrected - 1))
