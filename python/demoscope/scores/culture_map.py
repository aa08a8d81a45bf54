"""Countries on the two axes of a culture map (Inglehart & Welzel 2005), of people and of a model.

The axes are those of people: indicators are country means, standardised over countries; two principal components of
their correlations, rotated by varimax.
Which component is which axis, and which end is up, follows from what the survey declares of its indicators.
A model's countries are placed with the means, standard deviations and weights of people, so that a model that shifts
all countries or draws them together is seen to do so.
All of this speaks of countries: whether the axes mean the same to single persons everywhere is disputed (Aleman & Woods
2016), and nothing here is scored for persons.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from demoscope.scores.sides import blocks
from demoscope.scores.structure import Estimate, percentiles, recentred, root
from demoscope.stats.loadings import chance_loadings, congruence, procrustes, varimax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from demoscope.scores.resampling import Streams
    from demoscope.scores.sides import Floats, Mask, Sampled
    from demoscope.surveys import Item
    from demoscope.surveys.culture_map import CultureMap

FEWEST_COUNTRIES: Final = 20
FEWEST_INDICATORS: Final = 3
"""Indicators that an axis needs."""

SHUFFLES: Final = 500
_DIGITS: Final = 8
_TINY: Final = 1e-9


@dataclass(frozen=True)
class Indicators:
    """Indicators of one side: means of countries, with replicates.

    Attributes:
        countries: Names.
        names: Indicators that the survey declares.
        means: Shape (1 + B, C, I), the full sample in row 0; NaN where a country has no answer to an item.
        corrections: What bootstrap variances of each country are multiplied by, shape (C,).
    """

    countries: tuple[str, ...]
    names: tuple[str, ...]
    means: Floats
    corrections: Floats

    @property
    def defined(self) -> Mask:
        """Shape (C, I)."""
        defined: Mask = np.isfinite(self.means[0])
        return defined

    def take(self, countries: NDArray[np.int64], indicators: NDArray[np.int64]) -> Indicators:
        """Some countries and indicators."""
        return Indicators(
            tuple(self.countries[c] for c in countries),
            tuple(self.names[i] for i in indicators),
            self.means[:, countries][:, :, indicators],
            self.corrections[countries],
        )


@dataclass(frozen=True)
class Axes:
    """The map of people.

    Attributes:
        mean, deviation: Of each indicator over countries, shape (I,).
        loadings: Correlations of indicators with axes, shape (I, 2): the first axis of the survey, then the second.
        weights: Standardised indicators times these are positions with mean 0 and variance 1, shape (I, 2).
        explained: Share of the variance of the indicators that each axis explains, shape (2,).
    """

    mean: Floats
    deviation: Floats
    loadings: Floats
    weights: Floats
    explained: Floats

    def positions(self, means: Floats) -> Floats:
        """Positions of countries, shape (..., C, 2)."""
        positions: Floats = ((means - self.mean) / self.deviation) @ self.weights
        return positions


@dataclass(frozen=True)
class NoMap:
    """Why there is no map.

    Attributes:
        reason: A sentence.
        countries: Countries with all indicators of people that could be used.
    """

    reason: str
    countries: int


@dataclass(frozen=True)
class AxisScores:
    """How well a model places countries on one axis, or on both.

    Attributes:
        rmse: Typical distance of positions, in standard deviations of people's countries, free of sampling noise.
        congruence: Of the axis with the model's own one, rotated to it.
        chance: 95 % quantile of the congruence of shuffled loadings.
        rank_correlation: Spearman, over countries.
        spread: Standard deviation of the model's countries over that of people's, both free of sampling noise.
    """

    rmse: Estimate
    congruence: Estimate
    chance: float
    rank_correlation: Estimate
    spread: Estimate


@dataclass(frozen=True)
class Placed:
    """A model on the map of people.

    Attributes:
        axes: The map.
        human, model: Indicators that were used; the model's countries may be fewer.
        lacking: Indicators that were not used since a side lacks them.
        left_out: Countries that were not used since people lack an indicator there.
        human_positions, model_positions: With replicates, shape (1 + B, C, 2).
        own: Loadings of the model's own axes, rotated to those of people, shape (I, 2); NaN where it has none.
        scores: Of each axis.
        distance: Typical distance on both axes together, the root mean square of both.
        nearest: Share of the model's countries that lie nearest to their own country among those of people.
        rank: Median place of the own country by distance, 1 = nearest.
    """

    axes: Axes
    human: Indicators
    model: Indicators
    lacking: tuple[str, ...]
    left_out: tuple[str, ...]
    human_positions: Floats
    model_positions: Floats
    own: Floats
    scores: tuple[AxisScores, AxisScores]
    distance: Estimate
    nearest: float
    rank: float


def indicators(
    declared: CultureMap, items: Sequence[Item], sides: Sequence[Sampled], countries: Sequence[str]
) -> Indicators:
    """Country means of what the survey declares: the sum over items of the mean score of their answers.

    Args:
        declared: Indicators and the scores of options.
        items: Items of the sides, in their order.
        sides: One per country.
        countries: Their names.
    """
    places = {item.id: j for j, item in enumerate(items)}
    columns = blocks(sides[0].categories)
    means = np.full((len(sides[0].totals), len(sides), len(declared.indicators)), np.nan)
    for i, indicator in enumerate(declared.indicators):
        if not set(indicator.scores) <= set(places):
            continue
        for c, side in enumerate(sides):
            means[:, c, i] = sum(
                _mean_score(
                    side.totals[:, columns[places[name]]],
                    np.array([scores[code] for code in items[places[name]].codes], dtype=np.float64),
                )
                for name, scores in indicator.scores.items()
            )
    # A resample without any answer to an item is as good as the sample itself.
    filled = np.where(np.isfinite(means), means, means[0])
    names = tuple(indicator.id for indicator in declared.indicators)
    return Indicators(tuple(countries), names, filled, np.array([side.correction for side in sides]))


def axes_of(means: Floats, *, membership: Floats) -> Axes:
    """Two rotated principal components.

    Args:
        means: Country means, shape (C, I), all defined.
        membership: Where high values of an indicator lie on its axis, 1 or -1, 0 on the other axis, shape (I, 2).
    """
    mean, deviation = means.mean(axis=0), means.std(axis=0, ddof=1)
    standard = (means - mean) / deviation
    values, vectors = np.linalg.eigh(standard.T @ standard / (len(means) - 1))
    values, vectors = values[:-3:-1], vectors[:, :-3:-1]
    plain = vectors * np.sqrt(values)
    turn = varimax(plain)
    agreement = membership.T @ plain @ turn
    # Rows are axes, columns components: the assignment with the better agreement, then the signs that make it positive.
    straight, crossed = (np.abs(agreement[[0, 1], order]).sum() for order in ([0, 1], [1, 0]))
    order = [0, 1] if straight >= crossed else [1, 0]
    turn = turn[:, order] * np.where(agreement[[0, 1], order] < 0, -1.0, 1.0)
    loadings = np.round(plain @ turn, _DIGITS)
    return Axes(
        mean=mean,
        deviation=deviation,
        loadings=loadings,
        weights=np.round(vectors / np.sqrt(values) @ turn, _DIGITS),
        explained=np.square(loadings).mean(axis=0),
    )


def place(declared: CultureMap, human: Indicators, model: Indicators, *, streams: Streams) -> Placed | NoMap:
    """Place the countries of people and of a model.

    Args:
        declared: The map that the survey declares.
        human: Indicators of people.
        model: Indicators of the model in the same countries.
        streams: Seed.
    """
    if len(human.countries) < FEWEST_COUNTRIES:
        return NoMap(f"the map needs {FEWEST_COUNTRIES} countries, here are {len(human.countries)}", 0)
    enough = [side.defined.sum(axis=0) >= FEWEST_COUNTRIES for side in (human, model)]
    varied = np.ptp(np.nan_to_num(human.means[0]), axis=0) > _TINY
    used = np.flatnonzero(enough[0] & enough[1] & varied)
    membership = _membership(declared)[used]
    lacking = tuple(name for i, name in enumerate(human.names) if i not in used)
    for a, axis in enumerate(declared.axes):
        if (count := int(np.abs(membership[:, a]).sum())) < FEWEST_INDICATORS:
            return NoMap(f"axis {axis} needs {FEWEST_INDICATORS} indicators that both sides have, here are {count}", 0)
    complete: Mask = np.all(human.defined[:, used], axis=1)
    kept = np.flatnonzero(complete)
    if len(kept) < FEWEST_COUNTRIES:
        reason = f"the map needs {FEWEST_COUNTRIES} countries with all indicators, here are {len(kept)}"
        return NoMap(reason, len(kept))
    shown = np.flatnonzero(model.defined[np.ix_(kept, used)].all(axis=1))
    if len(shown) < FEWEST_COUNTRIES:
        reason = f"the map needs {FEWEST_COUNTRIES} countries with all indicators of the model, here are {len(shown)}"
        return NoMap(reason, len(kept))
    people, theirs = human.take(kept, used), model.take(kept[shown], used)
    axes = axes_of(people.means[0], membership=membership)
    positions, model_positions = axes.positions(people.means), axes.positions(theirs.means)
    own, congruent, chance = _own_axes(theirs, axes, streams=streams)
    scores = [
        _axis(positions[:, shown, a], model_positions[:, :, a], people.corrections[shown], theirs) for a in (0, 1)
    ]
    nearest, rank = _own_country(positions[0], model_positions[0], shown)
    return Placed(
        axes=axes,
        human=people,
        model=theirs,
        lacking=lacking,
        left_out=tuple(name for name, whole in zip(human.countries, complete, strict=True) if not whole),
        human_positions=positions,
        model_positions=model_positions,
        own=own,
        scores=(
            replace(scores[0], congruence=congruent[0], chance=float(chance[0])),
            replace(scores[1], congruence=congruent[1], chance=float(chance[1])),
        ),
        distance=_rmse(positions[:, shown], model_positions, people.corrections[shown], theirs.corrections),
        nearest=nearest,
        rank=rank,
    )


def _membership(declared: CultureMap) -> Floats:
    rows = [[one.high if one.axis == axis else 0 for axis in declared.axes] for one in declared.indicators]
    return np.array(rows, dtype=np.float64)


def _mean_score(totals: Floats, scores: Floats) -> Floats:
    """Mean score of one item from its category totals, shape (1 + B,); NaN without an answer."""
    mass = totals.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Floats = np.where(mass > 0, (totals * scores).sum(axis=1) / mass, np.nan)
    return mean


def _axis(human: Floats, model: Floats, corrections: Floats, side: Indicators) -> AxisScores:
    """Scores of positions on one axis, each (1 + B, C), but for the axis itself."""
    undefined = Estimate(float("nan"), float("nan"), float("nan"))
    return AxisScores(
        rmse=_rmse(human, model, corrections, side.corrections),
        congruence=undefined,
        chance=float("nan"),
        rank_correlation=_recentred(np.array([_spearman(*pair) for pair in zip(human, model, strict=True)])),
        spread=_spread(human, model, corrections, side.corrections),
    )


def _rmse(human: Floats, model: Floats, human_corrections: Floats, model_corrections: Floats) -> Estimate:
    """Root mean square distance, without the noise that both sides' sampling adds to it.

    Args:
        human: Positions, shape (1 + B, C) or (1 + B, C, 2).
        model: The same.
        human_corrections: Shape (C,).
        model_corrections: Shape (C,).
    """
    difference = model - human
    correction = np.sqrt(human_corrections * model_corrections)
    noise = _mean_variance(difference, correction)
    squares = np.square(difference).reshape(len(difference), -1).mean(axis=1)
    low, high = percentiles(squares[1:] - 2 * noise)
    return Estimate(*(float(root(square)) for square in (squares[0] - noise, low, high)))


def _spread(human: Floats, model: Floats, human_corrections: Floats, model_corrections: Floats) -> Estimate:
    noise = [_mean_variance(human, human_corrections), _mean_variance(model, model_corrections)]
    plain = [human.var(axis=1, ddof=1), model.var(axis=1, ddof=1)]
    # The full sample carries the noise once, replicates twice.
    times = np.r_[1.0, np.full(len(human) - 1, 2.0)]
    theirs, ours = (variance - times * v for variance, v in zip(plain, noise, strict=True))
    if not theirs[0] > 0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    ratio = np.sqrt(np.maximum(0.0, ours) / np.where(theirs > 0, theirs, np.nan))
    return Estimate(float(ratio[0]), *percentiles(ratio[1:]))


def _mean_variance(positions: Floats, corrections: Floats) -> float:
    """Mean over countries of the sampling variance of a position."""
    variances = positions[1:].var(axis=0, ddof=1)
    return float((variances.T * corrections).mean())


def _own_axes(model: Indicators, axes: Axes, *, streams: Streams) -> tuple[Floats, tuple[Estimate, Estimate], Floats]:
    """The model's own axes rotated to those of people: loadings, congruences, and what is congruent by chance."""
    own = [_components(means) for means in model.means]
    if own[0] is None:
        undefined = Estimate(float("nan"), float("nan"), float("nan"))
        return np.full(axes.loadings.shape, np.nan), (undefined, undefined), np.full(2, np.nan)
    turned = [None if one is None else one @ procrustes(one, axes.loadings) for one in own]
    values = np.stack([np.full(2, np.nan) if one is None else congruence(one, axes.loadings) for one in turned])
    orders = streams.permutations(2 * len(axes.mean), SHUFFLES, country="", purpose="axes by chance")
    chance = np.quantile(congruence(chance_loadings(own[0], axes.loadings, orders), axes.loadings), 0.95, axis=0)
    assert turned[0] is not None
    values = np.round(values, _DIGITS)
    estimates = _recentred(values[:, 0]), _recentred(values[:, 1])
    return np.round(turned[0], _DIGITS), estimates, np.round(chance, _DIGITS)


def _components(means: Floats) -> Floats | None:
    """Loadings of two principal components; ``None`` where an indicator is the same in all countries."""
    deviation = means.std(axis=0, ddof=1)
    if not (deviation > _TINY).all():
        return None
    standard = (means - means.mean(axis=0)) / deviation
    values, vectors = np.linalg.eigh(standard.T @ standard / (len(means) - 1))
    loadings: Floats = vectors[:, :-3:-1] * np.sqrt(values[:-3:-1])
    return loadings


def _own_country(human: Floats, model: Floats, shown: NDArray[np.int64]) -> tuple[float, float]:
    """Share of the model's countries nearest to their own, and the median place of the own one."""
    distances = np.linalg.norm(model[:, None] - human[None], axis=2)
    own = distances[np.arange(len(shown)), shown]
    # Countries at the same place do not count against each other.
    ranks = 1 + (distances < own[:, None] - _TINY).sum(axis=1)
    return float((ranks == 1).mean()), float(np.median(ranks))


def _spearman(one: Floats, other: Floats) -> float:
    """Rank correlation; NaN where a side is constant."""
    x, y = _ranks(one), _ranks(other)
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt(np.square(x).sum() * np.square(y).sum()))
    return float((x * y).sum() / scale) if scale > 0 else float("nan")


def _ranks(values: Floats) -> Floats:
    """Ranks, equal values sharing the mean of theirs."""
    values = np.round(values, _DIGITS)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts - 1) / 2)[inverse]
    return ranks


def _recentred(values: Floats) -> Estimate:
    """A correlation, the full sample first and replicates after it."""
    return recentred(float(values[0]), values[1:], least=-1, most=1)
