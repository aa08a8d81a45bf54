"""Cells and personas as the response table, the only thing of a model that scores read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from demoscope.errors import DataError
from demoscope.responses.display import first_turns
from demoscope.responses.draw import draw_answers
from demoscope.schema import CELLS, RESPONSES, SCORED, check_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from demoscope.surveys import Survey

_QUESTION: Final = ["model", "steering", "adapter", "persona_id", "item", "presentation"]
"""What an answer answers, however it was displayed."""

_TYPES: Final[dict[str, Any]] = {
    name: {"String": pl.String, "Float64": pl.Float64, "Int32": pl.Int32, "List(Float64)": pl.List(pl.Float64)}[dtype]
    for name, dtype in RESPONSES.items()
}


def scored_table(cells: pl.DataFrame, who: pl.DataFrame, *, survey: Survey, draws: int, seed: int) -> pl.DataFrame:
    """Give each persona the distributions of its cells, and answers drawn from them.

    Row ``draw = -1`` of a persona, item and display carries the probabilities of the cell, over the item's own order of
    options; rows ``draw = 0, 1, ...`` carry a drawn code each.
    Where an item was asked in several displays, draws take turns between them, and a coin for each persona and item
    says which one has draw 0; so a single draw of many personas is balanced too.
    Draws are keyed by persona, item and order alone: models and steerings share their noise, which makes differences
    between them sharper, and any number of draws begins with the same ones.
    A cell that is not valid gives the same rows with its status and reason, without code and probabilities.

    Args:
        cells: Columns of ``schema.CELLS``: the cells of one steering of one model.
        who: ``persona_id``, ``country``, and the ``profile``, ``adapter`` and ``language`` that the cells of a persona
            have.
        survey: Codes of options, and where each item was asked.
        draws: Number of drawn answers per persona and item, at least 0.
        seed: Seed of the run.

    Returns:
        Columns of ``schema.RESPONSES``, in no particular order.

    Raises:
        DataError: A table lacks a column, or two cells answer the same question.
        ConfigError: A cell has an item that is not in the survey.
    """
    cells = check_columns(cells, CELLS, what="cells").with_row_index("cell_row")
    _refuse_twins(cells)
    asked = _cells_of_personas(cells, who, survey).with_columns(position=pl.lit(0, pl.Int32))
    scored = asked.with_columns(draw=pl.lit(SCORED, pl.Int32), code=pl.lit(None, pl.Int32))
    drawn = _drawn(asked, survey, draws=draws, seed=seed).with_columns(probs=pl.lit(None, pl.List(pl.Float64)))
    table = pl.concat([scored, drawn.select(scored.columns)])
    return check_columns(table, RESPONSES, what="responses")


def drawn_table(cells: pl.DataFrame, who: pl.DataFrame) -> pl.DataFrame:
    """Answers that were given one at a time, each to its persona.

    Args:
        cells: Columns of ``schema.CELLS``: the cells of one steering of one model.
        who: At least ``persona_id`` and ``country``.

    Returns:
        Columns of ``schema.RESPONSES``, in no particular order.
    """
    cells = check_columns(cells, CELLS, what="cells")
    table = cells.join(who.select("persona_id", "country"), on="persona_id", how="inner")
    return check_columns(table.with_columns(position=pl.lit(0, pl.Int32)), RESPONSES, what="responses")


def conversation_table(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Answers that were given in conversations.

    Their probabilities are left out: they depend on the answers before them, and would be taken for those of the item
    asked alone.

    Args:
        rows: Columns of ``schema.RESPONSES`` but ``probs``.
    """
    return pl.DataFrame([{**row, "probs": None} for row in rows], schema=_TYPES, orient="row")


def sorted_table(table: pl.DataFrame, personas: pl.DataFrame, *, survey: Survey) -> pl.DataFrame:
    """The rows sorted by model, steering, then persona, item, draw and display as in their tables."""
    person = personas.select("persona_id").with_row_index("persona_row")
    item = pl.DataFrame({"item": [item.id for item in survey.items]}).with_row_index("item_row")
    ranked = table.join(person, on="persona_id", how="left").join(item, on="item", how="left")
    ranked = ranked.sort(
        "model", "steering", "adapter", "persona_row", "item_row", "draw", "order", "wording", maintain_order=True
    )
    return check_columns(ranked, RESPONSES, what="responses")


def _refuse_twins(cells: pl.DataFrame) -> None:
    question = ["model", "steering", "adapter", "profile", "item", "order", "wording", "language", "presentation"]
    twins = cells.filter(pl.struct(question).is_duplicated())
    if twins.height:
        one, other = twins.sort(question).head(2).iter_rows(named=True)
        raise DataError(
            f"cells {one['cell']} and {other['cell']} answer the same question of model {one['model']!r} "
            f"(revisions {one['revision']!r} and {other['revision']!r}); select those of one plan"
        )


def _cells_of_personas(cells: pl.DataFrame, who: pl.DataFrame, survey: Survey) -> pl.DataFrame:
    """One row for each persona and cell that answers for it."""
    place = {item.id: row for row, item in enumerate(survey.items)}
    items = [survey.item(item) for item in dict.fromkeys(cells["item"])]
    columns = {
        "item": [item.id for item in items],
        "item_row": [place[item.id] for item in items],
        "asked_in": [item.asked_in for item in items],
    }
    schema: dict[str, Any] = {"item": pl.String, "item_row": pl.Int64, "asked_in": pl.List(pl.String)}
    cells = cells.join(pl.DataFrame(columns, schema=schema), on="item", maintain_order="left").drop("persona_id")
    everything = who.join(cells, on=["profile", "adapter", "language"], nulls_equal=True)
    is_asked = pl.col("asked_in").is_null() | pl.col("asked_in").list.contains(pl.col("country"))
    return everything.filter(is_asked).drop("asked_in")


def _drawn(asked: pl.DataFrame, survey: Survey, *, draws: int, seed: int) -> pl.DataFrame:
    """One row for each persona, item and draw."""
    turns = asked.with_columns(
        turn=pl.struct("order", "wording").rank("dense").over(_QUESTION).cast(pl.Int64) - 1,
        turns=pl.len().over(_QUESTION).cast(pl.Int64),
    )
    codes, known = _drawn_codes(turns, survey, draws=draws, seed=seed)
    turn, size = turns["turn"].to_numpy()[:, None], turns["turns"].to_numpy()[:, None]
    takes = (np.arange(draws)[None, :] + _coins(turns, seed=seed)[:, None]) % size == turn
    row, draw = np.nonzero(takes)
    code = pl.Series(codes[row, draw]).set(pl.Series(~known[row]), None)
    return turns[row].with_columns(draw=pl.Series(draw, dtype=pl.Int32), code=code)


def _coins(turns: pl.DataFrame, *, seed: int) -> NDArray[np.int64]:
    """Which display has draw 0, for each row of ``turns``: 0 where there is one only."""
    coins = np.zeros(turns.height, dtype=np.int64)
    places = turns.select("item", "turns", "persona_id").with_row_index("place").filter(pl.col("turns") > 1)
    for (item, number), rows in places.partition_by("item", "turns", as_dict=True).items():
        first = first_turns(rows["persona_id"].to_list(), item=str(item), turns=int(number), seed=seed)
        coins[rows["place"].to_numpy()] = first
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
