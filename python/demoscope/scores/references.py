"""References: what independence, demographics alone, the same people and other countries would score.

Each reference stands in for a model and goes through the same scores; so each is also a test of the program:
independence must score 0 and the other half of the same people 1, up to their intervals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from demoscope.scores.marginals import item_marginals
from demoscope.scores.resampling import Design, Streams
from demoscope.scores.sides import CodedSide, Sampled, pairs_of, sample
from demoscope.scores.structure import Terms, terms
from demoscope.stats import kernels

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from numpy.typing import NDArray

    from demoscope.scores.marginals import ItemMarginal
    from demoscope.scores.sides import Floats, Mask
    from demoscope.surveys import Item


@dataclass(frozen=True)
class People:
    """The respondents of one country, ready to be compared with.

    Attributes:
        country: Its name.
        frame: One row per respondent, in the order of the side.
        sampled: Their answers with replicates.
        pairs: Pairs of items that may be scored, shape (P,).
        n_effective: Effective number of complete answers per pair, shape (P,).
        profile: Number of the demographic cell of each respondent, shape (n,), -1 = unknown; ``None`` without
            attributes.
        design: How they were drawn.
    """

    country: str
    frame: pl.DataFrame
    sampled: Sampled
    pairs: Mask
    n_effective: Floats
    profile: NDArray[np.int64] | None
    design: Design

    @property
    def side(self) -> CodedSide:
        """The answers; respondents always have codes."""
        side = self.sampled.side
        assert isinstance(side, CodedSide)
        return side


@dataclass(frozen=True)
class Reference:
    """One reference in one country.

    Attributes:
        name: Key in ``REFERENCE_WORDS``.
        country: Country whose people it is compared with.
        other: Country that it was taken from, "" if none.
        terms: Structure terms.
        marginals: Items, or ``None`` where the marginals are the human ones by construction.
    """

    name: str
    country: str
    other: str
    terms: Terms
    marginals: list[ItemMarginal] | None


def independence(people: People, *, streams: Streams) -> Reference:
    """A0: each item's answers permuted over the respondents who gave one; same marginals, no structure."""
    side = people.side
    orders = streams.permutations(side.n, side.codes.shape[1], country=people.country, purpose="A0 items")
    # Items permuted over people have left their units, so people are drawn one by one.
    alone = Design(None).resampled(np.arange(side.n), country=people.country, purpose="A0 rows", streams=streams)
    shuffled = sample(
        shuffled_answers(side, orders),
        alone,
        pairs=people.pairs,
        threads=streams.threads,
    )
    return Reference("independence", people.country, "", _terms(people, shuffled), None)


def shuffled_answers(side: CodedSide, orders: NDArray[np.int64]) -> CodedSide:
    """Each item's answers permuted over those who gave one.

    Args:
        side: The answers.
        orders: A random order of the persons for each item, shape (p, n).
    """
    codes = side.codes.copy()
    for j, order in enumerate(orders):
        column = side.codes[order, j]
        codes[side.codes[:, j] != kernels.MISSING, j] = column[column != kernels.MISSING]
    return CodedSide(codes, side.categories, side.weights, side.persons)


def demographics_only(people: People, *, streams: Streams) -> Reference | None:
    """A1: people known by their demographic cell alone; what any model reaches that answers items one by one from it.

    Tables count ordered pairs of distinct persons within a cell, one answering the first item, the other the second.
    Permuting answers within cells instead would leave 1/n_c of each person's own covariance in place.

    Returns:
        ``None`` where no attribute is known or every cell holds one person only.
    """
    if people.profile is None:
        return None
    human = people.sampled
    usable = np.isfinite(human.rho)
    side = people.side
    rho, status, _ = kernels.demographic_correlations(
        side.codes, side.categories, side.weights, people.profile, None, pairs=usable, threads=streams.threads
    )
    if not np.isfinite(rho[0, usable]).any():
        return None
    rho_b, _, _ = kernels.demographic_correlations(
        side.codes, side.categories, side.weights, people.profile, human.multiplicities, pairs=usable,
        threads=streams.threads,
    )  # fmt: skip
    strangers = replace(human, rho=rho[0], rho_replicates=rho_b, status=status[0])
    return Reference("demographics", people.country, "", _terms(people, strangers), None)


def split_half(people: People, items: tuple[Item, ...], *, streams: Streams) -> Reference:
    """A2: one random half of the respondents as the model of the other half."""
    side, country = people.side, people.country
    halves = []
    for number, rows in enumerate(people.design.halves(side.n, country=country, streams=streams)):
        drawn = people.design.resampled(rows, country=country, purpose=f"A2 half {number}", streams=streams)
        halves.append(sample(side.take(rows), drawn, pairs=people.pairs, threads=streams.threads))
    first = halves[0]
    assert isinstance(first.side, CodedSide)
    effective = pairwise_effective_sizes(first.side)
    return Reference(
        "split_half",
        people.country,
        "",
        terms(first, halves[1], n_effective=effective),
        _items(first, halves[1], items),
    )


def other_countries(people: Mapping[str, People], items: tuple[Item, ...]) -> list[Reference]:
    """A3: the people of every other country as the model of this one; nearest and mean.

    Returns:
        Two references per country, ``"nearest_country"`` (smallest debiased distance of correlations) and
        ``"other_countries"`` (terms averaged over the others); none where there is one country only.
    """
    found: list[Reference] = []
    for name, here in people.items():
        others = [
            Reference(
                "nearest_country", name, other, _terms(here, there.sampled), _items(here.sampled, there.sampled, items)
            )
            for other, there in people.items()
            if other != name
        ]
        others = [reference for reference in others if reference.terms.pairs]
        if not others:
            continue
        found.append(min(others, key=lambda reference: reference.terms.mm - 2 * reference.terms.hm))
        found.append(
            Reference(
                "other_countries",
                name,
                ", ".join(reference.other for reference in others),
                _mean_terms([reference.terms for reference in others]),
                [item for reference in others for item in reference.marginals or []],
            )
        )
    return found


def pairwise_effective_sizes(side: CodedSide) -> Floats:
    """Kish's effective number of complete answers for each pair of items, shape (P,)."""
    valid = (side.codes != kernels.MISSING).astype(np.float64)
    first, second = pairs_of(valid.shape[1])
    # einsum sums in a fixed order; a threaded matrix product need not.
    totals = np.einsum("i,ij,ik->jk", side.weights, valid, valid)[first, second]
    squares = np.einsum("i,ij,ik->jk", np.square(side.weights), valid, valid)[first, second]
    with np.errstate(invalid="ignore"):
        sizes: Floats = np.square(totals) / squares
    return sizes


def _terms(people: People, model: Sampled) -> Terms:
    return terms(people.sampled, model, n_effective=people.n_effective)


def _items(human: Sampled, model: Sampled, items: tuple[Item, ...]) -> list[ItemMarginal]:
    return [item for item in item_marginals(human, model, items, null_totals=None) if item is not None]


def _mean_terms(parts: list[Terms]) -> Terms:
    count = len(parts)
    return replace(
        parts[0],
        mm=sum(part.mm for part in parts) / count,
        hm=sum(part.hm for part in parts) / count,
        mm_b=np.mean([part.mm_b for part in parts], axis=0),
        hm_b=np.mean([part.hm_b for part in parts], axis=0),
        estimable=min(part.estimable for part in parts),
    )
