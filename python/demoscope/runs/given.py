"""A file of answers made elsewhere as a frame that can be scored: numbers, countries, and what is not used of it."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from demoscope.errors import DataError, nearest
from demoscope.scores.answers import is_response_table
from demoscope.scores.inputs import RESERVED, SOURCE
from demoscope.surveys.cells import cell_texts, first_row, key_of, look_up, meanings, replaced
from demoscope.surveys.item import as_integer

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from demoscope.surveys import Microdata, Survey

RESPONDENT = "respondent_id"


def typed(frame: pl.DataFrame, survey: Survey, *, where: Path) -> pl.DataFrame:
    """Numbers as numbers, whatever type the file gave them; missing codes of the survey become null.

    Args:
        frame: Answers, wide or long; of a CSV file, all columns are text.
        survey: Items and missing codes.
        where: Name of the file, for messages.

    Raises:
        DataError: A cell is not what its column holds; the message names column and row.
    """
    columns = [
        _whole_numbers(cell_texts(frame[item.id], where=where), survey.missing_codes(item), where=where)
        for item in survey.items
        if item.id in frame.columns and _is_plain(frame.schema[item.id])
    ]
    if "code" in frame.columns and "item" in frame.columns and _is_plain(frame.schema["code"]):
        columns.append(_whole_numbers(_given_codes(frame, survey, where=where), {}, where=where))
    if "draw" in frame.columns:
        columns.append(_whole_numbers(cell_texts(frame["draw"], where=where), {}, where=where))
    columns += [
        _numbers(frame[name], where=where)
        for name in ("weight", "label_mass")
        if frame.schema.get(name) == pl.String  # absent, or a number already, as Parquet has it
    ]
    if frame.schema.get("probs") == pl.String:
        columns.append(_distributions(frame["probs"], where=where))
    return frame.with_columns(columns)


def with_country(
    frame: pl.DataFrame, survey: Survey, people: Microdata, *, column: str | None, where: Path
) -> pl.DataFrame:
    """Answers with a column ``country`` that has the names of the survey.

    It is ``column`` if given, else ``country``, else the country column of the survey's data, else the country of the
    respondent whom a persona stands for, else the one country of all people.

    Raises:
        DataError: There is no such column or respondent, or nothing tells the country of an answer.
    """
    if column is not None and column not in frame.columns:
        raise DataError(f"{where}: no column {column!r}{nearest(column, frame.columns)}")
    found = next((name for name in (column, "country", survey.country_column) if name in frame.columns), None)
    if found is not None:
        texts = cell_texts(frame[found], where=where)
        names = {text: _country_name(survey, people, text) for text in texts.drop_nulls().unique()}
        return frame.drop(found).with_columns(replaced(texts, names, pl.String).alias("country"))
    source = next((name for name in (RESPONDENT, SOURCE) if name in frame.columns), None)
    if source is not None and not frame[source].is_null().all():
        return frame.with_columns(_country_of_respondent(frame[source], people, where=where))
    if len(people.countries) > 1:
        raise DataError(
            f"{where}: the people are of {len(people.countries)} countries ({', '.join(people.countries)}), and no "
            "column tells the country of an answer; name that column with --country"
        )
    return frame.with_columns(pl.lit(people.countries[0]).alias("country"))


def unused(
    frame: pl.DataFrame, survey: Survey, *, by: Collection[str], persona_id: str | None
) -> tuple[tuple[str, str], ...]:
    """What the answers lack, and what of them is not used: labels and names, where there are any."""
    long = is_response_table(frame)
    items = [item.id for item in survey.items]
    answered = frame["item"].drop_nulls().unique().sort().to_list() if long else frame.columns
    known = {*RESERVED, *by, persona_id, "country", RESPONDENT, *(part.id for part in survey.demographics)}
    found = (
        ("Items that the answers lack", [name for name in items if name not in answered]),
        ("Items that the survey lacks", [name for name in answered if name not in items] if long else []),
        ("Columns not used", [name for name in frame.columns if name not in known and (long or name not in items)]),
    )
    return tuple((label, ", ".join(names)) for label, names in found if names)


def _is_plain(dtype: pl.DataType) -> bool:
    """Whether a column holds numbers or text; an Enum declares its categories itself."""
    return dtype == pl.String or dtype.is_numeric()


def _whole_numbers(texts: pl.Series, missing: Mapping[str, str], *, where: Path) -> pl.Series:
    _, rest = meanings(texts, partial(key_of, missing))
    numbers, wrong = meanings(pl.Series(rest, dtype=pl.String), as_integer)
    if wrong:
        row, text, _ = first_row(texts, wrong)
        raise DataError(f"{where}: column {texts.name!r}, row {row}: {text!r} is not a whole number")
    return replaced(texts, numbers, pl.Int64).alias(texts.name)


def _given_codes(frame: pl.DataFrame, survey: Survey, *, where: Path) -> pl.Series:
    """Column ``code`` as text, null where the item of the row says that the code is missing."""
    texts = cell_texts(frame["code"], where=where)
    for item in survey.items:
        rows = (frame["item"] == item.id).fill_null(value=False)
        lost, _ = meanings(texts.filter(rows), partial(key_of, survey.missing_codes(item)))
        if lost:
            texts = texts.set(rows & texts.is_in(list(lost)).fill_null(value=False), None)
    return texts


def _numbers(column: pl.Series, *, where: Path) -> pl.Series:
    texts = cell_texts(column, where=where)
    numbers = texts.cast(pl.Float64, strict=False)
    wrong = texts.is_not_null() & numbers.is_null()
    if wrong.any():
        row = int(wrong.arg_true()[0])
        raise DataError(f"{where}: column {column.name!r}, row {row + 1}: {texts[row]!r} is not a number")
    return numbers


def _distributions(column: pl.Series, *, where: Path) -> pl.Series:
    texts = cell_texts(column, where=where)
    vectors, wrong = meanings(texts, _json_numbers)
    if wrong:
        row, text, _ = first_row(texts, wrong)
        raise DataError(f"{where}: column {column.name!r}, row {row}: {text!r} is not a JSON list such as [0.2, 0.8]")
    cells = [None if text is None else vectors[text] for text in texts]
    return pl.Series(column.name, cells, dtype=pl.List(pl.Float64))


def _json_numbers(text: str) -> list[float] | None:
    try:
        values = json.loads(text, parse_int=float)
    except ValueError:
        return None
    return values if isinstance(values, list) and all(isinstance(value, float) for value in values) else None


def _country_name(survey: Survey, people: Microdata, text: str) -> str:
    """A country by its name, else by its code in the survey; what is neither is refused when it is scored."""
    return text if text in people.countries else look_up(survey.countries, text) or text


def _country_of_respondent(column: pl.Series, people: Microdata, *, where: Path) -> pl.Series:
    countries = dict(people.frame.select(RESPONDENT, "country").iter_rows())
    texts = column.cast(pl.String)
    unknown = ~texts.is_in(list(countries)).fill_null(value=False)
    if unknown.any():
        row = int(unknown.arg_true()[0])
        raise DataError(f"{where}: column {column.name!r}, row {row + 1}: {texts[row]!r} is no respondent")
    return replaced(texts, countries, pl.String).alias("country")
