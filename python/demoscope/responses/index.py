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

    Rows are inserted in place, block by block: for a moment twice the room of an index of ten million answers would be
    what the machine cannot spare.
    """

    def __init__(self) -> None:
        self._keys = np.empty(0, KEY)
        self._numbers = np.empty(0, np.uint32)
        self._masses = np.empty(0, np.float64)

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def nbytes(self) -> int:
        """Room that the index takes, in bytes."""
        return self._keys.nbytes + self._numbers.nbytes + self._masses.nbytes

    def get(self, key: bytes) -> tuple[int, float] | None:
        """Outcome number and mass of a key of 16 bytes; ``None`` if it is not there."""
        place = int(self._keys.searchsorted(np.frombuffer(key, KEY))[0])
        if place == len(self._keys) or self._keys[place : place + 1].tobytes() != key:
            return None
        return int(self._numbers[place]), float(self._masses[place])

    def places(self, keys: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where keys are or would be, and whether they are there."""
        places = self._keys.searchsorted(keys)
        found = np.zeros(len(keys), np.bool_)
        inside = places < len(self._keys)
        found[inside] = self._keys[places[inside]] == keys[inside]
        return places, found

    def merge(self, keys: NDArray[Any], packed: Sequence[tuple[int, float]]) -> None:
        """Take outcomes, number and mass, of distinct keys in any order; they replace earlier ones of the same keys."""
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        places, found = self.places(keys)
        numbers = np.array([number for number, _ in packed], np.uint32)
        masses = np.array([mass for _, mass in packed], np.float64)
        pairs: tuple[tuple[NDArray[Any], NDArray[Any]], ...] = (
            (self._keys, keys),
            (self._numbers, numbers[order]),
            (self._masses, masses[order]),
        )
        for column, values in pairs:
            column[places[found]] = values[found]
            _insert(column, places[~found], values[~found])


def key_array(keys: Sequence[bytes]) -> NDArray[Any]:
    """Keys of 16 bytes as an array."""
    return np.frombuffer(b"".join(keys), KEY)


def _insert(column: NDArray[Any], places: NDArray[np.int64], values: NDArray[Any]) -> None:
    """Insert values before the given places of a column, which ascend, without a second copy of it."""
    size = len(column)
    column.resize(size + len(values), refcheck=False)  # nobody else holds the column
    # From the end, so that what is overwritten has been moved already: no row moves down.
    for first in range((size - 1) // _BLOCK_ROWS * _BLOCK_ROWS, -1, -_BLOCK_ROWS):
        rows = np.arange(first, min(first + _BLOCK_ROWS, size))
        column[rows + places.searchsorted(rows, side="right")] = column[rows]
    column[places + np.arange(len(values))] = values
