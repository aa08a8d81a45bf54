"""Margins that personas and people should have: read from settings, and met by raking within each country."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from demoscope.errors import ConfigError, nearest
from demoscope.personas.raking import Margin, rake

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from demoscope.surveys import Microdata, Survey

SUM_TOLERANCE: Final = 1e-6
"""Shares of an attribute must sum to 1 up to this; they are then divided by their sum."""


def targets_of(
    targets: Mapping[str, Mapping[str, Any]],
    *,
    country: str,
    survey: Survey,
    shown: Collection[str],
    countries: Collection[str],
) -> dict[str, dict[str, float]]:
    """Attribute to word to share, as they hold in one country.

    Args:
        targets: Shares by attribute, or by country and attribute; those of the country come first.
        country: The country.
        survey: What words there are.
        shown: Attributes that personas show.
        countries: All countries with respondents.

    Raises:
        ConfigError: A name or word is unknown, shares do not sum to 1, or the attribute is not shown.
    """
    everywhere: dict[str, dict[str, float]] = {}
    here: dict[str, dict[str, float]] = {}
    for key, table in targets.items():
        if all(isinstance(value, int | float) for value in table.values()):
            everywhere[key] = _checked(key, table, where=key, survey=survey, shown=shown)
            continue
        if key not in countries:
            raise ConfigError(f"personas.targets: no respondents in country {key!r}{nearest(key, countries)}")
        for attribute, shares in table.items():
            checked = _checked(attribute, shares, where=f"{key}.{attribute}", survey=survey, shown=shown)
            if key == country:
                here[attribute] = checked
    return everywhere | here


def raked(microdata: Microdata, targets: Mapping[str, Mapping[str, Any]], *, shown: Collection[str]) -> Microdata:
    """People with weights that meet the targets of their country; who would weigh nothing is left out.

    Raises:
        ConfigError: Targets cannot be meant or met; the message names country, attribute and word.
    """
    weights = microdata.frame["weight"].to_numpy().copy()
    countries = microdata.frame["country"].to_numpy()
    for country in microdata.countries:
        here = countries == country
        people = microdata.frame.filter(here)
        margins = targets_of(
            targets, country=country, survey=microdata.survey, shown=shown, countries=microdata.countries
        )
        weights[here] = rake(
            people["weight"].to_numpy(),
            [Margin(name, people[name].to_list(), shares) for name, shares in margins.items()],
            where=country,
        )
    survey = microdata.survey
    if not survey.weight_columns:
        survey = survey.model_copy(update={"weight_column": "weight"})
    some = weights > 0
    changed: dict[str, Any] = {
        "survey": survey,
        "frame": microdata.frame.with_columns(weight=pl.Series(weights)).filter(some),
    }
    if (numbers := getattr(microdata, "numbers", pl.DataFrame())).height:
        changed["numbers"] = numbers.filter(some)
    if microdata.weight_column is None:
        changed["weight_column"] = "weight"
    return replace(microdata, **changed)


def _checked(
    attribute: str, shares: Mapping[str, float], *, where: str, survey: Survey, shown: Collection[str]
) -> dict[str, float]:
    part = survey.demographic(attribute)
    if attribute not in shown:
        raise ConfigError(
            f"personas.targets.{where}: personas do not show {attribute!r}; name it in personas.attributes"
        )
    for word in shares:
        if part.words and word not in part.words:
            raise ConfigError(f"personas.targets.{where}: no value is {word!r}{nearest(word, part.words)}")
    total = math.fsum(shares.values())
    if abs(total - 1) > SUM_TOLERANCE:
        raise ConfigError(f"personas.targets.{where}: shares sum to {total:g}, not to 1")
    return {word: share / total for word, share in shares.items()}
