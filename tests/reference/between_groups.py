"""Slow twin of between-group structure: plain loops over groups, persons and pairs of items; ``None`` = undefined."""

from __future__ import annotations

from math import nan, sqrt

Value = float | None


def mean(values: list[Value], weights: list[float]) -> float:
    total = sum(w for y, w in zip(values, weights, strict=True) if y is not None)
    return sum(w * y for y, w in zip(values, weights, strict=True) if y is not None) / total


def sampling_covariance(rows: list[list[Value]], weights: list[float], j: int, k: int) -> float:
    """Covariance of the means of items j and k over samples of persons like these."""
    found = 0.0
    means = {item: mean([row[item] for row in rows], weights) for item in (j, k)}
    mass = {item: sum(w for row, w in zip(rows, weights, strict=True) if row[item] is not None) for item in (j, k)}
    for row, w in zip(rows, weights, strict=True):
        if row[j] is not None and row[k] is not None:
            found += w * (row[j] - means[j]) / mass[j] * w * (row[k] - means[k]) / mass[k]
    for item in (j, k):
        squares = sum(w * w for row, w in zip(rows, weights, strict=True) if row[item] is not None)
        effective = mass[item] ** 2 / squares
        found *= sqrt(effective / (effective - 1))
    return found


def covariance(x: list[float], y: list[float]) -> float:
    x_mean, y_mean = sum(x) / len(x), sum(y) / len(y)
    return sum((a - x_mean) * (b - y_mean) for a, b in zip(x, y, strict=True)) / (len(x) - 1)


class Side:
    """Means and sampling covariances of one side.

    Args:
        groups: For each group its persons' answers and weights; an empty answer list of an item leaves it undefined.
        undefined: Pairs (group, item) without a mean.
    """

    def __init__(self, groups: list[tuple[list[list[Value]], list[float]]], undefined: set[tuple[int, int]]) -> None:
        self.groups, self.items = groups, len(groups[0][0][0])
        self.undefined = undefined
        self.means = [
            [None if (g, j) in undefined else mean([row[j] for row in rows], weights) for j in range(self.items)]
            for g, (rows, weights) in enumerate(groups)
        ]

    def common(self, j: int, k: int) -> list[int]:
        return [g for g in range(len(self.groups)) if (g, j) not in self.undefined and (g, k) not in self.undefined]

    def between(
        self, j: int, k: int, among: list[int], *, times: int = 1, means: list[list[Value]] | None = None
    ) -> float:
        """Covariance of the means over some groups, without what sampling adds to it."""
        means = self.means if means is None else means
        plain = covariance([means[g][j] for g in among], [means[g][k] for g in among])
        if not times:
            return plain
        noise = sum(sampling_covariance(*self.groups[g], j, k) for g in among) / len(among)
        return plain - times * noise

    def correlation(self, j: int, k: int, *, times: int = 1, means: list[list[Value]] | None = None) -> float:
        among = self.common(j, k)
        one, other = (self.between(i, i, among, times=times, means=means) for i in (j, k))
        if one <= 0 or other <= 0:
            return nan
        return max(-1.0, min(1.0, self.between(j, k, among, times=times, means=means) / sqrt(one * other)))

    def reliability(self, j: int) -> float:
        among = self.common(j, j)
        return self.between(j, j, among) / self.between(j, j, among, times=0)


def pearson(x: list[float], y: list[float]) -> float:
    return covariance(x, y) / sqrt(covariance(x, x) * covariance(y, y))


def rmse(x: list[float], y: list[float]) -> float:
    return sqrt(sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) / len(x))


def terms(h: list[float], m: list[float], h_b: list[list[float]], m_b: list[list[float]]) -> dict[str, float]:
    """Debiased means over pairs; replicates are lists of correlations, one per pair."""
    pairs = range(len(h))

    def sampled(x: list[list[float]], y: list[list[float]]) -> float:
        return sum(covariance([row[p] for row in x], [row[p] for row in y]) for p in pairs) / len(h)

    return {
        "hh": sum(a * a for a in h) / len(h) - sampled(h_b, h_b),
        "mm": sum(a * a for a in m) / len(m) - sampled(m_b, m_b),
        "hm": sum(a * b for a, b in zip(h, m, strict=True)) / len(h) - sampled(h_b, m_b),
    }
