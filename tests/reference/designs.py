"""Slow twin of sampling designs: units as sets of rows, one loop per definition."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.reference import streams

if TYPE_CHECKING:
    from collections.abc import Sequence

Units = list[list[int]]
"""Rows of every unit of a stratum."""


def strata_of(stratum: Sequence[Any], psu: Sequence[Any]) -> list[Units]:
    """Rows by stratum and unit, both in sorted order; strata of one unit joined with the next, the last before."""
    rows: dict[Any, dict[Any, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, (h, c) in enumerate(zip(stratum, psu, strict=True)):
        rows[h][c].append(row)
    strata = [[rows[h][c] for c in sorted(rows[h])] for h in sorted(rows)]
    place = 0
    while place < len(strata):
        if len(strata[place]) == 1 and len(strata) > 1:
            other = place + 1 if place + 1 < len(strata) else place - 1
            first, second = sorted((place, other))
            strata[first] += strata.pop(second)
            place = first
        else:
            place += 1
    return strata


def rao_wu(strata: list[Units], rows: int, *, seed: int, label: str) -> list[float]:
    factors = [math.nan] * rows
    draws = streams.unit_draws([len(units) for units in strata], seed=seed, label=label)
    for units, counts in zip(strata, draws, strict=True):
        for unit, count in zip(units, counts, strict=True):
            for row in unit:
                factors[row] = len(units) / (len(units) - 1) * count
    return factors


def jackknife(strata: list[Units], rows: int) -> list[list[float]]:
    replicates = []
    for units in strata:
        for deleted in units:
            factors = [1.0] * rows
            for unit in units:
                for row in unit:
                    factors[row] = 0.0 if unit is deleted else len(units) / (len(units) - 1)
            replicates.append(factors)
    return replicates


def jackknife_variance(strata: list[Units], replicates: Sequence[float], estimate: float) -> float:
    variance, place = 0.0, 0
    for units in strata:
        n = len(units)
        variance += (n - 1) / n * sum((value - estimate) ** 2 for value in replicates[place : place + n])
        place += n
    return variance


def variance_of_total(strata: list[Units], z: Sequence[float]) -> float:
    """``sum_h n_h/(n_h-1) sum_c (z_hc - mean_h)^2``."""
    variance = 0.0
    for units in strata:
        totals = [sum(z[row] for row in unit) for unit in units]
        mean = sum(totals) / len(totals)
        variance += len(totals) / (len(totals) - 1) * sum((total - mean) ** 2 for total in totals)
    return variance
