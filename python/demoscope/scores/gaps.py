"""Demographic gaps: does the model know how groups differ, item by item?

A gap is the mean of one group minus the mean of the other persons of the same country, in human standard deviations.
The slope of the model's gaps on the human ones says whether the model knows how groups differ: 1 = as people do, 0 = no
relation, above 1 = it exaggerates.
Both sums behind the slope are freed of sampling noise as the terms of :mod:`demoscope.scores.structure` are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from demoscope.scores.sides import blocks
from demoscope.scores.structure import ZERO, Estimate, percentiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from demoscope.scores.sides import Floats, Mask, Sampled
    from demoscope.surveys import Item

FEWEST_PERSONS = 10
"""Smaller groups have gaps that say nothing."""

NO_GAP = 1e-9
"""A smaller gap of a model is none: its sign comes from rounding."""


@dataclass(frozen=True)
class Gap:
    """One group and item.

    Attributes:
        item: Item id.
        human: Gap of the people, in standard deviations of the people's answers in that country.
        model: Gap of the personas, in the same unit.
        human_b, model_b: Replicates, shape (B,); the full-sample value stands where a resample left a gap undefined.
        variance: Sampling variance of the human gap.
        covariance: Sampling covariance of the two gaps, not 0 where personas are matched to respondents.
    """

    item: str
    human: Estimate
    model: Estimate
    human_b: Floats = field(repr=False)
    model_b: Floats = field(repr=False)
    variance: float
    covariance: float

    @classmethod
    def of(cls, item: str, human: Floats, model: Floats, *, corrections: tuple[float, float]) -> Gap:
        """The gap with its intervals and sampling variances.

        Args:
            item: Item id.
            human: Gap of the people, full sample first, then the replicates, shape (1 + B,); NaN = undefined.
            model: The same of the personas.
            corrections: What bootstrap variances of people and personas are multiplied by, n / (n - 1).
        """
        human_b, model_b = (np.where(np.isfinite(side[1:]), side[1:], side[0]) for side in (human, model))
        covariances = np.cov(human_b, model_b)
        return cls(
            item=item,
            human=Estimate(float(human[0]), *percentiles(human[1:])),
            model=Estimate(float(model[0]), *percentiles(model[1:])),
            human_b=human_b,
            model_b=model_b,
            variance=float(covariances[0, 0] * corrections[0]),
            covariance=float(covariances[0, 1] * np.sqrt(corrections[0] * corrections[1])),
        )


@dataclass(frozen=True)
class GapSlope:
    """Gaps of a model against gaps of people.

    Attributes:
        gaps: Number of gaps that both sides have.
        slope: Slope through 0 of the model's gaps on the human ones, NaN where human gaps cannot be told from 0.
        clear: Number of gaps whose human interval excludes 0.
        same_sign: Number of those where the model's gap has the same sign.
    """

    gaps: int
    slope: Estimate
    clear: int
    same_sign: int


def group_gaps(
    human: Sampled, model: Sampled, items: tuple[Item, ...], *, human_group: Mask, model_group: Mask
) -> Iterator[Gap]:
    """Gaps of one group against all other persons of its country.

    Args:
        human: Respondents.
        model: Personas.
        items: Declarations, in the order of the sides' items.
        human_group: Respondents in the group, shape (n,).
        model_group: Personas in the group, shape (m,).

    Yields:
        One gap per ordered item, where both sides have at least ten answers in and outside the group.
    """
    sizes = np.min(
        [
            side.answered(keep=keep)
            for side, group in ((human.side, human_group), (model.side, model_group))
            for keep in (group, ~group)
        ],
        axis=0,
    )
    if sizes.max() < FEWEST_PERSONS:
        return
    human_gap, model_gap = _mean_gaps(human, items, human_group), _mean_gaps(model, items, model_group)
    for j, (item, block) in enumerate(zip(items, blocks(human.categories), strict=True)):
        deviation = _deviation(human.totals[0, block], item)
        if not item.ordered or not deviation > 0 or sizes[j] < FEWEST_PERSONS:
            continue
        yield Gap.of(
            item.id,
            human_gap[:, j] / deviation,
            model_gap[:, j] / deviation,
            corrections=(human.correction, model.correction),
        )


def _mean_gaps(sampled: Sampled, items: tuple[Item, ...], group: Mask) -> Floats:
    """Difference of means inside and outside the group, full sample in row 0, replicates below, shape (1 + B, p)."""
    means = []
    for keep in (group, ~group):
        full = sampled.side.counts(None, keep=keep)
        totals = np.concatenate([full, sampled.side.counts(sampled.multiplicities, keep=keep)])
        means.append(
            np.column_stack([_means(totals[:, b], i) for b, i in zip(blocks(sampled.categories), items, strict=True)])
        )
    return means[0] - means[1]


def _means(totals: Floats, item: Item) -> Floats:
    with np.errstate(invalid="ignore"):
        means: Floats = (totals * np.asarray(item.scores)).sum(axis=1) / totals.sum(axis=1)
    return means


def _deviation(totals: Floats, item: Item) -> float:
    if not totals.sum() > 0:
        return float("nan")
    shares, scores = totals / totals.sum(), np.asarray(item.scores)
    mean = (shares * scores).sum()
    return float(np.sqrt((shares * np.square(scores - mean)).sum()))


def country_gaps(
    human: dict[str, Sampled], model: dict[str, Sampled], items: tuple[Item, ...]
) -> Iterator[tuple[str, Gap]]:
    """Gaps of each country against the mean of the others: does the model know which country is which?

    The unit is the standard deviation of the people's answers within the country.

    Args:
        human: Respondents by country.
        model: Personas by country, the same countries.
        items: Declarations, in the order of the sides' items.

    Yields:
        Country and gap, for each ordered item; nothing where there is one country only.
    """
    names = list(human)
    if len(names) < 2:
        return
    for j, item in enumerate(items):
        if not item.ordered:
            continue
        block = blocks(human[names[0]].categories)[j]
        of_people = np.array([_means(human[name].totals[:, block], item) for name in names])
        of_model = np.array([_means(model[name].totals[:, block], item) for name in names])
        for c, name in enumerate(names):
            deviation = _deviation(human[name].totals[0, block], item)
            if deviation > 0:
                others = np.arange(len(names)) != c
                people = (of_people[c] - of_people[others].mean(axis=0)) / deviation
                personas = (of_model[c] - of_model[others].mean(axis=0)) / deviation
                corrections = (human[name].correction, model[name].correction)
                yield name, Gap.of(item.id, people, personas, corrections=corrections)


def without_mirror_images(gaps: Iterable[tuple[str, str, Gap]]) -> list[tuple[str, str, Gap]]:
    """Gaps of one country that say something of their own.

    The gaps of two groups that make up everybody are each other's negatives, so of an attribute with exactly two levels
    the first one alone, in sorted order, is kept.

    Args:
        gaps: Attribute, level and gap.
    """
    gaps = list(gaps)
    levels: dict[str, set[str]] = {}
    for attribute, level, _ in gaps:
        levels.setdefault(attribute, set()).add(level)
    return [
        (attribute, level, gap)
        for attribute, level, gap in gaps
        if len(levels[attribute]) != 2 or level == min(levels[attribute])
    ]


def gap_slope(gaps: Sequence[Gap]) -> GapSlope:
    """Slope and agreement in sign over groups, items and countries.

    The slope is (sum h m - c) / (sum h^2 - v) over human gaps h with sampling variances v and model gaps m, c being the
    sampling covariances; replicates carry the noise twice and lose 2 c and 2 v.
    It is not defined where its denominator is less than two standard errors above 0.

    Args:
        gaps: All with the same number of replicates, without mirror images; those that a side lacks are left out.
    """
    known = [gap for gap in gaps if np.isfinite(gap.human.value) and np.isfinite(gap.model.value)]
    clear = [gap for gap in known if gap.human.low > 0 or gap.human.high < 0]
    return GapSlope(
        gaps=len(known),
        slope=_slope(known) if known else Estimate(float("nan"), float("nan"), float("nan")),
        clear=len(clear),
        same_sign=sum(abs(gap.model.value) >= NO_GAP and gap.human.value * gap.model.value > 0 for gap in clear),
    )


def _slope(gaps: Sequence[Gap]) -> Estimate:
    products = sum(gap.human.value * gap.model.value - gap.covariance for gap in gaps)
    squares = sum(gap.human.value**2 - gap.variance for gap in gaps)
    products_b = np.sum([gap.human_b * gap.model_b - 2 * gap.covariance for gap in gaps], axis=0)
    squares_b = np.sum([np.square(gap.human_b) - 2 * gap.variance for gap in gaps], axis=0)
    if not squares > max(ZERO, 2 * squares_b.std(ddof=1)):
        return Estimate(float("nan"), float("nan"), float("nan"))
    slopes = products_b / np.where(squares_b > 0, squares_b, np.nan)
    return Estimate(float(products / squares), *percentiles(slopes))
