"""Cells and personas as the response table, the only thing of a model that scores read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from demoscope.errors import DataError
from demoscope.responses.draw import draw_answers
from demoscope.responses.order import BOTH
from demoscope.schema import CELLS, PERSONAS, RESPONSES, SCORED, check_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from demoscope.surveys import Survey

_QUESTION: Final = ["model", "steering", "adapter", "persona_id", "item", "presentation"]
"""What an answer answers, whatever the order of its options."""


def response_table(
    cells: pl.DataFrame, personas: pl.DataFrame, *, survey: Survey, draws: int, seed: int
) -> pl.DataFrame:
    """Give each persona the answers of its cells.

    Row ``draw = -1`` of a persona, item and order carries the probabilities of the cell, over the item's own order of
    options; rows ``draw = 0, 1, ...`` carry a drawn code each.
    Where an item was asked in both orders, draws take turns between them, and a coin for each persona and item says
    which order has draw 0; so a single draw of many personas is balanced too.
    Draws are keyed by persona, item and order alone: models and steerings share their noise, which makes differences
    between them sharper, and any number of draws begins with the same ones.
    A cell that is not valid gives the same rows with its status and reason, without code and probabilities.

    Args:
        cells: Columns of ``schema.CELLS``: the cells of one plan per model.
        personas: Columns of ``schema.PERSONAS``; further ones are ignored.
        survey: Codes of options, and where each item was asked.
        draws: Number of drawn answers per persona and item, at least 0.
        seed: Seed of the run.

    Returns:
        Columns of ``schema.RESPONSES``, sorted by model, steering, then persona, item, draw and order as in their
        tables.

    Raises:
        DataError: A table lacks a column, or two cells answer the same question.
        ConfigError: A cell has an item that is not in the survey.
    """
    cells = check_columns(cells, CELLS, what="cells").with_row_index("cell_row")
    _refuse_twins(cells)
    personas = check_columns(personas, PERSONAS, what="personas").with_row_index("persona_row")
    asked = _cells_of_personas(cells, personas, survey)
    scored = asked.with_columns(draw=pl.lit(SCORED, pl.Int32), code=pl.lit(None, pl.Int32))
    drawn = _drawn(asked, survey, draws=draws, seed=seed).with_columns(probs=pl.lit(None, pl.List(pl.Float64)))
    table = pl.concat([scored, drawn.select(scored.columns)])
    table = table.sort("model", "steering", "adapter", "persona_row", "item_row", "draw", "order")
    return check_columns(table, RESPONSES, what="responses")


def _refuse_twins(cells: pl.DataFrame) -> None:
    question = ["model", "steering", "adapter", "profile", "item", "order", "presentation"]
    twins = cells.filter(pl.struct(question).is_duplicated())
    if twins.height:
        one, other = twins.sort(question).head(2).iter_rows(named=True)
        raise DataError(
            f"cells {one['cell']} and {other['cell']} answer the same question of model {one['model']!r} "
            f"(revisions {one['revision']!r} and {other['revision']!r}); select those of one plan"
        )


def _cells_of_personas(cells: pl.DataFrame, personas: pl.DataFrame, survey: Survey) -> pl.DataFrame:
    """One row for each persona and cell that answers for it."""
    place = {item.id: row for row, item in enumerate(survey.items)}
    items = [survey.item(item) for item in dict.fromkeys(cells["item"])]
    columns = {
        "item": [item.id for item in items],
        "item_row": [place[item.id] for item in items],
        "asked_in": [item.asked_in for item in items],
    }
    schema: dict[str, Any] = {"item": pl.String, "item_row": pl.Int64, "asked_in": pl.List(pl.String)}
    cells = cells.join(pl.DataFrame(columns, schema=schema), on="item", maintain_order="left")
    who = personas.select("persona_row", "persona_id", "country", "profile")
    personal = who.join(cells.filter(pl.col("profile").is_not_null()), on="profile").drop("profile")
    shared = who.drop("profile").join(cells.filter(pl.col("profile").is_null()).drop("profile"), how="cross")
    everything = pl.concat([personal, shared.select(personal.columns)])
    is_asked = pl.col("asked_in").is_null() | pl.col("asked_in").list.contains(pl.col("country"))
    return everything.filter(is_asked).drop("asked_in")


def _drawn(asked: pl.DataFrame, survey: Survey, *, draws: int, seed: int) -> pl.DataFrame:
    """One row for each persona, item and draw."""
    turns = asked.with_columns(
        turn=pl.col("order").rank("dense").over(_QUESTION).cast(pl.Int64) - 1,
        turns=pl.len().over(_QUESTION).cast(pl.Int64),
    )
    codes, known = _drawn_codes(turns, survey, draws=draws, seed=seed)
    turn, size = turns["turn"].to_numpy()[:, None], turns["turns"].to_numpy()[:, None]
    takes = (np.arange(draws)[None, :] + _coins(turns, seed=seed)[:, None]) % size == turn
    row, draw = np.nonzero(takes)
    code = pl.Series(codes[row, draw]).set(pl.Series(~known[row]), None)
    return turns[row].with_columns(draw=pl.Series(draw, dtype=pl.Int32), code=code)


def _coins(turns: pl.DataFrame, *, seed: int) -> NDArray[np.int64]:
    """Which order has draw 0, for each row of ``turns``: 0 where there is one order only."""
    coins = np.zeros(turns.height, dtype=np.int64)
    several = np.flatnonzero(turns["turns"].to_numpy() > 1)
    streams = turns[several].select(pl.format("{}|{}|first order", "persona_id", "item")).to_series().to_list()
    evenly = np.full((1, len(BOTH)), 1 / len(BOTH))
    coins[several] = draw_answers(evenly, np.zeros(several.size, dtype=np.int64), streams, seed=seed, draws=1)[:, 0]
    return coins


def _drawn_codes(
    turns: pl.DataFrame, survey: Survey, *, draws: int, seed: int
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Drawn codes, one row for each row of ``turns`` and one column per draw, and which rows have any."""
    known = (turns["status"] == "valid").to_numpy()
    valid = turns.filter(pl.col("status") == "valid")
    cells = valid.select("cell_row", "probs").unique("cell_row", maintain_order=True).with_row_index("row")
    rows = valid.select("cell_row").join(cells, on="cell_row", maintain_order="left")["row"].cast(pl.Int64)
    probs = _padded(cells["probs"], fill=0.0)
    streams = valid.select(pl.format("{}|{}|{}", "persona_id", "item", "order")).to_series().to_list()
    options = draw_answers(probs, rows.to_numpy(), streams, seed=seed, draws=draws)
    option_codes = _padded(pl.Series([item.codes for item in survey.items], dtype=pl.List(pl.Int32)), fill=0)
    codes = np.zeros((turns.height, draws), dtype=np.int32)
    codes[known] = option_codes[valid["item_row"].to_numpy()[:, None], options]
    return codes, known


def _padded(lists: pl.Series, *, fill: float) -> NDArray[Any]:
    """Lists as the rows of a matrix, filled up on the right."""
    lengths = lists.list.len().to_numpy()
    matrix = np.full((len(lists), max(lengths, default=1)), fill, dtype=lists.explode().to_numpy().dtype)
    matrix[np.arange(matrix.shape[1])[None, :] < lengths[:, None]] = lists.explode().to_numpy()
    return matrix
