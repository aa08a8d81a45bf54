"""Personas drawn from demographic cells: as many of each kind as there are among people."""

from __future__ import annotations

from hashlib import blake2b
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from demoscope.errors import DataError
from demoscope.personas.balanced import rounded
from demoscope.personas.matched import chosen_countries, known, profile
from demoscope.personas.raking import Margin, rake
from demoscope.personas.targets import targets_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from demoscope.surveys import Microdata


def draw_from_cells(
    microdata: Microdata,
    *,
    attributes: Sequence[str] | None = None,
    countries: Sequence[str] | None = None,
    per_country: int | None = None,
    targets: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """Draw personas from the joint distribution of the shown attributes within each country.

    The weighted distribution over respondents whose shown attributes are all known is the base; targets rake it.
    Cells get whole numbers of personas at random, each the expected number rounded down or up, such that totals of the
    words of every attribute are kept as nearly as whole numbers allow; a larger sample need not contain a smaller one.

    Args:
        microdata: The respondents.
        attributes: Demographics that a persona shows; ``None`` means those that the survey shows.
        countries: Countries to take; ``None`` means all.
        per_country: Personas of each country; ``None`` means as many as there are such respondents.
        targets: Shares by attribute and word, or by country, attribute and word.
        seed: Names the sample.

    Returns:
        As :func:`demoscope.personas.match_personas`, sorted by country and cell; personas are called
        ``c-COUNTRY-NUMBER``, weigh 1, and stand for no respondent in particular.

    Raises:
        ConfigError: An attribute, country or target is unknown or cannot be met.
        DataError: A country has no respondent whose shown attributes are all known.
    """
    shown = microdata.survey.shown(attributes)
    complete = known(microdata, shown)
    parts = []
    for country in chosen_countries(microdata, countries):
        people = complete.filter(pl.col("country") == country)
        if people.is_empty():
            raise DataError(f"country {country!r} has no respondent whose {', '.join(shown)} are all known")
        margins = targets_of(
            targets or {}, country=country, survey=microdata.survey, shown=shown, countries=microdata.countries
        )
        weights = rake(
            people["weight"].to_numpy(),
            [Margin(name, people[name].to_list(), shares) for name, shares in margins.items()],
            where=country,
        )
        parts.append(_drawn(people, weights, shown, country=country, size=per_country or people.height, seed=seed))
    return pl.concat(parts).select(
        persona_id="c-" + pl.col("country") + "-" + pl.col("number").cast(pl.String),
        country="country",
        source_respondent_id=pl.lit(None, dtype=pl.String),
        weight=pl.lit(1.0),
        profile=profile(shown),
        **{name: pl.col(name) for name in shown},
    )


def _drawn(
    people: pl.DataFrame, weights: NDArray[np.float64], shown: Sequence[str], *, country: str, size: int, seed: int
) -> pl.DataFrame:
    """One row for each persona of a country."""
    sums: dict[tuple[str, ...], float] = {}
    for cell, weight in zip(people.select(shown).iter_rows() if shown else [()] * len(weights), weights, strict=True):
        sums[cell] = sums.get(cell, 0.0) + float(weight)
    cells = sorted(sums)
    mass = np.array([sums[cell] for cell in cells])
    counts = rounded(
        size * mass / np.add.reduce(mass), _margins(cells), uniform=_uniform(f"cells|{seed}|{country}|{size}")
    )
    rows = [cell for cell, n in zip(cells, counts.tolist(), strict=True) for _ in range(n)]
    columns = {name: [row[at] for row in rows] for at, name in enumerate(shown)}
    return pl.DataFrame({"country": [country] * len(rows), "number": range(1, len(rows) + 1), **columns})


def _margins(cells: Sequence[tuple[str, ...]]) -> NDArray[np.float64]:
    """The total, then the words of each attribute; the last word of each follows from the others."""
    rows = [np.ones(len(cells))]
    for at in range(len(cells[0])):
        words = sorted({cell[at] for cell in cells})
        rows += [np.array([float(cell[at] == word) for cell in cells]) for word in words[:-1]]
    return np.array(rows)


def _uniform(name: str) -> Iterator[float]:
    """Random numbers in [0, 1) that depend on a name alone."""
    for number in count():
        digest = blake2b(f"{name}|{number}".encode(), digest_size=8).digest()
        yield (int.from_bytes(digest, "big") >> 11) * 2.0**-53
