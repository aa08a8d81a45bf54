"""One country's answers of one side, as arrays, and what every score asks of them: counts and correlations.

A side knows nothing about replicates but the multiplicities that it is given; so humans, drawn answers and exact option
probabilities go through the same scores.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from demoscope.stats import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from demoscope.scores.resampling import Resampling

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Multiplicities = kernels.Factors

MODE_SHARE_LIMIT = 0.95
"""An item whose mode holds this share carries no usable structure (ruling on degenerate items)."""

OUTSIDE_MODE_LIMIT = 25.0
"""Nor does one with fewer expected answers than this outside its mode."""


class Side(Protocol):
    """Answers of n persons to p items, item j with K_j categories."""

    @property
    def n(self) -> int:
        """Number of persons."""
        ...

    @property
    def weights(self) -> Floats:
        """Weight of each person, shape (n,)."""
        ...

    def answered(self, *, keep: Mask | None = None) -> NDArray[np.int64]:
        """Number of persons with an answer, per item, shape (p,)."""
        ...

    def counts(self, multiplicities: Multiplicities | None, *, keep: Mask | None = None) -> Floats:
        """Weighted category totals, shape (B, sum K); (1, sum K) for the full sample (``None``).

        Args:
            multiplicities: How often each person is drawn in each replicate, shape (B, n).
            keep: Persons that count at all, shape (n,).
        """
        ...

    def correlations(
        self, multiplicities: Multiplicities | None, *, pairs: Mask, threads: int | None
    ) -> kernels.Correlations:
        """Polychoric correlations and their statuses, each (B, P), with NaN where undefined or not in ``pairs``."""
        ...


@dataclass(frozen=True)
class CodedSide:
    """Persons with one code per item: respondents, or personas whose answers were drawn or parsed.

    Attributes:
        codes: Category index per person and item, shape (n, p), 255 = missing.
        categories: K_j for each item.
        weights: Shape (n,).
        persons: Identifiers, shape (n,).
    """

    codes: NDArray[np.uint8]
    categories: tuple[int, ...]
    weights: Floats
    persons: tuple[str, ...]

    @property
    def n(self) -> int:
        """Number of persons."""
        return len(self.weights)

    def answered(self, *, keep: Mask | None = None) -> NDArray[np.int64]:
        """See :class:`Side`."""
        codes = self.codes if keep is None else self.codes[keep]
        numbers: NDArray[np.int64] = (codes != kernels.MISSING).sum(axis=0)
        return numbers

    def counts(self, multiplicities: Multiplicities | None, *, keep: Mask | None = None) -> Floats:
        """See :class:`Side`."""
        weights = self.weights if keep is None else self.weights * keep
        return kernels.weighted_shares(self.codes, self.categories, weights, multiplicities)

    def correlations(
        self, multiplicities: Multiplicities | None, *, pairs: Mask, threads: int | None
    ) -> kernels.Correlations:
        """See :class:`Side`."""
        return kernels.sampled_correlations(
            self.codes, self.categories, self.weights, multiplicities, pairs=pairs, threads=threads
        )

    def take(self, rows: NDArray[np.int64]) -> CodedSide:
        """The side restricted to some persons, in the given order."""
        return CodedSide(
            codes=np.ascontiguousarray(self.codes[rows]),
            categories=self.categories,
            weights=self.weights[rows],
            persons=tuple(self.persons[row] for row in rows),
        )


@dataclass(frozen=True)
class ExactSide:
    """Personas whose option probabilities are known, items asked singly: tables need no drawing.

    Personas with the same probabilities for all items share a profile; replicate weights are summed over them first.

    Attributes:
        probs: Row g = distributions of profile g over all items side by side, shape (G, sum K); NaN = cell missing.
        categories: K_j for each item.
        profile: Row of ``probs`` of each persona, shape (m,).
        weights: Shape (m,).
        persons: Identifiers, shape (m,).
    """

    probs: Floats
    categories: tuple[int, ...]
    profile: NDArray[np.int64]
    weights: Floats
    persons: tuple[str, ...]

    @property
    def n(self) -> int:
        """Number of personas."""
        return len(self.weights)

    def answered(self, *, keep: Mask | None = None) -> NDArray[np.int64]:
        """See :class:`Side`."""
        profile = self.profile if keep is None else self.profile[keep]
        first = [block.start for block in blocks(self.categories)]
        numbers: NDArray[np.int64] = np.isfinite(self.probs[np.ix_(profile, first)]).sum(axis=0)
        return numbers

    def counts(self, multiplicities: Multiplicities | None, *, keep: Mask | None = None) -> Floats:
        """See :class:`Side`; expected totals, sum over personas of weight x probability."""
        weights = self.weights if keep is None else self.weights * keep
        return kernels.exact_counts(self.probs, self.categories, self.profile, weights, multiplicities)

    def correlations(
        self, multiplicities: Multiplicities | None, *, pairs: Mask, threads: int | None
    ) -> kernels.Correlations:
        """See :class:`Side`; from the expected tables (statistics: Rao-Blackwell tables of single presentation)."""
        return kernels.exact_correlations(
            self.probs, self.categories, self.profile, self.weights, multiplicities, pairs=pairs, threads=threads
        )


@dataclass(frozen=True)
class Sampled:
    """A side together with its replicates.

    Attributes:
        side: The answers.
        multiplicities: How often each person is drawn in each replicate, or what her weight is multiplied by, (B, n).
        correction: What variances over replicates are multiplied by; see :class:`.resampling.Resampling`.
        rho: Full-sample correlations, shape (P,), NaN where undefined.
        rho_replicates: Shape (B, P).
        status: Status codes of the full sample, shape (P,).
        boundary_share: Share of replicates at the boundary, shape (P,).
        totals: Category totals, full sample in row 0 and replicates below, shape (1 + B, sum K).
        degenerate: Items that carry no structure, shape (p,).
    """

    side: Side
    multiplicities: Multiplicities
    correction: float
    rho: Floats
    rho_replicates: Floats
    status: NDArray[np.uint8]
    boundary_share: Floats
    totals: Floats
    degenerate: Mask = field(repr=False)

    @property
    def categories(self) -> tuple[int, ...]:
        """K_j for each item."""
        return self.side.categories  # type: ignore[attr-defined,no-any-return]


def degenerate_items(totals: Floats, categories: tuple[int, ...]) -> Mask:
    """Items whose mode holds at least 95 % or that have fewer than 25 expected answers outside it.

    Args:
        totals: Category totals in units of persons, shape (sum K,).
        categories: K_j for each item.

    Returns:
        Shape (p,); an item without any answer counts as degenerate.
    """
    flags = np.empty(len(categories), dtype=np.bool_)
    for j, block in enumerate(blocks(categories)):
        total, mode = totals[block].sum(), totals[block].max()
        flags[j] = not total > 0 or mode >= MODE_SHARE_LIMIT * total or total - mode < OUTSIDE_MODE_LIMIT
    return flags


def blocks(categories: tuple[int, ...]) -> list[slice]:
    """Columns of each item in arrays of width sum K."""
    ends = np.cumsum(categories)
    return [slice(int(end) - k, int(end)) for end, k in zip(ends, categories, strict=True)]


def pairs_of(p: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Items of each pair in row-major order of the upper triangle, two arrays of shape (p (p - 1) / 2,)."""
    first, second = np.triu_indices(p, k=1)
    return first.astype(np.int64), second.astype(np.int64)


def effective_size(weights: Floats) -> float:
    """Kish's effective sample size (sum w)^2 / sum w^2."""
    return float(weights.sum() ** 2 / np.square(weights).sum())


def sample(side: CodedSide | ExactSide, drawn: Resampling, *, pairs: Mask, threads: int | None) -> Sampled:
    """Compute everything that scores need of one side.

    Weights are scaled to mean 1 before the rule on degenerate items is applied, so that it speaks of persons.

    Args:
        side: The answers.
        drawn: Its replicates.
        pairs: Pairs that may be scored at all, shape (P,); those with a degenerate item are left out on top.
        threads: Number of threads, ``None`` for all cores.
    """
    full = side.counts(None)
    per_person = full[0] / side.weights.mean()
    degenerate = degenerate_items(per_person, side.categories)
    first, second = pairs_of(len(side.categories))
    usable = pairs & ~degenerate[first] & ~degenerate[second]
    rho, status, _ = side.correlations(None, pairs=usable, threads=threads)
    rho_replicates, statuses, _ = side.correlations(drawn.factors, pairs=usable, threads=threads)
    return Sampled(
        side=side,
        multiplicities=drawn.factors,
        correction=drawn.correction,
        rho=rho[0],
        rho_replicates=rho_replicates,
        status=status[0],
        boundary_share=(statuses == kernels.BOUNDARY).mean(axis=0),
        totals=np.concatenate([full, side.counts(drawn.factors)]),
        degenerate=degenerate,
    )
