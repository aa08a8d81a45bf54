"""Polychoric correlations of a frame of answers or of one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from demoscope import _native
from demoscope.errors import DataError
from demoscope.stats.designs import SamplingUnits, design_columns
from demoscope.stats.frames import Answers, answers_from_frame, polars_frame
from demoscope.stats.kernels import STATUS_NAMES, Thresholds, ZeroCells, checked_threads, pair_indices
from demoscope.stats.pairs import flag_names, keyed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from demoscope.stats.frames import FrameLike


@dataclass(frozen=True, slots=True)
class PolychoricFit:
    """Polychoric correlation of one table.

    Attributes:
        rho: Correlation in [-1, 1]; NaN when the status is ``degenerate`` or ``not_converged``.
        se: Standard error from influence functions (observed version); NaN unless the estimate is an interior maximum.
        loglik: ``sum n ln pi`` at the estimate, without the multinomial constant; NaN when the status is not ``ok``.
        g2: Likelihood ratio of the latent normal model against the saturated one, ``2 sum n ln(p/pi)``; NaN when the
            status is not ``ok``.
        x2: Pearson's ``sum (n - N pi)^2 / (N pi)``; NaN when the status is not ``ok``.
        df: Degrees of freedom, ``IJ - I - J`` over the rows and columns that hold something; 0 where the model cannot
            be tested, as in every 2 x 2 table.
        rmsea: ``sqrt(max(0, (g2 - df) / (df (N - 1))))``; NaN when ``df`` is 0.
        row_thresholds: Normal quantiles between the rows that hold something.
        col_thresholds: Normal quantiles between the columns that hold something.
        status: ``ok``, ``boundary``, ``degenerate`` or ``not_converged``.
        flags: Any of ``zero_corrected``, ``clipped``, ``few``.
    """

    rho: float
    se: float
    loglik: float
    g2: float
    x2: float
    df: int
    rmsea: float
    row_thresholds: tuple[float, ...]
    col_thresholds: tuple[float, ...]
    status: str
    flags: list[str]


def polychoric(
    frame: FrameLike,
    *,
    items: Sequence[str] | None = None,
    weights: str | None = None,
    strata: str | None = None,
    psu: str | None = None,
    by: str | Sequence[str] | None = None,
    categories: Mapping[str, Sequence[int]] | None = None,
    thresholds: Thresholds = "item",
    zero_cells: ZeroCells = "keep_margins",
    threads: int | None = None,
) -> pl.DataFrame:
    """Two-step polychoric correlations of all pairs of items (Olsson 1979), with standard errors.

    Missing answers are dropped pair by pair.
    Standard errors come from influence functions at the data (infinitesimal jackknife): with z the influence of a
    respondent times the share of the weight, the variance is ``n/(n-1) sum (z - mean z)^2`` over respondents with
    ``weights`` and ``sum z^2`` without.
    With ``strata`` or ``psu`` it is ``sum_h n_h/(n_h-1) sum_c (z_hc - mean_h)^2`` over the totals of the n_h sampling
    units of each stratum (with replacement, no finite population correction).
    All units of the frame count, also those whose respondents have weight 0 or did not answer: for a part of a sample,
    such as its women, set the weights of the others to 0.
    A stratum with a single unit is merged with the next one in sorted order, the last one with the one before, and a
    warning is logged.
    The polychoric correlation of two binary items is their tetrachoric correlation.

    Args:
        frame: Polars (eager or lazy), pandas or pyarrow; integer codes or ``pl.Enum``, nulls are missing.
        items: Item columns; by default all columns but ``weights``, ``strata``, ``psu`` and ``by``.
        weights: Column of survey weights, at least 0.
        strata: Column of strata, strings or integers; by default all respondents are of one stratum.
        psu: Column of primary sampling units, strings or integers, named within strata; by default every respondent is
            one.
        by: Column or columns whose values form groups that are correlated on their own, each a sample with units of
            its own.
        categories: Codes of the categories of an item in their order; by default the sorted codes that occur.
        thresholds: ``"item"`` takes the thresholds of an item from all its valid answers, ``"pair"`` from the complete
            answers of each pair.
        zero_cells: Policy for empty cells.
            ``"keep_margins"`` moves half a respondent into the empty diagonal of a table of two used rows and columns
            (Savalei 2011), ``"add_half"`` adds it there, ``"add_half_all"`` and ``"one_over_n"`` add to every empty
            cell of any table, ``"none"`` leaves all tables as they are.
        threads: Number of threads; by default one per core. The result does not depend on it.

    Returns:
        One row per group and pair: the ``by`` columns, ``item_a``, ``item_b``, ``rho`` in [-1, 1] or NaN, ``se``, ``n``
        (respondents of positive weight who answered both), ``n_eff`` (Kish), ``iterations``, ``status`` and ``flags``.
        A constant item or one without answers gives the status ``degenerate``, never an error.

    Raises:
        DataError: The frame breaks a rule, or a group has a design with a single sampling unit; the message names
            column and row.
        ConfigError: ``threads`` is below 1.
    """
    checked_threads(threads)
    table = polars_frame(frame)
    answers = answers_from_frame(
        table, items=items, weights=weights, by=by, categories=categories, design=(strata, psu)
    )
    design = design_columns(table, strata=strata, psu=psu)
    parts = []
    for keys, rows in answers.groups:
        units = None if design is None else design.units(rows, keys)
        fitted = estimate_frame(
            answers, rows, units=units, thresholds=thresholds, zero_cells=zero_cells, threads=threads
        )
        parts.append(keyed(keys, fitted))
    return pl.concat(parts, how="vertical_relaxed")


def polychoric_table(table: ArrayLike, *, zero_cells: ZeroCells = "keep_margins") -> PolychoricFit:
    """Two-step polychoric correlation of one table of counts (Olsson 1979), with the fit of the latent normal model.

    Of a 2 x 2 table it is the tetrachoric correlation.

    Args:
        table: Counts, at least 0, not necessarily whole; rows and columns are the categories of the two items in order.
        zero_cells: Policy for empty cells, in units of the table.

    Raises:
        DataError: The table is not two-dimensional or a count is negative or not finite.
    """
    try:
        counts = np.ascontiguousarray(table, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"the table is not an array of numbers: {error}") from error
    if counts.ndim != 2:
        raise DataError(f"a table has 2 dimensions, this one has {counts.ndim}")
    rho, se, loglik, (g2, x2, df, rmsea), rows, cols, _, status, flags = _native.polychoric_table(counts, zero_cells)
    return PolychoricFit(
        rho=rho,
        se=se,
        loglik=loglik,
        g2=g2,
        x2=x2,
        df=df,
        rmsea=rmsea,
        row_thresholds=tuple(rows.tolist()),
        col_thresholds=tuple(cols.tolist()),
        status=STATUS_NAMES[status],
        flags=flag_names(flags),
    )


def estimate_frame(
    answers: Answers,
    rows: NDArray[np.intp],
    *,
    units: SamplingUnits | None = None,
    thresholds: Thresholds,
    zero_cells: ZeroCells,
    threads: int | None,
) -> pl.DataFrame:
    """The frame of :func:`polychoric` for some rows of checked answers."""
    weights = None if answers.weights is None else answers.weights[rows]
    rho, se, n, n_eff, iterations, status, flags = _native.polychoric(
        np.ascontiguousarray(answers.codes[rows]),
        answers.categories,
        weights,
        None if units is None else units.unit,
        None if units is None else units.strata,
        thresholds,
        zero_cells,
        threads,
    )
    first, second = pair_indices(len(answers.items))
    return pl.DataFrame(
        {
            "item_a": [answers.items[i] for i in first],
            "item_b": [answers.items[i] for i in second],
            "rho": rho,
            "se": se,
            "n": n.astype(np.int64),
            "n_eff": n_eff,
            "iterations": iterations.astype(np.int64),
            "status": [STATUS_NAMES[s] for s in status],
            "flags": [flag_names(int(f)) for f in flags],
        },
        schema_overrides={"flags": pl.List(pl.String)},
    )
