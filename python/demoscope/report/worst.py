"""Where the model is farthest from people, by name: pairs of items, and groups of people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from demoscope.report.words import finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demoscope.report.panel import Record

MOST: Final = 10
"""Pairs and groups that the page names."""


@dataclass(frozen=True)
class Worst:
    """A pair or group, in the country where the difference is largest.

    Attributes:
        row: Its row there.
        clear: Countries in which the difference is clear of zero.
    """

    row: Record
    clear: int


def worst_pairs(pairs: pl.DataFrame) -> list[Worst]:
    """Pairs with the largest difference of correlations among those whose interval excludes 0; each pair once."""
    low, high = pl.col("difference_low").fill_nan(None), pl.col("difference_high").fill_nan(None)
    clear = pairs.filter(pl.col("difference").is_finite(), (low > 0) | (high < 0)).sort(
        pl.col("difference").abs(), "country", "item_a", "item_b", descending=[True, False, False, False]
    )
    frequency = Counter(clear.select("item_a", "item_b").iter_rows())
    worst = clear.unique(["item_a", "item_b"], keep="first", maintain_order=True).head(MOST)
    return [Worst(row, frequency[row["item_a"], row["item_b"]]) for row in worst.iter_rows(named=True)]


def one_side(gaps: Sequence[Record]) -> list[Record]:
    """Gaps without mirror images: of an attribute with two levels in a country, the first one only."""
    levels: dict[tuple[str, str], list[str]] = {}
    for row in gaps:
        known = levels.setdefault((row["country"], row["attribute"]), [])
        if row["level"] not in known:
            known.append(row["level"])
    return [
        row
        for row in gaps
        if len(levels[row["country"], row["attribute"]]) != 2
        or row["level"] == min(levels[row["country"], row["attribute"]])
    ]


def worst_gaps(gaps: Sequence[Record]) -> list[Worst]:
    """Groups and items with the largest difference of gaps among those whose intervals are apart; each once."""

    def key(row: Record) -> tuple[Any, ...]:
        return row["attribute"], row["level"], row["item"]

    clear = sorted(
        (row for row in one_side(gaps) if _apart(row)),
        key=lambda row: (-abs(row["model_gap"] - row["human"]), row["country"], *key(row)),
    )
    frequency = Counter(key(row) for row in clear)
    first = {key(row): row for row in reversed(clear)}
    ranked = [row for row in clear if first[key(row)] is row]
    return [Worst(row, frequency[key(row)]) for row in ranked[:MOST]]


def _apart(row: Record) -> bool:
    human, model = finite(row["human"]), finite(row["model_gap"])
    low, high = finite(row["human_low"]), finite(row["human_high"])
    if human is None or model is None or low is None or high is None:
        return False
    model_low, model_high = finite(row["model_low"]), finite(row["model_high"])
    return (model if model_low is None else model_low) > high or (model if model_high is None else model_high) < low
