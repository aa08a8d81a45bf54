"""CSV and Parquet files into frames, refusing what is not what its name says."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

import polars as pl

from demoscope.errors import DataError, nearest
from demoscope.surveys.item import repeated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SEPARATORS: Final = (",", ";", "\t", "|")
_PARQUET_MAGIC: Final = b"PAR1"


def read_table(path: Path, *, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a CSV or Parquet file.

    A CSV file is UTF-8 with a header; its separator is the one of comma, semicolon, tab and bar that gives the header
    most fields, every line has as many fields as the header, and all columns come as text.

    Args:
        path: File whose name ends in ``.csv``, ``.tsv``, ``.txt`` or ``.parquet``.
        columns: Columns to read, in this order; ``None`` means all.

    Raises:
        DataError: The file cannot be read, is not what its name says, is cut off, or lacks a column.
    """
    readers = {".csv": _read_csv, ".tsv": _read_csv, ".txt": _read_csv, ".parquet": _read_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: unknown kind of file {path.suffix!r}; known are {', '.join(readers)}")
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    return reader(path, head, columns)


def check_columns_exist(present: Sequence[str], wanted: Sequence[str], *, where: object) -> None:
    """Refuse a table that lacks a column.

    Raises:
        DataError: One line for each absent column, with the nearest present one.
    """
    absent = [f"{where}: no column {name!r}{nearest(name, present)}" for name in wanted if name not in present]
    if absent:
        raise DataError("\n".join(absent))


def _read_parquet(path: Path, head: bytes, columns: Sequence[str] | None) -> pl.DataFrame:
    if not head.startswith(_PARQUET_MAGIC):
        raise DataError(f"{path}: not a Parquet file: it begins with {head[:8]!r}")
    with path.open("rb") as file:
        file.seek(-len(_PARQUET_MAGIC), 2)
        if file.read() != _PARQUET_MAGIC:
            raise DataError(f"{path}: the Parquet file is cut off: its footer is missing")
    try:
        check_columns_exist(list(pl.read_parquet_schema(path)), columns or (), where=path)
        return pl.read_parquet(path, columns=None if columns is None else list(columns), glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{path}: damaged Parquet file: {error}") from error


def _read_csv(path: Path, head: bytes, columns: Sequence[str] | None) -> pl.DataFrame:
    if head.startswith(_PARQUET_MAGIC) or b"\0" in head:
        raise DataError(f"{path}: not a text file: it begins with {head[:8]!r}")
    separator, header, rows = _check_lines(path)
    check_columns_exist(header, columns or (), where=path)
    try:
        frame = pl.read_csv(
            path,
            columns=None if columns is None else list(columns),
            separator=separator,
            infer_schema=False,
            glob=False,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{path}: not a regular CSV file: {error}") from error
    if frame.height < rows:
        raise DataError(f"{path}: not a regular CSV file: {rows} rows by its lines, {frame.height} by its fields")
    frame = frame.head(rows)  # blank lines at the end are no rows
    return frame if columns is None else frame.select(columns)


def _check_lines(path: Path) -> tuple[str, list[str], int]:
    """Separator, header and number of data rows of a CSV file in which all lines are equally long.

    Polars fills up short lines with nulls, so a file that was cut off in the middle of a line would pass for one with
    missing answers; this strict pass by the standard library is what refuses it.
    """
    rows = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            separator = max(_SEPARATORS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))
            file.seek(0)
            lines = csv.reader(file, delimiter=separator, strict=True)
            header = next(lines, [])
            if not header:
                raise DataError(f"{path}: the file is empty")
            if twice := repeated(header):
                raise DataError(f"{path}: column {twice[0]!r} occurs {header.count(twice[0])} times")
            for row, line in enumerate(lines, start=1):
                if not line:
                    continue  # judged when a later line shows that it was not one of those that end the file
                if row != rows + 1:
                    raise DataError(f"{path}: row {rows + 1} is a blank line")
                if len(line) != len(header):
                    raise DataError(f"{path}: row {row} has {len(line)} fields, the header has {len(header)}")
                rows = row
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from None
    except csv.Error as error:
        raise DataError(f"{path}: not a regular CSV file after row {rows}: {error}") from None
    return separator, header, rows
