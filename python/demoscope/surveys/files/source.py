"""What every kind of data file gives: its columns, what it says about them, and chosen cells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from demoscope.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    import polars as pl


@dataclass(frozen=True)
class Source:
    """A data file that was opened: its description is known, its cells are read when they are asked for.

    Attributes:
        path: The file.
        columns: Names of all its columns, in its order.
        cells: Reads chosen columns; see ``read``.
        labels: Column to text of a code to label; empty where the format has none.
        titles: Column to what the file calls it.
        user_missing: Column to what the file declares missing: codes as text, ranges as ``"low..high"``.
        notes: What a user should be told about how the file was read.
        factors: Columns whose cells are labels, for which the file has no codes.
    """

    path: Path
    columns: tuple[str, ...]
    cells: Callable[[Sequence[str], Collection[str]], pl.DataFrame] = field(repr=False)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    titles: Mapping[str, str] = field(default_factory=dict, repr=False)
    user_missing: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()
    factors: frozenset[str] = frozenset()

    def read(self, columns: Sequence[str] | None = None, *, integers: Collection[str] = ()) -> pl.DataFrame:
        """Cells of some columns, in the order asked for.

        Args:
            columns: Names; ``None`` means all.
            integers: Columns of a text file for which ``"02"`` and ``2`` are the same: where every cell of one writes
                an integer, it may come as integers, which is faster than text.

        Raises:
            DataError: A column is absent, or the file is damaged.
        """
        names = list(self.columns if columns is None else columns)
        check_columns_exist(self.columns, names, where=self.path)
        return self.cells(names, integers)


def check_columns_exist(present: Sequence[str], wanted: Sequence[str], *, where: object) -> None:
    """Refuse a table that lacks a column.

    Raises:
        DataError: One line for each absent column, with the nearest present one.
    """
    known = frozenset(present)
    absent = [f"{where}: no column {name!r}{nearest(name, present)}" for name in wanted if name not in known]
    if absent:
        raise DataError("\n".join(absent))
