"""Opening a data file by its name and content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from demoscope.errors import DataError
from demoscope.surveys.files.archive import open_packed
from demoscope.surveys.files.cache import cached_source
from demoscope.surveys.files.parquet import open_parquet
from demoscope.surveys.files.r_data import open_r
from demoscope.surveys.files.statistics import open_spss, open_stata
from demoscope.surveys.files.text import open_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import polars as pl

    from demoscope.surveys.files.source import Source

_TEXT: Final = (".csv", ".tsv", ".txt")
_OPENERS: Final[dict[str, Callable[[Path], Source]]] = {
    **dict.fromkeys(_TEXT, open_text),
    ".parquet": open_parquet,
    ".sav": open_spss,
    ".zsav": open_spss,
    ".dta": open_stata,
    ".rds": open_r,
    ".rda": open_r,
    ".rdata": open_r,
}
_SLOW: Final = tuple(suffix for suffix, opener in _OPENERS.items() if opener in (open_spss, open_stata, open_r))
_PACKED: Final = (".gz", ".zip")
SUFFIXES: Final = (*_OPENERS, *_PACKED)
"""Ends of names of files that can be read, in lower case."""


def open_source(path: Path, *, cached: bool = True) -> Source:
    """Open a data file: CSV and its kin, Parquet, SPSS, Stata or R, as it is or alone in a ``.zip`` or ``.gz``.

    Args:
        path: The file.
        cached: Whether a file of a slow format is kept as Parquet in the user's cache; see ``cached_files``.

    Raises:
        DataError: The file cannot be read, is not what its name says, or is cut off.
        MissingPartError: The package that reads this format is not installed.
    """
    suffix = _readable(path, SUFFIXES)
    if suffix in _PACKED:
        return cached_source(path, _open_packed) if cached else _open_packed(path)
    opener = _OPENERS[suffix]
    return cached_source(path, opener) if cached and suffix in _SLOW else opener(path)


def _open_packed(path: Path) -> Source:
    return open_packed(path, _OPENERS)


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
    suffix = _readable(path, (*_TEXT, ".parquet"))
    source = open_parquet(path) if suffix == ".parquet" else open_text(path, strict=True)
    return source.read(columns)


def _readable(path: Path, known: Sequence[str]) -> str:
    """End of the name of a file that can be opened."""
    suffix = path.suffix.lower()
    if suffix not in known:
        raise DataError(f"{path}: unknown kind of file {path.suffix!r}; known are {', '.join(known)}")
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    return suffix
