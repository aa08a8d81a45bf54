"""Replicated polychoric correlations: bootstrap and jackknife of respondents or sampling units, every pair refitted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import polars as pl

from demoscope.errors import ConfigError
from demoscope.stats.designs import (
    DesignName,
    FactorDigest,
    ReplicateWeights,
    checked_design,
    design_columns,
    replicate_weights,
)
from demoscope.stats.frames import Answers, answers_from_frame, polars_frame
from demoscope.stats.kernels import (
    Floats,
    Thresholds,
    ZeroCells,
    checked_threads,
    sampled_correlations,
)
from demoscope.stats.polychoric import estimate_frame
from demoscope.stats.summary import (
    TALLY_NAMES,
    Band,
    Jackknife,
    Moments,
    band_width,
    block_pairs,
    checked_levels,
    covariance,
    moments,
    plan_bands,
    quantile_name,
    quantiles,
    tally,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from demoscope.stats.frames import FrameLike
    from demoscope.stats.kernels import Factors

Keep: TypeAlias = Literal["replicates", "summary"]

LEVEL_TOLERANCE = 1e-12
"""Levels that differ by less are the same: (1 - 0.95) / 2 is not quite 0.025."""


@dataclass(frozen=True, slots=True)
class PolychoricBootstrap:
    """Estimate and replicates of all pairs of items.

    Attributes:
        estimate: The frame of :func:`demoscope.polychoric`, one row per pair; with ``strata`` or ``psu`` its standard
            errors are those of the design.
        replicates: Correlations (B, P) in the order of ``estimate``; NaN where undefined, 1 or -1 at a boundary.
            ``None`` with ``keep="summary"``.
        summary: With ``keep="summary"`` ``item_a``, ``item_b``, ``rho``, ``mean`` and ``sd`` of the defined replicates,
            one column for the quantile of every level (``q0.025``) and ``replicates``, the number of defined ones;
            ``sd`` and quantiles are NaN with fewer than 2 of them.
            ``None`` with ``keep="replicates"``.
        covariances: Name of every block to the covariance matrix (q, q) of its q pairs, in the order of ``estimate``.
            For a bootstrap it is that of the replicates in which all q are defined, divisor m - 1, without the n/(n-1)
            of ``standard_errors``; for the jackknife ``sum_b scales_b (rho_b - rho)(rho_b - rho)'``.
            It is NaN with fewer than 2 such replicates, and for the jackknife where one is undefined.
        moments: Mean, standard deviation and number of the defined replicates of every pair.
        statuses: ``item_a``, ``item_b``, the number of replicates of every status (``ok``, ``boundary``,
            ``degenerate``, ``not_converged``) and with every flag (``zero_corrected``, ``clipped``, ``few``).
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
    replicates: Floats | None
    summary: pl.DataFrame | None
    covariances: dict[str, Floats]
    moments: Moments
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
            se=pl.Series(se, dtype=pl.Float64), replicates=pl.Series(self.moments.defined)
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
            ConfigError: ``level`` is not between 0 and 1, or the replicates of a bootstrap were not kept and an end of
                the interval is not among the ``levels`` of the summary.
        """
        if not 0.0 < level < 1.0:
            raise ConfigError(f"the level of an interval lies between 0 and 1, got {level}")
        ends = self._fisher_ends(level) if self.scales is not None else self._percentiles(level)
        return self.estimate.select("item_a", "item_b", "rho").with_columns(
            low=pl.Series(ends[0]), high=pl.Series(ends[1]), replicates=pl.Series(self.moments.defined)
        )

    def _bootstrap_errors(self) -> Floats:
        if self.design == "respondent" and self.respondents > 1:
            return self.moments.sd * math.sqrt(self.respondents / (self.respondents - 1))
        return self.moments.sd

    def _jackknife_errors(self) -> Floats:
        interior = (self.estimate["status"] == "ok").to_numpy()
        if self.moments.deviations is None:
            return np.full(interior.shape, np.nan)
        return np.where(interior, np.sqrt(self.moments.deviations), np.nan)

    def _percentiles(self, level: float) -> tuple[Floats, Floats]:
        ends = ((1 - level) / 2, (1 + level) / 2)
        if self.replicates is not None:
            found = quantiles(self.replicates, ends)
            return found[:, 0], found[:, 1]
        low, high = (self._quantile(end, level) for end in ends)
        return low, high

    def _quantile(self, end: float, level: float) -> Floats:
        """A quantile of the summary."""
        columns = [] if self.summary is None else [name for name in self.summary.columns if name.startswith("q")]
        for name in columns:
            if self.summary is not None and abs(float(name[1:]) - end) < LEVEL_TOLERANCE:
                return self.summary[name].to_numpy()
        known = ", ".join(name[1:] for name in columns) or "none"
        raise ConfigError(
            f"an interval of level {level} ends at the quantile {end:.12g}, which is not among the levels of the "
            f"summary ({known}); name it in levels=, or keep='replicates'"
        )

    def _fisher_ends(self, level: float) -> tuple[Floats, Floats]:
        rho = self.estimate["rho"].to_numpy()
        half = NormalDist().inv_cdf((1 + level) / 2) * self._jackknife_errors()
        with np.errstate(divide="ignore", invalid="ignore"):
            z, spread = np.arctanh(rho), half / ((1 - rho) * (1 + rho))
        return np.tanh(z - spread), np.tanh(z + spread)


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
    keep: Keep = "replicates",
    levels: Sequence[float] = (0.025, 0.975),
    covariances: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> PolychoricBootstrap:
    """Bootstrap or jackknife of :func:`demoscope.polychoric`.

    Every replicate multiplies the survey weights by factors and fits every pair again, starting at the estimate of the
    full sample.
    Replicate b depends on ``seed`` and b only: it is the same for 100 and 1,000 replicates, for any number of threads,
    and whether it is kept or not.

    With p items, P pairs, n respondents and B replicates the peak of memory above that of :func:`demoscope.polychoric`
    is the sum of

    * factors of one batch: ``min(B n, 2^23)`` (at least n) values of 2 bytes (``respondent``, ``poisson``) or 8 bytes;
    * weights and thresholds in the kernels: ``min(B, 1024) (8 n + 16 sum of K_j)`` bytes, at most about 128 MiB;
    * buffers: at most about 8 MiB per thread;
    * outcomes: with ``keep="replicates"`` ``10 B P`` bytes when all replicates are one batch, otherwise ``8 B P`` and
      10 bytes per pair and replicate of a batch; with ``keep="summary"`` 64 MiB at most, or one pair;
    * outputs: about ``8 P (16 + number of levels)`` bytes, and ``8 q^2`` for every block of q pairs.

    Pairs are computed in bands of 64 MiB to that end; factors of more than one batch are made anew for every band.

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
        keep: ``"replicates"`` for all correlations, or ``"summary"`` for their mean, standard deviation, quantiles and
            number only; every number is the same.
        levels: Levels of the quantiles of the summary, from 0 to 1; linear interpolation (Hyndman & Fan 1996, type 7).
        covariances: Blocks of items, at least 2 each, whose pairs get a covariance matrix; blocks may overlap.
        seed: From 0 to 2^64 - 1.
        threads: As in :func:`demoscope.polychoric`.

    Raises:
        DataError: The frame breaks a rule, or there is only one sampling unit; the message names column and row.
        ConfigError: ``design``, ``replicates``, ``keep``, ``levels``, ``seed`` or ``threads`` is out of range, settings
            do not fit each other, or a block of ``covariances`` names no items or too many for a band.
    """
    checked_threads(threads)
    if keep not in get_args(Keep):
        raise ConfigError(f"unknown keep {keep!r}; known: {', '.join(get_args(Keep))}")
    wanted_levels = checked_levels(levels)
    checked_design(design, replicates=replicates, jackknife_groups=jackknife_groups, strata=strata, psu=psu)
    table = polars_frame(frame)
    answers = answers_from_frame(table, items=items, weights=weights, categories=categories, design=(strata, psu))
    blocks = block_pairs(answers.items, covariances or {})
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
    count = len(answers.items) * (len(answers.items) - 1) // 2
    bands = [Band(np.arange(count), tuple(blocks))]
    if keep == "summary":
        bands = plan_bands(len(answers.items), blocks, band_width(factors.count, factors.batch))
    estimate = estimate_frame(answers, rows, units=units, thresholds=thresholds, zero_cells=zero_cells, threads=threads)
    jackknife = None if factors.scales is None else Jackknife(estimate["rho"].to_numpy(), factors.scales)
    run = _Run(answers, factors, thresholds, zero_cells, threads)
    found = _Found.of(count, 0 if keep == "replicates" else len(wanted_levels), jackknife=jackknife is not None)
    matrices: dict[str, Floats] = {}
    rho = np.empty((factors.count, 0))
    for band in bands:
        del rho  # the replicates of one band leave before those of the next come
        rho, found.tallies[band.pairs] = run.replicates(band, count)
        own = None if jackknife is None else jackknife.of(band.pairs)
        found.take(band.pairs, moments(rho, own, threads=threads))
        if keep == "summary":
            found.quantiles[band.pairs] = quantiles(rho, wanted_levels, threads=threads)
        for name in band.blocks:
            inside = np.searchsorted(band.pairs, blocks[name])
            matrices[name] = covariance(rho, inside, own, threads=threads)
    names = estimate.select("item_a", "item_b")
    return PolychoricBootstrap(
        estimate=estimate,
        replicates=rho if keep == "replicates" else None,
        summary=found.frame(estimate, wanted_levels) if keep == "summary" else None,
        covariances={name: matrices[name] for name in blocks},
        moments=found.moments,
        statuses=names.with_columns(pl.Series(name, found.tallies[:, i]) for i, name in enumerate(TALLY_NAMES)),
        design=design,
        seed=seed,
        digest=run.digest.hex(),
        merged_strata=() if units is None else units.merged,
        scales=factors.scales,
        respondents=len(rows),
    )


@dataclass(slots=True)
class _Run:
    """Replicates of bands."""

    answers: Answers
    factors: ReplicateWeights
    thresholds: Thresholds
    zero_cells: ZeroCells
    threads: int | None
    digest: FactorDigest = field(default_factory=FactorDigest)
    digested: bool = False
    single: list[tuple[slice, Factors]] | None = None

    def replicates(self, band: Band, pairs: int) -> tuple[Floats, NDArray[np.int64]]:
        """Correlations (B, W), and the number of replicates of every status and flag (W, S), of a band."""
        wanted = np.zeros(pairs, dtype=np.bool_)
        wanted[band.pairs] = True
        rho = np.empty((self.factors.count, 0))
        counts = np.zeros((len(band.pairs), len(TALLY_NAMES)), dtype=np.int64)
        for batch, multiplicities in self._batches():
            found = sampled_correlations(
                self.answers.codes,
                self.answers.categories,
                self.answers.weights,
                multiplicities,
                pairs=wanted,
                only_wanted=True,
                thresholds=self.thresholds,
                zero_cells=self.zero_cells,
                threads=self.threads,
            )
            counts += tally(found.status, found.flags, threads=self.threads)
            if len(found.rho) == self.factors.count:
                rho = found.rho
            else:
                if batch.start == 0:
                    rho = np.empty((self.factors.count, len(band.pairs)), order="F")
                rho[batch] = found.rho
        self.digested = True
        return rho, counts

    def _batches(self) -> Iterator[tuple[slice, Factors]]:
        """All factors; a single batch is kept, several are made anew for every band."""
        if self.single is not None:
            yield from self.single
            return
        for batch, multiplicities in self.factors.batches():
            if not self.digested:
                self.digest.update(multiplicities)
            if len(multiplicities) == self.factors.count:
                self.single = [(batch, multiplicities)]
            yield batch, multiplicities


@dataclass(frozen=True, slots=True)
class _Found:
    """What the bands have come to."""

    moments: Moments
    quantiles: Floats
    tallies: NDArray[np.int64]

    @classmethod
    def of(cls, pairs: int, levels: int, *, jackknife: bool) -> _Found:
        """Room for some pairs."""
        empty = np.full((3, pairs), np.nan)
        room = Moments(empty[0], empty[1], np.zeros(pairs, dtype=np.int64), empty[2] if jackknife else None)
        return cls(room, np.full((pairs, levels), np.nan), np.zeros((pairs, len(TALLY_NAMES)), dtype=np.int64))

    def take(self, pairs: NDArray[np.intp], part: Moments) -> None:
        """Put in the moments of some pairs."""
        self.moments.mean[pairs], self.moments.sd[pairs] = part.mean, part.sd
        self.moments.defined[pairs] = part.defined
        if self.moments.deviations is not None and part.deviations is not None:
            self.moments.deviations[pairs] = part.deviations

    def frame(self, estimate: pl.DataFrame, levels: Sequence[float]) -> pl.DataFrame:
        """The summary."""
        return estimate.select("item_a", "item_b", "rho").with_columns(
            pl.Series("mean", self.moments.mean),
            pl.Series("sd", self.moments.sd),
            *(pl.Series(quantile_name(level), self.quantiles[:, i]) for i, level in enumerate(levels)),
            pl.Series("replicates", self.moments.defined),
        )
