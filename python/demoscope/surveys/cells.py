"""Cells of a data column as text, whatever type the file gave them, and the way from text to meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import polars as pl

from demoscope.errors import DataError
from demoscope.surveys.item import as_integer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = TypeVar("Value")


def cell_texts(column: pl.Series, *, where: object) -> pl.Series:
    """Text of every cell: stripped, whole numbers without decimals, null for an empty cell.

    NaN in a column of floats is an empty cell: pandas and R have no other mark for one.

    Args:
        column: Integers, floats, booleans, text, categories or enumeration.
        where: Name of the file, for messages.

    Raises:
        DataError: The column has another type.
    """
    dtype = column.dtype
    if dtype == pl.Boolean:
        column = column.cast(pl.Int8)
    elif dtype.is_decimal() or dtype.is_float():
        return _float_texts(column.cast(pl.Float64))
    elif not (dtype.is_integer() or dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null)):
        raise DataError(f"{where}: column {column.name!r} holds {dtype}, expected whole numbers or text")
    texts = column.cast(pl.String).str.strip_chars()
    return texts.set(texts == "", None)


def meanings(texts: pl.Series, meaning: Callable[[str], Value | None]) -> tuple[dict[str, Value], list[str]]:
    """Meaning of each distinct text, and the texts that have none."""
    known: dict[str, Value] = {}
    unknown: list[str] = []
    for text in texts.drop_nulls().unique(maintain_order=True).to_list():
        value = meaning(text)
        if value is None:
            unknown.append(text)
        else:
            known[text] = value
    return known, unknown


def key_of(table: Mapping[str, object], text: str) -> str | None:
    """Key under which ``table`` has a cell: its text, else the integer that the text writes."""
    if text in table:
        return text
    integer = str(as_integer(text))
    return integer if integer in table else None


def look_up(table: Mapping[str, Value], text: str) -> Value | None:
    """Entry of ``table`` for a cell."""
    key = key_of(table, text)
    return None if key is None else table[key]


def replaced(texts: pl.Series, values: Mapping[str, Value], dtype: type[pl.DataType]) -> pl.Series:
    """Value of each text; null where there is none."""
    if not values:  # Polars cannot tell the type of an empty mapping
        return pl.repeat(None, texts.len(), dtype=dtype, eager=True)
    return texts.replace_strict(values, default=None, return_dtype=dtype)


def first_row(texts: pl.Series, among: list[str]) -> tuple[int, str, int]:
    """Number of the first row (from 1) whose text is in ``among``, that text, and how many further rows there are."""
    rows = texts.is_in(among).fill_null(value=False).arg_true()
    return int(rows[0]) + 1, str(texts[int(rows[0])]), len(rows) - 1


def _float_texts(column: pl.Series) -> pl.Series:
    x = pl.col(column.name)
    exact = x.abs() < 2.0**53  # beyond, neighbouring integers are the same float
    whole = pl.when(exact & (x == x.round())).then(x.cast(pl.Int64, strict=False).cast(pl.String))
    text = pl.when(x.is_nan()).then(None).otherwise(whole.otherwise(x.cast(pl.String)))
    return column.to_frame().select(text.alias(column.name)).to_series()
