"""Structure scores: how much of the human correlation pattern a model reproduces, free of sampling noise.

Every squared distance between two estimated matrices is too large by their sampling variances.
All scores here are functions of three debiased terms, means over the same pairs of items:

    hh = mean h^2 - v_H        mm = mean m^2 - v_M        hm = mean h m - c

with h and m the human and the model correlations, v the mean sampling variance of an entry and c the mean sampling
covariance between the sides (not 0 where personas are matched to respondents).
A bootstrap replicate carries the noise twice, once of the sample and once of the resample, so replicates lose 2 v and
2 c; their percentiles are the intervals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from demoscope.scores.sides import Sampled

    Floats = NDArray[np.float64]

ZERO = 1e-12
"""Mean squares below this are rounding, not structure."""


@dataclass(frozen=True)
class Terms:
    """Debiased terms of one country, or their sums over countries.

    Attributes:
        hh, mm, hm: Estimates.
        hh_b, mm_b, hm_b: Replicates, shape (B,).
        kappa: n_eff x v_H, the sampling variance of an entry at one interview.
        pairs: Pairs that enter the means.
        estimable: Those among them with a defined model correlation; the others count as zero structure.
        countries: Number of countries summed.
    """

    hh: float
    mm: float
    hm: float
    hh_b: Floats
    mm_b: Floats
    hm_b: Floats
    kappa: float
    pairs: int
    estimable: int
    countries: int = 1


@dataclass(frozen=True)
class Estimate:
    """A score with its 95 % interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class StructureScores:
    """Scores of one country or of all.

    Attributes:
        structure_r2: 1 = human structure, 0 = independent items, negative = worse than independence.
        similarity: Cosine of the off-diagonal entries; sampling noise removed, so an estimate may exceed 1.
        constraint: sqrt(mm / hh); 1 = as strong as humans.
        slope: hm / hh.
        srmr: Root mean square difference of correlations, in correlation units.
        interviews: Number of human interviews whose matrix is as far from the truth as the model's; cut off at n_h.
        censored: Whether ``interviews`` was cut off ("more than").
        interviews_independence: What independent items would be worth.
    """

    structure_r2: Estimate
    similarity: Estimate
    constraint: Estimate
    slope: Estimate
    srmr: Estimate
    interviews: Estimate
    censored: bool
    interviews_independence: float


def terms(human: Sampled, model: Sampled, *, n_effective: Floats) -> Terms:
    """Debiased terms of one country.

    Pairs enter where the human correlation is defined.
    Where the model's is not, the model has no structure there: m = 0 with variance 0.

    Args:
        human: Human side, with replicates.
        model: Model side, with as many replicates; resampled along with the humans where matched.
        n_effective: Effective number of complete human answers per pair, shape (P,).
    """
    used = np.isfinite(human.rho)
    estimable = used & np.isfinite(model.rho)
    h, h_b = _filled(human.rho[used], human.rho_replicates[:, used])
    m, m_b = _filled(np.where(estimable, model.rho, 0.0)[used], np.where(estimable, model.rho_replicates, 0.0)[:, used])
    count = int(used.sum())
    if count == 0:
        nothing = np.full(len(h_b), np.nan)
        return Terms(np.nan, np.nan, np.nan, nothing, nothing, nothing, np.nan, 0, 0)
    variances = h_b.var(axis=0, ddof=1) * human.correction
    v_h = variances.mean()
    v_m = m_b.var(axis=0, ddof=1).mean() * model.correction
    covariances = ((h_b - h_b.mean(axis=0)) * (m_b - m_b.mean(axis=0))).sum(axis=0) / (len(h_b) - 1)
    c = covariances.mean() * np.sqrt(human.correction * model.correction)
    return Terms(
        hh=float(np.square(h).mean() - v_h),
        mm=float(np.square(m).mean() - v_m),
        hm=float((h * m).mean() - c),
        hh_b=np.square(h_b).mean(axis=1) - 2 * v_h,
        mm_b=np.square(m_b).mean(axis=1) - 2 * v_m,
        hm_b=(h_b * m_b).mean(axis=1) - 2 * c,
        kappa=float((n_effective[used] * variances).mean()),
        pairs=count,
        estimable=int(estimable.sum()),
    )


def total(countries: Iterable[Terms]) -> Terms:
    """Sums over countries, those without a defined pair left out (a ratio of sums, never a mean of ratios)."""
    parts = [part for part in countries if part.pairs]
    if not parts:
        nothing = np.full(1, np.nan)
        return Terms(np.nan, np.nan, np.nan, nothing, nothing, nothing, np.nan, 0, 0)
    return Terms(
        hh=sum(part.hh for part in parts),
        mm=sum(part.mm for part in parts),
        hm=sum(part.hm for part in parts),
        hh_b=np.sum([part.hh_b for part in parts], axis=0),
        mm_b=np.sum([part.mm_b for part in parts], axis=0),
        hm_b=np.sum([part.hm_b for part in parts], axis=0),
        kappa=sum(part.kappa for part in parts),
        pairs=sum(part.pairs for part in parts),
        estimable=sum(part.estimable for part in parts),
        countries=len(parts),
    )


def scores(t: Terms, *, n_human: float) -> StructureScores:
    """All structure scores of one set of terms.

    A ratio is not defined where its denominator cannot be told from zero (less than two standard errors above it).

    Args:
        t: Terms of a country, or their sum.
        n_human: Number of respondents (mean over countries for a sum), where "worth N interviews" is cut off.
    """
    human_defined = t.pairs > 0 and t.hh > max(ZERO, 2 * t.hh_b.std(ddof=1))
    model_defined = t.pairs > 0 and t.mm > max(ZERO, 2 * t.mm_b.std(ddof=1))
    d2, d2_b = t.hh + t.mm - 2 * t.hm, t.hh_b + t.mm_b - 2 * t.hm_b
    with np.errstate(invalid="ignore", divide="ignore"):
        hh_b = np.where(t.hh_b > 0, t.hh_b, np.nan)
        mm_b = np.where(t.mm_b > 0, t.mm_b, np.nan)
        interviews, censored = worth(t.kappa, d2, d2_b, n_human=n_human)
        return StructureScores(
            structure_r2=_estimate(1 - d2 / t.hh, 1 - d2_b / hh_b, defined=human_defined),
            similarity=_estimate(
                t.hm / np.sqrt(t.hh * t.mm), t.hm_b / np.sqrt(hh_b * mm_b), defined=human_defined and model_defined
            ),
            constraint=_estimate(
                np.sqrt(max(0.0, t.mm) / t.hh), np.sqrt(np.maximum(0.0, t.mm_b) / hh_b), defined=human_defined
            ),
            slope=_estimate(t.hm / t.hh, t.hm_b / hh_b, defined=human_defined),
            srmr=_estimate(float(root(d2 / t.countries)), root(d2_b / t.countries), defined=t.pairs > 0),
            interviews=interviews,
            censored=censored,
            interviews_independence=float(min(t.kappa / t.hh, n_human)) if human_defined else float("nan"),
        )


def worth(kappa: float | np.floating, distance: float, distance_b: Floats, *, n_human: float) -> tuple[Estimate, bool]:
    """Number of interviews whose sampling error equals a debiased squared distance.

    Args:
        kappa: Sampling variance at one interview, in the units of ``distance``.
        distance: Debiased squared distance; 0 or less means no distance beyond noise.
        distance_b: Its replicates, shape (B,).
        n_human: Where the number is cut off.

    Returns:
        The number with its interval, and whether the number itself was cut off.
    """
    if not (np.isfinite(kappa) and np.isfinite(distance)):
        return Estimate(float("nan"), float("nan"), float("nan")), False

    def interviews(d2: float) -> float:
        return float(min(kappa / d2, n_human)) if d2 > 0 else float(n_human)

    near, far = np.nanpercentile(distance_b, [2.5, 97.5])
    value = interviews(distance)
    return Estimate(value, interviews(float(far)), interviews(float(near))), value >= n_human


def percentiles(replicates: Floats) -> tuple[float, float]:
    """Ends of the 95 % percentile interval; NaN unless at least half of the replicates are defined."""
    defined = replicates[np.isfinite(replicates)]
    if len(defined) < max(2, len(replicates) / 2):
        return float("nan"), float("nan")
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def recentred(value: float, replicates: Floats, *, least: float, most: float) -> Estimate:
    """An estimate that noise pulls down, its percentile interval moved to it: replicates carry the noise twice.

    Args:
        value: The estimate.
        replicates: Shape (B,).
        least: Where the scale begins.
        most: Where it ends.
    """
    low, high = percentiles(replicates)
    if not np.isfinite([value, low, high]).all():
        return Estimate(float(value), float("nan"), float("nan"))
    shift = float(value) - float(np.nanmean(replicates))
    return Estimate(float(value), max(least, low + shift), min(most, high + shift))


def defined_mean(values: Floats) -> float:
    """Mean of the finite values, NaN if there is none."""
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _estimate(value: float | np.floating, replicates: Floats, *, defined: bool) -> Estimate:
    if not defined:
        return Estimate(float("nan"), float("nan"), float("nan"))
    low, high = percentiles(replicates)
    return Estimate(float(value), low, high)


def root(squares: Floats | float) -> Floats:
    """Square root of a debiased square, 0 where noise alone exceeds it."""
    roots: Floats = np.sqrt(np.maximum(0.0, squares))
    return roots


def _filled(estimate: Floats, replicates: Floats) -> tuple[Floats, Floats]:
    """Replicates without holes: where a resample left a pair undefined, the full-sample value stands in for it."""
    return estimate, np.where(np.isfinite(replicates), replicates, estimate)
