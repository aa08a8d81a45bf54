"""Weighted Spearman correlations of a frame of ordinal answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from demoscope import _native
from demoscope.stats.frames import answers_from_frame
from demoscope.stats.kernels import checked_threads, pair_indices
from demoscope.stats.pairs import Associations, association_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from demoscope.stats.frames import FrameLike


def spearman(
    frame: FrameLike,
    *,
    items: Sequence[str] | None = None,
    weights: str | None = None,
    by: str | Sequence[str] | None = None,
    categories: Mapping[str, Sequence[int]] | None = None,
    threads: int | None = None,
) -> pl.DataFrame:
    """Spearman correlations of all pairs of ordinal items: Pearson correlations of weighted mid-ranks.

    The mid-rank of a category is the share of answers below it plus half its own, among the respondents who answered
    both items; without weights the result is the usual one for ties.
    Standard errors come from influence functions, those of the ranks included; with ``weights`` they are
    ``n/(n-1) sum z^2`` over respondents.

    Args:
        frame: Polars (eager or lazy), pandas or pyarrow; integer codes or ``pl.Enum``, nulls are missing.
        items: Item columns; by default all columns but ``weights`` and ``by``.
        weights: Column of survey weights, at least 0.
        by: Column or columns whose values form groups that are correlated on their own.
        categories: Codes of the categories of an item in their order; by default the sorted codes that occur.
        threads: Number of threads; by default one per core. The result does not depend on it.

    Returns:
        One row per group and pair, with the columns of :func:`demoscope.pearson`.
        A constant item or one without answers gives the status ``degenerate``, never an error.

    Raises:
        DataError: The frame breaks a rule; the message names column and row.
        ConfigError: ``threads`` is below 1.
    """
    checked_threads(threads)
    answers = answers_from_frame(frame, items=items, weights=weights, by=by, categories=categories)
    first, second = pair_indices(len(answers.items))

    def estimate(rows: NDArray[np.intp]) -> Associations:
        mass = None if answers.weights is None else answers.weights[rows]
        return _native.spearman(np.ascontiguousarray(answers.codes[rows]), answers.categories, mass, threads)

    names = answers.items
    return association_frame(answers.groups, [names[a] for a in first], [names[b] for b in second], estimate)
