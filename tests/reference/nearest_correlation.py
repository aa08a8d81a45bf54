"""Slow twin of the nearest correlation matrix: Higham (2002), algorithm 3.3, with LAPACK's eigenvectors."""

from __future__ import annotations

import numpy as np


def slow_nearest(matrix: np.ndarray, rounds: int = 2000) -> np.ndarray:
    nearest, correction = matrix.copy(), np.zeros_like(matrix)
    for _ in range(rounds):
        corrected = nearest - correction
        values, vectors = np.linalg.eigh(corrected)
        projected = (vectors * np.maximum(values, 0.0)) @ vectors.T
        correction = projected - corrected
        nearest = projected.copy()
        np.fill_diagonal(nearest, 1.0)
    return nearest
