"""Where the model is farthest from people, by name: pairs of items, and groups of people."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from demoscope.report.words import finite

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from demoscope.report.panel import Record

MOST: Final = 10
"""Pairs and groups that the page names."""


_ROUNDING: Final = 1e-9
"""A smaller gap of a model is none: its sign comes from rounding."""


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


@dataclass(frozen=True)
class GapSummary:
    """The gaps of one attribute, over levels, items and countries.

    Attributes:
        attribute: Its id.
        gaps: Number of gaps that both sides have.
        slope: Slope through 0 of the model's gaps on the human ones; 1 = as large as in people, 0 = no relation.
            The sampling variance of human gaps is taken out of the denominator (it would pull the slope towards 0).
            ``None`` where human gaps cannot be told from zero.
        clear: Number of gaps whose human interval excludes 0.
        same_sign: Number of those where the model's gap has the same sign.
    """

    attribute: str
    gaps: int
    slope: float | None
    clear: int
    same_sign: int


def gap_summaries(gaps: Sequence[Record]) -> list[GapSummary]:
    """One summary per attribute, in the order of the rows."""
    usable = [
        row for row in one_side(gaps) if finite(row["human"]) is not None and finite(row["model_gap"]) is not None
    ]
    attributes = dict.fromkeys(row["attribute"] for row in usable)
    return [_summary(name, [row for row in usable if row["attribute"] == name]) for name in attributes]


def _summary(attribute: str, rows: list[Record]) -> GapSummary:
    clear = [row for row in rows if (finite(row["human_low"]) or 0) > 0 or (finite(row["human_high"]) or 0) < 0]
    return GapSummary(
        attribute=attribute,
        gaps=len(rows),
        slope=_slope((row["human"], row["model_gap"], _variance(row)) for row in rows),
        clear=len(clear),
        same_sign=sum(row["human"] * row["model_gap"] > 0 for row in clear if abs(row["model_gap"]) > _ROUNDING),
    )


def _variance(row: Record) -> float | None:
    """Sampling variance of a human gap from the width of its 95 % interval."""
    low, high = finite(row["human_low"]), finite(row["human_high"])
    return None if low is None or high is None else ((high - low) / (2 * 1.96)) ** 2


def _slope(gaps: Iterable[tuple[float, float, float | None]]) -> float | None:
    known = [(human, model, variance) for human, model, variance in gaps if variance is not None]
    products = math.fsum(human * model for human, model, _ in known)
    squares = math.fsum(human * human - variance for human, _, variance in known)
    noise = math.sqrt(math.fsum(4 * human * human * variance + 2 * variance * variance for human, _, variance in known))
    return products / squares if squares > 2 * noise and squares > 0 else None
