"""Replicated polychoric correlations: bootstrap and jackknife of respondents or sampling units, every pair refitted."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from demoscope.errors import ConfigError
from demoscope.stats.designs import (
    DesignName,
    FactorDigest,
    checked_design,
    design_columns,
    replicate_weights,
)
from demoscope.stats.frames import answers_from_frame, polars_frame
from demoscope.stats.kernels import (
    STATUS_NAMES,
    Floats,
    Thresholds,
    ZeroCells,
    checked_threads,
    sampled_correlations,
)
from demoscope.stats.polychoric import estimate_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from demoscope.stats.frames import FrameLike


@dataclass(frozen=True, slots=True)
class PolychoricBootstrap:
    """Estimate and replicates of all pairs of items.

    Attributes:
        estimate: The frame of :func:`demoscope.polychoric`, one row per pair; with ``strata`` or ``psu`` its standard
            errors are those of the design.
        replicates: Correlations (B, P) in the order of ``estimate``; NaN where undefined, 1 or -1 at a boundary.
        statuses: ``item_a``, ``item_b`` and the number of replicates of every status.
        design: Name of the design.
        seed: Seed of the random numbers.
        digest: BLAKE2b-256 of the replicate factors, 64 hexadecimal digits.
            Hashed are ``"<u2"`` (counts) or ``"<f8"`` (real factors) in ASCII, then the factors in row-major order
            (replicate, respondent) as little-endian bytes.
        merged_strata: Strata that became one because a stratum had a single sampling unit.
        scales: What the squared deviation of each jackknife replicate counts (B); ``None`` for a bootstrap.
        respondents: Number of rows of the frame.
    """

    estimate: pl.DataFrame
    replicates: Floats
    statuses: pl.DataFrame
    design: DesignName
    seed: int
    digest: str
    merged_strata: tuple[tuple[str | int, ...], ...]
    scales: Floats | None
    respondents: int

    def standard_errors(self) -> pl.DataFrame:
        """Standard errors from the replicates.

        For a bootstrap the standard deviation of the defined replicates; ``respondent`` draws n of n, so the variance
        is multiplied by n/(n-1), which the factors of ``psu`` hold already.
        For the jackknife ``sqrt(sum_h (n_h-1)/n_h sum_c (rho_hc - rho)^2)``, rho_hc without unit c of stratum h and rho
        of the full sample (Wolter 2007, section 4.5); with groups (n_h-d)/n_h stands for (n_h-1)/n_h, d being the
        number of units deleted.

        Returns:
            ``item_a``, ``item_b``, ``rho``, ``se`` and ``replicates``, the number of defined replicates.
            ``se`` is NaN with fewer than 2 of them; for the jackknife also where one is undefined, because a term of
            the sum is missing then, and without an interior estimate.
        """
        se = self._jackknife_errors() if self.scales is not None else self._bootstrap_errors()
        return self.estimate.select("item_a", "item_b", "rho").with_columns(
            se=pl.Series(se, dtype=pl.Float64), replicates=pl.Series(self._defined())
        )

    def interval(self, level: float = 0.95) -> pl.DataFrame:
        """Intervals: percentiles of the replicates for a bootstrap, Fisher's z for the jackknife.

        The replicates of a jackknife lie far too close together for percentiles; its interval is
        ``tanh(artanh(rho) +- q se / (1 - rho^2))`` with the normal quantile q and the jackknife standard error.

        Returns:
            ``item_a``, ``item_b``, ``rho``, ``low``, ``high`` and ``replicates``, the number of defined replicates.
            The ends are NaN with fewer than 2 defined replicates, and for the jackknife where there is no standard
            error.
            Boundary replicates count with their value of 1 or -1; ``statuses`` says how many there are.

        Raises:
            ConfigError: ``level`` is not between 0 and 1.
        """
        if not 0.0 < level < 1.0:
            raise ConfigError(f"the level of an interval lies between 0 and 1, got {level}")
        ends = self._fisher_ends(level) if self.scales is not None else self._percentiles(level)
        return self.estimate.select("item_a", "item_b", "rho").with_columns(
            low=pl.Series(ends[0]), high=pl.Series(ends[1]), replicates=pl.Series(self._defined())
        )

    def _defined(self) -> NDArray[np.int64]:
        return np.asarray(np.isfinite(self.replicates).sum(axis=0), dtype=np.int64)

    def _bootstrap_errors(self) -> Floats:
        errors = np.full(self.replicates.shape[1], np.nan)
        enough = self._defined() >= 2
        errors[enough] = np.nanstd(self.replicates[:, enough], axis=0, ddof=1)
        if self.design == "respondent" and self.respondents > 1:
            errors *= np.sqrt(self.respondents / (self.respondents - 1))
        return errors

    def _jackknife_errors(self) -> Floats:
        rho = self.estimate["rho"].to_numpy()
        interior = (self.estimate["status"] == "ok").to_numpy()
        scales = np.ones(0) if self.scales is None else self.scales
        variances = (scales[:, None] * (self.replicates - rho) ** 2).sum(axis=0)
        return np.where(interior, np.sqrt(variances), np.nan)

    def _percentiles(self, level: float) -> Floats:
        ends = np.full((2, self.replicates.shape[1]), np.nan)
        enough = self._defined() >= 2
        if enough.any():
            ends[:, enough] = np.nanquantile(self.replicates[:, enough], [(1 - level) / 2, (1 + level) / 2], axis=0)
        return ends

    def _fisher_ends(self, level: float) -> Floats:
        rho = self.estimate["rho"].to_numpy()
        half = NormalDist().inv_cdf((1 + level) / 2) * self._jackknife_errors()
        with np.errstate(divide="ignore", invalid="ignore"):
            z, spread = np.arctanh(rho), half / ((1 - rho) * (1 + rho))
        ends: Floats = np.tanh(np.stack([z - spread, z + spread]))
        return ends


def bootstrap_polychoric(
    frame: FrameLike,
    *,
    items: Sequence[str] | None = None,
    weights: str | None = None,
    categories: Mapping[str, Sequence[int]] | None = None,
    design: DesignName = "respondent",
    strata: str | None = None,
    psu: str | None = None,
    thresholds: Thresholds = "item",
    zero_cells: ZeroCells = "keep_margins",
    replicates: int | None = None,
    jackknife_groups: int | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> PolychoricBootstrap:
    """Bootstrap or jackknife of :func:`demoscope.polychoric`.

    Every replicate multiplies the survey weights by factors and fits every pair again, starting at the estimate of the
    full sample.
    Replicate b depends on ``seed`` and b only: it is the same for 100 and 1,000 replicates, for any number of threads.

    Args:
        frame: As in :func:`demoscope.polychoric`.
        items: Item columns; by default all columns but ``weights``, ``strata`` and ``psu``.
        weights: As in :func:`demoscope.polychoric`.
        categories: As in :func:`demoscope.polychoric`.
        design: Where the factors come from.
            ``"respondent"``: as many respondents as there are, drawn with replacement.
            ``"psu"``: the n_h sampling units of each stratum, n_h - 1 drawn with replacement, each draw counting
            n_h/(n_h-1) times (Rao, Wu & Yue 1992).
            ``"poisson"``: every respondent a Poisson(1) number of times.
            ``"bayes"``: every respondent with an Exp(1) weight (Rubin 1981), so that no occupied cell becomes empty.
            ``"jackknife"``: one sampling unit deleted at a time, the others of its stratum counting n_h/(n_h-1) times.
        strata: Column of strata for ``"psu"`` and ``"jackknife"``, strings or integers; by default one stratum.
        psu: Column of primary sampling units for them, named within strata; by default every respondent is one.
        thresholds: As in :func:`demoscope.polychoric`.
        zero_cells: As in :func:`demoscope.polychoric`, applied in every replicate; where real factors are used half a
            respondent is half of the mean weight of those that the replicate holds.
        replicates: Number of replicates, at least 1, by default 1,000; the jackknife has one per sampling unit.
        jackknife_groups: Delete random groups instead of single units, at most this many per stratum and at least 2;
            for samples of very many units.
        seed: From 0 to 2^64 - 1.
        threads: As in :func:`demoscope.polychoric`.

    Raises:
        DataError: The frame breaks a rule, or there is only one sampling unit; the message names column and row.
        ConfigError: ``design``, ``replicates``, ``seed`` or ``threads`` is out of range, or settings do not fit each
            other.
    """
    checked_threads(threads)
    checked_design(design, replicates=replicates, jackknife_groups=jackknife_groups, strata=strata, psu=psu)
    table = polars_frame(frame)
    answers = answers_from_frame(table, items=items, weights=weights, categories=categories, design=(strata, psu))
    (_, rows), *_ = answers.groups
    columns = design_columns(table, strata=strata, psu=psu)
    units = None if columns is None else columns.units(rows)
    factors = replicate_weights(
        design,
        len(rows),
        units=units,
        replicates=replicates,
        jackknife_groups=jackknife_groups,
        seed=seed,
        threads=threads,
    )
    estimate = estimate_frame(answers, rows, units=units, thresholds=thresholds, zero_cells=zero_cells, threads=threads)
    rho = np.empty((factors.count, estimate.height))
    status, flags = (np.empty(rho.shape, dtype=np.uint8) for _ in range(2))
    digest = FactorDigest()
    for batch, multiplicities in factors.batches():
        digest.update(multiplicities)
        rho[batch], status[batch], flags[batch] = sampled_correlations(
            answers.codes,
            answers.categories,
            answers.weights,
            multiplicities,
            thresholds=thresholds,
            zero_cells=zero_cells,
            threads=threads,
        )
    counts = [
        pl.Series(name, (status == code).sum(axis=0)) for code, name in enumerate(STATUS_NAMES) if name != "excluded"
    ]
    return PolychoricBootstrap(
        estimate=estimate,
        replicates=rho,
        statuses=estimate.select("item_a", "item_b").with_columns(counts),
        design=design,
        seed=seed,
        digest=digest.hex(),
        merged_strata=() if units is None else units.merged,
        scales=factors.scales,
        respondents=len(rows),
    )
