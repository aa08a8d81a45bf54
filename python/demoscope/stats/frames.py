"""Frames of answers become arrays of codes, with every rule of the data checked on the way in.

Messages count rows from 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import numpy as np
import polars as pl

from demoscope.errors import DataError, MissingPartError, nearest
from demoscope.stats.kernels import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd  # type: ignore[import-untyped, unused-ignore]  # the types are a package of their own
    import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]  # has no types
    from numpy.typing import NDArray

    FrameLike: TypeAlias = pl.DataFrame | pl.LazyFrame | pd.DataFrame | pa.Table

MAX_CATEGORIES: Final = 250
"""Most categories of one item."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers of one frame as the kernels want them.

    Attributes:
        items: Names of the items (p).
        codes: Position of every answer in the categories of its item (n, p), 255 where missing.
        categories: Number of categories of every item (p).
        weights: Survey weights (n), or ``None`` when every respondent counts once.
        groups: Key columns and rows of every group, in sorted order; without ``by`` one group without columns.
    """

    items: list[str]
    codes: NDArray[np.uint8]
    categories: list[int]
    weights: NDArray[np.float64] | None
    groups: list[tuple[dict[str, object], NDArray[np.intp]]]


def answers_from_frame(
    frame: FrameLike,
    *,
    items: Sequence[str] | None = None,
    weights: str | None = None,
    by: str | Sequence[str] | None = None,
    categories: Mapping[str, Sequence[int]] | None = None,
    design: Sequence[str | None] = (),
) -> Answers:
    """Check a frame and turn its items into codes.

    Args:
        frame: Polars (eager or lazy), pandas or pyarrow; one row per respondent, nulls are missing.
        items: Item columns; by default all columns but ``weights``, ``by`` and ``design``.
        weights: Column of survey weights.
        by: Column or columns whose values form groups.
        categories: Codes of the categories of an item in their order; by default the sorted codes that occur.
        design: Columns of the sampling design, which others read; those that are ``None`` do not count.

    Raises:
        DataError: A column is absent, named twice or of the wrong type, a code is no integer or not declared, an item
        has
            more than 250 categories, a weight is missing, negative or not finite, the frame is empty, or there are
            fewer than 2 items.
        MissingPartError: The frame is pandas and pyarrow is not installed.
    """
    apart = [column for column in design if column is not None]
    table, chosen, keys = select_columns(frame, items=items, weights=weights, by=by, apart=apart)
    return answers_from_columns(table, chosen, keys, weights=weights, categories=categories)


def select_columns(
    frame: FrameLike,
    *,
    items: Sequence[str] | None,
    weights: str | None,
    by: str | Sequence[str] | None,
    apart: Sequence[str] = (),
    least: int = 2,
) -> tuple[pl.DataFrame, list[str], list[str]]:
    """The frame, the names of its items, and those of its groups.

    Args:
        frame: As in :func:`answers_from_frame`.
        items: Item columns; by default all columns but ``weights``, ``by`` and ``apart``.
        weights: Column of survey weights.
        by: Column or columns whose values form groups.
        apart: Other columns that are asked for and are no items.
        least: Fewest items.

    Raises:
        DataError: A column is absent or named twice, the frame is empty, or there are fewer than ``least`` items.
        MissingPartError: The frame is pandas and pyarrow is not installed.
    """
    table = polars_frame(frame)
    keys = _names(by, what="by")
    others = [*apart, *keys, *([weights] if weights is not None else [])]
    chosen = _names(items, what="items") if items is not None else [c for c in table.columns if c not in others]
    required = [*chosen, *others]
    for name in required:
        if name not in table.columns:
            raise DataError(f"column {name!r} is not in the frame{nearest(name, table.columns)}")
    for name in required:
        if required.count(name) > 1:
            raise DataError(f"column {name!r} is named twice among items, weights, by, strata and psu")
    if len(chosen) < least:
        raise DataError(
            f"correlations need at least {least} item{'s' if least > 1 else ''}, there are {len(chosen)}: {chosen}"
        )
    if table.height == 0:
        raise DataError("the frame has no rows")
    return table, chosen, keys


def answers_from_columns(
    table: pl.DataFrame,
    items: list[str],
    keys: list[str],
    *,
    weights: str | None,
    categories: Mapping[str, Sequence[int]] | None,
) -> Answers:
    """The second half of :func:`answers_from_frame`: columns that are known to exist become codes."""
    declared = dict(categories) if categories is not None else {}
    check_named(table, declared, what="categories are declared")
    codes = np.full((table.height, len(items)), MISSING, dtype=np.uint8)
    sizes = []
    for column, name in enumerate(items):
        places, size = positions(table[name], declared.get(name))
        codes[:, column] = places
        sizes.append(size)
    return Answers(
        items=items,
        codes=codes,
        categories=sizes,
        weights=None if weights is None else weights_from_column(table[weights]),
        groups=groups_of_rows(table, keys),
    )


def check_named(table: pl.DataFrame, declared: Iterable[str], *, what: str) -> None:
    """Raise unless every column that something is declared for exists."""
    for name in declared:
        if name not in table.columns:
            raise DataError(f"{what} for {name!r}, which is not in the frame{nearest(name, table.columns)}")


def polars_frame(frame: FrameLike) -> pl.DataFrame:
    """The frame as an eager Polars frame.

    Raises:
        DataError: It is no frame, or a column name occurs twice.
        MissingPartError: It is a pandas frame and pyarrow is not installed.
    """
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    library = type(frame).__module__.partition(".")[0]
    if library not in {"pandas", "pyarrow"}:
        raise DataError(f"expected a Polars, pandas or pyarrow frame, got {type(frame).__name__}")
    names: Iterable[object] = frame.columns if library == "pandas" else frame.column_names
    seen: set[str] = set()
    for name in map(str, names):
        if name in seen:
            raise DataError(f"column {name!r} occurs twice in the frame")
        seen.add(name)
    try:
        table = (
            pl.from_pandas(cast("pd.DataFrame", frame))
            if library == "pandas"
            else pl.from_arrow(cast("pa.Table", frame))
        )
    except ModuleNotFoundError as error:
        raise MissingPartError(f"pandas frames need pyarrow: pip install pyarrow ({error})") from error
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise DataError(f"the {library} frame cannot be read: {error}") from error
    return cast("pl.DataFrame", table)


def _names(names: str | Sequence[str] | None, *, what: str) -> list[str]:
    if names is None:
        return []
    listed = [names] if isinstance(names, str) else list(names)
    for name in listed:
        if not isinstance(name, str):
            raise DataError(f"{what} must be column names, got {name!r}")
    return listed


def positions(column: pl.Series, declared: Sequence[int] | None) -> tuple[NDArray[np.uint8], int]:
    """Position of every answer among the categories of its item (255 where missing), and the number of categories."""
    if isinstance(column.dtype, pl.Enum):
        if declared is not None:
            raise DataError(f"column {column.name!r} is an Enum, which declares its own categories")
        size = len(column.dtype.categories)
        _check_size(column.name, size)
        return column.to_physical().fill_null(MISSING).cast(pl.UInt8).to_numpy(), size
    codes = integers_from_column(column)
    answered = codes.is_not_null().to_numpy()
    values, first, inverse = np.unique(codes.drop_nulls().to_numpy(), return_index=True, return_inverse=True)
    known = values.tolist() if declared is None else _declared(column.name, declared)
    _check_size(column.name, len(known))
    places = {code: place for place, code in enumerate(known)}
    unknown = [(index, code) for index, code in zip(first.tolist(), values.tolist(), strict=True) if code not in places]
    if unknown:
        index, code = min(unknown)
        row = int(np.flatnonzero(answered)[index])
        raise DataError(f"column {column.name!r}, row {row + 1}: code {code} is not declared; known: {known}")
    found = np.full(len(codes), MISSING, dtype=np.uint8)
    found[answered] = np.array([places[code] for code in values.tolist()], dtype=np.uint8)[inverse]
    return found, len(known)


def _check_size(name: str, size: int) -> None:
    if size > MAX_CATEGORIES:
        raise DataError(f"column {name!r} has {size} categories, at most {MAX_CATEGORIES} are supported")


def _declared(name: str, declared: Sequence[int]) -> list[int]:
    codes = list(declared)
    for code in codes:
        if isinstance(code, bool) or not isinstance(code, int | np.integer):
            raise DataError(f"categories of {name!r}: {code!r} is not an integer code")
    if len(set(codes)) < len(codes):
        raise DataError(f"categories of {name!r} name a code twice: {codes}")
    return [int(code) for code in codes]


def integers_from_column(column: pl.Series) -> pl.Series:
    """The column as 64-bit integers; whole numbers stored as floats pass, because pandas stores codes so beside NaN."""
    dtype = column.dtype
    if not (dtype.is_numeric() or dtype in {pl.Null, pl.Boolean}):
        raise DataError(f"column {column.name!r} holds {dtype}, not integer codes or an Enum")
    whole = column.cast(pl.Int64, strict=False)
    same = (whole.cast(dtype, strict=False) == column).fill_null(value=False)
    broken = (column.is_not_null() & ~same).arg_true()
    if len(broken):
        row = int(broken[0])
        raise DataError(f"column {column.name!r}, row {row + 1}: {column[row]} is not an integer code")
    return whole


def weights_from_column(column: pl.Series) -> NDArray[np.float64]:
    """Weights of one column; not negative, finite, none missing."""
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        raise DataError(f"weights column {column.name!r} holds {column.dtype}, not numbers")
    weights = column.cast(pl.Float64).to_numpy()
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(bad):
        row = int(bad[0])
        value = column[row]
        raise DataError(f"weights column {column.name!r}, row {row + 1}: {value} is not a finite number of at least 0")
    return np.ascontiguousarray(weights)


def groups_of_rows(table: pl.DataFrame, keys: list[str]) -> list[tuple[dict[str, object], NDArray[np.intp]]]:
    """Key columns and rows of every group, in sorted order."""
    if not keys:
        return [({}, np.arange(table.height))]
    for key in keys:
        dtype = table.schema[key]
        if dtype.is_nested() or dtype == pl.Object:
            raise DataError(f"by column {key!r} holds {dtype}, whose values cannot name groups")
    rows = table.select(keys).with_row_index("__row__").group_by(keys, maintain_order=True).agg(pl.col("__row__"))
    return [
        ({key: group[key] for key in keys}, np.asarray(group["__row__"], dtype=np.intp))
        for group in rows.sort(keys).iter_rows(named=True)
    ]
