"""Slow twin of the weighted Pearson correlation: the definition in plain Python."""

from __future__ import annotations

import math


def slow_pearson(x: list[float], y: list[float], weights: list[float]) -> float:
    total = math.fsum(weights)

    def mean(values: list[float]) -> float:
        return math.fsum(w * v for w, v in zip(weights, values, strict=True)) / total

    mx, my = mean(x), mean(y)
    covariance = mean([(a - mx) * (b - my) for a, b in zip(x, y, strict=True)])
    return covariance / math.sqrt(mean([(a - mx) ** 2 for a in x]) * mean([(b - my) ** 2 for b in y]))
