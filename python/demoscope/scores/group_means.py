"""Means of groups of persons: from the full sample, from its replicates, and how far sampling moves them together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demoscope.scores.sides import CodedSide, ExactSide, blocks
from demoscope.stats.kernels import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from demoscope.scores.sides import Floats, Mask
    from demoscope.stats.designs import SamplingUnits
    from demoscope.stats.kernels import Factors
    from demoscope.surveys import Item


@dataclass(frozen=True)
class Persons:
    """Persons of one side and country, or some of them, with their replicates.

    Attributes:
        side: Their answers.
        factors: What each person's weight is multiplied by in each replicate, shape (B, n).
        correction: What variances over replicates are multiplied by.
        unit: Sampling unit of each person, shape (n,); ``None`` where every person was drawn alone.
        units: All units of the country, also those without a person here; ``None`` with ``unit``.
    """

    side: CodedSide | ExactSide
    factors: Factors
    correction: float
    unit: NDArray[np.uint32] | None = None
    units: SamplingUnits | None = None

    def take(self, rows: NDArray[np.int64]) -> Persons:
        """Some of them, in the given order."""
        if len(rows) == self.side.n and (rows == np.arange(len(rows))).all():
            return self
        side = self.side
        some = (
            side.take(rows)
            if isinstance(side, CodedSide)
            else ExactSide(
                probs=side.probs,
                categories=side.categories,
                profile=side.profile[rows],
                weights=side.weights[rows],
                persons=tuple(side.persons[row] for row in rows),
            )
        )
        unit = None if self.unit is None else self.unit[rows]
        return Persons(some, self.factors[:, rows].copy(order="C"), self.correction, unit, self.units)


@dataclass(frozen=True)
class Means:
    """Means of q variables in G groups on one side.

    Attributes:
        full: From the full sample, shape (G, q), NaN = undefined.
        sampling: Covariances of the means of each group under sampling, shape (G, q, q); 0 where a mean is undefined.
        replicates: Means of some replicates, shape (b, G, q), spread about ``full`` as far as means of new samples
            would be.
    """

    full: Floats
    sampling: Floats
    replicates: Callable[[slice], Floats]

    def select(self, columns: NDArray[np.int64]) -> Means:
        """Some of the variables."""
        if len(columns) == self.full.shape[1]:
            return self
        return Means(
            self.full[:, columns],
            self.sampling[:, columns][:, :, columns],
            lambda rows: self.replicates(rows)[:, :, columns],
        )

    def composites(self, loadings: Floats) -> Means:
        """Sums of variables that are defined in every group.

        Args:
            loadings: What each variable counts in each sum, shape (number of sums, q).
        """
        # einsum adds in a fixed order; a threaded matrix product need not.
        return Means(
            np.einsum("gj,dj->gd", self.full, loadings),
            np.einsum("gdk,ek->gde", np.einsum("dj,gjk->gdk", loadings, self.sampling), loadings),
            lambda rows: np.einsum("bgj,dj->bgd", self.replicates(rows), loadings),
        )

    def pooled(self, parts: Sequence[NDArray[np.int64]]) -> Means:
        """Means over groups of groups, each of those that define a variable with equal weight.

        Args:
            parts: Rows of the groups that make up each new group.
        """
        known = np.isfinite(self.full)

        def averaged(x: Floats) -> Floats:
            filled = np.where(known, x, 0.0)
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.stack([filled[..., part, :].sum(axis=-2) / known[part].sum(axis=0) for part in parts], -2)

        sampling = np.zeros((len(parts), *self.sampling.shape[1:]))
        for new, part in enumerate(parts):
            sizes = np.maximum(1, known[part].sum(axis=0))
            sampling[new] = self.sampling[part].sum(axis=0) / np.outer(sizes, sizes)
        return Means(averaged(self.full), sampling, lambda rows: averaged(self.replicates(rows)))

    def known_in(self, defined: Mask) -> Means:
        """The same with fewer means defined: those of a mask of shape (G, q)."""
        if (defined == np.isfinite(self.full)).all():
            return self
        sampling = self.sampling * (defined[:, :, None] & defined[:, None, :])
        return Means(np.where(defined, self.full, np.nan), sampling, self.replicates)


def group_means(groups: Sequence[Persons], items: Sequence[Item], *, fewest: int) -> Means:
    """Means of the scores of answers, of expected scores where options have probabilities.

    Args:
        groups: Persons of each group, G of them.
        items: Declarations, in the order of the sides' items.
        fewest: Fewer answers than this leave a mean undefined; at least 2.
    """
    scores = np.concatenate([np.asarray(item.scores, dtype=np.float64) for item in items])
    starts = [block.start for block in blocks(tuple(len(item.options) for item in items))]

    def means(group: Persons, factors: Factors | None) -> Floats:
        totals = group.side.counts(factors)
        sums = np.add.reduceat(totals * scores, starts, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Floats = sums / np.add.reduceat(totals, starts, axis=1)
        return found

    answered = np.array([group.side.answered() for group in groups])
    full = np.where(answered >= fewest, np.concatenate([means(group, None) for group in groups]), np.nan)
    spread = np.sqrt([group.correction for group in groups])[:, None]

    def replicates(rows: slice) -> Floats:
        drawn = np.stack([means(group, group.factors[rows]) for group in groups], axis=1)
        # A resample without an answer to an item says nothing: the full sample stands in for it.
        moved: Floats = full + spread * np.where(np.isfinite(drawn), drawn - full, 0.0)
        return moved

    sampling = np.stack([sampling_covariance(group, items, own) for group, own in zip(groups, full, strict=True)])
    return Means(full, sampling, replicates)


def person_scores(side: CodedSide | ExactSide, items: Sequence[Item]) -> Floats:
    """Score of each person's answer, the expected one where options have probabilities, (n, p); NaN = missing."""
    values = np.empty((side.n, len(items)))
    for j, (item, block) in enumerate(zip(items, blocks(side.categories), strict=True)):
        scores = np.asarray(item.scores, dtype=np.float64)
        if isinstance(side, ExactSide):
            values[:, j] = (side.probs[:, block] * scores).sum(axis=1)[side.profile]
        else:
            known = side.codes[:, j] != MISSING
            values[:, j] = np.where(known, scores[np.where(known, side.codes[:, j], 0)], np.nan)
    return values


def sampling_covariance(group: Persons, items: Sequence[Item], means: Floats) -> Floats:
    """How means of one group would vary and go together over new samples of persons, shape (p, p).

    The mean of item j moves by z_ij = w_i (y_ij - mean_j) / sum w with person i, the sum being over those who answered.
    The covariance is the sum of z_ij z_ik over persons, times n_j / (n_j - 1) on the diagonal with n_j the effective
    number of answers (Kish): S / n where everybody answered and weighs the same.
    Where people were drawn in units, z is summed over the units of the country, and deviations are taken from the means
    of their strata.

    Args:
        group: Persons.
        items: Declarations.
        means: Their means, shape (p,); NaN = undefined, where the result is 0.
    """
    values, weights = person_scores(group.side, items), group.side.weights[:, None]
    known = np.isfinite(values) & np.isfinite(means)
    own = weights * known
    mass = own.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(known, own * (values - means) / mass, 0.0)
        effective = np.square(mass) / np.square(own).sum(axis=0)
        factor = np.where(effective > 1, effective / (effective - 1), 0.0)
    if group.units is None:
        z *= np.sqrt(factor)
    else:
        z = _of_units(z, group)
    covariance: Floats = np.einsum("ij,ik->jk", z, z)
    return covariance


def _of_units(z: Floats, group: Persons) -> Floats:
    """Sums over sampling units, as deviations from their strata, so scaled that their squares are variances."""
    assert group.units is not None
    assert group.unit is not None
    sums = np.zeros((group.units.count, z.shape[1]))
    np.add.at(sums, group.unit, z)
    strata = group.units.strata.astype(np.int64)
    sizes = np.diff(strata)
    means = np.add.reduceat(sums, strata[:-1], axis=0) / sizes[:, None]
    scale = np.sqrt(np.repeat(sizes / (sizes - 1), sizes))[:, None]
    deviations: Floats = (sums - np.repeat(means, sizes, axis=0)) * scale
    return deviations
