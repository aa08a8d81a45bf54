"""Frames of pairs, which all correlations return."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

from demoscope.stats.kernels import FLAG_NAMES, STATUS_NAMES, Floats, Statuses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

Associations: TypeAlias = tuple[Floats, Floats, Floats, Floats, Statuses, Statuses]
"""value, se, n, n_eff, status and flags of every pair."""


def association_frame(
    groups: Sequence[tuple[dict[str, object], NDArray[np.intp]]],
    first: Sequence[str],
    second: Sequence[str],
    estimate: Callable[[NDArray[np.intp]], Associations],
) -> pl.DataFrame:
    """One row per group and pair: keys, names, ``value``, ``se``, ``n``, ``n_eff``, ``status`` and ``flags``.

    Args:
        groups: Key columns and rows of every group.
        first: Name of the one variable of every pair.
        second: Name of the other.
        estimate: Computes the pairs of some rows.
    """
    parts = []
    for keys, rows in groups:
        value, se, n, n_eff, status, flags = estimate(rows)
        columns = {"value": value, "se": se, "n": n.astype(np.int64), "n_eff": n_eff}
        parts.append(keyed(keys, pair_frame(first, second, columns, status, flags)))
    return pl.concat(parts, how="vertical_relaxed")


def pair_frame(
    first: Sequence[str],
    second: Sequence[str],
    columns: Mapping[str, NDArray[np.generic]],
    status: Statuses,
    flags: Statuses,
) -> pl.DataFrame:
    """``item_a``, ``item_b``, the columns, and ``status`` and ``flags`` by name."""
    return pl.DataFrame(
        {
            "item_a": first,
            "item_b": second,
            **columns,
            "status": [STATUS_NAMES[s] for s in status],
            "flags": [flag_names(int(f)) for f in flags],
        },
        schema_overrides={
            "item_a": pl.String,
            "item_b": pl.String,
            "status": pl.String,
            "flags": pl.List(pl.String),
        },
    )


def keyed(keys: dict[str, object], frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with the values of its group in front."""
    return frame.select(*(pl.lit(value).alias(key) for key, value in keys.items()), pl.all())


def flag_names(bits: int) -> list[str]:
    """Names of the bits that are set."""
    return [name for bit, name in enumerate(FLAG_NAMES) if bits >> bit & 1]
