"""What the report tells about the people of a survey."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import numpy as np
import polars as pl

from demoscope.report import Respondents, Unanswered, Weighted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demoscope.surveys import Microdata


def respondents(data: Microdata, *, items: Sequence[str], countries: Sequence[str]) -> Respondents:
    """Counts, weights and reasons for no answer.

    Args:
        data: The people.
        items: Items that are scored, in the order of the survey.
        countries: Countries that are scored.
    """
    weighted = [_weighted(data.frame, country) for country in countries]
    sizes = {row.country: row.n for row in weighted}
    lost = data.missing.filter(pl.col("country").is_in(list(countries)))
    return Respondents(
        notes=_notes(data),
        countries=tuple(weighted),
        items=tuple(_unanswered(item, lost.filter(pl.col("item") == item), sizes) for item in items),
    )


MOST_NAMED = 12
"""Names of absent columns that a note lists."""


class SampleDesign(TypedDict):
    """Columns of the people, as :func:`demoscope.compare` takes them."""

    weights: str | None
    strata: str | None
    psu: str | None


def sample_design(data: Microdata) -> SampleDesign:
    """What is known of how people were drawn and weighted."""
    return {
        "weights": None if data.weight_column is None else "weight",
        "strata": "stratum" if "stratum" in data.frame.columns else None,
        "psu": "psu" if "psu" in data.frame.columns else None,
    }


def _weighted(frame: pl.DataFrame, country: str) -> Weighted:
    weights = frame.filter(pl.col("country") == country)["weight"].to_numpy()
    n = len(weights)
    relative = weights / (np.add.reduce(weights) / n)
    return Weighted(
        country=country,
        n=n,
        n_eff=float(n * n / np.add.reduce(relative**2)),
        low=float(relative.min()),
        high=float(relative.max()),
    )


def _unanswered(item: str, lost: pl.DataFrame, sizes: dict[str, int]) -> Unanswered:
    reasons: dict[str, int] = {}
    not_asked: dict[str, int] = {}
    for country, reason, n in lost.select("country", "reason", "n").iter_rows():
        reasons[reason] = reasons.get(reason, 0) + n
        if reason == "not_asked":
            not_asked[country] = not_asked.get(country, 0) + n
    return Unanswered(
        item=item,
        n=sum(sizes.values()),
        reasons=reasons,
        not_asked_in=sum(n == sizes[country] for country, n in not_asked.items()),
    )


def _notes(data: Microdata) -> tuple[str, ...]:
    notes = []
    if data.variant is not None:
        notes.append(f"The file is {data.variant.name}. {data.variant.says}".strip())
    notes += data.notes
    if data.weight_column is None:
        notes.append("Every person counts alike: no weights are used.")
    else:
        notes.append(f"Weights are those of column {data.weight_column}.")
    design = [role for role in ("stratum", "psu") if role in data.frame.columns]
    if design:
        known = {"stratum": "strata", "psu": "primary sampling units"}
        notes.append(f"Intervals are those of a sample drawn in {' and '.join(known[role] for role in design)}.")
    if lacking := data.absent["part"].unique(maintain_order=True).to_list():
        shown = ", ".join(lacking[:MOST_NAMED]) + (", ..." if len(lacking) > MOST_NAMED else "")
        notes.append(f"The file has no column for {len(lacking)} items and attributes of the survey: {shown}.")
    return tuple(notes)
