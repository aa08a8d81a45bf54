"""Sampling designs: primary sampling units (PSU) within strata, and the replicate weights that follow from them.

A replicate weight is the survey weight times a factor; a statistic is computed anew with the weights of every
replicate, and its variance is read off the replicates.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import numpy as np
import polars as pl

from demoscope import _native
from demoscope.errors import ConfigError, DataError
from demoscope.stats.frames import integers_from_column
from demoscope.stats.kernels import Factors, Floats, checked_seed, checked_threads, respondent_multiplicities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

_log = logging.getLogger(__name__)

DesignName: TypeAlias = Literal["respondent", "psu", "poisson", "bayes", "jackknife"]
DESIGNS: Final[tuple[DesignName, ...]] = get_args(DesignName)

WITH_UNITS: Final = ("psu", "jackknife")
"""Designs that know strata and PSU."""

REPLICATES: Final = 1000
"""Number of bootstrap replicates unless told otherwise."""

BATCH_VALUES: Final = 2**23
"""Factors that are in memory at once."""


@dataclass(frozen=True, slots=True)
class SamplingUnits:
    """Who is drawn, and within what.

    Attributes:
        unit: Unit of every respondent (n); units are numbered by stratum, then in sorted order of their names.
        strata: First unit of every stratum (H + 1), the last entry being the number of units; at least 2 units each.
        merged: Names of the strata that became one because a stratum had a single unit.
    """

    unit: NDArray[np.uint32]
    strata: NDArray[np.uint32]
    merged: tuple[tuple[str | int, ...], ...]

    @property
    def count(self) -> int:
        """Number of units."""
        return int(self.strata[-1])


@dataclass(frozen=True, slots=True)
class DesignColumns:
    """Columns of a design as ranks of their sorted values.

    Attributes:
        stratum: Rank of the stratum of every respondent (n).
        psu: Rank of the PSU of every respondent (n); the row without a PSU column.
        names: Names of the strata; one unnamed stratum without a column.
    """

    stratum: NDArray[np.int64]
    psu: NDArray[np.int64]
    names: list[str | int]

    def units(self, rows: NDArray[np.intp], keys: Mapping[str, object] | None = None) -> SamplingUnits:
        """The sampling units of some respondents, the group that ``keys`` name.

        A PSU belongs to its stratum: the same name in two strata names two units.
        A stratum with a single unit shows no variation and is merged with the next one in sorted order, the last one
        with the one before; a warning is logged.

        Raises:
            DataError: There is only one unit.
        """
        where = "".join(f"{key} {value}: " for key, value in (keys or {}).items())
        stratum, psu = self.stratum[rows], self.psu[rows]
        stride = int(self.psu.max()) + 1
        found, unit = np.unique(stratum * stride + psu, return_inverse=True)
        if len(found) < 2:
            raise DataError(
                f"{where}a design needs at least 2 primary sampling units, there is 1 (of {len(rows)} respondents); "
                "leave psu= out to take every respondent as a unit, or strata= as well to take them as independent"
            )
        present, sizes = np.unique(found // stride, return_counts=True)
        groups = merge_single_units(sizes.tolist())
        totals = [int(sizes[group].sum()) for group in groups]
        merged = tuple(tuple(self.names[present[s]] for s in group) for group in groups if len(group) > 1)
        if merged:
            named = "; ".join(" + ".join(map(str, names)) for names in merged)
            _log.warning("%sstrata with a single sampling unit were merged: %s", where, named)
        return SamplingUnits(
            unit=unit.astype(np.uint32), strata=np.cumsum([0, *totals], dtype=np.uint32), merged=merged
        )


def design_columns(table: pl.DataFrame, *, strata: str | None, psu: str | None) -> DesignColumns | None:
    """The columns of a design, strings or integers; ``None`` when none is named.

    Raises:
        DataError: A value is missing or is neither; the message names column and row.
    """
    if strata is None and psu is None:
        return None
    names: list[str | int] = [""]
    stratum = np.zeros(table.height, dtype=np.int64)
    if strata is not None:
        stratum, names = _ranks(table[strata], what="strata")
    ranks = np.arange(table.height) if psu is None else _ranks(table[psu], what="psu")[0]
    return DesignColumns(stratum=stratum, psu=ranks, names=names)


def merge_single_units(sizes: Sequence[int]) -> list[list[int]]:
    """Groups of consecutive strata with at least two units each, as long as there are two units in all.

    Args:
        sizes: Number of units of every stratum, in sorted order.
    """
    groups: list[list[int]] = []
    for stratum in range(len(sizes)):
        if groups and sum(sizes[s] for s in groups[-1]) < 2:
            groups[-1].append(stratum)
        else:
            groups.append([stratum])
    if len(groups) > 1 and sum(sizes[s] for s in groups[-1]) < 2:
        last = groups.pop()
        groups[-1].extend(last)
    return groups


@dataclass(frozen=True, slots=True)
class ReplicateWeights:
    """Factors of the survey weights, made when they are needed.

    Attributes:
        design: Name of the design.
        rows: Number of respondents (n).
        count: Number of replicates (B).
        factors: Replicates from the first number on, as many as the second one says: counts or real numbers (b, n).
        scales: What the squared deviation of each replicate counts in a jackknife variance (B); ``None`` for a
            bootstrap.
    """

    design: DesignName
    rows: int
    count: int
    factors: Callable[[int, int], Factors]
    scales: Floats | None = None

    @property
    def batch(self) -> int:
        """Number of replicates that are made at a time."""
        return max(1, BATCH_VALUES // max(1, self.rows))

    def batches(self) -> Iterator[tuple[slice, Factors]]:
        """All replicates, some at a time."""
        step = self.batch
        for first in range(0, self.count, step):
            last = min(self.count, first + step)
            yield slice(first, last), self.factors(first, last - first)


def checked_design(
    design: DesignName,
    *,
    replicates: int | None,
    jackknife_groups: int | None,
    strata: str | None,
    psu: str | None,
) -> None:
    """Fail unless the settings of a bootstrap fit each other.

    Raises:
        ConfigError: The message says which setting does not fit, and what does.
    """
    if design not in DESIGNS:
        raise ConfigError(f"unknown design {design!r}; known: {', '.join(DESIGNS)}")
    for name, column in (("strata", strata), ("psu", psu)):
        if column is not None and design not in WITH_UNITS:
            raise ConfigError(f"design {design!r} draws respondents and knows no {name}; {name}= needs design='psu'")
    if design == "jackknife":
        if replicates is not None:
            raise ConfigError("the jackknife has as many replicates as sampling units; leave replicates= out")
        if jackknife_groups is not None and not 2 <= jackknife_groups < 2**32:
            raise ConfigError(f"jackknife_groups must be at least 2, got {jackknife_groups}")
    elif jackknife_groups is not None:
        raise ConfigError(f"jackknife_groups belongs to design='jackknife', not to {design!r}")
    elif replicates is not None and replicates < 1:
        raise ConfigError(f"replicates must be at least 1, got {replicates}")


def replicate_weights(
    design: DesignName,
    rows: int,
    *,
    units: SamplingUnits | None = None,
    replicates: int | None = None,
    jackknife_groups: int | None = None,
    seed: int,
    country: str = "",
    threads: int | None = None,
) -> ReplicateWeights:
    """Replicate weights of a design.

    ``respondent``: n draws of n with replacement; counts.
    ``psu``: Rao, Wu & Yue (1992), n_h - 1 of the n_h units of a stratum with replacement; factor n_h/(n_h - 1) x count.
    ``poisson``: independent Poisson(1) counts.
    ``bayes``: independent Exp(1) factors (Rubin 1981), which empty no cell.
    ``jackknife``: one unit, or one of ``jackknife_groups`` random groups of each stratum, deleted at a time; the other
    units of its stratum have the factor n_h/(n_h - d), d being the number of units deleted.

    Random numbers come from one stream per replicate, labelled ``"design|country|replicate"`` (see
    :func:`demoscope.stats.kernels.respondent_multiplicities`); strata follow each other in sorted order within it, and
    respondents in the order of their rows; random groups come from the stream ``"jackknife|country|0"``.

    Args:
        design: Name of the design; the settings must fit each other (:func:`checked_design`).
        rows: Number of respondents (n).
        units: Units of ``psu`` and ``jackknife``; by default every respondent is one, in one stratum.
        replicates: Number of bootstrap replicates, by default 1,000.
        jackknife_groups: Groups per stratum; by default every unit is a group.
        seed: From 0 to 2^64 - 1.
        country: Part of the label of the streams.
        threads: Number of threads; by default one per core.

    Raises:
        DataError: Without ``units``, there is only one respondent for ``psu`` or ``jackknife``.
        ConfigError: ``seed`` or ``threads`` is out of range.
    """
    checked_seed(seed)
    checked_threads(threads)
    count = REPLICATES if replicates is None else replicates
    tail = (seed, design, country, threads)
    if design == "respondent":
        return ReplicateWeights(
            design,
            rows,
            count,
            lambda first, size: respondent_multiplicities(
                rows, replicates=size, seed=seed, country=country, first=first, threads=threads
            ),
        )
    if design == "poisson":
        return ReplicateWeights(
            design, rows, count, lambda first, size: _native.poisson_multiplicities(rows, size, first, *tail)
        )
    if design == "bayes":
        return ReplicateWeights(
            design, rows, count, lambda first, size: _native.bayesian_factors(rows, size, first, *tail)
        )
    if units is None:
        every = np.arange(rows)
        units = DesignColumns(stratum=np.zeros_like(every), psu=every, names=[""]).units(every)
    unit, strata = units.unit, units.strata
    if design == "psu":
        return ReplicateWeights(
            design, rows, count, lambda first, size: _native.rao_wu_factors(unit, strata, size, first, *tail)
        )
    sizes = np.ones(units.count, dtype=np.uint32)
    if jackknife_groups is not None:
        group = _native.random_groups(strata, jackknife_groups, seed, design, country)
        unit, sizes = group[unit], np.bincount(group).astype(np.uint32)
        strata = np.cumsum([0, *np.minimum(np.diff(strata), jackknife_groups)], dtype=np.uint32)
    return ReplicateWeights(
        design,
        rows,
        len(sizes),
        lambda first, size: _native.jackknife_factors(unit, strata, sizes, size, first, threads),
        scales=_native.jackknife_scales(strata, sizes),
    )


class FactorDigest:
    """BLAKE2b-256 of replicate factors that come in batches.

    Hashed are the name of the type in ASCII, ``"<u2"`` for counts and ``"<f8"`` for real factors, then all factors in
    row-major order (replicate, respondent) as little-endian bytes.
    """

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=32)
        self._begun = False

    def update(self, factors: Factors) -> None:
        """Add the next replicates."""
        little = np.ascontiguousarray(factors, dtype=factors.dtype.newbyteorder("<"))
        if not self._begun:
            self._hash.update(f"<{little.dtype.kind}{little.dtype.itemsize}".encode("ascii"))
            self._begun = True
        self._hash.update(little.data)

    def hex(self) -> str:
        """64 hexadecimal digits."""
        return self._hash.hexdigest()


def _ranks(column: pl.Series, *, what: str) -> tuple[NDArray[np.int64], list[str | int]]:
    """Rank of every value among the sorted ones, and these."""
    if isinstance(column.dtype, pl.String | pl.Enum | pl.Categorical):
        values = column.cast(pl.String)
    elif column.dtype.is_numeric() or column.dtype in {pl.Boolean, pl.Null}:
        values = integers_from_column(column)
    else:
        raise DataError(f"{what} column {column.name!r} holds {column.dtype}, not strings or integers")
    missing = values.is_null().arg_true()
    if len(missing):
        raise DataError(f"{what} column {column.name!r}, row {int(missing[0]) + 1}: a value is missing")
    names, ranks = np.unique(values.to_numpy(), return_inverse=True)
    return ranks.astype(np.int64), names.tolist()
