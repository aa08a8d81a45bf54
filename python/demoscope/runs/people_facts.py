"""What the report tells about personas: where they come from, whom they stand for, and what they tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demoscope.personas import unmatched
from demoscope.runs.people import told_items

if TYPE_CHECKING:
    import polars as pl

    from demoscope.config import RunConfig
    from demoscope.surveys import Microdata, Survey


def people_rows(config: RunConfig, survey: Survey, data: Microdata, personas: pl.DataFrame) -> list[tuple[str, str]]:
    """Labels and words.

    Args:
        config: Settings, with items named.
        survey: The survey, with groups in the place of countries where personas come from groups.
        data: Its respondents.
        personas: Who was asked as.
    """
    rows = _groups(config, survey, data, personas) if config.personas.source == "groups" else None
    rows = rows or [
        ("Respondents", f"{data.frame.height:,} in {len(data.countries)} countries"),
        ("Personas", f"{personas.height:,}, {_ORIGIN[config.personas.source]}"),
        _lost(config, data),
        ("Shown attributes", ", ".join(survey.shown(config.personas.attributes)) or "none"),
    ]
    rows.append(("Different profiles", f"{personas['profile'].n_unique():,}"))
    if config.personas.targets:
        rows.append(("Targets", _targets(config)))
    return rows + _told(config, survey)


_ORIGIN = {
    "respondents": "each matched to a respondent",
    "cells": "drawn from the demographic cells of each country; each weighs 1 and is no respondent in particular",
}


def _groups(config: RunConfig, survey: Survey, data: Microdata, personas: pl.DataFrame) -> list[tuple[str, str]]:
    ids = data.frame["respondent_id"].str.split_exact("/", 1).struct.field("field_1")
    pooling = {
        "equal_country": "every country in a group weighs the same",
        "as_is": "those of the survey, so larger samples weigh more",
    }[config.personas.pooling]
    return [
        ("Respondents", f"{ids.n_unique():,} in {len(data.countries)} groups, {data.frame.height:,} memberships"),
        ("Personas", f"{personas.height:,}, each matched to a member of a group, telling the group and nothing else"),
        *(
            (
                f"Group {name}",
                f"{group.text}: {group.where}" + (f" ({group.dimension})" if group.dimension else ""),
            )
            for name, group in sorted(survey.groups.items())
        ),
        ("Weights in groups", pooling),
    ]


def _lost(config: RunConfig, data: Microdata) -> tuple[str, str]:
    lost = unmatched(data, attributes=config.personas.attributes, countries=config.personas.countries)["n"].sum()
    if config.personas.source == "cells":
        return "Respondents outside all cells", f"{lost:,}, because a shown attribute is unknown"
    return "Respondents without a persona", f"{lost:,}, because a shown attribute is unknown"


def _targets(config: RunConfig) -> str:
    names = []
    for key, table in config.personas.targets.items():
        nested = [f"{attribute} in {key}" for attribute, shares in table.items() if isinstance(shares, dict)]
        names += nested or [key]
    return f"personas and respondents are both raked to shares of {', '.join(names)}"


def _told(config: RunConfig, survey: Survey) -> list[tuple[str, str]]:
    told = told_items(config, survey)
    if not told:
        return []
    if config.scores.told_items == "exclude":
        return [("Items that personas tell", f"{', '.join(told)}; neither asked nor scored")]
    scored = [name for name in told if name in (config.questions.items or ())]
    return [("Items that personas tell", f"{', '.join(scored)}; scored all the same")] if scored else []
