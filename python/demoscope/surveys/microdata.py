"""Answers of respondents as one checked frame: declared codes or null, and a count of every reason for null."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import polars as pl

from demoscope.errors import DataError
from demoscope.registry import Registry
from demoscope.schema import ALL
from demoscope.surveys.cells import cell_texts, first_row, key_of, look_up, meanings, replaced
from demoscope.surveys.item import Item, MissingCodes
from demoscope.surveys.files import check_columns_exist, read_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from demoscope.surveys.demographic import Demographic
    from demoscope.surveys.survey import Survey

GENERATORS: Final = Registry("generator", {"synthetic": "demoscope.surveys.synthetic:synthetic_frame"})
"""Built-in populations that stand in for a data file; called without arguments, they give raw columns."""

_MISSING: Final = {
    "item": pl.String,
    "country": pl.String,
    "code": pl.String,
    "reason": pl.String,
    "n": pl.Int64,
}


@dataclass(frozen=True)
class Microdata:
    """Respondents of a survey.

    Attributes:
        survey: What the columns mean.
        frame: One row for each respondent, in the order of the file: ``respondent_id`` and ``country`` (String),
            ``weight`` (Float64, above 0, as given), a String column for each demographic (its word or the label of its
            band), an Int32 column for each item (a declared code); null where unknown.
        missing: One row for each item or demographic, country and code that became null: ``item``, ``country``,
            ``code`` (text of the cell, empty for an empty cell), ``reason``, ``n``.
    """

    survey: Survey
    frame: pl.DataFrame
    missing: pl.DataFrame

    @property
    def countries(self) -> tuple[str, ...]:
        """Countries with at least one respondent, sorted."""
        return tuple(self.frame["country"].unique().sort().to_list())


def load_microdata(survey: Survey, *, path: Path | None = None) -> Microdata:
    """Read the data of a survey from a CSV or Parquet file.

    Args:
        survey: What the columns mean.
        path: The file; ``None`` means the one that the survey names, or its generator.

    Raises:
        DataError: The file cannot be read or breaks a rule of the survey; the message names file, column and row.
    """
    path = path or survey.data
    if path is None:
        if survey.generator is None:
            raise DataError(f"survey {survey.id!r} names no data file; say where its data are")
        return microdata_from_frame(GENERATORS[survey.generator](), survey=survey, where=f"survey {survey.id!r}")
    return microdata_from_frame(read_table(path, columns=_columns(survey)), survey=survey, where=path)


def microdata_from_frame(raw: pl.DataFrame, *, survey: Survey, where: object = "frame") -> Microdata:
    """Check raw columns against a survey and recode them.

    Args:
        raw: Columns as a file has them: whole numbers, text, categories; floats where they hold whole numbers.
        survey: What the columns mean.
        where: Name of the source, for messages.

    Raises:
        DataError: One line for each column that breaks a rule, with the first row (from 1) that does and its value.
    """
    check_columns_exist(raw.columns, _columns(survey), where=where)
    if raw.is_empty():
        raise DataError(f"{where}: no rows")
    countries = _countries(raw, survey, where)
    columns, missing, problems = [], [], []
    for reader in (_ids, _weights):
        try:
            columns.append(reader(raw, survey, where))
        except DataError as error:
            problems.append(str(error))
    columns.insert(1, countries)
    for part in survey.parts:
        try:
            values, losses = _recode(raw, part, survey=survey, countries=countries, where=where)
        except DataError as error:
            problems.append(str(error))
        else:
            columns.append(values)
            missing.append(losses)
    if problems:
        raise DataError("\n".join(problems))
    return Microdata(survey, pl.DataFrame(columns), pl.concat(missing))


def _columns(survey: Survey) -> list[str]:
    """Every column of the file that the survey reads, once."""
    country = () if survey.country_column is None else (survey.country_column,)
    named = (*survey.id_columns, *country, *survey.weight_columns[:1])
    return list(dict.fromkeys((*named, *(part.columns[0] for part in survey.parts))))


def _ids(raw: pl.DataFrame, survey: Survey, where: object) -> pl.Series:
    if not survey.id_columns:
        return pl.Series("respondent_id", [str(row) for row in range(1, raw.height + 1)])
    ids = cell_texts(raw[survey.id_columns[0]], where=where)
    place = f"{where}: column {survey.id_columns[0]!r}"
    if ids.null_count():
        raise DataError(f"{place}, row {_first(ids.is_null())}: no id{_more(ids.null_count() - 1)}")
    if (twice := ids.is_duplicated()).any():
        first = _first(twice)
        again = _first((ids == ids[first - 1]) & (pl.Series(range(1, raw.height + 1)) > first))
        raise DataError(f"{place}, row {again}: id {ids[first - 1]!r} is that of row {first} already")
    return ids.alias("respondent_id")


def _countries(raw: pl.DataFrame, survey: Survey, where: object) -> pl.Series:
    if survey.country_column is None:
        return pl.repeat(survey.country, raw.height, dtype=pl.String, eager=True).alias("country")
    texts = cell_texts(raw[survey.country_column], where=where)
    place = f"{where}: column {survey.country_column!r}"
    if texts.null_count():
        raise DataError(f"{place}, row {_first(texts.is_null())}: no country{_more(texts.null_count() - 1)}")
    if (texts == ALL).any():
        raise DataError(f"{place}, row {_first(texts == ALL)}: {ALL!r} stands for all countries in results")
    if not survey.countries:
        return texts.alias("country")
    names, unknown = meanings(texts, partial(look_up, survey.countries))
    if unknown:
        row, text, more = first_row(texts, unknown)
        raise DataError(f"{place}, row {row}: country {text!r} is not declared{_more(more)}")
    return replaced(texts, names, pl.String).alias("country")


def _weights(raw: pl.DataFrame, survey: Survey, where: object) -> pl.Series:
    if not survey.weight_columns:
        return pl.repeat(1.0, raw.height, dtype=pl.Float64, eager=True).alias("weight")
    column = raw[survey.weight_columns[0]]
    weights = column if column.dtype.is_numeric() else cell_texts(column, where=where)
    weights = weights.cast(pl.Float64, strict=False)
    usable = (weights.is_finite() & (weights > 0)).fill_null(value=False)
    if not usable.all():
        row, bad = _first(~usable), int((~usable).sum())
        raise DataError(
            f"{where}: column {survey.weight_columns[0]!r}, row {row}: {column[row - 1]!r} is no weight; "
            f"weights are finite and above 0{_more(bad - 1)}"
        )
    return weights.alias("weight")


def _recode(
    raw: pl.DataFrame, part: Item | Demographic, *, survey: Survey, countries: pl.Series, where: object
) -> tuple[pl.Series, pl.DataFrame]:
    """Values of one item or demographic, and the count of what became null."""
    texts = cell_texts(raw[part.columns[0]], where=where)
    missing = survey.missing_codes(part)
    meaning, rule = _item_rule(part) if isinstance(part, Item) else _demographic_rule(part)
    lost, rest = meanings(texts, partial(key_of, missing))
    values, unknown = meanings(pl.Series(rest, dtype=pl.String), meaning)
    if unknown:
        row, text, more = first_row(texts, unknown)
        raise DataError(
            f"{where}: column {part.columns[0]!r}, row {row}: code {text!r} is not declared; "
            f"{rule}, missing codes: {', '.join(missing) or 'none'}{_more(more)}"
        )
    recoded = replaced(texts, values, pl.Int32 if isinstance(part, Item) else pl.String).alias(part.id)
    if isinstance(part, Item):
        _check_asked_in(part, recoded, countries, where=where)
    cells = pl.DataFrame({"country": countries, "code": replaced(texts, lost, pl.String).fill_null("")})
    return recoded, _losses(part, missing, cells.filter(recoded.is_null()))


def _losses(part: Item | Demographic, missing: MissingCodes, lost: pl.DataFrame) -> pl.DataFrame:
    """Count of cells that became null, from the ``country`` and ``code`` of each."""
    asked_in = part.asked_in if isinstance(part, Item) else None

    def reason(country: str, code: str) -> str:
        if code in missing:
            return missing[code]
        return "other_missing" if asked_in is None or country in asked_in else "not_asked"

    counts = lost.group_by("country", "code").len().sort("country", "code")
    rows = [(part.id, country, code, reason(country, code), n) for country, code, n in counts.iter_rows()]
    return pl.DataFrame(rows, schema=_MISSING, orient="row")


def _item_rule(item: Item) -> tuple[Callable[[str], int | None], str]:
    codes = {str(code): code for code in item.codes}
    low, high = min(item.codes), max(item.codes)
    contiguous = high - low == len(item.codes) - 1 > 0
    return partial(look_up, codes), f"options {low}..{high}" if contiguous else f"options {', '.join(codes)}"


def _demographic_rule(demographic: Demographic) -> tuple[Callable[[str], str | None], str]:
    if demographic.bands:
        return demographic.band_of, f"bands {', '.join(demographic.words)}"
    if demographic.values:
        return partial(look_up, demographic.values), f"values {', '.join(demographic.values)}"
    return str, "any text is a value"


def _check_asked_in(item: Item, recoded: pl.Series, countries: pl.Series, *, where: object) -> None:
    """Refuse answers from a country where, says the survey, the item was not asked."""
    if item.asked_in is None:
        return
    stray = recoded.is_not_null() & ~countries.is_in(list(item.asked_in))
    if stray.any():
        row = _first(stray)
        raise DataError(
            f"{where}: column {item.columns[0]!r}, row {row}: an answer from {countries[row - 1]!r}, "
            f"where {item.id!r} was not asked{_more(int(stray.sum()) - 1)}"
        )


def _more(rows: int) -> str:
    return f"; and {rows} further row{'s' * (rows != 1)}" if rows else ""


def _first(mask: pl.Series) -> int:
    """Number of the first row (from 1) where ``mask`` holds."""
    return int(mask.fill_null(value=False).arg_max() or 0) + 1
