"""SPSS and Stata files, through pyreadstat.

Codes that SPSS declares missing stay codes, and Stata's tagged missing values become the texts ``.a`` to ``.z``: what
is missing, and why, is for the survey to say.
Dates come as the numbers that the file holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from demoscope.errors import DataError, MissingPartError
from demoscope.surveys.files.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

INSTALL: Final = "pip install 'demoscope[files]' (in a checkout: pip install '.[files]')"

_SPSS: Final = (b"$FL2", b"$FL3")
_STATA_OLD: Final = frozenset(bytes([release]) for release in (104, 105, 108, 110, 111, 112, 113, 114, 115))
_BYTE_ORDERS: Final = (b"\1", b"\2")


def open_spss(path: Path) -> Source:
    """Open a ``.sav`` or ``.zsav`` file.

    Raises:
        DataError: It is none, is cut off or is damaged.
        MissingPartError: pyreadstat is not installed.
    """
    head = _head(path)
    if not head.startswith(_SPSS):
        raise DataError(f"{path}: not an SPSS file: it begins with {head!r}")
    return _open(path, "read_sav")


def open_stata(path: Path) -> Source:
    """Open a ``.dta`` file.

    Raises:
        DataError: It is none, is cut off or is damaged.
        MissingPartError: pyreadstat is not installed.
    """
    head = _head(path)
    if not head.startswith(b"<stata") and not (head[:1] in _STATA_OLD and head[1:2] in _BYTE_ORDERS):
        raise DataError(f"{path}: not a Stata file: it begins with {head!r}")
    return _open(path, "read_dta")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


def _open(path: Path, function: str) -> Source:
    try:
        import pyreadstat
    except ImportError as error:
        raise MissingPartError(f"{path}: {path.suffix} files need pyreadstat ({error}): {INSTALL}") from error
    read: Callable[..., tuple[Any, Any]] = getattr(pyreadstat, function)

    def call(**options: Any) -> tuple[Any, Any]:  # noqa: ANN401 - pyreadstat's own
        try:
            return read(str(path), user_missing=True, disable_datetime_conversion=True, **options)
        except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError, ValueError) as error:
            raise DataError(f"{path}: damaged or cut-off file: {error}") from None

    _, meta = call(metadataonly=True)

    def cells(names: Sequence[str], integers: Collection[str]) -> pl.DataFrame:  # noqa: ARG001 - types are the file's
        if not names:
            return pl.DataFrame()
        frame, _ = call(usecols=list(names), output_format="polars")
        return pl.DataFrame([_with_tags(frame[name]) for name in names])

    labels = {
        column: {_code_text(code): str(label) for code, label in table.items()}
        for column, table in meta.variable_value_labels.items()
    }
    titles = {column: title for column, title in meta.column_names_to_labels.items() if title}
    return Source(
        path,
        tuple(meta.column_names),
        cells,
        labels=labels,
        titles=titles,
        user_missing=_user_missing(meta),
    )


def _with_tags(column: pl.Series) -> pl.Series:
    """Stata's tagged missing values as texts; pyreadstat mixes their letters with the numbers of a column."""
    if column.dtype != pl.Object:
        return column
    return pl.Series(column.name, [None if cell is None else _code_text(cell) for cell in column], dtype=pl.String)


def _code_text(code: object) -> str:
    """Text of a code as cells have it: no decimals on whole numbers, a dot before a tag."""
    if isinstance(code, str):
        return f".{code}" if len(code) == 1 and "a" <= code <= "z" else code
    if isinstance(code, float) and code.is_integer():
        return str(int(code))
    return str(code)


def _user_missing(meta: Any) -> Mapping[str, Sequence[str]]:  # noqa: ANN401 - pyreadstat's own
    ranges = {
        column: [_range_text(one) for one in declared] for column, declared in (meta.missing_ranges or {}).items()
    }
    tags = {column: [_code_text(tag) for tag in tags] for column, tags in (meta.missing_user_values or {}).items()}
    return ranges | tags


def _range_text(declared: Mapping[str, object]) -> str:
    low, high = _code_text(declared["lo"]), _code_text(declared["hi"])
    return low if low == high else f"{low}..{high}"
