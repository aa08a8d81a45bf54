"""Fit of the latent normal model to all pairs of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from demoscope import _native
from demoscope.stats.frames import answers_from_frame
from demoscope.stats.kernels import ZeroCells, checked_threads, pair_indices
from demoscope.stats.pairs import keyed, pair_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from demoscope.stats.frames import FrameLike


def polychoric_fit(
    frame: FrameLike,
    *,
    items: Sequence[str] | None = None,
    weights: str | None = None,
    by: str | Sequence[str] | None = None,
    categories: Mapping[str, Sequence[int]] | None = None,
    zero_cells: ZeroCells = "keep_margins",
    threads: int | None = None,
) -> pl.DataFrame:
    """How well the latent normal model behind polychoric correlations fits every pair of items.

    Thresholds come from the complete answers of the pair (``thresholds="pair"`` in :func:`demoscope.polychoric`): only
    then do the degrees of freedom count what was estimated from the table.
    With more than 1,000 respondents nearly every pair rejects the model; report the share of pairs whose RMSEA is
    above .10 (Joreskog), over the pairs that can be tested::

        fit = demoscope.polychoric_fit(frame).filter(pl.col("rmsea").is_not_nan())
        share = (fit["rmsea"] > 0.10).mean()

    (Polars counts NaN as larger than every number.)

    Args:
        frame: Polars (eager or lazy), pandas or pyarrow; integer codes or ``pl.Enum``, nulls are missing.
        items: Item columns; by default all columns but ``weights`` and ``by``.
        weights: Column of survey weights, at least 0. They are scaled to sum to the respondents of the pair, so G2 and
            X2 are those of as many respondents with these weighted shares; the design is not corrected for.
        by: Column or columns whose values form groups that are taken on their own.
        categories: Codes of the categories of an item in their order; by default the sorted codes that occur.
        zero_cells: Policy for empty cells, as in :func:`demoscope.polychoric`; fit is that of the corrected table.
        threads: Number of threads; by default one per core. The result does not depend on it.

    Returns:
        One row per group and pair: the ``by`` columns, ``item_a``, ``item_b``, ``g2`` (``2 sum n ln(p/pi)``), ``x2``
        (Pearson's), ``df`` (``IJ - I - J`` over used categories; 0 where nothing can be tested, as in 2 x 2 tables),
        ``rmsea`` (``sqrt(max(0, (g2 - df) / (df (n - 1))))``, NaN when ``df`` is 0), ``n``, ``n_eff`` (Kish), and
        ``status`` and ``flags`` of the correlation.
        ``g2``, ``x2`` and ``rmsea`` are NaN where the status is not ``ok``.

    Raises:
        DataError: The frame breaks a rule; the message names column and row.
        ConfigError: ``threads`` is below 1.
    """
    checked_threads(threads)
    answers = answers_from_frame(frame, items=items, weights=weights, by=by, categories=categories)
    first, second = ([answers.items[i] for i in side] for side in pair_indices(len(answers.items)))

    def fitted(rows: NDArray[np.intp]) -> pl.DataFrame:
        mass = None if answers.weights is None else answers.weights[rows]
        g2, x2, df, rmsea, n, n_eff, status, flags = _native.polychoric_fit(
            np.ascontiguousarray(answers.codes[rows]), answers.categories, mass, zero_cells, threads
        )
        columns = {
            "g2": g2,
            "x2": x2,
            "df": df.astype(np.int64),
            "rmsea": rmsea,
            "n": n.astype(np.int64),
            "n_eff": n_eff,
        }
        return pair_frame(first, second, columns, status, flags)

    return pl.concat([keyed(keys, fitted(rows)) for keys, rows in answers.groups], how="vertical_relaxed")
