"""Factors behind people's answers, and whether those behind a model's are the same.

The target are the loadings of people: least squares on the mean of the correlation matrices within countries, as many
factors as parallel analysis finds (Horn 1965: eigenvalues above those of the same answers shuffled item by item within
countries), rotated by varimax.
The model's loadings, as many, are rotated to them orthogonally, never obliquely, and compared factor by factor with
Tucker's congruence.
Rotation finds agreement by chance, so beside every congruence stands what shuffled loadings reach, and what one half of
the people reaches against the other half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from demoscope.scores.references import shuffled_answers
from demoscope.scores.sides import pairs_of
from demoscope.scores.structure import recentred
from demoscope.stats.loadings import FactorSolution, chance_loadings, congruence, minres, procrustes, varimax

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from demoscope.scores.references import People
    from demoscope.scores.resampling import Streams
    from demoscope.scores.sides import CodedSide, Floats, Mask, Sampled
    from demoscope.scores.structure import Estimate
    from demoscope.surveys import Item

FEWEST_ITEMS: Final = 6
MOST_FACTORS: Final = 30
"""Further ones are too weak to be read; there is at most one for three items anyway (12 items, 4 factors)."""

DEFINED_SHARE: Final = 0.5
"""An item enters where at least this share of its pairs has a correlation in people."""

PERMUTATIONS: Final = 50
"""Shuffled data sets of parallel analysis."""

SHUFFLES: Final = 500
"""Shuffled loadings behind the chance level of congruence."""

MANY_ITEMS: Final = 60
REPLICATES: Final = (200, 100)
"""Replicates that are factored at most, with few items and with many."""

_DIGITS: Final = 6
"""Loadings are rounded to what they have converged to, so that no bit depends on the threads of a BLAS."""


@dataclass(frozen=True)
class Target:
    """Factors of people.

    Attributes:
        items: Positions of the p items that enter.
        dropped: Positions of ordered items that have too few defined pairs.
        counts: Countries in which each pair is defined, shape (P,), over all items.
        defined: Pairs of items with a correlation, shape (p, p).
        parallel: Factors that parallel analysis finds, before the limits.
        solution: Unrotated.
        loadings: Rotated, factors by their sum of squares, shape (p, k).
        replicates: The same of bootstrap replicates, rotated to it, shape (R, p, k).
        split_half: Congruence of the two halves of the people, shape (k,).
    """

    items: NDArray[np.int64]
    dropped: NDArray[np.int64]
    counts: NDArray[np.int64]
    defined: Mask
    parallel: int
    solution: FactorSolution
    loadings: Floats
    replicates: Floats
    split_half: Floats

    @property
    def factors(self) -> int:
        """How many, k."""
        return int(self.loadings.shape[1])


@dataclass(frozen=True)
class NoTarget:
    """Why people have no factors to be recovered.

    Attributes:
        reason: A sentence.
        items: Number of items that could enter.
        dropped: Positions of ordered items that have too few defined pairs.
    """

    reason: str
    items: int
    dropped: NDArray[np.int64]


@dataclass(frozen=True)
class Recovery:
    """A model's factors beside those of people.

    Attributes:
        loadings: Rotated to the target, shape (p, k).
        status: How the fit ended, ``"no_structure"`` where the model has too few items with correlations.
        congruence: Of each factor.
        chance: What shuffled loadings reach, 95 % quantile of each factor.
        mean: Mean congruence over factors.
        mean_chance: 95 % quantile of the mean.
        agreement: Share of items with their largest loading on the same factor as in people.
        agreement_chance: 95 % quantile of that.
        replicates: Number of replicates behind the intervals.
    """

    loadings: Floats
    status: str
    congruence: tuple[Estimate, ...]
    chance: Floats
    mean: Estimate
    mean_chance: float
    agreement: Estimate
    agreement_chance: float
    replicates: int


def human_factors(people: Sequence[People], items: Sequence[Item], *, streams: Streams) -> Target | NoTarget:
    """Factor the correlations of people.

    Args:
        people: All countries.
        items: Declarations, in the order of the sides.
        streams: Seed, replicates, threads.
    """
    rho = np.stack([here.sampled.rho for here in people])
    counts = np.isfinite(rho).sum(axis=0)
    chosen, dropped = _items_that_enter(_square(counts > 0, len(items)), items)
    if len(chosen) < FEWEST_ITEMS:
        reason = f"factors need at least {FEWEST_ITEMS} items whose correlations are defined, here are {len(chosen)}"
        return NoTarget(reason, len(chosen), dropped)
    shape = _Shape(counts, chosen, len(items))
    matrix = shape.mean(rho)
    found = _parallel(people, matrix, shape, streams=streams)
    factors = min(found, MOST_FACTORS, len(chosen) // 3)
    if not factors:
        reason = "correlations of people are no stronger than those of shuffled answers: there is no factor"
        return NoTarget(reason, len(chosen), dropped)
    solution = minres(matrix, factors, defined=shape.defined)
    loadings = _for_display(solution.loadings)
    replicates = [
        _turned(minres(one, factors, defined=shape.defined, start=solution).loadings, loadings)
        for one in shape.replicates([here.sampled for here in people])
    ]
    return Target(
        items=chosen,
        dropped=dropped,
        counts=counts,
        defined=shape.defined,
        parallel=found,
        solution=solution,
        loadings=loadings,
        replicates=np.stack(replicates),
        split_half=_split_half(people, shape, solution, loadings, streams=streams),
    )


def recovery(target: Target, people: Sequence[People], models: Sequence[Sampled], *, streams: Streams) -> Recovery:
    """Factor a model's correlations and rotate them to those of people.

    A pair that the model leaves undefined counts as 0, as in the structure scores.

    Args:
        target: Factors of people.
        people: All countries.
        models: The model in the same countries.
        streams: Seed and threads.
    """
    total = len(people[0].side.categories)
    shape = _Shape(target.counts, target.items, total)
    human = [np.isfinite(here.sampled.rho) for here in people]
    rho = np.stack(
        [
            np.where(known, np.where(np.isfinite(model.rho), model.rho, 0.0), np.nan)
            for known, model in zip(human, models, strict=True)
        ]
    )
    solution = _fit(shape.mean(rho), target)
    loadings = _turned(solution.loadings, target.loadings)
    replicates = []
    for one, theirs in zip(shape.replicates(models, human=human), target.replicates, strict=True):
        again = _fit(one, target, start=solution)
        # A replicate of the model stands beside that of the people, since both are uncertain.
        replicates.append((_turned(again.loadings, theirs), theirs))
    values = congruence(loadings, target.loadings)
    values_b = np.stack([congruence(*pair) for pair in replicates])
    agreement_b = np.array([_agreement(*pair) for pair in replicates])
    orders = streams.permutations(2 * len(target.items), SHUFFLES, country="", purpose="factors by chance")
    shuffled = chance_loadings(loadings, target.loadings, orders)
    chance = congruence(shuffled, target.loadings)
    return Recovery(
        loadings=loadings,
        status=solution.status if loadings.any() else "no_structure",
        congruence=tuple(recentred(float(value), values_b[:, f], least=-1, most=1) for f, value in enumerate(values)),
        chance=_quantile(chance),
        mean=recentred(_mean(values), np.array([_mean(row) for row in values_b]), least=-1, most=1),
        mean_chance=float(_quantile(np.array([_mean(row) for row in chance]))),
        agreement=recentred(_agreement(loadings, target.loadings), agreement_b, least=0, most=1),
        agreement_chance=float(_quantile(np.array([_agreement(one, target.loadings) for one in shuffled]))),
        replicates=len(replicates),
    )


@dataclass(frozen=True)
class _Shape:
    """From correlations of all pairs in all countries to one matrix of the items that enter.

    Attributes:
        counts: Countries in which people have the pair, shape (P,).
        items: Positions of the p items.
        total: Number of all items.
    """

    counts: NDArray[np.int64]
    items: NDArray[np.int64]
    total: int

    @property
    def defined(self) -> Mask:
        """Pairs that any country defines, shape (p, p)."""
        return self.matrix((self.counts > 0).astype(np.float64)) > 0

    def matrix(self, values: Floats) -> Floats:
        """Values of all pairs, shape (P,), as the matrix of the items that enter, the diagonal 1."""
        return _square(values, self.total)[np.ix_(self.items, self.items)]

    def mean(self, rho: Floats) -> Floats:
        """Mean over countries, shape (C, P) with NaN where undefined; 0 where no country has the pair."""
        return self.matrix(np.nansum(rho, axis=0) / np.maximum(1, self.counts))

    def replicates(self, sides: Sequence[Sampled], *, human: Sequence[Mask] | None = None) -> Iterable[Floats]:
        """Means over countries of the first replicates, one matrix after the other.

        Args:
            sides: One per country.
            human: Which pairs people define in each country, where it is not they who are replicated.
        """
        most = REPLICATES[0] if len(self.items) <= MANY_ITEMS else REPLICATES[1]
        for b in range(min(most, len(sides[0].rho_replicates))):
            total = np.zeros(len(self.counts))
            for number, side in enumerate(sides):
                values = np.where(np.isfinite(side.rho_replicates[b]), side.rho_replicates[b], side.rho)
                known = np.isfinite(side.rho)
                total += np.where(known if human is None else known & human[number], values, 0.0)
            yield self.matrix(total / np.maximum(1, self.counts))


def _square(values: NDArray[np.generic], count: int) -> Floats:
    matrix = np.eye(count)
    first, second = pairs_of(count)
    matrix[first, second] = matrix[second, first] = values
    return matrix


def _items_that_enter(defined: Floats, items: Sequence[Item]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of items with enough defined pairs among themselves; the one with the fewest leaves first."""
    inside = [j for j, item in enumerate(items) if item.ordered]
    known = defined > 0
    dropped = []
    while len(inside) > 1:
        shares = (known[np.ix_(inside, inside)].sum(axis=1) - 1) / (len(inside) - 1)
        if shares.min() >= DEFINED_SHARE:
            break
        dropped.append(inside.pop(len(inside) - 1 - int(shares[::-1].argmin())))
    return np.array(inside, dtype=np.int64), np.array(sorted(dropped), dtype=np.int64)


def _parallel(people: Sequence[People], matrix: Floats, shape: _Shape, *, streams: Streams) -> int:
    """Leading eigenvalues above the 95 % quantile of those of shuffled answers; undefined pairs are 0 in both."""
    chance = np.empty((PERMUTATIONS, len(matrix)))
    for r in range(PERMUTATIONS):
        rho = []
        for here in people:
            side, known = here.side, np.isfinite(here.sampled.rho)
            orders = streams.permutations(
                side.n, len(side.categories), country=here.country, purpose=f"parallel analysis {r}"
            )
            rho.append(_correlations(shuffled_answers(side, orders), known, streams=streams))
        chance[r] = _eigenvalues(shape.mean(np.stack(rho)))
    above = _eigenvalues(matrix) > np.quantile(chance, 0.95, axis=0)
    return int(np.argmin(above)) if not above.all() else len(above)


def _split_half(
    people: Sequence[People], shape: _Shape, solution: FactorSolution, target: Floats, *, streams: Streams
) -> Floats:
    """Congruence of the factors of two random halves of the people (those of reference A2)."""
    halves: tuple[list[Floats], list[Floats]] = ([], [])
    for here in people:
        known = np.isfinite(here.sampled.rho)
        drawn = here.design.halves(here.side.n, country=here.country, streams=streams)
        for rho, rows in zip(halves, drawn, strict=True):
            rho.append(_correlations(here.side.take(rows), known, streams=streams))
    one, other = (
        minres(shape.mean(np.stack(half)), target.shape[1], defined=shape.defined, start=solution).loadings
        for half in halves
    )
    turned = _turned(one, target)
    return congruence(_turned(other, turned), turned)


def _correlations(side: CodedSide, known: Mask, *, streams: Streams) -> Floats:
    """Of those pairs; 0 where a part of the people leaves one undefined, NaN for other pairs."""
    rho = side.correlations(None, pairs=known, threads=streams.threads).rho[0]
    return np.where(known, np.where(np.isfinite(rho), rho, 0.0), np.nan)


def _eigenvalues(matrix: Floats) -> Floats:
    return np.linalg.eigvalsh(matrix).astype(np.float64)[::-1]


def _fit(matrix: Floats, target: Target, *, start: FactorSolution | None = None) -> FactorSolution:
    """Factors of a model: items without any correlation have no loading and do not take part in the fit."""
    off = np.where(target.defined, matrix, 0.0) - np.eye(len(matrix))
    used = np.flatnonzero(np.abs(off).max(axis=1) > 0)
    loadings, psi = np.zeros(target.loadings.shape), np.ones(len(matrix))
    if len(used) <= target.factors + 1:
        return FactorSolution(loadings, psi, 0.0, "ok")
    inside = np.ix_(used, used)
    if start is not None:
        start = FactorSolution(start.loadings[used], start.uniquenesses[used], start.objective, start.status)
    found = minres(matrix[inside], target.factors, defined=target.defined[inside], start=start)
    loadings[used], psi[used] = found.loadings, found.uniquenesses
    return FactorSolution(loadings, psi, found.objective, found.status)


def _for_display(loadings: Floats) -> Floats:
    """Rotated to simple structure, strongest factor first, the largest loading of each positive."""
    rotated = loadings @ varimax(loadings)
    rotated = rotated[:, np.argsort(-np.square(rotated).sum(axis=0), kind="stable")]
    largest = rotated[np.abs(rotated).argmax(axis=0), np.arange(rotated.shape[1])]
    shown: Floats = np.round(rotated * np.where(largest < 0, -1.0, 1.0), _DIGITS)
    return shown


def _turned(loadings: Floats, target: Floats) -> Floats:
    """Rotated to the target."""
    turned: Floats = np.round(loadings @ procrustes(loadings, target), _DIGITS) + 0.0
    return turned


def _agreement(loadings: Floats, target: Floats) -> float:
    same: Mask = np.abs(loadings).argmax(axis=1) == np.abs(target).argmax(axis=1)
    return float((same & loadings.any(axis=1)).mean())


def _quantile(values: Floats) -> Floats:
    """95 % quantile over shuffles; NaN where nothing could be shuffled."""
    defined = np.isfinite(values).all(axis=0)
    quantile: Floats = np.where(defined, np.quantile(np.nan_to_num(values), 0.95, axis=0), np.nan)
    return quantile


def _mean(values: Floats) -> float:
    """Mean over factors, those that the model lacks as 0; NaN where it has none."""
    return float(np.nan_to_num(values).mean()) if np.isfinite(values).any() else float("nan")
