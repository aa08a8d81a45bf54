"""Whether all lines of a delimited text file have as many fields as its header, at the speed of reading it.

Polars fills up short lines with nulls, so a file that was cut off in the middle of a line would pass for one with
missing answers.
A file is scanned in blocks as an array of bytes; whatever is not regular beyond doubt there (a quote inside a field, a
quote that stays open, a lone carriage return, a NUL byte) is left to the csv module, which is many times slower and
knows.
A cut exactly at the end of a line leaves a regular file and cannot be seen.
"""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final

import numpy as np

from demoscope.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from numpy.typing import NDArray

BLOCK_BYTES: Final = 4 << 20

_LF: Final = ord("\n")
_CR: Final = ord("\r")
_QUOTE: Final = ord('"')


def count_rows(open_bytes: Callable[[], BinaryIO], *, separator: str, fields: int, where: object) -> int:
    """Number of rows below the header of a text all of whose lines have as many fields.

    Blank lines at the end are no rows.

    Args:
        open_bytes: Opens the text from its beginning: UTF-8, with or without byte-order mark.
        separator: Mark between fields.
        fields: Number of fields of the header.
        where: Name of the file, for messages.

    Raises:
        DataError: A line has another number of fields, a blank line lies between others, quotes do not pair, or a cell
            holds a NUL byte; the message names the row.
    """
    with open_bytes() as file:
        rows = _count_regular(file, separator=ord(separator), fields=fields)
    if rows is None:
        return _count_by_csv_module(open_bytes(), separator=separator, fields=fields, where=where)
    return rows


def _count_regular(file: BinaryIO, *, separator: int, fields: int) -> int | None:
    """The same for a file that is regular beyond doubt; ``None`` where the csv module has to judge."""
    lines = blank = 0
    rest = file.read(len(BOM_UTF8)).removeprefix(BOM_UTF8)
    while block := file.read(BLOCK_BYTES):
        whole = rest + block
        if b"\0" in block or len(whole) > 8 * BLOCK_BYTES:
            return None
        cut = _last_line_end(whole)
        rest = whole[cut:]
        if cut:
            counted = _count_block(whole[:cut], separator, fields, blank=blank)
            if counted is None:
                return None
            lines, blank = lines + counted[0], counted[1]
    if rest:
        counted = _count_block(rest + b"\n", separator, fields, blank=blank)
        if counted is None:
            return None
        lines += counted[0]
    return lines - 1


def _last_line_end(block: bytes) -> int:
    """Where the last line ends that is whole and closes all its quotes, if lines hold whole fields."""
    if block.count(b'"') % 2 == 0:
        return block.rfind(b"\n") + 1
    data = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero((data == _LF) & ~_running_parity(data == _QUOTE))
    return int(ends[-1]) + 1 if len(ends) else 0


def _count_block(block: bytes, separator: int, fields: int, *, blank: int) -> tuple[int, int] | None:
    """Number of lines of whole lines, and of blank ones at their end; ``None`` where something is irregular.

    Args:
        block: Bytes that end with a line feed.
        separator: Mark between fields.
        fields: Number of fields that every line should have.
        blank: Number of blank lines that ended the block before.
    """
    data = np.frombuffer(block, np.uint8)
    feeds, marks = data == _LF, data == separator
    if b'"' in block:
        inside = _running_parity(data == _QUOTE)
        if inside[-1] or not _quotes_stand_at_edges(data, inside, separator):
            return None
        feeds &= ~inside
        marks &= ~inside
        returns = (data == _CR) & ~inside
    else:
        returns = data == _CR if b"\r" in block else None
    ends = np.flatnonzero(feeds)
    if returns is not None and returns.any():
        before = np.flatnonzero(returns) + 1
        if not feeds[before[before < len(data)]].all():
            return None
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts
    empty = (lengths == 0) | ((lengths == 1) & (data[starts] == _CR))
    n_blank = int(empty.sum())
    if n_blank:
        tail = n_blank if empty[len(empty) - n_blank :].all() else -1
        if tail < 0 or (blank and tail < len(empty)):
            return None
    elif blank:
        return None
    full = len(ends) - n_blank
    separators = np.diff(np.searchsorted(np.flatnonzero(marks), ends[:full]), prepend=0)
    if (separators != fields - 1).any() or (lengths[:full] > csv.field_size_limit()).any():
        return None
    return full, n_blank + (blank if full == 0 else 0)


def _running_parity(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the number of flags up to and with each place is odd: ``np.bitwise_xor.accumulate``, 64 at a time."""
    bits = np.packbits(flags, bitorder="little")
    words = np.zeros(-(-len(bits) // 8), "<u8")
    words.view(np.uint8)[: len(bits)] = bits
    for shift in (1, 2, 4, 8, 16, 32):
        words ^= words << np.uint64(shift)
    odd = np.bitwise_xor.accumulate(words >> np.uint64(63))
    words[1:] ^= np.uint64(0) - odd[:-1]  # all bits of a word turn where an odd number came before
    return np.unpackbits(words.view(np.uint8), count=len(flags), bitorder="little").view(np.bool_)


def _quotes_stand_at_edges(data: NDArray[np.uint8], inside: NDArray[np.bool_], separator: int) -> bool:
    """Whether each quoted run begins a field and ends it; doubled quotes inside close and open at one place.

    Args:
        data: Bytes of whole lines: the first begins one, the last is a line feed.
        inside: Whether a byte lies in a quoted run; a run's first quote does, its last one does not.
        separator: Mark between fields.
    """
    quotes = data == _QUOTE
    bare = ~(quotes | (data == separator) | (data == _LF) | (data == _CR))
    opening, closing = quotes & inside, quotes & ~inside
    return not ((opening[1:] & bare[:-1]).any() or (closing[:-1] & bare[1:]).any())


def _count_by_csv_module(file: BinaryIO, *, separator: str, fields: int, where: object) -> int:
    rows = 0
    with TextIOWrapper(file, "utf-8-sig", newline="") as text:
        lines = csv.reader(text, delimiter=separator, strict=True)
        next(lines, [])
        try:
            for row, line in enumerate(lines, start=1):
                if not line:
                    continue  # judged when a later line shows that it was not one of those that end the file
                if row != rows + 1:
                    raise DataError(f"{where}: row {rows + 1} is a blank line")
                if len(line) != fields:
                    raise DataError(f"{where}: row {row} has {len(line)} fields, the header has {fields}")
                if nul := [place for place, cell in enumerate(line, start=1) if "\0" in cell]:
                    raise DataError(f"{where}: row {row}, field {nul[0]}: a NUL byte, which no text has")
                rows = row
        except csv.Error as error:
            raise DataError(f"{where}: not a regular CSV file after row {rows}: {error}") from None
    return rows
