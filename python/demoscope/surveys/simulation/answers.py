"""Answers of simulated people, and the codes of those who give none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from demoscope.surveys.item import as_integer
from demoscope.surveys.simulation.truth import TRAIT_CORRELATION, generator, shared_answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from demoscope.surveys.item import Item
    from demoscope.surveys.simulation.truth import SimulationTruth
    from demoscope.surveys.survey import Survey

    Floats = NDArray[np.float64]

MOST_CHOSEN: Final = 5
"""How many things of a long list of yes-or-no items in one block may be chosen, as in "choose up to five"."""
LONG_LIST: Final = 6
"""Items of such a list at least; a shorter block of yes-or-no items constrains nothing here."""

_RATES: Final = {"dont_know": 0.018, "refused": 0.006, "other_missing": 0.002}
"""Mean share of people who give no answer for a reason."""
_SPECIAL_RATE: Final = 0.02
"""Share of codes that a single item declares beside those of the survey."""
_NOT_ASKED: Final = 0.03
"""Share of items that a country leaves out."""


@dataclass(frozen=True)
class Persons:
    """Latent variables of the people of one country.

    Attributes:
        country: Its name.
        traits: Latent age, sex and education, shape (n, 3).
        general: What the general factor has beside them, shape (n,).
        culture: Where the country stands on two cultural dimensions.
    """

    country: str
    traits: Floats
    general: Floats
    culture: Floats


def answers(
    survey: Survey, truth: SimulationTruth, persons: Persons, *, rng: np.random.Generator
) -> dict[str, NDArray[np.int64] | list[int | None]]:
    """Cells of every item, by column."""
    places = _ordered(survey, truth, persons, rng)
    places |= _nominal(survey, persons, rng)
    _choose_few(survey, places, rng)
    reluctance = rng.normal(size=len(persons.general)) - 0.4 * persons.traits[:, 2]
    return {
        item.columns[0]: _with_missing(survey, item, places[item.id], persons, reluctance, rng) for item in survey.items
    }


def _ordered(
    survey: Survey, truth: SimulationTruth, persons: Persons, rng: np.random.Generator
) -> dict[str, NDArray[np.int64]]:
    """Place of the chosen option of every ordered item: latent normals, cut."""
    n = len(persons.general)
    own = rng.normal(size=(n, len(truth.factors)))
    own[:, 0] = persons.general
    owed = persons.traits @ truth.effects.T
    left = 1 - np.einsum("fk,kl,fl->f", truth.effects, TRAIT_CORRELATION, truth.effects)
    factors = owed + own * np.sqrt(left)
    common = truth.loadings @ truth.factor_correlation @ truth.loadings.T
    latent = factors @ truth.loadings.T + rng.normal(size=(n, len(truth.items))) * np.sqrt(1 - np.diag(common))
    index = {name: j for j, name in enumerate(truth.items)}
    for twins in shared_answers(survey):
        first = index[twins[0].id]
        for item in twins[1:]:
            latent[:, index[item.id]] = latent[:, first]
    moved = truth.cultural @ persons.culture + np.array(
        [generator("deviation", persons.country, name).normal(0, 0.25) for name in truth.items]
    )
    for twins in shared_answers(survey):
        for item in twins[1:]:
            moved[index[item.id]] = moved[index[twins[0].id]]
    return {name: np.searchsorted(truth.thresholds[name], latent[:, j] + moved[j]) for name, j in index.items()}


def _nominal(survey: Survey, persons: Persons, rng: np.random.Generator) -> dict[str, NDArray[np.int64]]:
    """Place of the chosen option of every nominal item; items of one block with the same options are a ranking."""
    found: dict[str, NDArray[np.int64]] = {}
    rankings: dict[str, list[Item]] = {}
    for item in survey.items:
        if not item.ordered:
            rankings.setdefault(item.block or f"\x00{item.id}", []).append(item)
    for items in rankings.values():
        first = items[0]
        utility = _utilities(survey, first, persons) + rng.gumbel(size=(len(persons.general), len(first.options)))
        order = np.argsort(-utility, axis=1)
        same = all(item.codes == first.codes for item in items)
        for rank, item in enumerate(items):
            if same:
                found[item.id] = order[:, rank]
            else:
                found[item.id] = rng.integers(0, len(item.options), len(persons.general))
    return found


def _utilities(survey: Survey, item: Item, persons: Persons) -> Floats:
    """How much a country likes each option: by item, and by its place on the cultural dimensions."""
    utility: Floats = generator("utility", item.id).normal(0, 0.5, len(item.options))
    utility = utility + generator("utility", item.id, persons.country).normal(0, 0.2, len(item.options))
    if survey.culture_map is not None:
        for indicator in survey.culture_map.indicators:
            if item.id in indicator.scores:
                scores = np.array([indicator.scores[item.id][code] for code in item.codes])
                place = persons.culture[survey.culture_map.axes.index(indicator.axis)]
                utility = utility + 0.6 * indicator.high * place * (scores - scores.mean())
    return utility


def _choose_few(survey: Survey, places: dict[str, NDArray[np.int64]], rng: np.random.Generator) -> None:
    """Of a long list in one block nobody chooses more than a few: whoever did leaves out some at random."""
    blocks: dict[str, list[Item]] = {}
    for item in survey.items:
        if item.block is not None and item.type == "binary":
            blocks.setdefault(item.block, []).append(item)
    for items in blocks.values():
        if len(items) < LONG_LIST:
            continue
        chosen = np.stack([places[item.id] == 0 for item in items], axis=1)
        rank = np.argsort(np.argsort(np.where(chosen, rng.random(chosen.shape), 2.0), axis=1), axis=1)
        for j, item in enumerate(items):
            places[item.id] = np.where(chosen[:, j] & (rank[:, j] < MOST_CHOSEN), 0, 1)


def _with_missing(
    survey: Survey,
    item: Item,
    places: NDArray[np.int64],
    persons: Persons,
    reluctance: Floats,
    rng: np.random.Generator,
) -> NDArray[np.int64] | list[int | None]:
    """Codes of an item, with those for no answer; an empty cell where the survey has no code for a reason."""
    codes = np.array(item.codes)[places]
    n = len(codes)
    reasons = _codes_by_reason(survey.missing_codes(item))
    asked = item.asked_in is None or persons.country in item.asked_in
    left_out = generator("asked", item.id, persons.country).random() < _left_out_share(survey, item.id)
    if not asked or ("not_asked" in reasons and left_out):
        code = reasons.get("not_asked")
        return [None] * n if code is None else np.full(n, code)
    empty = np.zeros(n, dtype=np.bool_)
    hard = generator("hard", item.id).lognormal(-0.3, 0.8)
    for reason, rate in _RATES.items():
        trait = np.exp(0.6 * reluctance - 0.2) if reason != "other_missing" else 1.0
        lost = rng.random(n) < np.minimum(rate * hard * trait, 0.5)
        if (code := reasons.get(reason)) is not None:
            codes = np.where(lost, code, codes)
        elif reason == "other_missing" and not reasons:
            empty = lost
    for text in item.missing_also:
        if (code := as_integer(text)) is not None:
            codes = np.where(rng.random(n) < _SPECIAL_RATE, code, codes)
    return [None if gone else int(code) for code, gone in zip(codes, empty, strict=True)] if empty.any() else codes


def _left_out_share(survey: Survey, item: str) -> float:
    """Most items are asked nearly everywhere, those of a culture map everywhere; a third leaves out one of 25."""
    if survey.culture_map is not None and any(item in part.scores for part in survey.culture_map.indicators):
        return 0.0
    return 1 / 3 if generator("optional", item).random() < 0.04 else _NOT_ASKED


def _codes_by_reason(missing: Mapping[str, str]) -> dict[str, int]:
    """The first code of each reason."""
    found: dict[str, Any] = {}
    for text, reason in missing.items():
        if (code := as_integer(text)) is not None:
            found.setdefault(reason, code)
    return found
