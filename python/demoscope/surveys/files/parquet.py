"""Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from demoscope.errors import DataError
from demoscope.surveys.files.source import Source

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

MAGIC: Final = b"PAR1"
"""Bytes with which a Parquet file begins and ends."""


def open_parquet(path: Path) -> Source:
    """Open a Parquet file.

    Raises:
        DataError: It is none, is cut off, or is damaged.
    """
    with path.open("rb") as file:
        if (head := file.read(8))[: len(MAGIC)] != MAGIC:
            raise DataError(f"{path}: not a Parquet file: it begins with {head!r}")
        file.seek(-len(MAGIC), 2)
        if file.read() != MAGIC:
            raise DataError(f"{path}: the Parquet file is cut off: its footer is missing")
    try:
        columns = tuple(pl.read_parquet_schema(path))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{path}: damaged Parquet file: {error}") from error

    def cells(names: Sequence[str], integers: Collection[str]) -> pl.DataFrame:  # noqa: ARG001 - types are the file's
        try:
            return pl.read_parquet(path, columns=list(names), glob=False).select(names)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise DataError(f"{path}: damaged Parquet file: {error}") from error

    return Source(path, columns, cells)
