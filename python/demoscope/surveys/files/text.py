"""Delimited text: CSV and its kin, whatever their separator, quotes and encoding."""

from __future__ import annotations

import codecs
import csv
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING, Final

import polars as pl

from demoscope.errors import DataError
from demoscope.surveys.files.lines import BLOCK_BYTES, count_rows
from demoscope.surveys.files.parquet import MAGIC
from demoscope.surveys.files.source import Source
from demoscope.surveys.item import repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path
    from typing import BinaryIO

_SEPARATORS: Final = (",", ";", "\t", "|")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAMPLE_ROWS: Final = 1000


def open_text(path: Path, *, strict: bool = False) -> Source:
    """Open a delimited text file with a header.

    Its separator is the one of comma, semicolon, tab and bar that gives the header most fields; every line has as many
    fields as the header.
    Text that is not UTF-8 is UTF-16 if it begins with that byte-order mark, else Windows-1252, else Latin-1; a note
    says so.

    Args:
        path: The file.
        strict: Whether only UTF-8 is read.

    Raises:
        DataError: The file is no text, is empty, or names a column twice; where cells are read: its lines are
            irregular.
    """
    encoding = _encoding(path, strict=strict)
    text = None if encoding == "utf-8" else path.read_bytes().decode(encoding).encode()
    notes = () if encoding == "utf-8" else (f"{path.name} is not UTF-8; it was read as {encoding}",)

    def open_bytes() -> BinaryIO:
        return path.open("rb") if text is None else BytesIO(text)

    separator, header = _header(open_bytes, where=path)
    named = tuple(header)
    unnamed = _rows_end_with_separator(open_bytes, separator, len(header))
    if unnamed:
        # One official single-country file is like that. The header gets the field that it lacks, named "".
        first, rest = (path.read_bytes() if text is None else text).split(b"\n", 1)
        text = first.rstrip(b"\r") + separator.encode() + b"\n" + rest
        notes = (*notes, f"every row of {path.name} ends with a separator that its header lacks")
        header = [*header, ""]
    checked: list[int] = []

    def cells(names: Sequence[str], integers: Collection[str]) -> pl.DataFrame:
        if not checked:
            checked.append(count_rows(open_bytes, separator=separator, fields=len(header), where=path))
            if unnamed:
                _check_empty(text, len(header), separator=separator, where=path)
        return _cells(path if text is None else text, names, integers, separator=separator, rows=checked[0], where=path)

    return Source(path, named, cells, notes=notes)


def _rows_end_with_separator(open_bytes: Callable[[], BinaryIO], separator: str, fields: int) -> bool:
    """Whether the first row has one field more than the header, and that is empty."""
    with TextIOWrapper(open_bytes(), "utf-8-sig", newline="") as text:
        lines = csv.reader(text, delimiter=separator)
        try:
            header, row = next(lines, []), next(lines, [])
        except csv.Error:
            return False
    return len(header) == fields and "" not in header and len(row) == fields + 1 and not row[-1]


def _check_empty(text: bytes | None, fields: int, *, separator: str, where: Path) -> None:
    """Refuse rows that hold something in the field that the header does not name."""
    with TextIOWrapper(BytesIO(text or b""), "utf-8-sig", newline="") as lines:
        for row, line in enumerate(csv.reader(lines, delimiter=separator)):
            if line and line[-1]:
                raise DataError(f"{where}: row {row} has {fields} fields, the header has {fields - 1}")


def _header(open_bytes: Callable[[], BinaryIO], *, where: Path) -> tuple[str, list[str]]:
    """Separator and names of columns; a name may hold line ends where it is quoted."""
    try:
        with TextIOWrapper(open_bytes(), "utf-8-sig", newline="") as text:
            first = text.readline()
            separator = max(_SEPARATORS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))
            text.seek(0)
            header = next(csv.reader(text, delimiter=separator, strict=True), [])
    except csv.Error as error:
        raise DataError(f"{where}: not a regular CSV file after row 0: {error}") from None
    if not header:
        raise DataError(f"{where}: the file is empty" if not first else f"{where}: the first line is blank")
    if twice := repeated(header):
        raise DataError(f"{where}: column {twice[0]!r} occurs {header.count(twice[0])} times")
    return separator, header


def _encoding(path: Path, *, strict: bool) -> str:
    """Encoding of a whole file; reading it as ASCII costs next to nothing."""
    with path.open("rb") as file:
        head = file.read(4096)
        if head.startswith(_UTF16) and not strict:
            return _decodes(path, "utf-16")
        if head.startswith(MAGIC) or b"\0" in head:
            raise DataError(f"{path}: not a text file: it begins with {head[:8]!r}")
        file.seek(0)
        decoder, done = codecs.getincrementaldecoder("utf-8")(), 0
        try:
            while block := file.read(BLOCK_BYTES):
                if not block.isascii() or decoder.getstate()[0]:
                    decoder.decode(block)
                done += len(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            if strict:
                raise DataError(f"{path}: not UTF-8 text: {error.reason} at byte {done + error.start}") from None
        else:
            return "utf-8"
    try:
        return _decodes(path, "cp1252")
    except DataError:
        return "latin-1"


def _decodes(path: Path, encoding: str) -> str:
    try:
        path.read_bytes().decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not {encoding} text: {error.reason} at byte {error.start}") from None
    return encoding


def _cells(
    content: Path | bytes,
    names: Sequence[str],
    integers: Collection[str],
    *,
    separator: str,
    rows: int,
    where: Path,
) -> pl.DataFrame:
    def read(numbers: Collection[str], *, n_rows: int | None = None) -> pl.DataFrame:
        return pl.read_csv(
            content,
            columns=list(names),
            separator=separator,
            infer_schema=False,
            schema_overrides=dict.fromkeys(numbers, pl.Int32),
            n_rows=n_rows,
            glob=False,
        )

    try:
        numbers = _integer_columns(read((), n_rows=_SAMPLE_ROWS), integers) if integers else []
        try:
            frame = read(numbers)
        except pl.exceptions.ComputeError:
            if not numbers:
                raise
            frame = read(())  # further down, a cell is no integer
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{where}: not a regular CSV file: {error}") from error
    if frame.height < rows:
        raise DataError(f"{where}: not a regular CSV file: {rows} rows by its lines, {frame.height} by its fields")
    return frame.head(rows).select(names)  # blank lines at the end are no rows


def _integer_columns(sample: pl.DataFrame, asked: Collection[str]) -> list[str]:
    names = [name for name in sample.columns if name in asked]
    fits = sample.select(pl.col(names).cast(pl.Int32, strict=False).is_not_null().eq(pl.col(names).is_not_null()).all())
    return [name for name in names if fits[name][0]]
