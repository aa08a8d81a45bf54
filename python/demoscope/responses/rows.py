"""A row of the store as one line of bytes, and lines as a frame.

A line is the JSON array of the values of ``schema.CELLS``, in their order, without spaces, in UTF-8.
It is the form that the journal keeps and the form that is hashed, so each answer has exactly one:

* a ``Float64`` always has a point, an exponent or both, and the fewest digits that give the same 64 bits back;
  ``-0.0`` keeps its sign;
* not a number, and the infinities, which JSON lacks, are the bare words ``NaN``, ``Infinity`` and ``-Infinity``; no
  JSON text is one of them, and a text that reads so has quotation marks; all values that are no numbers are the same;
* ``null`` is an absent value and never stands for one of these.
"""

from __future__ import annotations

import json
import operator
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from demoscope.errors import StoreError
from demoscope.schema import CELLS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CELLS_SCHEMA: Final[dict[str, Any]] = {
    name: {
        "String": pl.String,
        "Float64": pl.Float64,
        "Int32": pl.Int32,
        "Int64": pl.Int64,
        "List(Float64)": pl.List(pl.Float64),
    }[dtype]
    for name, dtype in CELLS.items()
}
"""``schema.CELLS`` in types of Polars."""

KEY_DIGITS: Final = 32

_NAMES: Final = tuple(CELLS)
_PLACES: Final = {name: place for place, name in enumerate(_NAMES)}
_values = operator.itemgetter(*_NAMES)
_TYPES: Final[dict[str, type]] = {"String": str, "Float64": float, "Int32": int, "Int64": int, "List(Float64)": list}
_EXACT: Final = tuple(frozenset({_TYPES[dtype], type(None)}) for dtype in CELLS.values())
_INTEGERS: Final = tuple(
    (_PLACES[name], 1 << (int(dtype[3:]) - 1)) for name, dtype in CELLS.items() if dtype.startswith("Int")
)
_PROBS: Final = _PLACES["probs"]
_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode

# The key is the first column, so that a line tells its cell without being parsed.
_KEY_AT: Final = slice(2, 2 + KEY_DIGITS)
_CHUNK_ROWS: Final = 4096
"""Lines that are parsed at once: as Python objects they take ten times their room."""

_seen_types: set[tuple[type, ...]] = set()


def key_bytes(key: str) -> bytes | None:
    """The 16 bytes of a key of 32 hexadecimal digits in lower case; ``None`` if it is no such key."""
    try:
        raw = bytes.fromhex(key)
    except ValueError:
        return None
    return raw if len(key) == KEY_DIGITS and raw.hex() == key else None


def line_key(line: bytes) -> bytes:
    """The 16 bytes of the key of a line."""
    return bytes.fromhex(line[_KEY_AT].decode("ascii"))


def encode_row(row: Mapping[str, Any]) -> tuple[bytes, list[Any]]:
    """An answer as a line, and its values in the order of ``schema.CELLS``.

    Numbers of other types (those of NumPy, whole numbers in a column of floats) become the type of their column.
    Halves of surrogate pairs, which a server can cut and no UTF-8 text can hold, become U+FFFD.

    Raises:
        StoreError: The row has other columns, a value of another type or out of range, or no key of 32 hexadecimal
            digits; the message names cell and column.
    """
    if len(row) != len(_NAMES):
        raise _wrong_columns(row)
    try:
        values = list(_values(row))
    except KeyError:
        raise _wrong_columns(row) from None
    if not isinstance(values[0], str) or key_bytes(values[0]) is None:
        raise StoreError(f"cell {values[0]!r}: the key of an answer has {KEY_DIGITS} hexadecimal digits in lower case")
    types = tuple(map(type, values))
    if types not in _seen_types:
        if all(kind in exact for kind, exact in zip(types, _EXACT, strict=True)):
            _seen_types.add(types)
        else:
            values = [_plain(row, name, dtype) for name, dtype in CELLS.items()]
    probs = values[_PROBS]
    if probs and set(map(type, probs)) != {float}:
        values[_PROBS] = _plain(row, "probs", CELLS["probs"])
    for place, bound in _INTEGERS:
        number = values[place]
        if number is not None and not -bound <= number < bound:
            raise StoreError(f"cell {row['cell']!r}: {_NAMES[place]} {number} does not fit {CELLS[_NAMES[place]]}")
    try:
        return _encode(values).encode(), values
    except UnicodeEncodeError:
        values = [_whole_characters(value) if isinstance(value, str) else value for value in values]
        return _encode(values).encode(), values


def encode_values(values: Sequence[Any]) -> bytes:
    """The line of a row of a frame whose columns are ``schema.CELLS``."""
    return _encode(values).encode()


def decode_line(line: bytes) -> list[Any]:
    """Values of a line, in the order of ``schema.CELLS``."""
    values: list[Any] = json.loads(line)
    return values


def frame_of(lines: Sequence[bytes]) -> pl.DataFrame:
    """Answers as a frame with columns ``schema.CELLS``, one row for each line."""
    pieces = [pl.DataFrame(schema=CELLS_SCHEMA)]
    for first in range(0, len(lines), _CHUNK_ROWS):
        # One parse for all lines of a chunk; a line has no line breaks and is itself JSON.
        rows = json.loads(b"[" + b",".join(lines[first : first + _CHUNK_ROWS]) + b"]")
        columns = zip(CELLS_SCHEMA.items(), zip(*rows, strict=True), strict=True)
        pieces.append(pl.DataFrame([pl.Series(name, column, dtype=dtype) for (name, dtype), column in columns]))
    return pl.concat(pieces)


def _plain(row: Mapping[str, Any], name: str, dtype: str) -> Any:  # noqa: ANN401 - any value of a row
    value = row[name]
    if value is None:
        return None
    try:
        if dtype == "List(Float64)":
            return [_number(part) for part in value]
        if dtype == "Float64":
            return _number(value)
        if dtype.startswith("Int"):
            return int(operator.index(value))
    except (TypeError, ValueError) as error:
        raise StoreError(f"cell {row['cell']!r}: {name} {value!r} is no {dtype}") from error
    if not isinstance(value, str):
        raise StoreError(f"cell {row['cell']!r}: {name} {value!r} is no {dtype}")
    return str(value)


def _number(value: Any) -> float:  # noqa: ANN401 - any value of a row
    if isinstance(value, str | bytes):
        raise TypeError  # Python reads numbers in texts
    return float(value)


def _whole_characters(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _wrong_columns(row: Mapping[str, Any]) -> StoreError:
    lacking, unknown = sorted(set(CELLS) - set(row)), sorted(set(row) - set(CELLS))
    return StoreError(f"cell {row.get('cell')!r}: not a row of the store: lacking {lacking}, unknown {unknown}")
