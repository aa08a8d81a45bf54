"""Raking: weights moved as little as possible until margins are what they should be.

Iterative proportional fitting (Deming & Stephan 1940): each margin in turn multiplies the weights of everybody with one
word by target over present share, until all margins hold at once.
The result keeps the odds ratios of the weights that it began with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from demoscope.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Floats: TypeAlias = npt.NDArray[np.float64]

TOLERANCE: Final = 1e-10
"""Largest difference between a share and its target, of 1."""

MOST_ROUNDS: Final = 10_000


@dataclass(frozen=True)
class Margin:
    """What the shares of an attribute should be.

    Attributes:
        attribute: Its name, for messages.
        values: Word of each person, ``None`` where unknown; who has none keeps the weight that other margins give.
        shares: Word to share among those whose word is known; they sum to 1.
    """

    attribute: str
    values: Sequence[str | None]
    shares: Mapping[str, float]


def rake(weights: Floats, margins: Sequence[Margin], *, where: str) -> Floats:
    """Weights that meet all margins, with the sum that they had.

    Args:
        weights: Weights to begin with, above 0, shape (n,).
        margins: What they should meet; each counts among those whose word is known.
        where: Whose margins these are, for messages.

    Returns:
        Weights of shape (n,); 0 for words whose share is 0.

    Raises:
        ConfigError: No respondent has a word that should have a share, a word that respondents have has none, or
            margins contradict each other or what people there are; the message names attribute and word.
    """
    places = [_places(margin, where=where) for margin in margins]
    raked = weights.astype(np.float64)
    # Sums of those whose word is known are fixed, so that margins with different gaps do not chase each other.
    totals = [sum(_sum(raked, rows) for rows in words.values()) for words in places]
    worst = (0.0, "", "")
    for _ in range(MOST_ROUNDS):
        worst = max(
            (
                (abs(_sum(raked, rows) / total - margin.shares[word]), margin.attribute, word)
                for margin, words, total in zip(margins, places, totals, strict=True)
                for word, rows in words.items()
            ),
            default=worst,
        )
        if worst[0] <= TOLERANCE:
            return raked
        for margin, words, total in zip(margins, places, totals, strict=True):
            for word, rows in words.items():
                present = _sum(raked, rows)
                if present > 0:
                    raked[rows] *= margin.shares[word] * total / present
    raise ConfigError(
        f"personas.targets: {where}: {worst[1]} {worst[2]!r} stays {worst[0]:.2g} from its share however weights are "
        "moved; nobody has the combination of words that the targets together ask for"
    )


def _places(margin: Margin, *, where: str) -> dict[str, npt.NDArray[np.int64]]:
    """Rows of each word that somebody has."""
    values = np.array(["" if value is None else value for value in margin.values], dtype=object)
    known = np.array([value is not None for value in margin.values], dtype=np.bool_)
    found = {
        word: np.flatnonzero((values == word) & known)
        for word in sorted({value for value in margin.values if value is not None})
    }
    for word, share in margin.shares.items():
        if share > 0 and word not in found:
            raise ConfigError(
                f"personas.targets: {where}: {margin.attribute} {word!r} should have a share of {share:g}, "
                "and no respondent has that word"
            )
    for word, rows in found.items():
        if word not in margin.shares:
            raise ConfigError(
                f"personas.targets: {where}: {margin.attribute} {word!r} has no share, and {len(rows)} respondents "
                "have that word; give it 0 to leave them out"
            )
    return found


def _sum(weights: Floats, rows: npt.NDArray[np.int64]) -> float:
    return float(np.add.reduce(weights[rows]))
