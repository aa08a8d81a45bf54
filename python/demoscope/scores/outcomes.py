"""How answers ended: valid, refused, without an opinion, unusable for this or that reason, or an error.

Every answer that was asked for is counted once in each breakdown, whatever became of it, so nothing is lost on the way
to the scores without being seen here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

import polars as pl

from demoscope.schema import AnswerStatus
from demoscope.scores.answers import is_response_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demoscope.surveys import Item

HOW_ASKED: Final = ("order", "wording", "language", "position")
"""Columns that say how a question was put; a breakdown by one of them is made where it varies."""

STATUSES: Final = get_args(AnswerStatus)
"""In the order of the table."""


def outcomes(
    frame: pl.DataFrame, items: Sequence[Item], *, country: str | None, attributes: Sequence[str]
) -> list[dict[str, Any]]:
    """Count how the answers of one model ended, in all and by item, country, group of people and way of asking.

    Drawn answers are counted where there are any, each draw for itself, else distributions.
    Where answers come without a status, one that is there is valid and one that is not is invalid for an unknown
    reason.

    Args:
        frame: All answers of the model, wide or long.
        items: Declarations; answers to other items are not counted.
        country: Column of the country.
        attributes: Columns that describe persons.

    Returns:
        Rows with the columns of ``tables.OUTCOMES``: items in the order given, other values sorted (``None``, an
        unknown value, first), statuses as in ``schema``.
    """
    answers = _answers(frame, items)
    found = _counted(answers.with_columns(value=pl.lit("all")), "all")
    places = {item.id: place for place, item in enumerate(items)}
    found += sorted(_counted(answers.with_columns(value="item"), "item"), key=lambda row: places[row["value"]])
    for column, name in [(country, "country"), *((attribute, attribute) for attribute in attributes)]:
        if column is not None:
            found += _counted(answers.with_columns(value=pl.col(column)), name)
    for name in HOW_ASKED:
        if name in answers.columns and answers[name].n_unique() > 1:
            found += _counted(answers.with_columns(value=pl.col(name)), name)
    return found


def _answers(frame: pl.DataFrame, items: Sequence[Item]) -> pl.DataFrame:
    """One row per answer, with ``item``, ``status`` and ``reason``."""
    ids = [item.id for item in items]
    if not is_response_table(frame):
        known = frame.with_columns(pl.col(name).is_not_null() for name in ids)
        rest = [name for name in frame.columns if name not in {*ids, "item", "code", "status", "reason"}]
        frame = known.unpivot(ids, index=rest, variable_name="item", value_name="_given")
    else:
        given = [pl.col(name).is_not_null() for name in ("code", "probs") if name in frame.columns]
        frame = frame.filter(pl.col("item").is_in(ids)).with_columns(pl.any_horizontal(given).alias("_given"))
        if "draw" in frame.columns and (drawn := frame["draw"] >= 0).any():
            frame = frame.filter(drawn)
    if "status" not in frame.columns:
        frame = frame.with_columns(status=pl.when("_given").then(pl.lit("valid")).otherwise(pl.lit("invalid")))
    if "reason" not in frame.columns:
        frame = frame.with_columns(reason=pl.lit(None, dtype=pl.String))
    return frame


def _counted(answers: pl.DataFrame, by: str) -> list[dict[str, Any]]:
    """Rows of one breakdown, sorted by value (numbers as numbers), status and reason."""
    status = pl.col("status").cast(pl.String)
    counts = (
        answers.select("value", status, pl.col("reason").cast(pl.String))
        .group_by("value", "status", "reason")
        .agg(n=pl.len().cast(pl.Int64))
        .with_columns(of=pl.col("n").sum().over("value"), by=pl.lit(by), rank=_rank(status))
        .sort("value", "rank", "status", "reason", nulls_last=[False, False, True, False])
    )
    share = (pl.col("n") / pl.col("of")).alias("share")
    return counts.select("by", pl.col("value").cast(pl.String), "status", "reason", "n", "of", share).to_dicts()


def _rank(status: pl.Expr) -> pl.Expr:
    places = {name: place for place, name in enumerate(STATUSES)}
    return status.replace_strict(places, default=len(places), return_dtype=pl.Int64)
