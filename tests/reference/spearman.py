"""Slow twin of the weighted Spearman correlation: every respondent compared with every other."""

from __future__ import annotations

from tests.reference.pearson import slow_pearson


def mid_ranks(answers: list[int], weights: list[float]) -> list[float]:
    """Weight below every answer plus half the weight of the same answer, the respondent's own included."""
    return [
        sum(w for other, w in zip(answers, weights, strict=True) if other < answer)
        + sum(w for other, w in zip(answers, weights, strict=True) if other == answer) / 2
        for answer in answers
    ]


def slow_spearman(x: list[int], y: list[int], weights: list[float]) -> float:
    return slow_pearson(mid_ranks(x, weights), mid_ranks(y, weights), weights)
