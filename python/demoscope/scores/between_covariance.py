"""Covariances between groups, corrected for what sampling adds to the means of groups.

Means of groups vary because groups differ and because only some people were asked.
The second part is known from the sampling covariance V_g of the means of each group, so that by the method of moments

    Sigma_B = S_means - N        N = mean over groups of V_g

A replicate holds the noise twice, once of the sample and once of the resample, and loses 2 N.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from demoscope.scores.sides import Floats, Mask

    Indices = NDArray[np.int64]


class Spread(NamedTuple):
    """Covariances of variables over groups.

    Attributes:
        cross: Covariance of variables j and k over the groups in which both are defined, shape (b, q, q).
        own: Variance of variable j over the same groups, shape (b, q, q).
    """

    cross: Floats
    own: Floats


class Correlations(NamedTuple):
    """Correlations of some pairs.

    Attributes:
        rho: Shape (b, P), within [-1, 1]; NaN where a corrected variance is not positive.
        clipped: Those that had to be cut to that range, shape (b, P).
    """

    rho: Floats
    clipped: Mask


@dataclass(frozen=True)
class _Block:
    """Variables of two patterns of defined groups, and the groups in which all of them are defined."""

    first: Indices
    second: Indices
    groups: Indices
    labels: Indices
    freedom: int


class Layout:
    """Which variables are defined in which groups.

    Variables that are defined in the same groups are computed together.

    Args:
        defined: Shape (G, q).
        strata: Number of the set of groups that each group belongs to, shape (G,); covariances are those within sets.
    """

    def __init__(self, defined: Mask, strata: Indices) -> None:
        self.groups, self.width = defined.shape
        self.defined, self.strata = defined, strata
        patterns, which = np.unique(defined, axis=1, return_inverse=True)
        which = which.reshape(-1)
        self._blocks: list[_Block] = []
        for u in range(patterns.shape[1]):
            for v in range(u, patterns.shape[1]):
                groups = np.flatnonzero(patterns[:, u] & patterns[:, v])
                labels = strata[groups]
                self._blocks.append(
                    _Block(
                        first=np.flatnonzero(which == u),
                        second=np.flatnonzero(which == v),
                        groups=groups,
                        labels=labels,
                        freedom=len(groups) - len(np.unique(labels)),
                    )
                )

    def freedom(self) -> NDArray[np.int64]:
        """Degrees of freedom of each covariance, shape (q, q): groups in which both variables are defined, less one."""
        found = np.zeros((self.width, self.width), dtype=np.int64)
        for block in self._blocks:
            found[np.ix_(block.first, block.second)] = block.freedom
            found[np.ix_(block.second, block.first)] = block.freedom
        return found

    def common(self) -> NDArray[np.int64]:
        """Number of groups in which both variables are defined, shape (q, q)."""
        known = self.defined.astype(np.int64)
        counts: NDArray[np.int64] = np.einsum("gj,gk->jk", known, known)
        return counts

    def spread(self, means: Floats) -> Spread:
        """Covariances of means over groups.

        Args:
            means: Shape (b, G, q); what is not defined is not read.
        """
        rows = np.arange(len(means))
        found = Spread(*(np.full((len(means), self.width, self.width), np.nan) for _ in range(2)))
        for block in self._blocks:
            if block.freedom < 1:
                continue
            one, other = (
                _centred(means[:, block.groups][:, :, columns], block.labels) for columns in (block.first, block.second)
            )
            # einsum adds in a fixed order; a threaded matrix product need not.
            cross = np.einsum("bgj,bgk->bjk", one, other) / block.freedom
            there, back = np.ix_(rows, block.first, block.second), np.ix_(rows, block.second, block.first)
            found.cross[there], found.cross[back] = cross, np.swapaxes(cross, 1, 2)
            found.own[there] = (np.square(one).sum(axis=1) / block.freedom)[:, :, None]
            found.own[back] = (np.square(other).sum(axis=1) / block.freedom)[:, :, None]
        return found

    def noise(self, sampling: Floats) -> Spread:
        """What sampling adds to :meth:`spread` on average, b = 1.

        Args:
            sampling: Covariances of the means of each group, independent between groups, shape (G, q, q).
        """
        found = Spread(*(np.full((1, self.width, self.width), np.nan) for _ in range(2)))
        for block in self._blocks:
            if block.freedom < 1:
                continue
            sizes = np.bincount(block.labels)[block.labels]
            share = (1 - 1 / sizes) / block.freedom
            cross = np.einsum("g,gjk->jk", share, sampling[np.ix_(block.groups, block.first, block.second)])
            found.cross[0][np.ix_(block.first, block.second)] = cross
            found.cross[0][np.ix_(block.second, block.first)] = cross.T
            for mine, others in ((block.first, block.second), (block.second, block.first)):
                variances = sampling[np.ix_(block.groups, mine, mine)].diagonal(axis1=1, axis2=2)
                found.own[0][np.ix_(mine, others)] = np.einsum("g,gj->j", share, variances)[:, None]
        return found

    def permuted(self, means: Floats, orders: Indices) -> Floats:
        """Values of each variable dealt anew to the groups in which it is defined, within strata.

        Args:
            means: Shape (G, q).
            orders: A random order of the groups for each variable, shape (R, q, G).

        Returns:
            Shape (R, G, q).
        """
        # The order of the groups of each stratum, strata one after the other, groups where it is not defined last.
        here = np.moveaxis(orders, 1, 2)
        last = int(self.strata.max()) + 1
        keys = np.where(self.defined, self.strata[:, None], last)
        drawn = np.take_along_axis(
            here,
            np.argsort(np.take_along_axis(np.broadcast_to(keys, here.shape), here, axis=1), axis=1, kind="stable"),
            1,
        )
        places = np.broadcast_to(np.argsort(keys, axis=0, kind="stable"), here.shape)
        found = np.empty(here.shape)
        values = np.take_along_axis(np.broadcast_to(means, here.shape), drawn, axis=1)
        np.put_along_axis(found, places, values, axis=1)
        return found


def correlations(spread: Spread, noise: Spread, times: int, *, first: Indices, second: Indices) -> Correlations:
    """Correlations of pairs of variables.

    Args:
        spread: Covariances of means.
        noise: What sampling adds to them, b = 1.
        times: How often it is in them: 0 leaves them as they are, 1 is right for a sample, 2 for a replicate.
        first: First variables of the pairs, shape (P,).
        second: Second variables.
    """

    def corrected(what: str, a: Indices, b: Indices) -> Floats:
        found: Floats = getattr(spread, what)[:, a, b] - times * getattr(noise, what)[:, a, b]
        return found

    cross, one, other = (
        corrected("cross", first, second),
        corrected("own", first, second),
        corrected("own", second, first),
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = np.where((one > 0) & (other > 0), cross / np.sqrt(one * other), np.nan)
    return Correlations(np.clip(rho, -1.0, 1.0), np.abs(rho) > 1)


def _centred(means: Floats, labels: Indices) -> Floats:
    """Deviations from the means of strata, shape (b, groups, q)."""
    centred = np.array(means)
    for label in np.unique(labels):
        same = labels == label
        centred[:, same] -= centred[:, same].mean(axis=1, keepdims=True)
    return centred
