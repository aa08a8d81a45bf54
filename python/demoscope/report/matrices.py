"""Correlation matrices of both sides from the table of pairs: of one country, or their means over countries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from demoscope.report.heatmap import Matrix, Pair
from demoscope.report.words import finite

if TYPE_CHECKING:
    import polars as pl

    from demoscope.report.names import Names

EXCLUDED = "excluded"


@dataclass
class _Sum:
    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        self.total += value
        self.count += 1

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None


def matrices(pairs: pl.DataFrame, names: Names) -> tuple[Matrix, Matrix] | None:
    """Human and model correlations, averaged over the countries in ``pairs``.

    A human value is the mean over the countries where it can be estimated, a model value over those of them where
    the model's can be too.

    Returns:
        Both with the same items in the same order; ``None`` where there is no pair.
    """
    human: dict[Pair, _Sum] = {}
    model: dict[Pair, _Sum] = {}
    columns = ("item_a", "item_b", "human_status", "human", "model_rho")
    for a, b, status, human_value, model_value in pairs.select(columns).iter_rows():
        h, m = finite(human_value), finite(model_value)
        if h is None and status == EXCLUDED:
            continue
        human_sum, model_sum = human.setdefault((a, b), _Sum()), model.setdefault((a, b), _Sum())
        if h is not None:
            human_sum.add(h)
            if m is not None:
                model_sum.add(m)
    if not human:
        return None
    items = tuple(names.ordered(item for pair in human for item in pair))
    return _matrix(items, human), _matrix(items, model)


def _matrix(items: tuple[str, ...], sums: dict[Pair, _Sum]) -> Matrix:
    return Matrix(items, {pair: found.mean for pair, found in sums.items()})
