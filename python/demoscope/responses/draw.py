"""Answers drawn from stored probabilities by a generator that is keyed, not seeded in sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demoscope._native import draw_answers as native_draw_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


def draw_answers(
    probs: NDArray[np.float64],
    rows: NDArray[np.int64],
    streams: Sequence[str],
    *,
    seed: int,
    first: int = 0,
    draws: int,
) -> NDArray[np.uint8]:
    """Draw options by inverse transform.

    Each draw is a function of (seed, stream, number of the draw) and the probabilities, and of nothing else: it does
    not matter in which order, how many at once or beside whom answers are drawn, and more draws leave the first ones
    as they are.
    An option of probability 0 is never drawn.

    Args:
        probs: Probabilities, shape (C, K), one distribution per row, filled up with zeros on the right.
        rows: Row of ``probs`` for each stream, shape (m,).
        streams: Name of each stream, m texts.
        seed: Seed of the run, at least 0.
        first: Number of the first draw.
        draws: Number of draws.

    Returns:
        Index of the drawn option, shape (m, draws).
    """
    return native_draw_answers(probs, rows, streams, seed, first, draws)
