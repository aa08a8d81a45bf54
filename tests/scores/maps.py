"""Simulated countries on a culture map of ten indicators, with known positions."""

from __future__ import annotations

import numpy as np
import polars as pl

from demoscope.surveys import Item, Option, Survey
from demoscope.surveys.culture_map import CultureMap, Indicator

OPTIONS = tuple(Option(code=n, label=f"step {n}") for n in range(1, 11))
SCORES = {n: float(n) for n in range(1, 11)}
HIGH = (-1, 1, 1, 1, -1, 1, -1, -1, 1, -1)
"""The first five lie on the first axis, the others on the second."""


def item(number: int) -> Item:
    return Item(id=f"i{number}", text=f"How do you see matter {number}?", label=f"matter {number}", options=OPTIONS)


def culture_map(*, high=HIGH, swapped: bool = False) -> CultureMap:
    """Ten indicators of one item each."""
    axes = ("worldly", "free")
    indicators = tuple(
        Indicator(
            id=f"ind{n}", label=f"matter {n}", axis=axes[(n >= 5) != swapped], high=high[n], scores={f"i{n}": SCORES}
        )
        for n in range(10)
    )
    return CultureMap(
        title="Map of cultures",
        low={"worldly": "devout", "free": "bound"},
        high={"worldly": "worldly", "free": "free"},
        indicators=indicators,
    )


def survey(*, map_of: CultureMap | None = None) -> Survey:
    return Survey(
        id="map",
        title="Made-up survey of many countries",
        country_column="country",
        items=tuple(item(n) for n in range(10)),
        culture_map=culture_map() if map_of is None else map_of,
    )


def names(count: int) -> list[str]:
    return [f"land {c:02}" for c in range(count)]


def positions(count: int, *, seed: int = 1) -> np.ndarray:
    """Places of countries, mean 0 and variance 1 on both axes, not correlated, shape (count, 2)."""
    raw = np.random.default_rng(seed).normal(size=(count, 2))
    raw -= raw.mean(axis=0)
    q, _ = np.linalg.qr(raw)
    return q * np.sqrt(count - 1)


def means(places: np.ndarray, *, noise: float = 0.5, seed: int = 2, high=HIGH) -> np.ndarray:
    """Country means of the ten items: each follows its axis, with a part of its own, shape (count, 10)."""
    rng = np.random.default_rng(seed)
    own = rng.normal(size=(len(places), 10)) * noise
    side = np.repeat(places, 5, axis=1)
    return 5.5 + 0.6 * (side + own) * np.array(high)


def answers(country_means: np.ndarray, *, n: int = 100, seed: int = 3, spread: float = 1.0) -> pl.DataFrame:
    """n persons a country, whose answers lie around its means."""
    rng = np.random.default_rng(seed)
    parts = []
    for name, mean in zip(names(len(country_means)), country_means, strict=True):
        codes = np.clip(np.round(mean + spread * rng.normal(size=(n, len(mean)))), 1, 10).astype(int)
        parts.append(
            pl.DataFrame({f"i{j}": codes[:, j] for j in range(codes.shape[1])}).with_columns(country=pl.lit(name))
        )
    return pl.concat(parts)
