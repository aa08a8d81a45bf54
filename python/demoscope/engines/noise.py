"""The noise of drawn answers: one stream for each request, and a check that nobody shares one."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from demoscope.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

SUM_TOLERANCE: Final = 1e-6
"""Probabilities of one cell must sum to 1 up to this."""


def stream(seed: int) -> np.random.Generator:
    """Uniform noise that belongs to one request.

    Philox is a cipher of a counter under a key, so neighbouring seeds have nothing in common.

    Args:
        seed: Name of the noise, in [0, 2**128), such as :attr:`demoscope.engines.base.Request.seed`.
    """
    return np.random.Generator(np.random.Philox(key=seed))


def shared_noise(probs: Sequence[Sequence[float]], chosen: Sequence[int]) -> float:
    """How well drawn answers agree with noise that is independent from cell to cell.

    An engine that uses one seed for all requests writes answers of which each looks well by itself, while all lean
    towards the options that this one seed favours.
    If option j of a cell was drawn from p, then u = p_0 + ... + p_{j-1} + v p_j with v uniform is uniform as well (the
    randomised probability integral transform; Czado, Gneiting and Held, Biometrics 65, 2009, section 2), and
    independent from cell to cell, whatever the cells' own probabilities are.
    The Kolmogorov-Smirnov distance of all u from uniform is turned into a p-value with the limiting distribution at
    (sqrt(n) + 0.12 + 0.11 / sqrt(n)) D (Stephens, JRSS B 32, 1970); from 20 cells on it is good to 0.01.

    It sees noise that is shared by most cells; noise that repeats within small groups of cells only, such as within one
    persona, averages out.
    Cells of which one option has nearly all probability say nothing, so some hundred undecided cells are needed.

    Args:
        probs: Probability of each option, one row per cell; rows may differ in length and each sums to 1.
        chosen: Which option was drawn in each cell, from 0.

    Returns:
        Probability, in (0, 1], of a distance at least this large from an engine whose noise is independent and whose
        probabilities are ``probs``.
        The v come from a generator keyed by the cells themselves: the same cells in the same order give the same value.

    Raises:
        DataError: There are no cells, lengths differ, a row is no distribution, or a choice is no option of its row.
    """
    if len(probs) != len(chosen) or not len(chosen):
        raise DataError(f"{len(probs)} cells have probabilities and {len(chosen)} an answer; one each is needed")
    rows = [np.asarray(row, dtype=np.float64) for row in probs]
    # One fixed generator would lend all data sets the same v, which is most of u where cells are decided.
    cells = hashlib.blake2b(np.asarray(chosen, dtype=np.int64).tobytes(), digest_size=16)
    for place, (shares, option) in enumerate(zip(rows, chosen, strict=True)):
        if not (np.all(shares >= 0) and abs(shares.sum() - 1) <= SUM_TOLERANCE):
            raise DataError(f"cell {place}: {shares.tolist()} are not probabilities that sum to 1")
        if not 0 <= option < len(shares):
            raise DataError(f"cell {place}: option {option} of {len(shares)} was drawn")
        cells.update(shares.tobytes())
    uniform = stream(int.from_bytes(cells.digest(), "big")).random(len(rows))
    found = np.array(
        [
            shares[:option].sum() + part * shares[option]
            for shares, option, part in zip(rows, chosen, uniform, strict=True)
        ]
    )
    found.sort()
    steps = np.arange(len(found) + 1) / len(found)
    distance = float(max(np.max(steps[1:] - found), np.max(found - steps[:-1])))
    root = math.sqrt(len(found))
    return kolmogorov_tail((root + 0.12 + 0.11 / root) * distance)


def kolmogorov_tail(distance: float) -> float:
    """Probability that the supremum of a Brownian bridge's size exceeds ``distance``, in [0, 1].

    Kolmogorov's series and its theta transform, each where it converges in a few terms.
    """
    if distance <= 0:
        return 1.0
    if distance < 1:
        terms = (math.exp(-(((2 * k - 1) * math.pi / distance) ** 2) / 8) for k in range(1, 6))
        return 1.0 - math.sqrt(2 * math.pi) / distance * math.fsum(terms)
    return 2.0 * math.fsum((-1) ** (k - 1) * math.exp(-2 * (k * distance) ** 2) for k in range(1, 8))
