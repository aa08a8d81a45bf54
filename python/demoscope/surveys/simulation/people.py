"""Simulated people, country by country, in the codes of a survey's file."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from demoscope import __version__
from demoscope.config import read_toml
from demoscope.errors import ConfigError, nearest
from demoscope.surveys.item import as_integer, as_names
from demoscope.surveys.microdata import SIMULATED
from demoscope.surveys.simulation.answers import Persons, answers
from demoscope.surveys.simulation.attributes import attributes
from demoscope.surveys.simulation.columns import further_columns
from demoscope.surveys.simulation.truth import TRAIT_CORRELATION, generator, simulation_truth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from demoscope.surveys.survey import Survey

_MEAN_SIZE: Final = 97_220 / 66
"""People in a country, as in the World Values Survey, wave 7, version 6."""
_UNIT_SIZE: Final = 20
_UNIT_SHARE: Final = 0.08
"""Share of the general factor that people of one primary sampling unit have in common."""


def simulate(
    survey: Survey,
    *,
    countries: int | Sequence[str] | None = None,
    respondents: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> pl.DataFrame:
    """Make up a file of a survey.

    Args:
        survey: Columns, codes, reasons for no answer and groups of items that constrain each other are its own.
        countries: Names, or how many of them, from the first; by default all, or three where the survey names none.
        respondents: People in each country; by default sizes differ, between about 450 and 4,000.
        seed: The same seed gives the same people; a country has the same ones whatever others there are.
        progress: Called with (countries done, countries in all).

    Returns:
        Columns of the survey with whole numbers (text where codes are text), further columns of the official file
        where the package knows them, and ``simulated``.

    Raises:
        ConfigError: A country is unknown, or there are not so many.
    """
    chosen = _chosen(survey, countries)
    truth = simulation_truth(survey)
    sizes = _sizes([name for _, name in chosen]) if respondents is None else [respondents] * len(chosen)
    extra = _extra_table(survey)
    parts = []
    for number, ((code, name), n) in enumerate(zip(chosen, sizes, strict=True)):
        rng = generator("people", survey.id, seed, name)
        unit = np.arange(n) // _UNIT_SIZE
        traits = rng.multivariate_normal(np.zeros(3), TRAIT_CORRELATION, n, method="cholesky")
        alone, together = rng.normal(size=n), rng.normal(size=int(unit[-1]) + 1)[unit]
        persons = Persons(
            country=name,
            traits=traits,
            general=np.sqrt(1 - _UNIT_SHARE) * alone + np.sqrt(_UNIT_SHARE) * together,
            culture=generator("country", seed, name).normal(size=2),
        )
        cells: dict[str, Any] = _known_columns(survey, code, name, unit, rng)
        cells |= attributes(survey, persons, taken=cells, rng=rng)
        cells |= answers(survey, truth, persons, rng=rng)
        cells |= further_columns(extra, cells, country=code, n=n, rng=rng)
        cells[SIMULATED] = [f"simulated by demoscope {__version__}, seed {seed}; nobody was interviewed"] * n
        parts.append(pl.DataFrame(cells))
        if progress is not None:
            progress(number + 1, len(chosen))
    frame = pl.concat(parts, how="vertical_relaxed")
    return frame.with_columns(_running_ids(survey, frame))


def _chosen(survey: Survey, countries: int | Sequence[str] | None) -> list[tuple[str, str]]:
    """Cell and name of the countries that are simulated."""
    if survey.country is not None:
        known = [(survey.country, survey.country)]
    elif survey.countries:
        known = [
            (cell, name) for cell, name in {name: (cell, name) for cell, name in survey.countries.items()}.values()
        ]
    else:
        known = [(name, name) for name in ("North", "South", "West")]
    if countries is None:
        return known
    if isinstance(countries, int):
        if not 1 <= countries <= len(known):
            raise ConfigError(f"survey {survey.id!r} has {len(known)} countries, not {countries}")
        return known[:countries]
    names = {name: (cell, name) for cell, name in known}
    for name in countries:
        if name not in names:
            raise ConfigError(f"survey {survey.id!r} has no country {name!r}{nearest(name, names)}")
    return [names[name] for name in dict.fromkeys(countries)]


def _sizes(names: list[str]) -> list[int]:
    """People in each country: the mean is that of the World Values Survey, whatever the number of countries."""
    raw = np.array([generator("size", name).lognormal(0, 0.45) for name in names])
    raw = np.clip(raw / raw.mean(), 0.31, 2.7)
    exact = raw / raw.sum() * round(_MEAN_SIZE * len(names))
    sizes = np.floor(exact).astype(int)
    short = round(exact.sum()) - int(sizes.sum())
    sizes[np.argsort(sizes - exact, kind="stable")[:short]] += 1
    return [int(size) for size in sizes]


def _known_columns(
    survey: Survey, code: str, name: str, unit: NDArray[np.int64], rng: np.random.Generator
) -> dict[str, Any]:
    """Country, weights and sampling units."""
    n = len(unit)
    cells: dict[str, Any] = {}
    if survey.country_column is not None:
        number = as_integer(code)
        cells[survey.country_column] = [code if number is None else number] * n
    weighted = generator("weights", name).random() < 0.5
    raw = np.clip(rng.lognormal(0, 0.45, n), 0.1, 5.0) if weighted else np.ones(n)
    if survey.weight_columns:
        cells[survey.weight_columns[0]] = np.round(raw / raw.mean(), 6)
    for columns, values in ((survey.strata_column, 1 + unit % 4), (survey.psu_column, 1 + unit)):
        if columns is not None:
            absent = survey.no_unit and not weighted
            cells[as_names(columns)[0]] = [as_integer(survey.no_unit[0])] * n if absent else values
    return cells


def _extra_table(survey: Survey) -> dict[str, Any]:
    """Further columns of the official file, where the package has their table."""
    path = files("demoscope.surveys") / "data" / f"{survey.id}_columns.toml"
    return read_toml(path) if path.is_file() else {}  # type: ignore[arg-type]


def _running_ids(survey: Survey, frame: pl.DataFrame) -> list[pl.Series]:
    """Numbers of respondents; with numbered countries those of the World Values Survey: country, 07, running number."""
    names = [name for name in survey.id_columns if name not in frame.columns]
    if not names:
        return []
    column = frame[survey.country_column] if survey.country_column is not None else None
    running = pl.int_range(1, frame.height + 1, eager=True)
    if column is not None and column.dtype.is_integer():
        within = frame.select(pl.int_range(1, pl.len() + 1).over(survey.country_column or ""))
        running = column.cast(pl.Int64) * 1_000_000 + 70_000 + within.to_series()
    return [running.alias(names[-1])]
