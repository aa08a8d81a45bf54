"""What is true of simulated people: a factor model that follows from the definition of a survey alone.

Within every country the latent answers to the ordered items are standard normal with one correlation matrix,

    Y_j = g_j G + d_j F_domain(j) + e_j,   R = Lambda Phi Lambda' + uniqueness,

G being a general factor and F one factor per domain; loadings have the sign of the item's polarity.
Factors are correlated because each depends on the same latent attributes of a person (age, sex, education).
Everything is normal, so polychoric correlations of the people are the entries of R, whatever their marginals.
Countries differ in marginals only: two cultural dimensions and a deviation of each item move thresholds.

Numbers of an item come from a hash of its id: they do not depend on its place or on the other items.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from demoscope.surveys.item import Item
    from demoscope.surveys.survey import Survey

    Floats = NDArray[np.float64]

TRAITS: Final = ("age", "sex", "education")
"""Latent attributes of which factors depend, in this order."""

TRAIT_CORRELATION: Final = np.array([[1.0, 0.0, -0.3], [0.0, 1.0, 0.0], [-0.3, 0.0, 1.0]])
"""Older people went to school for a shorter time."""


@dataclass(frozen=True)
class SimulationTruth:
    """What simulated answers to the ordered items were made from.

    Attributes:
        items: Their ids, p of them.
        factors: Names of the factors, the general one first, f of them.
        loadings: Shape (p, f).
        effects: What each factor owes to a unit of each latent attribute (``TRAITS``), shape (f, 3).
        factor_correlation: Shape (f, f).
        correlation: Latent correlations within a country, shape (p, p).
        thresholds: Item to K - 1 cut points before countries move them.
        cultural: What an item is moved by a unit of each cultural dimension, shape (p, 2).
    """

    items: tuple[str, ...]
    factors: tuple[str, ...]
    loadings: Floats
    effects: Floats
    factor_correlation: Floats
    correlation: Floats
    thresholds: dict[str, Floats]
    cultural: Floats


def generator(*labels: object) -> np.random.Generator:
    """A stream of random numbers of its own for each sequence of labels."""
    digest = blake2b("|".join(map(str, labels)).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


def simulation_truth(survey: Survey) -> SimulationTruth:
    """The model behind the simulated people of a survey."""
    items = [item for item in survey.items if item.ordered]
    domains = tuple(dict.fromkeys(item.domain for item in items))
    effects = np.array([generator("factor", name).uniform(-0.3, 0.3, 3) for name in ("general factor", *domains)])
    shared = effects @ TRAIT_CORRELATION @ effects.T
    phi = shared + np.diag(1 - np.diag(shared))
    loadings = np.zeros((len(items), 1 + len(domains)))
    for j, item in enumerate(items):
        general, own = generator("loadings", item.id).uniform((0.1, 0.4), (0.35, 0.75))
        loadings[j, 0], loadings[j, 1 + domains.index(item.domain)] = item.polarity * general, item.polarity * own
    common = loadings @ phi @ loadings.T
    return SimulationTruth(
        items=tuple(item.id for item in items),
        factors=("general", *domains),
        loadings=loadings,
        effects=effects,
        factor_correlation=phi,
        correlation=common + np.diag(1 - np.diag(common)),
        thresholds=_thresholds(survey, items),
        cultural=np.array([_cultural(survey, item) for item in items]).reshape(len(items), 2),
    )


def _thresholds(survey: Survey, items: list[Item]) -> dict[str, Floats]:
    """Cut points of every item; items of one block that ask the same with fewer options share those of the largest."""
    found: dict[str, Floats] = {}
    for item in items:
        rng = generator("marginal", item.id)
        size = len(item.options)
        even = np.array([NormalDist().inv_cdf(k / size) for k in range(1, size)])
        found[item.id] = even * rng.uniform(0.7, 1.2) + rng.normal(0, 0.5)
    for twins in shared_answers(survey):
        largest = max(twins, key=lambda item: len(item.options))
        whole = found[largest.id]
        for item in twins:
            steps = [round(k * (len(whole) + 1) / len(item.options)) for k in range(1, len(item.options))]
            found[item.id] = whole[[step - 1 for step in steps]]
    return found


def shared_answers(survey: Survey) -> list[list[Item]]:
    """Ordered items that ask the same thing with different options: pairs of a block, of different sizes."""
    blocks: dict[str, list[Item]] = {}
    for item in survey.items:
        if item.block is not None and item.ordered:
            blocks.setdefault(item.block, []).append(item)
    return [items for items in blocks.values() if len({len(item.options) for item in items}) > 1]


def _cultural(survey: Survey, item: Item) -> Floats:
    """How far an item moves with the two cultural dimensions: with that of its indicator, and a little at random."""
    moved = generator("culture", item.id).uniform(-0.25, 0.25, 2)
    if survey.culture_map is None:
        return moved
    for indicator in survey.culture_map.indicators:
        if item.id in indicator.scores:
            scores = [indicator.scores[item.id][code] for code in item.codes]
            rises = np.sign(scores[-1] - scores[0]) * indicator.high
            moved[survey.culture_map.axes.index(indicator.axis)] += 0.8 * rises
    return moved
