"""Weighted Pearson correlations of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from demoscope import _native
from demoscope.stats.frames import check_named, groups_of_rows, select_columns, weights_from_column
from demoscope.stats.kernels import checked_threads, pair_indices
from demoscope.stats.numbers import scores_from_column
from demoscope.stats.pairs import Associations, association_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from demoscope.stats.frames import FrameLike


def pearson(
    frame: FrameLike,
    *,
    items: Sequence[str] | None = None,
    weights: str | None = None,
    by: str | Sequence[str] | None = None,
    categories: Mapping[str, Sequence[int]] | None = None,
    scores: Mapping[str, Sequence[float]] | None = None,
    threads: int | None = None,
) -> pl.DataFrame:
    """Pearson correlations of all pairs of columns, with standard errors that assume no normal distribution.

    Missing values are dropped pair by pair; means and variances are those of the complete rows of the pair.
    The standard error comes from the influence function ``zx zy - r (zx^2 + zy^2) / 2`` (Devlin, Gnanadesikan &
    Kettenring 1975); with ``weights`` it is ``n/(n-1) sum z^2`` over respondents.

    Args:
        frame: Polars (eager or lazy), pandas or pyarrow; numbers or ``pl.Enum``, nulls are missing.
        items: Columns to correlate; by default all columns but ``weights`` and ``by``.
        weights: Column of survey weights, at least 0.
        by: Column or columns whose values form groups that are correlated on their own.
        categories: Codes of the categories of an item in their order; other codes are then an error.
        scores: Scores of the categories of an item in their order, which need not be equidistant.
            Without them an ``Enum`` counts 1 to K, and everything else by its numbers.
        threads: Number of threads; by default one per core. The result does not depend on it.

    Returns:
        One row per group and pair: the ``by`` columns, ``item_a``, ``item_b``, ``value`` in [-1, 1] or NaN, ``se``,
        ``n`` (respondents of positive weight who have both values), ``n_eff`` (Kish), ``status`` and ``flags``
        (``few``: fewer than 50 respondents).
        A column without variation gives the status ``degenerate``, never an error.

    Raises:
        DataError: The frame breaks a rule; the message names column and row.
        ConfigError: ``threads`` is below 1.
    """
    checked_threads(threads)
    table, chosen, keys = select_columns(frame, items=items, weights=weights, by=by)
    codes, given = dict(categories or {}), dict(scores or {})
    check_named(table, codes, what="categories are declared")
    check_named(table, given, what="scores are given")
    numbers = np.stack([scores_from_column(table[name], codes.get(name), given.get(name)) for name in chosen], axis=1)
    mass = None if weights is None else weights_from_column(table[weights])
    first, second = pair_indices(len(chosen))

    def estimate(rows: NDArray[np.intp]) -> Associations:
        return _native.pearson(np.ascontiguousarray(numbers[rows]), None if mass is None else mass[rows], threads)

    groups = groups_of_rows(table, keys)
    return association_frame(groups, [chosen[a] for a in first], [chosen[b] for b in second], estimate)
