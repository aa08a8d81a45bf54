"""Scores of one set of variables over one set of groups: how groups differ together, model against people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from demoscope.scores.between_covariance import Correlations, Layout, Spread, correlations
from demoscope.scores.structure import Estimate, Terms, percentiles, root, scores
from demoscope.stats import kernels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from demoscope.scores.group_means import Means
    from demoscope.scores.resampling import Streams
    from demoscope.scores.sides import Floats, Mask

LEAST_RELIABILITY: Final = 0.5
"""A variable whose variance between groups is sampling noise to a larger part is left out."""

FEWEST_GROUPS: Final = 4
"""Covariances over fewer groups say nothing."""

FEWEST_PAIRS: Final = 3
"""The pattern of fewer correlations says nothing."""

NO_SPREAD: Final = 1e-9
"""Group means that lie closer together than this part of the scale are the same up to rounding."""

DEBIASED: Final = ("structure_r2", "similarity", "constraint", "slope", "srmr")
STATISTICS: Final = (*DEBIASED, "pearson", "rmse")
"""Pearson r and RMSE are those of Williams, Weeber, Pado & Akbik: of uncorrected means, over the upper triangle."""

_BLOCK: Final = 2**19
"""Numbers of one array of covariances that are in memory at once."""


@dataclass(frozen=True)
class Variables:
    """What correlations are made of: items, or categories of items.

    Attributes:
        names: Shape (q,).
        scales: Length of the scale of each, shape (q,).
        pairs: Pairs that may be scored, shape (q, q).
    """

    names: tuple[str, ...]
    scales: Floats
    pairs: Mask


@dataclass(frozen=True)
class Quality:
    """How much of the variance of group means is more than noise.

    Attributes:
        reliability: Sigma_jj / S_jj, shape (q,), NaN where there is no variance.
        status: ``"ok"``, ``"unreliable"``, ``"still"`` (all groups have one mean) or ``"few_groups"``, length q.
    """

    reliability: Floats
    status: tuple[str, ...]

    @property
    def usable(self) -> Mask:
        """Variables with status ``"ok"``, shape (q,)."""
        return np.array([status == "ok" for status in self.status], dtype=np.bool_)

    @property
    def still(self) -> Mask:
        """Variables that do not differ between groups at all, shape (q,)."""
        return np.array([status == "still" for status in self.status], dtype=np.bool_)


@dataclass(frozen=True)
class Chance:
    """Scores of models whose group labels were permuted variable by variable.

    Attributes:
        values: Statistic to its mean with the limits of the middle 95 %.
        p: Share of permutations at least as similar to people as the model, (k + 1) / (R + 1).
        square: Mean squared correlation of uncorrected means, 1 / (G - 1) in expectation.
    """

    values: dict[str, Estimate]
    p: float
    square: float


@dataclass(frozen=True)
class BetweenScores:
    """One model against people.

    Attributes:
        first, second: Pairs that are scored, shape (P,).
        human, model: Their correlations, shape (P,); NaN where the model has none.
        human_se, model_se: Standard errors of these.
        values: Statistic to estimate, NaN with fewer than three pairs; Pearson r and RMSE have no interval.
        clipped_human, clipped_model: Correlations that had to be cut to [-1, 1].
        chance: ``None`` where no permutation was asked for, or there are too few pairs.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    human: Floats
    model: Floats
    human_se: Floats
    model_se: Floats
    values: dict[str, Estimate]
    clipped_human: int
    clipped_model: int
    chance: Chance | None

    @property
    def estimable(self) -> int:
        """Pairs with a model correlation; the others count as no structure."""
        return int(np.isfinite(self.model).sum())


def quality(means: Means, layout: Layout, scales: Floats) -> Quality:
    """Reliability and status of each variable.

    Args:
        means: Means of one side.
        layout: Where variables are defined.
        scales: Length of the scale of each variable, shape (q,).
    """
    total = layout.spread(means.full[None]).own[0].diagonal()
    noise = layout.noise(means.sampling).own[0].diagonal()
    few = layout.freedom().diagonal() < FEWEST_GROUPS - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        still = ~(total > np.square(NO_SPREAD * scales))
        reliability = np.where(few | still, np.nan, (total - noise) / total)
    unreliable = ~(reliability >= LEAST_RELIABILITY)
    chosen = np.select([few, still, unreliable], ["few_groups", "still", "unreliable"], "ok")
    return Quality(reliability, tuple(str(status) for status in chosen))


def between_scores(
    human: Means,
    model: Means,
    *,
    layout: Layout,
    variables: Variables,
    used: Mask,
    modelled: Mask,
    streams: Streams,
    permutations: int = 0,
    purpose: str = "",
) -> BetweenScores:
    """Compare the correlations of group means of both sides.

    Args:
        human: Means of people.
        model: Means of the model, in the same groups.
        layout: Where variables are defined on both sides.
        variables: What the means are of.
        used: Variables that enter, shape (q,).
        modelled: Those that differ between the model's groups; pairs with another one have no structure, m = 0.
        streams: Replicates and seed.
        permutations: Permutations of group labels R.
        purpose: Label of their random streams.
    """
    few = layout.freedom() < FEWEST_GROUPS - 1
    first, second = np.nonzero(np.triu(variables.pairs & ~few & np.outer(used, used), k=1))
    noises = [layout.noise(side.sampling) for side in (human, model)]
    spreads = [layout.spread(side.full[None]) for side in (human, model)]
    h, m = (
        correlations(spread, noise, 1, first=first, second=second)
        for spread, noise in zip(spreads, noises, strict=True)
    )
    defined = np.isfinite(h.rho[0])
    first, second, h, m = first[defined], second[defined], _some(h, defined), _some(m, defined)
    estimable = np.isfinite(m.rho[0]) & modelled[first] & modelled[second]
    plain = [
        correlations(spread, noise, 0, first=first, second=second).rho[0]
        for spread, noise in zip(spreads, noises, strict=True)
    ]
    plain[1] = np.where(estimable, plain[1], np.nan)
    moments = _Moments(h.rho[0], np.where(estimable, m.rho[0], 0.0), streams.replicates)
    for rows in _slices(streams.replicates, layout.width):
        h_b, m_b = (
            correlations(layout.spread(side.replicates(rows)), noise, 2, first=first, second=second).rho
            for side, noise in zip((human, model), noises, strict=True)
        )
        moments.add(rows, h_b, np.where(estimable, m_b, 0.0))
    terms = moments.terms(estimable=int(estimable.sum()))
    enough = len(first) >= FEWEST_PAIRS
    found = scores(terms, n_human=float("nan"))
    values = {name: getattr(found, name) for name in DEBIASED} | _of_the_paper(*plain)
    return BetweenScores(
        first=first,
        second=second,
        human=h.rho[0],
        model=np.where(estimable, m.rho[0], np.nan),
        human_se=np.sqrt(moments.variances[0]),
        model_se=np.where(estimable, np.sqrt(moments.variances[1]), np.nan),
        values=values if enough else dict.fromkeys(STATISTICS, _UNDEFINED),
        clipped_human=int(h.clipped.sum()),
        clipped_model=int((m.clipped[0] & estimable).sum()),
        chance=_chance(
            model, h.rho[0], plain[0], terms, moments, estimable,
            layout=layout, noise=noises[1], first=first, second=second,
            permutations=permutations, streams=streams, purpose=purpose,
        )
        if permutations and enough
        else None,
    )  # fmt: skip


def _some(found: Correlations, pairs: Mask) -> Correlations:
    return Correlations(found.rho[:, pairs], found.clipped[:, pairs])


def _slices(count: int, width: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(1, width * width))
    for start in range(0, count, step):
        yield slice(start, min(count, start + step))


class _Moments:
    """What the debiased terms take of replicates, a few at a time, so that no replicate of a pair is kept.

    Args:
        h, m: Estimates, shape (P,); they stand in where a replicate is not defined.
        count: Number of replicates B.
    """

    def __init__(self, h: Floats, m: Floats, count: int) -> None:
        self._h, self._m, self._count = h, m, count
        self._hh, self._mm, self._hm = (np.zeros(count) for _ in range(3))
        # Sums of deviations from the estimates, of their squares and products.
        self._sums, self._squares = np.zeros((2, len(h))), np.zeros((2, len(h)))
        self._products = np.zeros(len(h))

    def add(self, rows: slice, h_b: Floats, m_b: Floats) -> None:
        """Replicates of both sides, shape (b, P)."""
        h_b, m_b = (np.where(np.isfinite(x_b), x_b, x) for x_b, x in ((h_b, self._h), (m_b, self._m)))
        if len(self._h):
            self._hh[rows], self._mm[rows] = np.square(h_b).mean(axis=1), np.square(m_b).mean(axis=1)
            self._hm[rows] = (h_b * m_b).mean(axis=1)
        deviations = h_b - self._h, m_b - self._m
        for side, deviation in enumerate(deviations):
            self._sums[side] += deviation.sum(axis=0)
            self._squares[side] += np.square(deviation).sum(axis=0)
        self._products += (deviations[0] * deviations[1]).sum(axis=0)

    @property
    def variances(self) -> Floats:
        """Sampling variance of each correlation, human and model, shape (2, P)."""
        variances: Floats = np.maximum(0.0, self._squares - np.square(self._sums) / self._count) / (self._count - 1)
        return variances

    @property
    def covariance(self) -> float:
        """Mean sampling covariance of both sides."""
        products = self._products - self._sums[0] * self._sums[1] / self._count
        return float(products.mean() / (self._count - 1))

    def terms(self, *, estimable: int) -> Terms:
        """Debiased terms; replicates lose the noise twice."""
        if not len(self._h):
            nothing = np.full(self._count, np.nan)
            return Terms(np.nan, np.nan, np.nan, nothing, nothing, nothing, np.nan, 0, 0)
        v_h, v_m = (float(v) for v in self.variances.mean(axis=1))
        c = self.covariance
        return Terms(
            hh=float(np.square(self._h).mean() - v_h),
            mm=float(np.square(self._m).mean() - v_m),
            hm=float((self._h * self._m).mean() - c),
            hh_b=self._hh - 2 * v_h,
            mm_b=self._mm - 2 * v_m,
            hm_b=self._hm - 2 * c,
            kappa=float("nan"),
            pairs=len(self._h),
            estimable=estimable,
        )


def _of_the_paper(human: Floats, model: Floats) -> dict[str, Estimate]:
    r, rmse = _triangles(human, model[None])
    return {name: Estimate(float(x[0]), float("nan"), float("nan")) for name, x in (("pearson", r), ("rmse", rmse))}


def _triangles(human: Floats, model: Floats) -> tuple[Floats, Floats]:
    """Pearson r and root mean square difference over the pairs that both sides have.

    Args:
        human: Shape (P,).
        model: Shape (R, P), NaN in the same pairs of all rows.

    Returns:
        Each of shape (R,).
    """
    both = np.isfinite(human) & np.isfinite(model).all(axis=0)
    h, m = human[both], model[:, both]
    if not both.any():
        return np.full(len(model), np.nan), np.full(len(model), np.nan)
    x, y = h - h.mean(), m - m.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (x * y).sum(axis=1) / np.sqrt(np.square(x).sum() * np.square(y).sum(axis=1))
    enough = len(h) >= FEWEST_PAIRS and np.square(x).sum() > 0
    return np.where(enough, r, np.nan), np.sqrt(np.square(m - h).mean(axis=1))


def _chance(
    model: Means,
    h: Floats,
    plain: Floats,
    terms: Terms,
    moments: _Moments,
    estimable: Mask,
    *,
    layout: Layout,
    noise: Spread,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    permutations: int,
    streams: Streams,
    purpose: str,
) -> Chance:
    """Permute the model's group labels; values of different variables then share no sampling noise."""
    alone = Spread(np.zeros_like(noise.cross), noise.own)
    rows = np.empty((len(STATISTICS), permutations))
    mm, hm, squares = (np.empty(permutations) for _ in range(3))
    width = layout.width
    for part in _slices(permutations, width):
        size = part.stop - part.start
        orders = kernels.permutations(
            layout.groups, size * width, seed=streams.seed, country="", purpose=purpose, first=part.start * width
        ).reshape(size, width, layout.groups)
        spread = layout.spread(layout.permuted(model.full, orders))
        m = correlations(spread, alone, 1, first=first, second=second).rho
        m = np.where(estimable & np.isfinite(m), m, 0.0)
        mm[part], hm[part] = np.square(m).mean(axis=1), (m * h).mean(axis=1)
        uncorrected = np.where(estimable, correlations(spread, alone, 0, first=first, second=second).rho, np.nan)
        rows[-2:, part] = _triangles(plain, uncorrected)
        squares[part] = np.square(uncorrected[:, estimable]).mean(axis=1) if estimable.any() else np.nan
    hh = terms.hh if terms.hh > 0 else float("nan")
    with np.errstate(invalid="ignore", divide="ignore"):
        similarity = hm / np.sqrt(hh * mm)
        rows[:5] = 1 - (hh + mm - 2 * hm) / hh, similarity, np.sqrt(mm / hh), hm / hh, root(hh + mm - 2 * hm)
        # The same form for the model itself, its noise left in as that of permuted models is.
        observed = terms.hm / np.sqrt(hh * (terms.mm + moments.variances[1].mean()))
    known = np.isfinite(observed) and np.isfinite(similarity).all()
    return Chance(
        values={
            name: Estimate(float(values.mean()), *percentiles(values)) if np.isfinite(values).all() else _UNDEFINED
            for name, values in zip(STATISTICS, rows, strict=True)
        },
        p=float((1 + (similarity >= observed).sum()) / (1 + permutations)) if known else float("nan"),
        square=float(squares.mean()),
    )


_UNDEFINED: Final = Estimate(float("nan"), float("nan"), float("nan"))
