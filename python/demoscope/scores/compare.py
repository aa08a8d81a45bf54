"""Humans against models: one call that gives every score, reference and verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from demoscope.errors import DataError
from demoscope.schema import ALL
from demoscope.scores.between_groups import BetweenGroups
from demoscope.scores.comparison import Comparison
from demoscope.scores.country import COUNTRY_STEPS, EXCHANGES, CountryScores, prepare_people, score_country
from demoscope.scores.culture import culture
from demoscope.scores.factors import human_factors
from demoscope.scores.gaps import country_gaps, gap_slope, without_mirror_images
from demoscope.scores.inputs import (
    Columns,
    by_country,
    common_countries,
    groups,
    presentations,
    resolve_items,
    shared_attributes,
)
from demoscope.scores.marginals import averages
from demoscope.scores.orders import without_order_effects
from demoscope.scores.outcomes import outcomes
from demoscope.scores.permuted import permuted
from demoscope.scores.references import (
    People,
    Reference,
    demographics_only,
    independence,
    other_countries,
    split_half,
)
from demoscope.scores.resampling import Streams
from demoscope.scores.rows import Tables
from demoscope.scores.sides import ExactSide
from demoscope.scores.structure import defined_mean, scores, total
from demoscope.scores.verdict import Circumstances, Verdict, Yardsticks, verdict
from demoscope.stats.frames import polars_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from demoscope.stats.frames import FrameLike
    from demoscope.surveys import Item, Survey

# How long the parts of a country take, in permutations of profile labels (10 items, 600 persons, 1,000 replicates).
PEOPLE_STEPS = 80
REFERENCE_STEPS = 250


def compare(
    humans: FrameLike,
    answers: FrameLike,
    *,
    survey: Survey | None = None,
    items: Sequence[str] | None = None,
    by: Sequence[str] = ("model", "steering"),
    country: str | None = None,
    human_id: str | None = None,
    persona_id: str | None = None,
    weights: str | None = None,
    strata: str | None = None,
    psu: str | None = None,
    replicates: int = 1000,
    permutations: int = 500,
    seed: int = 0,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Score the answers of models against those of people, marginals and structure.

    Answers come wide (one row per persona, one column of codes per item) or as a response table (columns ``item`` and
    ``probs`` or ``code``; see :mod:`demoscope.schema`).
    Personas are *matched* where ``human_id`` is given and the answers carry that column or ``source_respondent_id``:
    they are then resampled together with their respondents.
    Columns that both frames share and that are neither items nor named in an argument are attributes of persons: they
    make the demographic cells of reference A1, and their groups are compared with each other.

    Args:
        humans: Polars, pandas or pyarrow; one row per respondent, integer codes (or Enum), null = missing.
        answers: Answers of one or more models.
        survey: Declares items; without it every item that both sides have is ordinal, in no block, with sorted codes.
        items: Items to score, all of the survey (or all common ones) unless given.
        by: Columns of ``answers`` that tell models apart; those that are absent are ignored.
        country: Column of the country in both frames; correlations are always taken within countries.
        human_id: Column of respondents' identifiers.
        persona_id: Column of personas' identifiers, ``"persona_id"`` where that column exists.
        weights: Column of weights of respondents, positive; of personas too where their frame has it.
        strata: Column of the strata of respondents.
        psu: Column of their primary sampling units; where there are units or strata, intervals come from replicates
            that draw n_h - 1 of the n_h units of each stratum (Rao, Wu & Yue 1992), and halves of people (A2) are
            halves of units.
            A country in which a column is empty does without it.
        replicates: Bootstrap replicates B of respondents and personas.
        permutations: Permutations of profile labels (reference A6).
        seed: Master seed; the same seed gives the same bytes for any number of threads.
        threads: Number of threads, all cores unless given.
        progress: Called with (steps done, steps in all).

    Returns:
        Frames and verdicts; what cannot be computed is null there, with a status where one exists.

    Raises:
        DataError: A column, code, identifier or weight that cannot be used; the message names it.

    References:
        Structure scores: Bentler & Bonett (1980) for the form, double-noise correction as derived in :mod:`.structure`.
        Matching and between-group ideas: Williams, Weeber, Pado & Akbik (arXiv 2601.15755).
    """
    if replicates < 2:
        raise DataError(f"replicates = {replicates}: an interval needs at least 2, and 1000 to be worth printing")
    people_frame, answer_frame = polars_frame(humans), polars_frame(answers)
    by = tuple(name for name in by if name in answer_frame.columns)
    if persona_id is None and "persona_id" in answer_frame.columns:
        persona_id = "persona_id"
    columns = Columns(by, country, human_id, persona_id, weights, strata, psu)
    declared = resolve_items(people_frame, answer_frame, survey=survey, names=items, columns=columns)
    attributes = shared_attributes(people_frame, answer_frame, items=declared, columns=columns)
    streams = Streams(seed=seed, replicates=replicates, threads=threads)
    human_parts = by_country(people_frame, country, what="humans")
    models = []
    for group, part in groups(answer_frame, by):
        averaged, orders = without_order_effects(part, declared, person=persona_id)
        models.append((group, part, by_country(averaged, country, what="answers"), orders))
    names = common_countries(human_parts, [frames for _, _, frames, _ in models])
    per_country = PEOPLE_STEPS + REFERENCE_STEPS + len(models) * (COUNTRY_STEPS + permutations)
    step = Steps(len(names) * per_country, progress)
    people = {}
    for name in names:
        people[name] = prepare_people(
            name, human_parts[name], declared, columns=columns, attributes=attributes, streams=streams
        )
        step(PEOPLE_STEPS)
    between = BetweenGroups(
        people, declared, attributes=attributes, human_id=human_id, streams=streams, permutations=permutations
    )
    references = _references(people, declared, streams=streams, step=step)
    target = human_factors(list(people.values()), declared, streams=streams)
    tables, verdicts, parts = Tables(by), [], []
    for group, part, frames, orders in models:
        parts = [
            score_country(
                people[name],
                frames[name],
                declared,
                columns=columns,
                attributes=attributes,
                orders=orders,
                permutations=permutations,
                streams=streams,
                step=step,
            )
            for name in names
        ]
        verdicts.append(
            _add_group(tables, group, parts, references, weighted=weights is not None, presentation=presentations(part))
        )
        tables.extend(group, culture(parts, target, None if survey is None else survey.culture_map, streams=streams))
        tables.add_outcomes(group, outcomes(part, declared, country=country, attributes=attributes))
        tables.extend(group, between.rows(parts))
    tables.add_references(references, {name: here.side.n for name, here in people.items()})
    step.finish()
    return Comparison(
        by=by,
        verdicts=tuple(verdicts),
        settings={
            "seed": seed,
            "replicates": replicates,
            "permutations": permutations,
            "exchanges": EXCHANGES,
            "design": "matched" if all(part.matched for part in parts) else "independent",
            "source": "exact" if all(isinstance(part.model.side, ExactSide) for part in parts) else "drawn",
            "countries": names,
            "items": [item.id for item in declared],
            "attributes": attributes,
            "weights": weights,
            "strata": strata,
            "psu": psu,
        },
        **tables.frames(),
    )


class Steps:
    """Counts steps, each about as long as a permutation, and passes them on.

    Args:
        count: Steps in all.
        progress: Called with (steps done, steps in all).
    """

    def __init__(self, count: int, progress: Callable[[int, int], None] | None) -> None:
        self._count, self._done, self._progress = count, 0, progress

    def __call__(self, size: int = 1) -> None:
        """Count ``size`` steps as done."""
        self._done += size
        if self._progress is not None:
            self._progress(min(self._done, self._count), self._count)

    def finish(self) -> None:
        """Say that all is done, whatever was skipped."""
        if self._progress is not None:
            self._progress(self._count, self._count)


def _references(
    people: dict[str, People], items: tuple[Item, ...], *, streams: Streams, step: Steps
) -> list[Reference]:
    found: list[Reference] = []
    for here in people.values():
        demographic = demographics_only(here, streams=streams)
        found += [independence(here, streams=streams), split_half(here, items, streams=streams)]
        found += [] if demographic is None else [demographic]
        step(REFERENCE_STEPS)
    return found + other_countries(people, items)


def _add_group(
    tables: Tables,
    group: dict[str, str],
    parts: list[CountryScores],
    references: list[Reference],
    *,
    weighted: bool,
    presentation: str,
) -> Verdict:
    """Rows and verdict of one model."""
    items = parts[0].items
    for part in parts:
        tables.add_country(group, part)
    _add_gaps(tables, group, parts)
    selections = [(part.people.country, [part]) for part in parts if part.people.country != ALL]
    for country, selected in [*selections, (ALL, parts)]:
        cut = _most_interviews(selected)
        mean = averages([item for part in selected for item in part.marginals if item is not None], n_human=cut)
        structure = scores(total(part.terms for part in selected), n_human=cut)
        chance = permuted([part.products for part in selected if part.products is not None])
        tables.add_scores(group, country, selected, mean, structure, chance)
        tables.add_dependence(group, country, selected, presentation=presentation)
    # The last selection is that of all countries: its scores are what the verdict speaks of.
    return verdict(
        group,
        mean,
        structure,
        chance,
        _yardsticks(references, n_human=cut),
        Circumstances(
            matched=all(part.matched for part in parts),
            exact=all(isinstance(part.model.side, ExactSide) for part in parts),
            presentation=presentation,
            countries=len(parts),
            items=len(items),
            degenerate=sum(int(part.model.degenerate.sum()) for part in parts),
            weighted=weighted,
            complete=all(part.model.side.n == part.people.side.n for part in parts),
            order_effect=defined_mean(np.array(list(parts[0].orders.effects.values()))),
            order_removed=parts[0].orders.removed,
        ),
    )


def _add_gaps(tables: Tables, group: dict[str, str], parts: list[CountryScores]) -> None:
    """Gaps between countries, and the slope of each attribute's gaps over all countries."""
    people = {part.people.country: part.people.sampled for part in parts}
    models = {part.people.country: part.model for part in parts}
    between = [("country", country, gap) for country, gap in country_gaps(people, models, parts[0].items)]
    for _, country, gap in between:
        tables.add_country_gap(group, country, gap)
    gaps = [found for part in (*(part.gaps for part in parts), between) for found in without_mirror_images(part)]
    for attribute in dict.fromkeys(attribute for attribute, _, _ in gaps):
        slope = gap_slope([gap for name, _, gap in gaps if name == attribute])
        tables.add_gap_slope(group, attribute, slope)


def _most_interviews(parts: list[CountryScores]) -> float:
    """Where "worth N interviews" is cut off: the people there were, or the drawn answers if they were fewer."""
    sizes = [
        part.people.side.n if isinstance(part.model.side, ExactSide) else min(part.people.side.n, part.model.side.n)
        for part in parts
    ]
    return float(np.mean(sizes))


def _yardsticks(references: list[Reference], *, n_human: float) -> Yardsticks:
    def structure_r2(name: str) -> float:
        found = [reference.terms for reference in references if reference.name == name]
        return scores(total(found), n_human=n_human).structure_r2.value if found else float("nan")

    others = [item for part in references if part.name == "other_countries" for item in part.marginals or []]
    return Yardsticks(
        other_countries_cramer=averages(others, n_human=n_human).cramer.value,
        other_countries_r2=structure_r2("other_countries"),
        demographics_r2=structure_r2("demographics"),
    )
