"""Which of its declared kinds the file of a survey is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from demoscope.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from demoscope.surveys.survey import Survey
    from demoscope.surveys.variant import Variant


def recognised(
    survey: Survey, columns: Collection[str], read: Callable[[Sequence[str]], pl.DataFrame], *, where: object
) -> Variant | None:
    """The first declared kind that a file fits.

    Args:
        survey: Its ``variants`` are tried in turn.
        columns: Names of all columns of the file.
        read: Reads some of them.
        where: Name of the file, for messages.

    Returns:
        The kind; ``None`` where none fits.

    Raises:
        DataError: A file of this kind cannot be read; the message says why and what to take instead.
        ConfigError: The expression of a kind is no SQL, or is not true or false.
    """
    for variant in survey.variants:
        if not _fits_columns(variant, columns):
            continue
        if variant.where is not None and not _holds(variant, columns, read, survey=survey):
            continue
        if variant.refused:
            raise DataError(f"{where}: this is {variant.name}. {variant.refused}")
        return variant
    return None


def _fits_columns(variant: Variant, columns: Collection[str]) -> bool:
    return all(name in columns for name in variant.has) and not any(name in columns for name in variant.lacks)


def _holds(
    variant: Variant, columns: Collection[str], read: Callable[[Sequence[str]], pl.DataFrame], *, survey: Survey
) -> bool:
    """Whether the expression of a kind is true in most rows."""
    assert variant.where is not None
    where = f"survey {survey.id!r}: variant {variant.name!r}: where"
    try:
        expression = pl.sql_expr(variant.where)
    except pl.exceptions.PolarsError as error:
        raise ConfigError(f"{where} is no SQL expression: {error}") from None
    named = expression.meta.root_names()
    if not named:
        raise ConfigError(f"{where} names no column")
    if any(name not in columns for name in named):
        return False
    frame = read(list(dict.fromkeys(named)))
    try:
        held = frame.select(expression.alias("held"))["held"]
    except pl.exceptions.PolarsError:
        return False  # a column of another type, as text where codes are looked for
    if held.dtype != pl.Boolean:
        raise ConfigError(f"{where} is neither true nor false: it gives {held.dtype}")
    return 2 * int(held.sum() or 0) > frame.height
