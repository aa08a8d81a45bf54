"""Scores into words: two verdicts, what they are compared with, and what they are conditional on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from demoscope.scores.marginals import Averages
    from demoscope.scores.permuted import Permuted
    from demoscope.scores.structure import Estimate, StructureScores

ALPHA = 0.05

PRESENTATION_WORDS: Final = {
    "single": "Items were asked one at a time: answers of one persona are independent given what its prompt shows, "
    "so no dependence beyond demographics can appear, whatever the model knows.",
    "interview": "Answers were drawn in interviews: each question was asked with earlier answers of the same persona "
    "in view, so answers can depend on each other beyond what the prompt says of the persona.",
    "battery": "Answers were drawn in batteries: the questions of a battery were in view together, with the answers "
    "given to it so far, so answers can depend on each other beyond what the prompt says of the persona.",
    "": "How items were asked is not known: if one at a time, no dependence beyond what a prompt shows can appear.",
}
"""What the way items were asked means for the dependence of answers."""


@dataclass(frozen=True)
class Verdict:
    """What is said of one model and steering.

    Attributes:
        group: Values of the ``by`` columns.
        headline: "Worth N interviews on averages, M on how opinions go together."
        marginals: The verdict on the distributions of single items.
        structure: The verdict on how items go together.
        conditional: What both hold under, one sentence each.
        numbers: The figures behind the sentences.
    """

    group: dict[str, str]
    headline: str
    marginals: str
    structure: str
    conditional: tuple[str, ...]
    numbers: dict[str, float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Yardsticks:
    """Reference figures that a verdict is held against; NaN where a reference does not exist."""

    other_countries_cramer: float
    other_countries_r2: float
    demographics_r2: float


@dataclass(frozen=True)
class Circumstances:
    """How the answers came about.

    Attributes:
        matched: Personas are matched to respondents.
        exact: Scores use option probabilities, not drawn answers.
        presentation: ``"single"``, ``"battery"``, ``"interview"``, several of them with commas between, "" if unknown.
        countries, items, degenerate: Numbers of countries, items, and (country, item) without usable variation.
        weighted: Human weights were used.
        complete: Every respondent has a persona.
        order_effect: Mean total variation between both option orders, NaN where one order was asked.
        order_removed: Each persona met an item in one order, and the main effect of order was taken out.
    """

    matched: bool
    exact: bool
    presentation: str
    countries: int
    items: int
    degenerate: int
    weighted: bool
    complete: bool
    order_effect: float
    order_removed: bool


def verdict(
    group: dict[str, str],
    averages: Averages,
    structure: StructureScores,
    permuted: Permuted | None,
    yardsticks: Yardsticks,
    circumstances: Circumstances,
) -> Verdict:
    """Put the scores over all countries into words."""
    on_averages = _interviews(averages.interviews, censored=averages.censored)
    on_structure = _interviews(structure.interviews, censored=structure.censored)
    unit = "interview" if on_averages == "1" else "interviews"
    return Verdict(
        group=group,
        headline=f"worth {on_averages} {unit} on averages, {on_structure} on how opinions go together",
        marginals=_marginals(averages, yardsticks),
        structure=_structure(structure, permuted, yardsticks),
        conditional=tuple(_conditions(circumstances)),
        numbers={
            "interviews_averages": _finite(averages.interviews.value),
            "interviews_averages_more_than": averages.censored,
            "interviews_structure": _finite(structure.interviews.value),
            "interviews_structure_more_than": structure.censored,
            "interviews_independence": _finite(structure.interviews_independence),
            "structure_r2": _finite(structure.structure_r2.value),
            "similarity": _finite(structure.similarity.value),
            "constraint": _finite(structure.constraint.value),
            "permuted_p": None if permuted is None else permuted.p,
        },
    )


def _marginals(averages: Averages, yardsticks: Yardsticks) -> str:
    if not averages.items:
        return "Averages: no item was answered by both sides."
    cramer = averages.cramer
    text = (
        f"Averages: the distance per item is {averages.distance:.2f} of the scale "
        f"(a perfect model would show {averages.floor:.2f}); as a debiased Cramer distance, {_with_interval(cramer)}"
    )
    other = yardsticks.other_countries_cramer
    if np.isfinite(other):
        if cramer.low > other:
            text += (
                f", farther than people of the other countries are ({other:.2f}): no knowledge of the country is shown"
            )
        elif cramer.high < other:
            text += f", nearer than people of the other countries are ({other:.2f})"
        else:
            text += f", not distinguishable from people of the other countries ({other:.2f})"
    return text + "."


def _structure(structure: StructureScores, permuted: Permuted | None, yardsticks: Yardsticks) -> str:
    r2 = structure.structure_r2
    if not np.isfinite(r2.value):
        return "Structure: the human correlations cannot be told from zero, so there is nothing to reproduce."
    text = (
        f"Structure: structure R2 is {_with_interval(r2)} where 0 is independent items and 1 the human structure "
        f"(similarity {_with_interval(structure.similarity)}, constraint {_with_interval(structure.constraint)})"
    )
    text += (
        f"; that is worth {_interviews(structure.interviews, censored=structure.censored)} interviews, "
        f"independent items would be worth {structure.interviews_independence:,.0f}"
    )
    if np.isfinite(yardsticks.demographics_r2):
        text += f". People known by their demographics alone reach {_plain(yardsticks.demographics_r2)}"
    if np.isfinite(yardsticks.other_countries_r2):
        text += f", people of the other countries {_plain(yardsticks.other_countries_r2)}"
    return f"{text}. {_structure_claim(structure, permuted)}"


def _structure_claim(structure: StructureScores, permuted: Permuted | None) -> str:
    similar = structure.similarity
    if not np.isfinite(similar.value):
        return "The model's own correlations are too near to zero for a pattern to be judged: no structure is shown."
    if permuted is None:
        return "Without profiles to permute, chance similarity is unknown, so no claim of structure is made."
    by_chance = f"profiles permuted item by item are as similar with p = {permuted.p:.3f}"
    if similar.low > 0 and permuted.p <= ALPHA:
        strength = structure.constraint.value
        how = (
            "about as strongly as"
            if 0.8 <= strength <= 1.25
            else "more weakly than"
            if strength < 1
            else "more strongly than"
        )
        return f"Its opinions go together in a pattern like the human one, {how} in people ({by_chance})."
    return f"A pattern like the human one is not shown ({by_chance})."


def _conditions(c: Circumstances) -> list[str]:
    conditions = [
        PRESENTATION_WORDS.get(
            c.presentation,
            f"Items were asked in several ways ({c.presentation}); answers from a conversation depend on what stood "
            "before them, those to items asked alone do not.",
        )
    ]
    conditions.append("Intervals are conditional on this exact prompt; other wordings and orders were not resampled.")
    if np.isfinite(c.order_effect):
        how = "both orders were asked and averaged"
        if c.order_removed:
            how = (
                "each profile met an item in one order, drawn at random, and the mean effect of order was taken out "
                "(what order does to one profile and not to another was not)"
            )
        changed = f"{100 * c.order_effect:.0f} of 100 answers of the model"
        conditions.append(f"Reversing the order of options alone changes {changed}; {how}.")
    if c.exact:
        conditions.append("Scores use the probability of every option, so drawing answers adds no noise.")
    if c.matched:
        equal = "; their compositions are equal" if c.complete else ", a part of all respondents"
        conditions.append(f"Personas are matched to respondents and resampled with them{equal}.")
    if c.countries > 1:
        conditions.append(f"Correlations are taken within each of {c.countries} countries, then summed.")
    if not c.weighted:
        conditions.append("People are not weighted: results speak of the sample, not of the population behind it.")
    if c.degenerate:
        conditions.append(
            f"{c.degenerate} of {c.countries * c.items} items (by country) have 95 % of the model's answers in one "
            "option, or fewer than 25 outside it; their pairs count as zero structure."
        )
    return conditions


def _interviews(estimate: Estimate, *, censored: bool) -> str:
    if not np.isfinite(estimate.value):
        return "an unknown number of"
    if censored:
        return f"more than {estimate.value:,.0f}"
    return f"{estimate.value:,.0f}" if estimate.value >= 1 else "less than 1"


def _with_interval(estimate: Estimate) -> str:
    if not np.isfinite(estimate.value):
        return "not defined"
    if not np.isfinite(estimate.low):
        return _plain(estimate.value)
    return f"{_plain(estimate.value)} [{_plain(estimate.low)}, {_plain(estimate.high)}]"


def _plain(value: float) -> str:
    """Two decimals, without a minus before zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
