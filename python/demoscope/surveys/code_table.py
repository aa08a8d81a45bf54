"""Every code of a file and what it becomes, for a reader who wants to see that nothing was misread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from demoscope.errors import DataError
from demoscope.surveys.coded import coded
from demoscope.surveys.item import Item
from demoscope.surveys.layout import layout_of
from demoscope.surveys.meaning import meaning_of

if TYPE_CHECKING:
    from demoscope.surveys.files import Source
    from demoscope.surveys.meaning import Meaning
    from demoscope.surveys.survey import Survey
    from demoscope.surveys.variant import Variant

VALID: Final = "valid"
UNKNOWN: Final = "unknown"
UNREADABLE: Final = "unreadable"

_SCHEMA: Final = {
    "part": pl.String,
    "column": pl.String,
    "code": pl.String,
    "n": pl.Int64,
    "became": pl.String,
    "label": pl.String,
    "why": pl.String,
}


def code_table(data: Source | pl.DataFrame, survey: Survey, *, variant: Variant | None = None) -> pl.DataFrame:
    """What each text of each column of a survey becomes; nothing that a cell holds is an error here.

    Args:
        data: A data file, or its raw columns.
        survey: What the columns mean; parts whose column is absent have no rows.
        variant: The declared kind of file that this is.

    Returns:
        One row for each part and text in the order of the survey and of numbers: ``part``, ``column``, ``code`` (text
        of the cell, empty for an empty cell), ``n``, ``became`` (code or word, null for none), ``label`` (what an
        option is called), ``why`` (``"valid"``, a reason for being missing, ``"unknown"`` for a text that is not
        declared, ``"unreadable"`` for a column that holds neither numbers nor text).
    """
    layout = layout_of(survey, data.columns, where="data", lenient=True)
    columns = list(dict.fromkeys(column for _, column in layout.parts))
    raw = data.select(columns) if isinstance(data, pl.DataFrame) else data.read(columns)
    factors = frozenset() if isinstance(data, pl.DataFrame) else data.factors
    rows = [
        (part.id, column, *row)
        for part, column in layout.parts
        for row in _rows(raw[column], meaning_of(part, survey, variant, by_label=column in factors))
    ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _rows(column: pl.Series, meaning: Meaning) -> list[tuple[str, int, str | None, str | None, str]]:
    try:
        cells = coded(column, where="data")
    except DataError:
        return [(str(column.dtype), column.len(), None, None, UNREADABLE)]
    places, counts = np.unique(cells.places, return_counts=True)
    found = [(cells.text(place), n) for place, n in zip(places.tolist(), counts.tolist(), strict=True)]
    return [(text, n, *_became(text, meaning)) for text, n in sorted(found, key=_in_order)]


def _became(text: str, meaning: Meaning) -> tuple[str | None, str | None, str]:
    lost = meaning.lost_as(text)
    if lost is not None:
        return None, None, meaning.reason(lost)
    value = meaning.value(text)
    if value is None:
        return None, None, UNKNOWN
    item = meaning.part
    label = item.labels[item.codes.index(int(value))] if isinstance(item, Item) else str(value)
    return str(value), label, VALID


def _in_order(found: tuple[str, int]) -> tuple[bool, float, str]:
    """Numbers by size, then texts by letters, an empty cell last."""
    text, _ = found
    try:
        return not text, float(text), text
    except ValueError:
        return not text, float("inf"), text
