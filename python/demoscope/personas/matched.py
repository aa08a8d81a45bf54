"""Personas matched to respondents: each simulated interview has one real counterpart."""

from __future__ import annotations

import logging
from hashlib import blake2b
from typing import TYPE_CHECKING

import polars as pl

from demoscope.errors import ConfigError, DataError, nearest
from demoscope.surveys.item import repeated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demoscope.surveys import Microdata

_log = logging.getLogger(__name__)


def match_personas(
    microdata: Microdata,
    *,
    attributes: Sequence[str] | None = None,
    countries: Sequence[str] | None = None,
    per_country: int | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """Make one persona of each respondent whose shown attributes are all known.

    The others are left out and logged; ``unmatched`` counts them.

    Args:
        microdata: The respondents.
        attributes: Demographics that the persona shows; ``None`` means those that the survey shows.
        countries: Countries to take; ``None`` means all.
        per_country: Size of a simple random sample of each country; ``None`` or more than there are means everybody.
            Who is drawn depends on nothing but the seed, the country and its respondents, and a larger sample
            contains a smaller one.
        seed: Names the sample.

    Returns:
        The columns of ``schema.PERSONAS`` and one String column for each shown attribute, sorted by country, then in
        the order of the survey file.
        ``profile`` joins the shown attributes, ``"sex=woman|age_band=18-34|state=Ohio"``; it is empty where none is
        shown.

    Raises:
        ConfigError: An attribute or country is unknown, with the nearest one, or comes twice.
        DataError: A country has no respondent whose shown attributes are all known.
    """
    shown = microdata.survey.shown(attributes)
    chosen = chosen_countries(microdata, countries)
    complete = known(microdata, shown)
    taken = []
    for country in chosen:
        people = complete.filter(pl.col("country") == country)
        if people.is_empty():
            raise DataError(f"country {country!r} has no respondent whose {', '.join(shown)} are all known")
        taken.append(people if per_country is None else _sample(people, country=country, size=per_country, seed=seed))
    for country, attribute, n in unmatched(microdata, attributes=shown, countries=chosen).iter_rows():
        _log.info("%s: %d without a persona, since %s is unknown", country, n, attribute)
    return pl.concat(taken).select(
        persona_id="p-" + pl.col("respondent_id"),
        country="country",
        source_respondent_id="respondent_id",
        weight="weight",
        profile=profile(shown),
        **{name: pl.col(name) for name in shown},
    )


def unmatched(
    microdata: Microdata, *, attributes: Sequence[str] | None = None, countries: Sequence[str] | None = None
) -> pl.DataFrame:
    """Count the respondents that become no persona.

    Returns:
        ``country``, ``attribute`` (the first shown one that is unknown) and ``n``; no row where nobody is lost.

    Raises:
        ConfigError: As for ``match_personas``.
    """
    shown = microdata.survey.shown(attributes)
    chosen = chosen_countries(microdata, countries)
    first = pl.coalesce(
        *(pl.when(pl.col(name).is_null()).then(pl.lit(name)) for name in shown), pl.lit(None, dtype=pl.String)
    )
    lost = microdata.frame.select("country", attribute=first).filter(
        pl.col("attribute").is_not_null() & pl.col("country").is_in(chosen)
    )
    return lost.group_by("country", "attribute").len(name="n").sort("country", "attribute")


def chosen_countries(microdata: Microdata, countries: Sequence[str] | None) -> list[str]:
    """Countries to take, sorted.

    Raises:
        ConfigError: A country is unknown, with the nearest one, or comes twice.
    """
    present = microdata.countries
    for country in countries or ():
        if country not in present:
            raise ConfigError(f"no respondents in country {country!r}{nearest(country, present)}")
    if twice := repeated(countries or ()):
        raise ConfigError(f"country {twice[0]!r} is named twice")
    return sorted(present if countries is None else countries)


def known(microdata: Microdata, shown: Sequence[str]) -> pl.DataFrame:
    """Respondents of whom all these attributes are known."""
    return microdata.frame.drop_nulls(list(shown)) if shown else microdata.frame


def _sample(people: pl.DataFrame, *, country: str, size: int, seed: int) -> pl.DataFrame:
    """The ``size`` respondents with the smallest keyed hash: a simple random sample without a state to share."""

    def rank(respondent: str) -> bytes:
        return blake2b(f"persona|{seed}|{country}|{respondent}".encode(), digest_size=16).digest()

    respondents = people["respondent_id"].to_list()
    drawn = sorted(range(len(respondents)), key=lambda row: rank(respondents[row]))[:size]
    return people[sorted(drawn)]


def profile(shown: Sequence[str]) -> pl.Expr:
    """Shown attributes as one text; the marks that join them are escaped inside values, so different facts differ."""
    if not shown:
        return pl.lit("")
    parts = [pl.lit(f"{name}=") + _escaped(pl.col(name)) for name in shown]
    return pl.concat_str(parts, separator="|")


def _escaped(value: pl.Expr) -> pl.Expr:
    for mark in "%|=":
        value = value.str.replace_all(mark, f"%{ord(mark):02X}", literal=True)
    return value
