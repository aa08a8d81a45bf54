"""What every sealed answer came to, in 28 bytes each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

KEY: Final = np.dtype("S16")
"""Keys compare as bytes; a fixed width makes the zeros at the end that NumPy drops from single values harmless."""

_BLOCK_ROWS: Final = 1 << 16

_RESERVED_ROWS: Final = 1 << 23
"""Room that is asked of the system at first: it costs addresses, and memory only where it is used.

Columns that grow by and by leave holes behind, which come to as much as the columns.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an answer came to.

    Attributes:
        status: Its status.
        reason: Why it is not valid, if it is not.
        label_mass: Probability of all labels together, if it is known.
    """

    status: str
    reason: str | None
    label_mass: float | None


class Outcomes:
    """Numbers for the pairs of status and reason that occur, which are few, and for whether the mass is known."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str | None, bool], int] = {}
        self._names: list[tuple[str, str | None, bool]] = []

    def pack(self, status: str, reason: str | None, label_mass: float | None) -> tuple[int, float]:
        """An outcome as a number and a mass."""
        name = (status, reason, label_mass is not None)
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._names)
            self._names.append(name)
        return number, math.nan if label_mass is None else label_mass

    def unpack(self, number: int, mass: float) -> Outcome:
        """The outcome of a number and a mass."""
        status, reason, known = self._names[number]
        return Outcome(status, reason, mass if known else None)


class Index:
    """Sorted keys with the outcome of each.

    Rows are inserted in place, block by block, so that there is never a second copy of a column.
    """

    def __init__(self) -> None:
        self._size = 0
        self._keys: NDArray[Any] = np.empty(_RESERVED_ROWS, KEY)
        self._numbers: NDArray[Any] = np.empty(_RESERVED_ROWS, np.uint32)
        self._masses: NDArray[Any] = np.empty(_RESERVED_ROWS, np.float64)

    def __len__(self) -> int:
        return self._size

    @property
    def nbytes(self) -> int:
        """Room that the index uses, in bytes."""
        return self._size * (self._keys.itemsize + self._numbers.itemsize + self._masses.itemsize)

    def get(self, key: bytes) -> tuple[int, float] | None:
        """Outcome number and mass of a key of 16 bytes; ``None`` if it is not there."""
        place = int(self._keys[: self._size].searchsorted(np.frombuffer(key, KEY))[0])
        if place == self._size or self._keys[place : place + 1].tobytes() != key:
            return None
        return int(self._numbers[place]), float(self._masses[place])

    def places(self, keys: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where keys are or would be, and whether they are there."""
        places = self._keys[: self._size].searchsorted(keys)
        found = np.zeros(len(keys), np.bool_)
        inside = places < self._size
        found[inside] = self._keys[places[inside]] == keys[inside]
        return places, found

    def merge(self, keys: NDArray[Any], packed: Sequence[tuple[int, float]]) -> None:
        """Take outcomes, number and mass, of distinct keys in any order; they replace earlier ones of the same keys."""
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        places, found = self.places(keys)
        numbers = np.array([number for number, _ in packed], np.uint32)
        masses = np.array([mass for _, mass in packed], np.float64)
        grown = self._size + int(np.count_nonzero(~found))
        if grown > len(self._keys):
            rows = 2 * grown
            self._keys, self._numbers, self._masses = (
                _enlarged(column, self._size, rows) for column in (self._keys, self._numbers, self._masses)
            )
        for column, values in ((self._keys, keys), (self._numbers, numbers[order]), (self._masses, masses[order])):
            column[places[found]] = values[found]
            _insert(column, self._size, places[~found], values[~found])
        self._size = grown


def key_array(keys: Sequence[bytes]) -> NDArray[Any]:
    """Keys of 16 bytes as an array."""
    return np.frombuffer(b"".join(keys), KEY)


def _insert(column: NDArray[Any], size: int, places: NDArray[np.int64], values: NDArray[Any]) -> None:
    """Insert values before the given places, which ascend, among the first rows of a column that has room for them."""
    # From the end, so that what is overwritten has been moved already: no row moves down.
    for first in range((size - 1) // _BLOCK_ROWS * _BLOCK_ROWS, -1, -_BLOCK_ROWS):
        rows = np.arange(first, min(first + _BLOCK_ROWS, size))
        column[rows + places.searchsorted(rows, side="right")] = column[rows]
    column[places + np.arange(len(values))] = values


def _enlarged(column: NDArray[Any], size: int, rows: int) -> NDArray[Any]:
    larger = np.empty(rows, column.dtype)
    larger[:size] = column[:size]
    return larger
