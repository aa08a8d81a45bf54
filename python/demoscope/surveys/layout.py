"""Which columns of one file a survey reads: names differ between releases, and a file may lack some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from demoscope.errors import ConfigError, DataError, nearest
from demoscope.surveys.item import Item, as_integer, as_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from demoscope.surveys.demographic import Demographic
    from demoscope.surveys.survey import Survey

NO_WEIGHT: Final = "none"
"""What a run says in place of a column to weigh everybody alike."""


@dataclass(frozen=True)
class Layout:
    """Columns of one file by what they are for.

    Attributes:
        ids: Columns that name a respondent together; none where respondents are numbered.
        country: Column of the country.
        weight: Column of weights; ``None`` where everybody weighs alike.
        stratum: Column of the stratum, where the file has one.
        psu: Column of the primary sampling unit, where the file has one.
        parts: Each demographic and item that the file has, with its column.
        absent: ``part`` and ``column`` (the first of its names) of those that it lacks.
    """

    ids: tuple[str, ...]
    country: str | None
    weight: str | None
    stratum: str | None
    psu: str | None
    parts: tuple[tuple[Item | Demographic, str], ...]
    absent: pl.DataFrame

    @property
    def columns(self) -> list[str]:
        """Every column that is read, once."""
        single = (self.country, self.weight, self.stratum, self.psu)
        named = (*self.ids, *single, *(column for _, column in self.parts))
        return list(dict.fromkeys(name for name in named if name is not None))

    def integers(self, survey: Survey) -> list[str]:
        """Columns in which it makes no difference whether a cell is the text ``"02"`` or the integer 2."""
        as_text = {*self.ids, self.weight, self.stratum, self.psu}
        if not survey.countries or not _canonical(survey.countries):
            as_text.add(self.country)
        for part, column in self.parts:
            free = not isinstance(part, Item) and not part.values and not part.bands
            keys = (*survey.missing_codes(part), *(() if isinstance(part, Item) else part.values))
            if free or not _canonical(keys):
                as_text.add(column)
        return [column for column in self.columns if column not in as_text]


def layout_of(
    survey: Survey, columns: Sequence[str], *, where: object, weight: str | None = None, lenient: bool = False
) -> Layout:
    """Find the columns of a survey among those of a file.

    Args:
        survey: What the columns mean.
        columns: Names of all columns of the file.
        where: Name of the file, for messages.
        weight: Column of weights in place of the survey's own; ``"none"`` weighs everybody alike.
        lenient: Whether absent columns are no error, as in a survey that is ``partial``.

    Raises:
        DataError: One line for each column that is absent and may not be; or the file has no item at all.
        ConfigError: ``weight`` names a column that the survey declares and the file lacks, or that neither knows.
    """
    present = frozenset(columns)
    problems: list[str] = []

    def first(names: Iterable[str]) -> str | None:
        return next((name for name in names if name in present), None)

    def needed(names: Sequence[str]) -> str | None:
        found = first(names)
        if names and found is None and not lenient:
            problems.append(_no_column(names, columns, where=where))
        return found

    ids = tuple(name for name in survey.id_columns if needed([name]))
    country = needed(as_names(survey.country_column))
    if weight is None:
        weights = needed(survey.weight_columns)
    else:
        weights = None if weight == NO_WEIGHT else _chosen_weight(weight, survey, columns, where=where)
    parts, absent = [], []
    for part in survey.parts:
        if found := first(part.columns):
            parts.append((part, found))
        else:
            absent.append((part.id, part.columns[0]))
            if not survey.partial and not lenient:
                problems.append(_no_column(part.columns, columns, where=where))
    if not any(isinstance(part, Item) for part, _ in parts) and not problems and not lenient:
        problems.append(f"{where}: none of the {len(survey.items)} items of survey {survey.id!r} has a column here")
    if problems:
        raise DataError("\n".join(dict.fromkeys(problems)))
    return Layout(
        ids=ids,
        country=country,
        weight=weights,
        stratum=first(as_names(survey.strata_column)),
        psu=first(as_names(survey.psu_column)),
        parts=tuple(parts),
        absent=pl.DataFrame(absent, schema={"part": pl.String, "column": pl.String}, orient="row"),
    )


def _no_column(names: Sequence[str], columns: Sequence[str], *, where: object) -> str:
    alternatives = "".join(f" or {name!r}" for name in names[1:])
    return f"{where}: no column {names[0]!r}{alternatives}{nearest(names[0], columns)}"


def _chosen_weight(weight: str, survey: Survey, columns: Sequence[str], *, where: object) -> str:
    if weight in columns:
        return weight
    declared = [name for name in survey.weight_columns if name in columns]
    known = ", ".join((*map(repr, declared), repr(NO_WEIGHT)))
    raise ConfigError(f"weight: {where} has no column {weight!r}; declared weights that it has: {known}")


def _canonical(keys: Iterable[str]) -> bool:
    """Whether every key that writes an integer writes it as Python would."""
    return all(number is None or key == str(number) for key in keys for number in [as_integer(key)])
