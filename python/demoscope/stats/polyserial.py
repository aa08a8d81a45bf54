"""Polyserial correlations of a frame: continuous variables with ordinal items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from demoscope import _native
from demoscope.errors import DataError
from demoscope.stats.frames import answers_from_columns, select_columns
from demoscope.stats.kernels import checked_threads
from demoscope.stats.numbers import numbers_from_column
from demoscope.stats.pairs import Associations, association_frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from demoscope.stats.frames import FrameLike


def polyserial(
    frame: FrameLike,
    *,
    continuous: str | Sequence[str],
    items: Sequence[str] | None = None,
    weights: str | None = None,
    by: str | Sequence[str] | None = None,
    categories: Mapping[str, Sequence[int]] | None = None,
    threads: int | None = None,
) -> pl.DataFrame:
    """Two-step polyserial correlations of continuous variables with ordinal items (Olsson, Drasgow & Dorans 1982).

    Of every pair the rows with both values are used: the variable is standardised (weighted mean, variance of divisor
    n), thresholds are normal quantiles of the item's shares, and the likelihood of the answers given the variable is
    maximised over the correlation.
    Standard errors come from the influence function of all three steps (infinitesimal jackknife); with ``weights`` they
    are ``n/(n-1) sum z^2`` over respondents.

    Args:
        frame: Polars (eager or lazy), pandas or pyarrow; nulls are missing.
        continuous: Column or columns of finite numbers.
        items: Columns of integer codes or ``pl.Enum``; by default all columns but ``continuous``, ``weights`` and
            ``by``.
        weights: Column of survey weights, at least 0.
        by: Column or columns whose values form groups that are correlated on their own.
        categories: Codes of the categories of an item in their order; by default the sorted codes that occur.
        threads: Number of threads; by default one per core. The result does not depend on it.

    Returns:
        One row per group, variable and item: the ``by`` columns, ``item_a`` (the variable), ``item_b`` (the item),
        ``value`` in [-1, 1] or NaN, ``se``, ``n`` (respondents of positive weight who have both values), ``n_eff``
        (Kish), ``status`` and ``flags``.
        The status is ``boundary`` with the value 1 or -1 where every number lies inside the interval of its category,
        so that the likelihood rises up to that bound, ``degenerate`` where a side does not vary, ``not_converged``
        where the search did not end.
        The flag ``clipped`` marks an estimate beyond ``1 - 1e-6``, ``few`` fewer than 50 respondents.

    Raises:
        DataError: The frame breaks a rule; the message names column and row.
        ConfigError: ``threads`` is below 1.
    """
    checked_threads(threads)
    variables = [continuous] if isinstance(continuous, str) else list(continuous)
    if not variables:
        raise DataError("polyserial correlations need at least 1 continuous column")
    table, chosen, keys = select_columns(frame, items=items, weights=weights, by=by, apart=variables, least=1)
    answers = answers_from_columns(table, chosen, keys, weights=weights, categories=categories)
    numbers = np.stack([numbers_from_column(table[name]) for name in variables], axis=1)

    def estimate(rows: NDArray[np.intp]) -> Associations:
        mass = None if answers.weights is None else answers.weights[rows]
        continuous, codes = np.ascontiguousarray(numbers[rows]), np.ascontiguousarray(answers.codes[rows])
        return _native.polyserial(continuous, codes, answers.categories, mass, threads)

    first = [name for name in variables for _ in chosen]
    return association_frame(answers.groups, first, chosen * len(variables), estimate)
