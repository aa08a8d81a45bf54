"""The effect of option order, measured and taken out.

Where every profile met an item in one of two orders, drawn at random, a difference between profiles is partly one of
order.
With small models that part is the larger one by far.
The mean difference between the orders, over all profiles of all countries, estimates the main effect of order.
Shifting the probabilities of either order by half of it leaves the average over orders and the differences between
profiles.
What order does to one profile and not to another stays in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from demoscope.surveys import Item

FEWEST_CELLS = 5
"""With fewer cells in either order, their mean says more about profiles than about order."""


@dataclass(frozen=True)
class OrderEffects:
    """What the order of options did to one model.

    Attributes:
        effects: Item to the total variation between the mean distributions of both orders, where both were asked.
        removed: Whether the main effect was taken out; where every persona met both orders, they are averaged instead.
    """

    effects: dict[str, float] = field(default_factory=dict)
    removed: bool = False


def without_order_effects(
    frame: pl.DataFrame, items: Sequence[Item], *, person: str | None
) -> tuple[pl.DataFrame, OrderEffects]:
    """Measure the effect of option order and, where personas met one order each, take its mean out.

    Args:
        frame: A model's response table with all its countries, or wide answers (which tell nothing of order).
        items: Items to be scored.
        person: Column of personas.

    Returns:
        The table with shifted ``probs`` (negative ones set to 0, divided by their sum), and what was measured.
    """
    if person is None or not {"order", "probs", "item"} <= set(frame.columns):
        return frame, OrderEffects()
    scored = frame.filter(pl.col("probs").is_not_null())
    name = "cell" if "cell" in frame.columns else person
    one_each = not scored.select(person, "item").is_duplicated().any()
    effects, shifted = {}, []
    for item in items:
        cells = (
            scored.filter(pl.col("item") == item.id).unique([name, "order"], maintain_order=True).sort("order", name)
        )
        given = (cells["order"] == "given").to_numpy()
        lengths = set(cells["probs"].list.len())
        if lengths != {len(item.options)} or min(given.sum(), (~given).sum()) == 0:
            continue
        probs = np.array(cells["probs"].to_list(), dtype=np.float64)
        difference = probs[given].mean(axis=0) - probs[~given].mean(axis=0)
        effects[item.id] = float(np.abs(difference).sum() / 2)
        if one_each and min(given.sum(), (~given).sum()) >= FEWEST_CELLS:
            moved = _moved(probs, given, difference)
            shifted.append(cells.select(name, "item", "order").with_columns(moved=pl.Series(moved.tolist())))
    if not shifted:
        return frame, OrderEffects(effects)
    moved_frame = frame.join(pl.concat(shifted), on=[name, "item", "order"], how="left", maintain_order="left")
    probs_column = pl.when(pl.col("probs").is_not_null()).then(pl.coalesce("moved", "probs"))
    return moved_frame.with_columns(probs=probs_column).drop("moved"), OrderEffects(effects, removed=True)


def _moved(
    probs: NDArray[np.float64], given: NDArray[np.bool_], difference: NDArray[np.float64]
) -> NDArray[np.float64]:
    sign = np.where(given, -0.5, 0.5)[:, None]
    moved = np.maximum(0.0, probs + sign * difference)
    shares: NDArray[np.float64] = moved / moved.sum(axis=1, keepdims=True)
    return shares
