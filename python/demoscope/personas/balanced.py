"""Whole numbers in the place of expected ones, with margins kept as nearly as whole numbers allow.

The cube method (Deville & Tillé 2004) in the form that looks at few cells at a time (Chauvet & Tillé 2006): fractions
move, in random directions along which no margin changes, until they are 0 or 1; when no such direction is left, margins
are given up one after the other, the last one first.
Every cell is rounded up with a probability equal to its fraction, so counts are right on average.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Iterator

Floats: TypeAlias = npt.NDArray[np.float64]
Counts: TypeAlias = npt.NDArray[np.int64]

_NONE: Final = 1e-9
"""What counts as 0: fractions come from sums of weights, and null vectors from elimination in floats."""


def rounded(expected: Floats, margins: Floats, *, uniform: Iterator[float]) -> Counts:
    """Round expected counts at random.

    Args:
        expected: Expected count of each cell, 0 or more, shape (K,).
        margins: Which cells each margin counts, 0 or 1, most important first, shape (M, K).
        uniform: Random numbers in [0, 1).

    Returns:
        Each expected count rounded down or up, shape (K,).
    """
    whole = np.floor(expected + _NONE)
    fractions = np.clip(expected - whole, 0.0, 1.0)
    fractions[fractions <= _NONE] = 0.0
    kept = margins
    while True:
        moving = np.flatnonzero((fractions > 0) & (fractions < 1))
        if not moving.size:
            counts: Counts = (whole + fractions).astype(np.int64)
            return counts
        _fly(fractions, moving, kept, uniform)
        kept = kept[:-1]


def _fly(fractions: Floats, moving: npt.NDArray[np.int64], margins: Floats, uniform: Iterator[float]) -> None:
    """Move fractions until they are whole or no direction keeps all margins."""
    waiting = moving.tolist()[::-1]
    active: list[int] = []
    while True:
        while waiting and len(active) <= len(margins):
            active.append(waiting.pop())
        if not active:
            return
        direction = null_vector(margins[:, active])
        if direction is None:
            return
        now = fractions[active]
        up, down = _room(now, direction), _room(now, -direction)
        step = up if next(uniform) * (up + down) < down else -down
        moved = now + step * direction
        moved[moved <= _NONE] = 0.0
        moved[moved >= 1 - _NONE] = 1.0
        fractions[active] = moved
        active = [cell for cell, value in zip(active, moved.tolist(), strict=True) if 0 < value < 1]


def _room(now: Floats, direction: Floats) -> float:
    """How far one can go before a fraction leaves [0, 1]."""
    rising, falling = direction > _NONE, direction < -_NONE
    limits = np.concatenate(((1 - now[rising]) / direction[rising], now[falling] / -direction[falling]))
    return float(limits.min())


def null_vector(matrix: Floats) -> Floats | None:
    """A direction that the matrix maps to 0, by elimination with the largest pivot; ``None`` where there is none.

    Elimination instead of a decomposition of a library: its result depends on IEEE arithmetic alone, not on who built
    the library.
    """
    reduced = matrix.astype(np.float64)
    columns = reduced.shape[1]
    pivots: list[int] = []
    for column in range(columns):
        row = len(pivots)
        below = np.abs(reduced[row:, column])
        if not below.size or below.max() <= _NONE:
            found = np.zeros(columns)
            found[column] = 1.0
            found[pivots] = -reduced[: len(pivots), column]
            return found
        best = row + int(below.argmax())
        reduced[[row, best]] = reduced[[best, row]]
        reduced[row] /= reduced[row, column]
        others = reduced[:, column].copy()
        others[row] = 0.0
        reduced -= others[:, None] * reduced[row]
        pivots.append(column)
    return None
