"""Attributes of simulated people."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from demoscope.surveys.item import as_integer
from demoscope.surveys.simulation.truth import TRAITS, generator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demoscope.surveys.demographic import Demographic
    from demoscope.surveys.simulation.answers import Persons
    from demoscope.surveys.survey import Survey

_YEAR: Final = 2019
"""Year of the interviews, from which ages and years of birth follow each other."""
_OPEN_BAND: Final = 15
"""Numbers of a band that has no end."""


def attributes(
    survey: Survey, persons: Persons, *, taken: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    """Cells of every attribute's column that is not there yet.

    Attributes whose names begin alike (``education``, ``education_group``) are cut from one latent variable; those that
    begin like a trait, from it.
    """
    latent: dict[str, np.ndarray[Any, np.dtype[np.float64]]] = {
        name: persons.traits[:, k] for k, name in enumerate(TRAITS)
    }
    cells: dict[str, Any] = {}
    for part in survey.demographics:
        column = part.columns[0]
        if column in taken or column in cells:
            continue
        stem = part.id.split("_")[0]
        if stem not in latent:
            latent[stem] = rng.normal(size=len(persons.general))
        cells[column] = _cells(part, latent[stem])
    by_id = {part.id: part for part in survey.demographics}
    age, birth = by_id.get("age"), by_id.get("birth_year")
    if age is not None and birth is not None and birth.columns[0] in cells:
        years = _YEAR - np.asarray(cells[age.columns[0]])
        cells[birth.columns[0]] = np.clip(years, min(_numbers(birth)), max(_numbers(birth)))
    return cells


def _cells(part: Demographic, z: np.ndarray[Any, np.dtype[np.float64]]) -> Any:  # noqa: ANN401 - numbers or text
    if part.bands:
        values: list[Any] = _numbers(part)
        # More people are young than old, and have few children rather than many.
        shares = np.linspace(2.0, 0.2, len(values))
    else:
        codes = [as_integer(text) for text in part.values]
        values = list(part.values) if None in codes else codes
        values = values or ["here", "there"]
        shares = generator("shares", part.id).uniform(0.5, 2.0, len(values))
    ends = np.cumsum(shares / shares.sum())[:-1]
    cuts = np.array([NormalDist().inv_cdf(end) for end in ends])
    return np.array(values)[np.searchsorted(cuts, z)]


def _numbers(part: Demographic) -> list[int]:
    """Whole numbers in the bands."""
    numbers: list[int] = []
    for band in part.bands:
        low = int(band.low) if np.isfinite(band.low) else int(band.high) - _OPEN_BAND
        high = int(band.high) if np.isfinite(band.high) else low + _OPEN_BAND
        numbers += range(low, high + 1)
    return numbers
