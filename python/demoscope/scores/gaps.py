"""Demographic gaps: does the model know how groups differ, item by item?

A gap is the mean of one group minus the mean of the other persons of the same country, in human standard deviations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demoscope.scores.sides import blocks
from demoscope.scores.structure import Estimate, percentiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demoscope.scores.sides import Floats, Mask, Sampled
    from demoscope.surveys import Item

FEWEST_PERSONS = 10
"""Smaller groups have gaps that say nothing."""


@dataclass(frozen=True)
class Gap:
    """One group and item.

    Attributes:
        item: Item id.
        human: Gap of the people, in standard deviations of the people's answers in that country.
        model: Gap of the personas, in the same unit.
    """

    item: str
    human: Estimate
    model: Estimate


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
        One gap per ordered item, where both sides have at least ten persons in and outside the group.
    """
    sizes = (human_group.sum(), (~human_group).sum(), model_group.sum(), (~model_group).sum())
    if min(sizes) < FEWEST_PERSONS:
        return
    human_gap, model_gap = _mean_gaps(human, items, human_group), _mean_gaps(model, items, model_group)
    for j, (item, block) in enumerate(zip(items, blocks(human.categories), strict=True)):
        deviation = _deviation(human.totals[0, block], item)
        if not item.ordered or not deviation > 0:
            continue
        yield Gap(item.id, _interval(human_gap[:, j] / deviation), _interval(model_gap[:, j] / deviation))


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
    shares, scores = totals / totals.sum(), np.asarray(item.scores)
    mean = (shares * scores).sum()
    return float(np.sqrt((shares * np.square(scores - mean)).sum()))


def _interval(values: Floats) -> Estimate:
    return Estimate(float(values[0]), *percentiles(values[1:]))


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
                yield name, Gap(item.id, _interval(people), _interval(personas))
