"""The answers that every program gets, and the respondents of every bootstrap replicate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from demoscope.stats.kernels import respondent_multiplicities

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

LARGEST_FACTORS = 5
FACTOR_CORRELATION = 0.3
LOADINGS = (0.45, 0.8)
REVERSED = 0.3
"""Share of the items whose loading is negative."""
SKEW = 0.7
"""Thresholds of an item are shifted by at most this much."""
JITTER = 0.15
"""Every threshold is shifted by at most this share of the distance between two of them."""


def made_answers(*, items: int, categories: int, respondents: int, seed: int) -> pl.DataFrame:
    """Answers with correlated factors behind them: ``|rho|`` at most .64, thresholds of all skews."""
    random = np.random.default_rng(seed)
    factors = min(LARGEST_FACTORS, items)
    between = np.full((factors, factors), FACTOR_CORRELATION)
    np.fill_diagonal(between, 1.0)
    scores = random.standard_normal((respondents, factors)) @ np.linalg.cholesky(between).T

    loadings = random.uniform(*LOADINGS, items) * np.where(random.random(items) < REVERSED, -1.0, 1.0)
    noise = random.standard_normal((respondents, items)) * np.sqrt(1.0 - loadings**2)
    latent = scores[:, np.arange(items) % factors] * loadings + noise

    grid = np.linspace(-1.8, 1.8, categories + 1)
    shifts = random.uniform(-SKEW, SKEW, items)
    jitters = random.uniform(-JITTER, JITTER, (items, categories - 1)) * (grid[1] - grid[0])
    return pl.DataFrame(
        {f"item{j + 1}": np.searchsorted(grid[1:-1] + shifts[j] + jitters[j], latent[:, j]) + 1 for j in range(items)}
    )


def read_answers(path: Path) -> pl.DataFrame:
    """A CSV of integer codes, one column per item, blanks missing.

    Raises:
        ValueError: A column holds anything else, or there are fewer than two columns.
    """
    frame = pl.read_csv(path, infer_schema_length=None)
    wrong = [name for name, dtype in frame.schema.items() if not dtype.is_integer()]
    if wrong:
        raise ValueError(f"{path}: not integer codes in {', '.join(wrong)}")
    if frame.width < 2:
        raise ValueError(f"{path}: a correlation needs two items, here is {frame.width}")
    return frame


def rows_from_multiplicities(multiplicities: ArrayLike) -> NDArray[np.intp]:
    """Rows of the respondents of a replicate in order, each as often as it was drawn."""
    copies = np.asarray(multiplicities)
    return np.repeat(np.arange(len(copies)), copies)


def replicate_rows(respondents: int, *, replicates: int, seed: int) -> NDArray[np.intp]:
    """Rows of the first replicates of ``demoscope.bootstrap_polychoric``, (replicates, respondents)."""
    drawn = respondent_multiplicities(respondents, replicates=replicates, seed=seed, country="", threads=1)
    return np.array([rows_from_multiplicities(copies) for copies in drawn])
