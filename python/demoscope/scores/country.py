"""One country: its people made ready once, and one model scored against them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from demoscope.errors import DataError
from demoscope.scores.answers import ModelAnswers, coded_side, is_response_table, long_answers, wide_answers
from demoscope.scores.decomposition import Decomposition, decompositions
from demoscope.scores.eta import eta_squared
from demoscope.scores.gaps import Gap, group_gaps
from demoscope.scores.inputs import Columns, in_group, profiles, sources
from demoscope.scores.marginals import ItemMarginal, exchanged_totals, item_marginals
from demoscope.scores.permuted import Products, products
from demoscope.scores.references import People, pairwise_effective_sizes
from demoscope.scores.resampling import Design, Streams, country_design
from demoscope.scores.sides import ExactSide, Sampled, pairs_of, sample
from demoscope.scores.structure import Terms, terms

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from demoscope.scores.orders import OrderEffects
    from demoscope.surveys import Item

EXCHANGES = 1000
"""Random exchanges of side labels behind each test of equal distributions."""

COUNTRY_STEPS = 150
"""How long one model takes in one country beside the permutations of its profiles, in such permutations."""


@dataclass(frozen=True)
class CountryScores:
    """One model in one country.

    Attributes:
        people: The respondents.
        items: Declarations, in the order of both sides.
        answers: What the model said.
        model: The model side with replicates.
        matched: Whether personas are resampled with their respondents.
        marginals: One entry per item, ``None`` where a side has no valid answer.
        terms: Structure terms.
        products: Permuted profiles (A6); ``None`` without option probabilities or with fewer than three profiles.
        orders: What the order of options did to the model's answers, in all countries together.
        gaps: Attribute, level and gap.
        eta2_human, eta2_model: Share of variance between demographic cells, NaN without attributes.
        decompositions: Between and within personas, where each was drawn at least twice.
    """

    people: People
    items: tuple[Item, ...]
    answers: ModelAnswers
    model: Sampled
    matched: bool
    marginals: list[ItemMarginal | None]
    terms: Terms
    products: Products | None
    orders: OrderEffects
    gaps: list[tuple[str, str, Gap]]
    eta2_human: float
    eta2_model: float
    decompositions: tuple[Decomposition, ...]


def prepare_people(
    country: str,
    frame: pl.DataFrame,
    items: tuple[Item, ...],
    *,
    columns: Columns,
    attributes: list[str],
    streams: Streams,
) -> People:
    """Codes, replicates and demographic cells of one country's respondents.

    Raises:
        DataError: Fewer than two respondents, or a code, identifier or weight that cannot be used.
    """
    side = coded_side(frame, items, person=columns.human_id, weights=columns.weights, what=f"humans in {country}")
    if side.n < 2:
        raise DataError(f"humans in {country}: {side.n} respondent; at least 2 are needed")
    pairs = scorable_pairs(items, country)
    design = country_design(frame, columns, country=country)
    drawn = design.resampled(np.arange(side.n), country=country, purpose="respondent", streams=streams)
    return People(
        country=country,
        frame=frame,
        sampled=sample(side, drawn, pairs=pairs, threads=streams.threads),
        pairs=pairs,
        n_effective=pairwise_effective_sizes(side),
        profile=profiles(frame, attributes) if attributes else None,
        design=design,
    )


def scorable_pairs(items: tuple[Item, ...], country: str) -> NDArray[np.bool_]:
    """Pairs of ordered items, both asked in the country, not in one logical block, shape (P,)."""

    def scorable(a: Item, b: Item) -> bool:
        asked = all(item.asked_in is None or country in item.asked_in for item in (a, b))
        return a.ordered and b.ordered and asked and (a.block is None or a.block != b.block)

    first, second = pairs_of(len(items))
    return np.array([scorable(items[a], items[b]) for a, b in zip(first, second, strict=True)], dtype=np.bool_)


def score_country(
    people: People,
    frame: pl.DataFrame,
    items: tuple[Item, ...],
    *,
    columns: Columns,
    attributes: list[str],
    orders: OrderEffects,
    permutations: int,
    streams: Streams,
    step: Callable[[int], None],
) -> CountryScores:
    """Score one model's answers in one country.

    Args:
        people: Respondents of the country.
        frame: The model's answers there, wide or long.
        items: Declarations.
        columns: Names of the other columns.
        attributes: Columns that describe persons in both frames.
        orders: What was measured of the order of options.
        permutations: Number of permutations of profile labels.
        streams: Seed, replicates, threads.
        step: Called with the size of each part that is done.
    """
    answers = _answers(frame, items, columns)
    if answers.side.n < 2:
        raise DataError(f"answers in {people.country}: {answers.side.n} persona; at least 2 are needed")
    source = sources(people.side.persons, answers.persons, human_id=columns.human_id)
    if source is not None and columns.weights not in frame.columns:
        # A matched persona stands for its respondent, weight included.
        answers = replace(answers, side=replace(answers.side, weights=people.side.weights[source]))
    if source is None:
        everyone = np.arange(answers.side.n)
        drawn = Design(None).resampled(everyone, country=people.country, purpose="persona", streams=streams)
    else:
        drawn = people.design.followed(people.sampled.multiplicities, source)
    model = sample(answers.side, drawn, pairs=people.pairs, threads=streams.threads)
    exchanges = _exchanges(people, answers.side.n, matched=source is not None, streams=streams)
    exchanged = exchanged_totals(people.side, answers.side, source=source, exchanges=exchanges)
    country_terms = terms(people.sampled, model, n_effective=people.n_effective)
    step(COUNTRY_STEPS)
    shuffled = None
    if isinstance(answers.side, ExactSide):
        shuffled = products(
            answers.side,
            people.sampled.rho,
            country_terms,
            pairs=np.isfinite(model.rho),
            country=people.country,
            count=permutations,
            streams=streams,
            step=step,
        )
    known = bool(attributes) and people.profile is not None
    return CountryScores(
        people=people,
        items=items,
        answers=answers,
        model=model,
        matched=source is not None,
        marginals=item_marginals(people.sampled, model, items, null_totals=exchanged),
        terms=country_terms,
        products=shuffled,
        orders=orders,
        gaps=_gaps(people, answers, model, items, attributes),
        eta2_human=eta_squared(people.side, profiles(people.frame, attributes), items) if known else float("nan"),
        eta2_model=eta_squared(answers.side, profiles(answers.persons, attributes), items) if known else float("nan"),
        decompositions=decompositions(
            frame, model, items, country=people.country, pairs=people.pairs, person=columns.persona_id
        ),
    )


def _answers(frame: pl.DataFrame, items: tuple[Item, ...], columns: Columns) -> ModelAnswers:
    weights = columns.weights if columns.weights in frame.columns else None
    if not is_response_table(frame):
        return wide_answers(frame, items, person=columns.persona_id, weights=weights)
    if columns.persona_id is None:
        raise DataError("answers: a response table needs the column that names personas (persona_id)")
    return long_answers(frame, items, person=columns.persona_id, weights=weights)


def _exchanges(people: People, personas: int, *, matched: bool, streams: Streams) -> NDArray[np.bool_]:
    """Which units change sides in each exchange; see :func:`demoscope.scores.marginals.exchanged_totals`."""
    units = personas if matched else people.side.n + personas
    order = streams.permutations(2 * units if matched else units, EXCHANGES, country=people.country, purpose="exchange")
    if matched:
        # Each pair swaps with probability 1/2: the position of an odd or even number in a random order of 2 m.
        swapped: NDArray[np.bool_] = order[:, :units] % 2 == 1
        return swapped
    exchanged: NDArray[np.bool_] = order < personas
    return exchanged


def _gaps(
    people: People, answers: ModelAnswers, model: Sampled, items: tuple[Item, ...], attributes: list[str]
) -> list[tuple[str, str, Gap]]:
    return [
        (attribute, level, gap)
        for attribute in attributes
        for level in sorted(set(people.frame[attribute].drop_nulls().cast(pl.String)))
        for gap in group_gaps(
            people.sampled,
            model,
            items,
            human_group=in_group(people.frame, attribute, level),
            model_group=in_group(answers.persons, attribute, level),
        )
    ]
