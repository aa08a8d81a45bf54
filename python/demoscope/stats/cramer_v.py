"""Cramer's V of a frame of nominal answers."""

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


def cramer_v(
    frame: FrameLike,
    *,
    items: Sequence[str] | None = None,
    weights: str | None = None,
    by: str | Sequence[str] | None = None,
    categories: Mapping[str, Sequence[int]] | None = None,
    threads: int | None = None,
) -> pl.DataFrame:
    """Bias-corrected Cramer's V of all pairs of nominal items (Bergsma 2013).

    ``V = sqrt(max(0, X2/n - (I-1)(J-1)/(n-1)) / min(I~ - 1, J~ - 1))`` with ``I~ = I - (I-1)^2/(n-1)``, I and J the
    numbers of used categories.
    With ``weights`` the table is that of the weighted shares and n is Kish's ``n_eff``.
    The order of the categories is irrelevant, and V has no sign.
    It has no standard error either: under independence it is 0 more than half of the time.

    Args:
        frame: Polars (eager or lazy), pandas or pyarrow; integer codes or ``pl.Enum``, nulls are missing.
        items: Item columns; by default all columns but ``weights`` and ``by``.
        weights: Column of survey weights, at least 0.
        by: Column or columns whose values form groups that are taken on their own.
        categories: Codes of the categories of an item; by default the codes that occur.
        threads: Number of threads; by default one per core. The result does not depend on it.

    Returns:
        One row per group and pair: the ``by`` columns, ``item_a``, ``item_b``, ``value`` in [0, 1] or NaN, ``n``,
        ``n_eff`` (Kish), ``status`` and ``flags`` (``few``: fewer than 50 respondents).
        The status is ``degenerate`` for a constant item, one without answers, and so few respondents that the
        correction leaves nothing to divide by.

    Raises:
        DataError: The frame breaks a rule; the message names column and row.
        ConfigError: ``threads`` is below 1.
    """
    checked_threads(threads)
    answers = answers_from_frame(frame, items=items, weights=weights, by=by, categories=categories)
    first, second = pair_indices(len(answers.items))

    def estimate(rows: NDArray[np.intp]) -> Associations:
        mass = None if answers.weights is None else answers.weights[rows]
        return _native.cramer_v(np.ascontiguousarray(answers.codes[rows]), answers.categories, mass, threads)

    names = answers.items
    found = association_frame(answers.groups, [names[a] for a in first], [names[b] for b in second], estimate)
    return found.drop("se")
