"""Bootstrapped polychoric correlations: respondents drawn with replacement, every replicate refitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from demoscope.errors import ConfigError
from demoscope.stats.frames import answers_from_frame
from demoscope.stats.kernels import (
    STATUS_NAMES,
    Floats,
    Thresholds,
    ZeroCells,
    checked_threads,
    respondent_multiplicities,
    sampled_correlations,
)
from demoscope.stats.polychoric import estimate_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from demoscope.stats.frames import FrameLike


@dataclass(frozen=True, slots=True)
class PolychoricBootstrap:
    """Estimate and replicates of all pairs of items.

    Attributes:
        estimate: The frame of :func:`demoscope.polychoric`, one row per pair.
        replicates: Correlations (replicates, pairs) in the order of ``estimate``; NaN where undefined, 1 or -1 at a
            boundary.
        statuses: ``item_a``, ``item_b`` and the number of replicates of every status.
    """

    estimate: pl.DataFrame
    replicates: Floats
    statuses: pl.DataFrame

    def interval(self, level: float = 0.95) -> pl.DataFrame:
        """Percentile intervals of the replicates.

        Returns:
            ``item_a``, ``item_b``, ``rho``, ``low``, ``high`` (NaN with fewer than 2 defined replicates) and
            ``replicates``, the number of defined replicates.
            Boundary replicates count with their value of 1 or -1; ``statuses`` says how many there are.

        Raises:
            ConfigError: ``level`` is not between 0 and 1.
        """
        if not 0.0 < level < 1.0:
            raise ConfigError(f"the level of an interval lies between 0 and 1, got {level}")
        defined = np.isfinite(self.replicates).sum(axis=0)
        ends = np.full((2, len(defined)), np.nan)
        enough = defined >= 2
        if enough.any():
            ends[:, enough] = np.nanquantile(self.replicates[:, enough], [(1 - level) / 2, (1 + level) / 2], axis=0)
        return self.estimate.select("item_a", "item_b", "rho").with_columns(
            low=pl.Series(ends[0]), high=pl.Series(ends[1]), replicates=pl.Series(defined)
        )


def bootstrap_polychoric(
    frame: FrameLike,
    *,
    items: Sequence[str] | None = None,
    weights: str | None = None,
    categories: Mapping[str, Sequence[int]] | None = None,
    design: Literal["respondent"] = "respondent",
    thresholds: Thresholds = "item",
    zero_cells: ZeroCells = "keep_margins",
    replicates: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> PolychoricBootstrap:
    """Bootstrap of :func:`demoscope.polychoric`.

    Every replicate draws as many respondents as there are, with replacement, multiplies their survey weights by the
    number of times they were drawn, and fits every pair again, starting at the estimate of the full sample.
    Replicate b depends on ``seed`` and b only: it is the same for 100 and 1,000 replicates, for any number of threads.

    Args:
        frame: As in :func:`demoscope.polychoric`.
        items: As in :func:`demoscope.polychoric`.
        weights: As in :func:`demoscope.polychoric`.
        categories: As in :func:`demoscope.polychoric`.
        design: What is drawn; ``"respondent"`` is the only design.
        thresholds: As in :func:`demoscope.polychoric`.
        zero_cells: As in :func:`demoscope.polychoric`, applied in every replicate.
        replicates: Number of replicates, at least 1.
        seed: From 0 to 2^64 - 1.
        threads: As in :func:`demoscope.polychoric`.

    Raises:
        DataError: The frame breaks a rule; the message names column and row.
        ConfigError: ``design``, ``replicates``, ``seed`` or ``threads`` is out of range.
    """
    checked_threads(threads)
    if design != "respondent":
        raise ConfigError(f"unknown design {design!r}; known: respondent")
    if replicates < 1:
        raise ConfigError(f"replicates must be at least 1, got {replicates}")
    answers = answers_from_frame(frame, items=items, weights=weights, categories=categories)
    (_, rows), *_ = answers.groups
    estimate = estimate_frame(answers, rows, thresholds=thresholds, zero_cells=zero_cells, threads=threads)
    rho, status, _ = sampled_correlations(
        answers.codes,
        answers.categories,
        answers.weights,
        respondent_multiplicities(len(rows), replicates=replicates, seed=seed, country="", threads=threads),
        thresholds=thresholds,
        zero_cells=zero_cells,
        threads=threads,
    )
    counts = [
        pl.Series(name, (status == code).sum(axis=0)) for code, name in enumerate(STATUS_NAMES) if name != "excluded"
    ]
    return PolychoricBootstrap(
        estimate=estimate, replicates=rho, statuses=estimate.select("item_a", "item_b").with_columns(counts)
    )
